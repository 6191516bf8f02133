//! What the media worker does: scanned bytes out of the quarantine, media into its bucket, and the upload's end.

use std::{io::Write, path::Path};

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{MetadataDirective, ServerSideEncryption, TaggingDirective},
};
use domain::{ContentHash, EnclosureSettings, Media, MediaFile, MediaFormat, Upload, UploadState};
use ring::digest;
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, MediaId, Permission, TenantContext, UploadId,
    permission::{ProcessUpload, RenderFeed},
};

use crate::{
    Storage, StorageError,
    error::During,
    keys,
    keys::Collection,
    transaction::Change,
    uploads::{UNFINISHED_STATES, UNPROBED_STATES, end_upload},
};

/// One version of an uploaded object: the one that was scanned, whatever came later.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Which upload.
    pub upload: UploadId,
    /// S3's version of the object; none where the event did not say.
    pub version: Option<String>,
}

/// Measures bytes as they pass.
pub struct Measure {
    sha256: digest::Context,
    crc32: crc32fast::Hasher,
    size_bytes: u64,
}

impl Default for Measure {
    fn default() -> Self {
        Self { sha256: digest::Context::new(&digest::SHA256), crc32: crc32fast::Hasher::new(), size_bytes: 0 }
    }
}

impl Measure {
    /// Counts `bytes` in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.crc32.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    /// What was measured.
    ///
    /// # Errors
    /// None: SHA-256 has 32 bytes.
    pub fn finish(self) -> Result<Measured, StorageError> {
        let hash = self.sha256.finish().as_ref().try_into().map_err(StorageError::corrupt)?;
        Ok(Measured {
            hash: ContentHash::from_digest(hash),
            size_bytes: self.size_bytes,
            crc32: self.crc32.finalize(),
        })
    }
}

/// What bytes measure.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Their SHA-256.
    pub hash: ContentHash,
    /// How many there are.
    pub size_bytes: u64,
    crc32: u32,
}

impl Measured {
    /// The file of `format` that they are.
    pub fn of(self, format: MediaFormat) -> MediaFile {
        MediaFile { hash: self.hash, size_bytes: self.size_bytes, crc32: self.crc32, format }
    }
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

    /// All media.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_all_media(&self, context: &TenantContext) -> Result<Vec<Media>, StorageError> {
        self.list_all(context, Collection::Media).await
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

    /// Copies scanned bytes into `file` and measures them. Memory does not grow with the object.
    ///
    /// # Errors
    /// [`StorageError::Denied`] when the object was not scanned, or not found clean: the bucket's policy hides it.
    pub async fn fetch_quarantined(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        from: &Quarantined,
        file: &mut impl Write,
    ) -> Result<Measure, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let mut object = tenant
            .clients
            .s3()
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
        let mut measure = Measure::default();
        while let Some(bytes) = object.body.next().await {
            let bytes = bytes.map_err(|error| unavailable(error.into()))?;
            measure.update(&bytes);
            file.write_all(&bytes).map_err(|error| unavailable(error.into()))?;
        }
        Ok(measure)
    }

    /// Copies scanned bytes to where media is kept, named by their hash. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn promote(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        from: &Quarantined,
        to: &MediaFile,
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
            .s3()
            .copy_object()
            .copy_source(source)
            .bucket(self.environment.get("MEDIA_BUCKET")?)
            .key(keys::media_object(context, &to.hash))
            .metadata_directive(MetadataDirective::Replace)
            // The scan's verdict stays behind, with the object that it was about.
            .tagging_directive(TaggingDirective::Replace)
            .content_type(to.format.content_type())
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:CopyObject")?;
        Ok(())
    }

    /// Keeps what was made from an upload beside it, named by its hash. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer, or the file cannot be read.
    pub async fn write_rendition(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        rendition: &MediaFile,
        path: &Path,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let bytes = ByteStream::from_path(path).await.map_err(StorageError::corrupt)?;
        tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get("MEDIA_BUCKET")?)
            .key(keys::media_object(context, &rendition.hash))
            .content_type(rendition.format.content_type())
            .body(bytes)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:PutObject")?;
        Ok(())
    }

    /// The medium that has these bytes already, if one has; of a master, the one whose enclosure was made in this way.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_media_by_hash(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        hash: &ContentHash,
        settings: EnclosureSettings,
    ) -> Result<Option<Media>, StorageError> {
        let context = grant.context();
        for name in [hash.to_string(), master_name(hash, settings)] {
            let entry: Option<HashEntry> = self.find(context, Collection::MediaHashes, &name).await?;
            if let Some(entry) = entry {
                return self.find_media(context, &entry.media_id).await;
            }
        }
        Ok(None)
    }

    /// Writes how far an upload got, or how it ended. With `new_media` the medium is written in the same transaction.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the upload has ended or got as far already, or the bytes have become a medium in the meantime.
    pub async fn advance_upload(
        &self,
        grant: &Grant<'_, ProcessUpload>,
        upload: &Upload,
        new_media: Option<&Media>,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, upload.id.as_str())?;
        // Which version is probed is decided once.
        let before = if upload.state == UploadState::Probing { UNPROBED_STATES } else { UNFINISHED_STATES };
        change.replace_in_state(Collection::Uploads, upload.id.as_str(), before, upload)?;
        change.detail("state", &upload.state)?;
        if let Some(id) = &upload.media_id {
            change.detail("media_id", id)?;
        }
        if let Some(rejection) = &upload.rejection {
            change.detail("rejection", &rejection.code)?;
        }
        if let Some(media) = new_media {
            let hash = &media.original.hash;
            let name = match media.original.format.is_master() {
                true => master_name(hash, upload.enclosure),
                false => hash.to_string(),
            };
            change
                .create(Collection::MediaHashes, &name, &HashEntry { media_id: media.id.clone() })?
                .create(Collection::Media, media.id.as_str(), media)?;
        }
        end_upload(&mut change, grant.context(), upload)?;
        change.commit().await
    }

    /// Removes one version of the bytes from the quarantine once it is promoted or refused.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer; the sweep removes it then, and the bucket's lifecycle in the end.
    pub async fn delete_quarantined<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        from: &Quarantined,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .s3()
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

/// Under which name a master is found: one for each way to make its enclosure.
fn master_name(hash: &ContentHash, settings: EnclosureSettings) -> String {
    let loudness = if settings.is_loudness_normalized { "normalized" } else { "as-is" };
    format!("{hash}#{}#{loudness}", settings.bit_rate.bits_per_second())
}
