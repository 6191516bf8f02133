//! The feed bucket: what the renderer writes and the listener API reads, and links to media.
//!
//! Published feeds are served from here alone, so they go on being served when DynamoDB does not answer.

use std::time::Duration;

use aws_sdk_s3::{
    error::ProvideErrorMetadata, presigning::PresigningConfig, primitives::ByteStream,
    types::ServerSideEncryption,
};
use bytes::Bytes;
use domain::{ContentHash, Slug};
use tenant_context::{Grant, ShowId, TenantContext, permission::RenderFeed};
use url::Url;

use crate::{SlugRecord, Storage, StorageError, aws::Clients, error::During, keys};

/// An object of the feed bucket.
#[derive(Debug)]
pub struct FeedObject {
    /// Its bytes.
    pub bytes: Bytes,
    /// S3's tag of it, to replace this very object and no other.
    pub etag: String,
}

/// What a signed link to media may be used for.
#[derive(Debug, Clone, Copy)]
pub enum MediaLink {
    /// GET, whole or in ranges.
    Get,
    /// HEAD.
    Head,
}

/// When to write an object.
#[derive(Debug, Clone, Copy)]
pub enum WriteIf<'a> {
    /// Whatever is there: its name tells its content.
    Always,
    /// When nothing is there.
    Absent,
    /// When what is there has this tag.
    Unchanged(&'a str),
}

impl Storage {
    /// Reads an object of a show's feed.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_feed_object(
        &self,
        context: &TenantContext,
        show: &ShowId,
        name: &str,
    ) -> Result<Option<FeedObject>, StorageError> {
        let tenant = self.tenant(context).await?;
        self.read_object(&tenant.clients, "FEED_BUCKET", &keys::feed_object(context, show, name)).await
    }

    /// Writes an object of a show's feed under the tenancy's key.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when `condition` does not hold.
    pub async fn write_feed_object(
        &self,
        grant: &Grant<'_, RenderFeed>,
        show: &ShowId,
        name: &str,
        bytes: Vec<u8>,
        condition: WriteIf<'_>,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let put = tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get("FEED_BUCKET")?)
            .key(keys::feed_object(context, show, name))
            .body(ByteStream::from(bytes))
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?);
        let put = match condition {
            WriteIf::Always => put,
            WriteIf::Absent => put.if_none_match("*"),
            WriteIf::Unchanged(etag) => put.if_match(etag),
        };
        put.send().await.during("s3:PutObject")?;
        Ok(())
    }

    /// The show behind a slug, as published. Through the function's own role.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_published_slug(&self, slug: &Slug) -> Result<Option<SlugRecord>, StorageError> {
        let object = self.read_object(&self.own, "FEED_BUCKET", &slug_object(slug)).await?;
        object.map(|object| serde_json::from_slice(&object.bytes).map_err(StorageError::corrupt)).transpose()
    }

    /// Publishes which show is behind a slug. Through the function's own role.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn write_published_slug(&self, record: &SlugRecord) -> Result<(), StorageError> {
        self.own
            .s3()
            .put_object()
            .bucket(self.environment.get("FEED_BUCKET")?)
            .key(slug_object(&record.slug))
            .body(ByteStream::from(serde_json::to_vec(record).map_err(StorageError::corrupt)?))
            .send()
            .await
            .during("s3:PutObject")?;
        Ok(())
    }

    /// A short-lived link to media, served with `file_name` and the type that it was promoted with.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn link_to_media(
        &self,
        context: &TenantContext,
        hash: &ContentHash,
        link: MediaLink,
        lifetime: Duration,
    ) -> Result<String, StorageError> {
        let tenant = self.tenant(context).await?;
        let bucket = self.environment.get("MEDIA_BUCKET")?;
        let key = keys::media_object(context, hash);
        let lifetime = PresigningConfig::expires_in(lifetime).map_err(StorageError::corrupt)?;
        let s3 = tenant.clients.s3();
        let request = match link {
            MediaLink::Get => {
                s3.get_object().bucket(bucket).key(key).presigned(lifetime).await.during("s3:GetObject")?
            }
            MediaLink::Head => {
                s3.head_object().bucket(bucket).key(key).presigned(lifetime).await.during("s3:GetObject")?
            }
        };
        Ok(request.uri().to_owned())
    }

    /// A small file of the media bucket, whole.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_media(
        &self,
        context: &TenantContext,
        hash: &ContentHash,
    ) -> Result<Option<Bytes>, StorageError> {
        let tenant = self.tenant(context).await?;
        let key = keys::media_object(context, hash);
        Ok(self.read_object(&tenant.clients, "MEDIA_BUCKET", &key).await?.map(|object| object.bytes))
    }

    /// Where [`Self::link_to_media`] leads: scheme, host and port, as a browser compares them.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn media_origin(&self, context: &TenantContext) -> Result<String, StorageError> {
        let any = ContentHash::from_digest([0; 32]);
        let link = self.link_to_media(context, &any, MediaLink::Get, Duration::from_secs(1)).await?;
        let url = Url::parse(&link).map_err(StorageError::corrupt)?;
        Ok(url.origin().ascii_serialization())
    }

    /// A whole object; none where there is none.
    pub(crate) async fn read_object(
        &self,
        clients: &Clients,
        bucket: &'static str,
        key: &str,
    ) -> Result<Option<FeedObject>, StorageError> {
        let answer = clients.s3().get_object().bucket(self.environment.get(bucket)?).key(key).send().await;
        let object = match answer {
            Ok(object) => object,
            // Without the right to list a bucket, and nobody has it, S3 calls a missing object denied.
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied")) => return Ok(None),
            Err(error) => return Err(error).during("s3:GetObject"),
        };
        let etag = object.e_tag().unwrap_or_default().to_owned();
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| StorageError::Unavailable { operation: "s3:GetObject", source: error.into() })?;
        Ok(Some(FeedObject { bytes: bytes.into_bytes(), etag }))
    }
}

fn slug_object(slug: &Slug) -> String {
    format!("slugs/{slug}.json")
}
