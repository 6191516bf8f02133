//! The export bucket: archives that S3 puts together by itself, and what the worker keeps there until they are.
//!
//! Everything of one export is under `<TenancyId>/<ExportId>/`. An archive is one multipart upload, whose parts are ranges that S3
//! copies from the tenancy's media, or from what the worker has written, and bytes that pass through the function.

use std::{collections::HashMap, ops::Range, time::Duration};

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier, ServerSideEncryption},
};
use bytes::Bytes;
use domain::ContentHash;
use tenant_context::{
    ExportId, Grant, Permission,
    permission::{DownloadExport, PrepareExport},
};

use crate::{Storage, StorageError, error::During, keys};

/// Which archive of an export, from 1.
pub type ArchiveNumber = u32;

/// Where bytes of an archive lie before they are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportObject {
    /// A file of the tenancy's media.
    Media(ContentHash),
    /// What the worker has written, named by its hash.
    Written(ContentHash),
}

/// A part of an archive that S3 has.
#[derive(Debug, Clone)]
pub struct ArchivePart {
    /// From 1.
    pub number: u32,
    etag: String,
}

/// The name of an archive's object, and of the file that is downloaded.
fn archive_name(export: &ExportId, number: ArchiveNumber) -> String {
    format!("{export}-{number}.zip")
}

fn written_name(hash: &ContentHash) -> String {
    format!("work/{hash}")
}

/// An answer of S3's that says that the object is not there. Whoever may not list a bucket is told so in other words.
pub(crate) fn is_missing<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(error.code(), Some("NoSuchKey" | "NotFound" | "AccessDenied"))
}

