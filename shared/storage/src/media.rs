//! What the media worker does: scanned bytes out of the quarantine, media into its bucket, and the upload's end.

use std::io::Write;

use aws_sdk_s3::types::{MetadataDirective, ServerSideEncryption, TaggingDirective};
use domain::{ContentHash, Media, MediaFormat, Quota, Upload};
use ring::digest;
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, MediaId, TenantContext, UploadId,
    permission::{ProcessUpload, RenderFeed},
};

use crate::{
    Storage, StorageError, error::During, keys, keys::Collection, transaction::Change,
    uploads::UNFINISHED_STATES,
};

/// One version of an uploaded object: the one that was scanned, whatever came later.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Which upload.
    pub upload: UploadId,
    /// S3's version of the object; none where the event did not say.
    pub version: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct HashEntry {
    media_id: MediaId,
}

impl Storage {
    /// Finds a medium.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_media(
        &self,
        context: &TenantContext,
        id: &MediaId,
    ) -> Result<Option<Media>, StorageError> {
        self.find(context, Collection::Media, id.as_str()).await
    }

    /// All media, for a feed.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_media_for_feed(
        &self,
        grant: &Grant<'_, RenderFeed>,
    ) -> Result<Vec<Media>, StorageError> {
        self.list_all(grant.context(), Collection::Media).await
    }

    /// Copies scanned bytes into `file` and answers their hash and number. Memory does not grow with the object.
    ///
    /// # Errors
    /// [`StorageError::Denied`] when the object was not scanned, or not found clean: the bucket's policy hides it.
    pub async fn fetch_quarantined(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        from: &Quarantined,
        file: &mut impl Write,
    ) -> Result<(ContentHash, u64), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let mut object = tenant
            .clients
            .s3
            .get_object()
            .bucket(self.environment.get("UPLOAD_BUCKET")?)
            .key(keys::upload_object(context, &from.upload))
            .set_version_id(from.version.clone())
            .send()
            .await
            .during("s3:GetObject")?;

        let unavailable = |source: Box<dyn std::error::Error + Send + Sync>| StorageError::Unavailable {
            operation: "s3:GetObject",
            source,
        };
        let mut digest = digest::Context::new(&digest::SHA256);
        let mut size = 0;
        while let Some(bytes) = object.body.next().await {
            let bytes = bytes.map_err(|error| unavailable(error.into()))?;
            digest.update(&bytes);
            file.write_all(&bytes).map_err(|error| unavailable(error.into()))?;
            size += bytes.len() as u64;
        }
        let hash = digest.finish().as_ref().try_into().map_err(StorageError::corrupt)?;
        Ok((ContentHash::from_digest(hash), size))
    }

    /// Copies scanned bytes to where media is kept, named by their hash. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn promote(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        from: &Quarantined,
        hash: &ContentHash,
        format: MediaFormat,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let bucket = self.environment.get("UPLOAD_BUCKET")?;
        let mut source = format!("{bucket}/{}", keys::upload_object(context, &from.upload));
        if let Some(version) = &from.version {
            source.push_str(&format!("?versionId={version}"));
        }
        tenant
            .clients
            .s3
            .copy_object()
            .copy_source(source)
            .bucket(self.environment.get("MEDIA_BUCKET")?)
            .key(keys::media_object(context, hash))
            .metadata_directive(MetadataDirective::Replace)
            // The scan's verdict stays behind, with the object that it was about.
            .tagging_directive(TaggingDirective::Replace)
            .content_type(format.content_type())
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:CopyObject")?;
        Ok(())
    }

    /// The medium that has these bytes already, if one has.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_media_by_hash(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        hash: &ContentHash,
    ) -> Result<Option<Media>, StorageError> {
        let context = grant.context();
        let entry: Option<HashEntry> = self.find(context, Collection::MediaHashes, hash.as_str()).await?;
        match entry {
            Some(entry) => self.find_media(context, &entry.media_id).await,
            None => Ok(None),
        }
    }

    /// Writes how far an upload got, or how it ended. With `new_media` the medium is written in the same transaction.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the upload has ended already, or the bytes have become a medium in the meantime.
    pub async fn advance_upload(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        upload: &Upload,
        new_media: Option<&Media>,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, upload.id.as_str())?;
        change.replace_in_state(Collection::Uploads, upload.id.as_str(), UNFINISHED_STATES, upload)?;
        change.detail("state", &upload.state)?;
        if let Some(id) = &upload.media_id {
            change.detail("media_id", id)?;
        }
        if let Some(rejection) = &upload.rejection {
            change.detail("rejection", &rejection.code)?;
        }
        if let Some(media) = new_media {
            change
                .create(
                    Collection::MediaHashes,
                    media.hash.as_str(),
                    &HashEntry { media_id: media.id.clone() },
                )?
                .create(Collection::Media, media.id.as_str(), media)?;
        }
        if upload.state.is_final() {
            change
                .delete_if_there(Collection::UnfinishedUploads, upload.id.as_str())?
                .count(Quota::UnfinishedUploads, -1);
        }
        change.commit().await
    }

    /// Removes the bytes from the quarantine once they are promoted or refused.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer; the bucket's lifecycle removes them in the end.
    pub async fn delete_quarantined(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        from: &Quarantined,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .s3
            .delete_object()
            .bucket(self.environment.get("UPLOAD_BUCKET")?)
            .key(keys::upload_object(context, &from.upload))
            .set_version_id(from.version.clone())
            .send()
            .await
            .during("s3:DeleteObject")?;
        Ok(())
    }
}
