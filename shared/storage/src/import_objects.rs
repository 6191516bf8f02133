//! What an import keeps in the export bucket, and the bytes that go from there, or from elsewhere, into the quarantine.
//!
//! Everything of one import is under `<TenancyId>/<ImportId>/`. Media that lies in an archive as it is, S3 copies by itself; what was
//! fetched passes through the worker in parts. Both become an upload like any other, with scan and probe still before it.

use std::ops::Range;

use aws_sdk_s3::{presigning::PresigningConfig, primitives::ByteStream, types::ServerSideEncryption};
use bytes::Bytes;
use domain::{ContentHash, Import, ImportFile, Part};
use tenant_context::{
    Grant, ImportId, Permission, UploadId,
    permission::{CarryOutImport, CreateImport},
};

use crate::{
    ReceivedPart, SignedPut, Storage, StorageError, UploadPart,
    error::During,
    export_archives::{header, is_missing, not_open},
    keys,
    uploads::PART_URL_LIFETIME,
};

const EXPORT_BUCKET: &str = "EXPORT_BUCKET";
const UPLOAD_BUCKET: &str = "UPLOAD_BUCKET";

/// Which bytes of an import's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportBytes {
    /// A range of a file that the caller has sent.
    Sent(u32, Range<u64>),
    /// What the worker has written, named by its hash.
    Written(ContentHash),
}

/// A file that is not all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteFile {
    /// Which file.
    pub number: u32,
    /// The first part that is missing, or of another size than announced.
    pub part: u16,
}

/// A part of an upload that S3 has.
pub type MediaPart = ReceivedPart;

fn file_name(number: u32) -> String {
    format!("files/{number}")
}

fn written_name(hash: &ContentHash) -> String {
    format!("work/{hash}")
}

impl Storage {
    /// Opens a multipart upload for each file that does not fit into one part.
    pub(crate) async fn open_import_files(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &mut Import,
    ) -> Result<(), StorageError> {
        let id = import.id.clone();
        for file in import.files.iter_mut().filter(|file| !file.part_plan().is_one_piece()) {
            let key = keys::import_object(grant.context(), &id, &file_name(file.number));
            file.multipart_id = Some(self.open_multipart(grant, EXPORT_BUCKET, key).await?);
        }
        Ok(())
    }