impl Storage {
    /// Keeps bytes for an export under their hash. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn write_export_object(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        bytes: Vec<u8>,
    ) -> Result<ContentHash, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let hash = ContentHash::of(&bytes);
        tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &written_name(&hash)))
            .body(ByteStream::from(bytes))
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:PutObject")?;
        Ok(hash)
    }

    /// Bytes for an archive: `range` of an object, or all of it. None when the object is not there.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_export_object(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        object: &ExportObject,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, StorageError> {
        let (bucket, key) = self.place_of(grant, export, object)?;
        self.read_range(grant, bucket, key, range.as_ref()).await
    }

    /// `range` of an object, or all of it. None when the object is not there.
    pub(crate) async fn read_range<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        bucket: &str,
        key: String,
        range: Option<&Range<u64>>,
    ) -> Result<Option<Bytes>, StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        let answer = tenant
            .clients
            .s3()
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_range(range.map(header))
            .send()
            .await;
        let object = match answer {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error).during("s3:GetObject"),
        };
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| StorageError::Unavailable { operation: "s3:GetObject", source: error.into() })?;
        Ok(Some(bytes.into_bytes()))
    }

    /// Which files the tenancy's media has, and how many bytes each.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_media_objects(
        &self,
        grant: &Grant<'_, PrepareExport>,
    ) -> Result<HashMap<ContentHash, u64>, StorageError> {
        let context = grant.context();
        let prefix = keys::media_objects(context);
        let found = self.list_objects(grant, "MEDIA_BUCKET", &prefix).await?;
        let named = found.into_iter().filter_map(|(key, size)| {
            let hash = key.strip_prefix(&prefix)?.parse().ok()?;
            Some((hash, size))
        });
        Ok(named.collect())
    }

    /// Opens an archive, whose parts can then be written.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn start_archive(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        number: ArchiveNumber,
    ) -> Result<String, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let name = archive_name(export, number);
        let opened = tenant
            .clients
            .s3()
            .create_multipart_upload()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &name))
            .content_type("application/zip")
            .content_disposition(format!("attachment; filename=\"{name}\""))
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:CreateMultipartUpload")?;
        opened.upload_id.ok_or_else(|| StorageError::corrupt("S3 answered no upload"))
    }

    /// The parts of an archive that S3 has; none when it is not open any more.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_archive_parts(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        number: ArchiveNumber,
        upload: &str,
    ) -> Result<Option<Vec<ArchivePart>>, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let mut pages = tenant
            .clients
            .s3()
            .list_parts()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, number)))
            .upload_id(upload)
            .into_paginator()
            .send();
        let mut parts = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(None),
                Err(error) => return Err(error).during("s3:ListParts"),
            };
            for part in page.parts() {
                parts.push(ArchivePart {
                    number: u32::try_from(part.part_number().unwrap_or_default())
                        .map_err(StorageError::corrupt)?,
                    etag: part.e_tag().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(Some(parts))
    }

    /// Has S3 copy `range` of an object into a part. None when the object is not there.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the archive is not open any more.
    pub async fn copy_archive_part(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        (archive, upload, part): (ArchiveNumber, &str, u32),
        (object, range): (&ExportObject, Range<u64>),
    ) -> Result<Option<ArchivePart>, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let (bucket, key) = self.place_of(grant, export, object)?;
        let answer = tenant
            .clients
            .s3()
            .upload_part_copy()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, archive)))
            .upload_id(upload)
            .part_number(i32::try_from(part).map_err(StorageError::corrupt)?)
            .copy_source(format!("{bucket}/{key}"))
            .copy_source_range(header(&range))
            .send()
            .await;
        let copied = match answer {
            Ok(copied) => copied,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(not_open(error, "s3:UploadPartCopy")),
        };
        let etag = copied.copy_part_result.and_then(|result| result.e_tag).unwrap_or_default();
        Ok(Some(ArchivePart { number: part, etag }))
    }

    /// Writes a part.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the archive is not open any more.
    pub async fn write_archive_part(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        (archive, upload, part): (ArchiveNumber, &str, u32),
        bytes: Vec<u8>,
    ) -> Result<ArchivePart, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .s3()
            .upload_part()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, archive)))
            .upload_id(upload)
            .part_number(i32::try_from(part).map_err(StorageError::corrupt)?)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| not_open(error, "s3:UploadPart"))?;
        Ok(ArchivePart { number: part, etag: written.e_tag.unwrap_or_default() })
    }

    /// Puts the parts of an archive together. One that is not open any more was put together before, or given up: what is there
    /// tells.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when there is no archive then.
    pub async fn finish_archive(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        (archive, upload): (ArchiveNumber, &str),
        mut parts: Vec<ArchivePart>,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        parts.sort_by_key(|part| part.number);
        let parts = parts.into_iter().map(|part| {
            let number = i32::try_from(part.number).unwrap_or(i32::MAX);
            CompletedPart::builder().part_number(number).e_tag(part.etag).build()
        });
        tenant
            .clients
            .s3()
            .complete_multipart_upload()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, archive)))
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build())
            .send()
            .await
            .map_err(|error| not_open(error, "s3:CompleteMultipartUpload"))?;
        Ok(())
    }

    /// How many bytes an archive has that was put together; none when there is none.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn find_archive_size(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        archive: ArchiveNumber,
    ) -> Result<Option<u64>, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let answer = tenant
            .clients
            .s3()
            .head_object()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, archive)))
            .send()
            .await;
        match answer {
            Ok(object) => Ok(object.content_length().and_then(|length| u64::try_from(length).ok())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error).during("s3:HeadObject"),
        }
    }

    /// Gives up an archive that is open. Its parts are gone then.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn abort_archive(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        archive: ArchiveNumber,
        upload: &str,
    ) -> Result<(), StorageError> {
        let key = keys::export_object(grant.context(), export, &archive_name(export, archive));
        self.abort_multipart(grant, "EXPORT_BUCKET", &key, upload).await
    }

    /// Deletes what the worker has kept for an export, and leaves its archives.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn delete_export_work(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
    ) -> Result<(), StorageError> {
        let prefix = keys::export_object(grant.context(), export, "work/");
        self.delete_objects(grant, &prefix).await
    }

    /// Deletes everything of an export: its archives, and what the worker has kept.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn delete_export_objects(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
    ) -> Result<(), StorageError> {
        self.delete_objects(grant, &keys::export_objects(grant.context(), export)).await
    }

    /// A short-lived link to an archive. Who asked is in the audit log before they have it.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn link_to_archive(
        &self,
        grant: &Grant<'_, DownloadExport>,
        export: &ExportId,
        archive: ArchiveNumber,
        lifetime: Duration,
    ) -> Result<String, StorageError> {
        let context = grant.context();
        self.record(grant, export.as_str()).await?;
        let tenant = self.tenant(context).await?;
        let request = tenant
            .clients
            .s3()
            .get_object()
            .bucket(self.environment.get("EXPORT_BUCKET")?)
            .key(keys::export_object(context, export, &archive_name(export, archive)))
            .presigned(PresigningConfig::expires_in(lifetime).map_err(StorageError::corrupt)?)
            .await
            .during("s3:GetObject")?;
        Ok(request.uri().to_owned())
    }

    /// Bucket and key of what goes into an archive.
    fn place_of(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        object: &ExportObject,
    ) -> Result<(&str, String), StorageError> {
        let context = grant.context();
        Ok(match object {
            ExportObject::Media(hash) => {
                (self.environment.get("MEDIA_BUCKET")?, keys::media_object(context, hash))
            }
            ExportObject::Written(hash) => {
                let name = written_name(hash);
                (self.environment.get("EXPORT_BUCKET")?, keys::export_object(context, export, &name))
            }
        })
    }

    pub(crate) async fn abort_multipart<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        bucket: &'static str,
        key: &str,
        upload: &str,
    ) -> Result<(), StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        let aborted = tenant
            .clients
            .s3()
            .abort_multipart_upload()
            .bucket(self.environment.get(bucket)?)
            .key(key)
            .upload_id(upload)
            .send()
            .await;
        match aborted {
            Err(error) if error.code() != Some("NoSuchUpload") => {
                Err(error).during("s3:AbortMultipartUpload")
            }
            _ => Ok(()),
        }
    }

    async fn list_objects<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        bucket: &'static str,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        let mut pages = tenant
            .clients
            .s3()
            .list_objects_v2()
            .bucket(self.environment.get(bucket)?)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.during("s3:ListObjectsV2")?;
            for object in page.contents() {
                let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                found.extend(object.key().map(|key| (key.to_owned(), size)));
            }
        }
        Ok(found)
    }

    pub(crate) async fn delete_objects<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        prefix: &str,
    ) -> Result<(), StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        let found = self.list_objects(grant, "EXPORT_BUCKET", prefix).await?;
        // S3 deletes so many at once.
        for batch in found.chunks(1_000) {
            let objects: Result<Vec<_>, _> =
                batch.iter().map(|(key, _)| ObjectIdentifier::builder().key(key).build()).collect();
            let objects = objects.map_err(StorageError::corrupt)?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let deleted = tenant
                .clients
                .s3()
                .delete_objects()
                .bucket(self.environment.get("EXPORT_BUCKET")?)
                .delete(delete.map_err(StorageError::corrupt)?)
                .send()
                .await
                .during("s3:DeleteObjects")?;
            if !deleted.errors().is_empty() {
                return Err(StorageError::throttled("s3:DeleteObjects"));
            }
        }
        Ok(())
    }
}

/// The bytes of `range` as HTTP names them (RFC 9110, 14.1.2): the last one included.
pub(crate) fn header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

pub(crate) fn not_open<E, R>(error: SdkError<E, R>, operation: &'static str) -> StorageError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        Some("NoSuchUpload") => StorageError::Conflict,
        _ => StorageError::from_sdk(operation, error),
    }
}