    pub(crate) async fn open_multipart<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        bucket: &'static str,
        key: String,
    ) -> Result<String, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let opened = tenant
            .clients
            .s3()
            .create_multipart_upload()
            .bucket(self.environment.get(bucket)?)
            .key(key)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:CreateMultipartUpload")?;
        opened.upload_id.ok_or_else(|| StorageError::corrupt("S3 answered no upload"))
    }

    /// Signs a URL for all bytes of a file at once.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn sign_import_put(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &ImportId,
        file: &ImportFile,
    ) -> Result<SignedPut, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let lifetime = PresigningConfig::expires_in(PART_URL_LIFETIME).map_err(StorageError::corrupt)?;
        let request = tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get(EXPORT_BUCKET)?)
            .key(keys::import_object(context, import, &file_name(file.number)))
            .content_length(i64::try_from(file.size_bytes).map_err(StorageError::corrupt)?)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .presigned(lifetime)
            .await
            .during("s3:PutObject")?;
        // Whoever sends bytes says how many they are anyway.
        let own = request.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        Ok(SignedPut {
            url: request.uri().to_owned(),
            headers: own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// Signs a URL for each of the first `most` parts of a file that are not there yet. None once the file is whole.
    ///
    /// # Errors
    /// [`StorageError`] when S3 or STS does not answer.
    pub async fn sign_import_parts(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &ImportId,
        file: &ImportFile,
        most: usize,
    ) -> Result<Vec<UploadPart>, StorageError> {
        let context = grant.context();
        let multipart = file.multipart_id.as_deref().unwrap_or_default();
        let key = keys::import_object(context, import, &file_name(file.number));
        let Some(received) = self.list_parts_of(context, (EXPORT_BUCKET, &key), multipart).await? else {
            return Ok(Vec::new());
        };
        let tenant = self.tenant(context).await?;
        let lifetime = PresigningConfig::expires_in(PART_URL_LIFETIME).map_err(StorageError::corrupt)?;
        let missing = file.part_plan().parts().filter(|part| !is_received(part, &received)).take(most);
        let mut signed = Vec::new();
        for part in missing {
            let request = tenant
                .clients
                .s3()
                .upload_part()
                .bucket(self.environment.get(EXPORT_BUCKET)?)
                .key(&key)
                .upload_id(multipart)
                .part_number(i32::from(part.number))
                .content_length(i64::try_from(part.size_bytes).map_err(StorageError::corrupt)?)
                .presigned(lifetime.clone())
                .await
                .during("s3:UploadPart")?;
            signed.push(UploadPart { part, url: request.uri().to_owned() });
        }
        Ok(signed)
    }

    /// Puts the files of an import together. Twice is once. Answers those that are not all there.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn assemble_import_files(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &Import,
    ) -> Result<Vec<IncompleteFile>, StorageError> {
        let context = grant.context();
        let mut incomplete = Vec::new();
        for file in &import.files {
            let key = keys::import_object(context, &import.id, &file_name(file.number));
            if let Some(multipart) = &file.multipart_id
                && let Some(received) = self.list_parts_of(context, (EXPORT_BUCKET, &key), multipart).await?
            {
                let missing = file.part_plan().parts().find(|part| !is_received(part, &received));
                if let Some(part) = missing {
                    incomplete.push(IncompleteFile { number: file.number, part: part.number });
                    continue;
                }
                match self.complete_parts_of(context, (EXPORT_BUCKET, &key), multipart, &received).await {
                    Ok(()) | Err(StorageError::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
            if self.find_object_size(grant, key).await? != Some(file.size_bytes) {
                incomplete.push(IncompleteFile { number: file.number, part: 1 });
            }
        }
        Ok(incomplete)
    }

    async fn find_object_size<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        key: String,
    ) -> Result<Option<u64>, StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        let answer = tenant
            .clients
            .s3()
            .head_object()
            .bucket(self.environment.get(EXPORT_BUCKET)?)
            .key(key)
            .send()
            .await;
        match answer {
            Ok(object) => Ok(object.content_length().and_then(|length| u64::try_from(length).ok())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error)
                if error.raw_response().is_some_and(|raw| matches!(raw.status().as_u16(), 403 | 404)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).during("s3:HeadObject"),
        }
    }

    /// Bytes of an import's. None when they are not there any more.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_import_bytes(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        bytes: &ImportBytes,
    ) -> Result<Option<Bytes>, StorageError> {
        let context = grant.context();
        let (name, range) = match bytes {
            ImportBytes::Sent(number, range) => (file_name(*number), Some(range)),
            ImportBytes::Written(hash) => (written_name(hash), None),
        };
        if range.is_some_and(Range::is_empty) {
            return Ok(Some(Bytes::new()));
        }
        let key = keys::import_object(context, import, &name);
        self.read_range(grant, self.environment.get(EXPORT_BUCKET)?, key, range).await
    }

    /// Keeps bytes for an import under their hash. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn write_import_work(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        bytes: Vec<u8>,
    ) -> Result<ContentHash, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let hash = ContentHash::of(&bytes);
        tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get(EXPORT_BUCKET)?)
            .key(keys::import_object(context, import, &written_name(&hash)))
            .body(ByteStream::from(bytes))
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .send()
            .await
            .during("s3:PutObject")?;
        Ok(hash)
    }

    /// Deletes everything that is kept for an import, what the caller has sent too.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn delete_import_objects(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &Import,
    ) -> Result<(), StorageError> {
        for file in &import.files {
            let key = keys::import_object(grant.context(), &import.id, &file_name(file.number));
            if let Some(multipart) = &file.multipart_id {
                self.abort_multipart(grant, EXPORT_BUCKET, &key, multipart).await?;
            }
        }
        self.delete_objects(grant, &keys::import_objects(grant.context(), &import.id)).await
    }

    /// Opens a multipart upload into the quarantine, for an upload that is made once its bytes are all there.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn open_import_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        upload: &UploadId,
    ) -> Result<String, StorageError> {
        self.open_multipart(grant, UPLOAD_BUCKET, keys::upload_object(grant.context(), upload)).await
    }

    /// Its parts that S3 has; none when it was put together, or given up.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_import_upload_parts(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        upload: &UploadId,
        multipart: &str,
    ) -> Result<Option<Vec<MediaPart>>, StorageError> {
        let key = keys::upload_object(grant.context(), upload);
        self.list_parts_of(grant.context(), (UPLOAD_BUCKET, &key), multipart).await
    }

    /// Has S3 copy a range of a file that the caller has sent into a part. Answers whether the file is there.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the multipart upload is not open any more.
    pub async fn copy_into_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        (upload, multipart, part): (&UploadId, &str, u16),
        (import, file, range): (&ImportId, u32, Range<u64>),
    ) -> Result<bool, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let source = keys::import_object(context, import, &file_name(file));
        let answer = tenant
            .clients
            .s3()
            .upload_part_copy()
            .bucket(self.environment.get(UPLOAD_BUCKET)?)
            .key(keys::upload_object(context, upload))
            .upload_id(multipart)
            .part_number(i32::from(part))
            .copy_source(format!("{}/{source}", self.environment.get(EXPORT_BUCKET)?))
            .copy_source_range(header(&range))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(not_open(error, "s3:UploadPartCopy")),
        }
    }

    /// Writes a part.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the multipart upload is not open any more.
    pub async fn write_into_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        (upload, multipart, part): (&UploadId, &str, u16),
        bytes: Vec<u8>,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .s3()
            .upload_part()
            .bucket(self.environment.get(UPLOAD_BUCKET)?)
            .key(keys::upload_object(context, upload))
            .upload_id(multipart)
            .part_number(i32::from(part))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| not_open(error, "s3:UploadPart"))?;
        Ok(())
    }

    /// Puts parts together; the scan starts by itself. What is not open any more was put together before.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn finish_import_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        upload: &UploadId,
        multipart: &str,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let key = keys::upload_object(context, upload);
        let Some(parts) = self.list_parts_of(context, (UPLOAD_BUCKET, &key), multipart).await? else {
            return Ok(());
        };
        match self.complete_parts_of(context, (UPLOAD_BUCKET, &key), multipart, &parts).await {
            Err(StorageError::Conflict) => Ok(()),
            result => result,
        }
    }

    /// Gives up a multipart upload of which nothing comes.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn abort_import_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        upload: &UploadId,
        multipart: &str,
    ) -> Result<(), StorageError> {
        let key = keys::upload_object(grant.context(), upload);
        self.abort_multipart(grant, UPLOAD_BUCKET, &key, multipart).await
    }
}

fn is_received(part: &Part, received: &[ReceivedPart]) -> bool {
    received.iter().any(|have| have.number == part.number && have.size_bytes == part.size_bytes)
}
