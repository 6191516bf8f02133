//! Uploads: the item, and the multipart upload into the quarantine that it stands for.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    presigning::PresigningConfig,
    types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{ABANDONED_AFTER, Part, Quota, Upload, UploadState};
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, Permission, TenantContext, Timestamp, UploadId,
    permission::{CreateUpload, SweepUploads},
};

use crate::{
    Notice, Page, PageRequest, Storage, StorageError, access::reaches, error::During,
    export_archives::not_open, keys, keys::Collection, transaction::Change,
};

/// How long a part's URL works. Credentials live 15 minutes, and a URL signed by them no longer; `GET` signs new ones.
pub(crate) const PART_URL_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The states in which bytes may still be sent.
pub(crate) const OPEN_STATES: &[&str] = &["created", "uploading"];
/// The states before probing.
pub(crate) const UNPROBED_STATES: &[&str] = &["created", "uploading", "scanning"];
/// The states that another may follow.
pub(crate) const UNFINISHED_STATES: &[&str] = &["created", "uploading", "scanning", "probing"];
/// How many abandoned uploads one request ends at most.
const MOST_ABANDONED: u16 = 25;
/// Uploads that are read at once where some of them are looked for, and that are read for one page at most.
const READ_AT_ONCE: u16 = 500;
const MOST_EXAMINED: usize = 5_000;

#[derive(Serialize, Deserialize)]
pub(crate) struct UnfinishedUpload {
    pub id: UploadId,
    pub created_at: Timestamp,
}

/// Where to PUT a part.
#[derive(Debug)]
pub struct UploadPart {
    /// Which part.
    pub part: Part,
    /// A presigned URL that takes exactly the part's number of bytes.
    pub url: String,
}

/// How to send all bytes in one PUT.
#[derive(Debug)]
pub struct SignedPut {
    /// A presigned URL that takes exactly the announced number of bytes, and where a SHA-256 was announced those bytes alone.
    pub url: String,
    /// What must go with them, as it is.
    pub headers: BTreeMap<String, String>,
}

/// A part that S3 has.
#[derive(Debug, Clone)]
pub struct ReceivedPart {
    /// Its number.
    pub number: u16,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// When it came.
    pub received_at: Timestamp,
    pub(crate) etag: String,
}

impl Storage {
    /// Starts an upload: opens a multipart upload under the tenancy's key where the bytes do not fit into one part, then writes the
    /// item. A multipart upload that no item tells of is aborted by the bucket's lifecycle. Where there is no place for it, uploads that
    /// were abandoned give up theirs.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken, [`StorageError::QuotaExceeded`] when the tenancy may have no more.
    pub async fn create_upload(
        &self,
        grant: &Grant<'_, CreateUpload>,
        mut upload: Upload,
    ) -> Result<Upload, StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        if !upload.part_plan().is_one_piece() {
            upload.multipart_id = self.open_multipart_upload(grant, &upload).await?;
        }

        let mut written = self.write_new_upload(grant, &upload).await;
        let is_full = matches!(written, Err(StorageError::QuotaExceeded { .. }));
        if is_full && self.end_abandoned_uploads(grant).await? {
            written = self.write_new_upload(grant, &upload).await;
        }
        if let Err(StorageError::QuotaExceeded { .. }) = written {
            self.abort_multipart_upload(grant, &upload).await?;
        }
        written.map(|()| upload)
    }

    async fn open_multipart_upload(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<Option<String>, StorageError> {
        let key = keys::upload_object(grant.context(), &upload.id);
        self.open_multipart(grant, "UPLOAD_BUCKET", key).await.map(Some)
    }

    async fn write_new_upload(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        let id = upload.id.as_str();
        let unfinished = UnfinishedUpload { id: upload.id.clone(), created_at: upload.created_at };
        let mut change = Change::new(self, grant, id)?;
        change
            .detail("state", &upload.state)?
            .create(Collection::Uploads, id, upload)?
            .create(Collection::UnfinishedUploads, id, &unfinished)?
            .count(Quota::UnfinishedUploads, 1);
        change.commit().await
    }

    /// Ends the oldest uploads that nothing can come of any more. Answers whether there were any.
    async fn end_abandoned_uploads(&self, grant: &Grant<'_, CreateUpload>) -> Result<bool, StorageError> {
        let (context, now) = (grant.context(), self.now());
        let oldest = PageRequest { after: None, limit: MOST_ABANDONED };
        let unfinished: Page<UnfinishedUpload> =
            self.list(context, Collection::UnfinishedUploads, &oldest).await?;
        let mut has_ended = false;
        for old in unfinished.items.iter().filter(|upload| upload.created_at.plus(ABANDONED_AFTER) <= now) {
            let Some(mut upload) = self.find_upload(context, &old.id).await? else { continue };
            if reaches(grant, upload.show_id.as_ref()).is_err() || upload.expire(now).is_err() {
                continue;
            }
            let id = upload.id.as_str();
            let mut change = Change::new(self, grant, id)?;
            change.detail("state", &upload.state)?.replace_in_state(
                Collection::Uploads,
                id,
                UNFINISHED_STATES,
                &upload,
            )?;
            end_upload(&mut change, context, &upload)?;
            match change.commit().await {
                // Somebody else has ended it in the meantime: its place is free as well.
                Ok(()) | Err(StorageError::Conflict) => has_ended = true,
                Err(error) => return Err(error),
            }
        }
        Ok(has_ended)
    }

    /// Finds an upload.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_upload(
        &self,
        context: &TenantContext,
        id: &UploadId,
    ) -> Result<Option<Upload>, StorageError> {
        self.find(context, Collection::Uploads, id.as_str()).await
    }

    /// Lists uploads: those in one of `states`, or all where none is named. A page may have fewer than asked for, and there is more as
    /// long as there is a next one.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_uploads(
        &self,
        context: &TenantContext,
        states: &[UploadState],
        request: &PageRequest,
    ) -> Result<Page<Upload>, StorageError> {
        if states.is_empty() {
            return self.list(context, Collection::Uploads, request).await;
        }
        let limit = usize::from(request.limit);
        let mut read = PageRequest { limit: READ_AT_ONCE, ..request.clone() };
        let mut items = Vec::new();
        let mut examined = 0;
        loop {
            let page: Page<Upload> = self.list(context, Collection::Uploads, &read).await?;
            examined += page.items.len();
            for upload in page.items.into_iter().filter(|upload| states.contains(&upload.state)) {
                let id = upload.id.to_string();
                items.push(upload);
                if items.len() == limit {
                    return Ok(Page { items, next: Some(id) });
                }
            }
            if page.next.is_none() || examined >= MOST_EXAMINED {
                return Ok(Page { items, next: page.next });
            }
            read.after = page.next;
        }
    }

    /// Signs a URL for all bytes at once.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn sign_put(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<SignedPut, StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let lifetime = PresigningConfig::expires_in(PART_URL_LIFETIME).map_err(StorageError::corrupt)?;
        let size = i64::try_from(upload.size_bytes).map_err(StorageError::corrupt)?;
        let request = tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get("UPLOAD_BUCKET")?)
            .key(keys::upload_object(context, &upload.id))
            .content_length(size)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .set_checksum_sha256(upload.sha256.as_ref().map(|hash| STANDARD.encode(hash.to_digest())))
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

    /// Signs a URL for each of `parts`.
    ///
    /// # Errors
    /// [`StorageError`] when STS does not answer.
    pub async fn sign_parts(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
        parts: &[Part],
    ) -> Result<Vec<UploadPart>, StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let lifetime = PresigningConfig::expires_in(PART_URL_LIFETIME).map_err(StorageError::corrupt)?;
        let mut signed = Vec::with_capacity(parts.len());
        for part in parts {
            let size = i64::try_from(part.size_bytes).map_err(StorageError::corrupt)?;
            let request = tenant
                .clients
                .s3()
                .upload_part()
                .bucket(self.environment.get("UPLOAD_BUCKET")?)
                .key(keys::upload_object(context, &upload.id))
                .upload_id(upload.multipart_id.as_deref().unwrap_or_default())
                .part_number(i32::from(part.number))
                .content_length(size)
                .presigned(lifetime.clone())
                .await
                .during("s3:UploadPart")?;
            signed.push(UploadPart { part: *part, url: request.uri().to_owned() });
        }
        Ok(signed)
    }

    /// The parts that S3 has; none when the multipart upload has ended.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_received_parts(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<Option<Vec<ReceivedPart>>, StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        let key = keys::upload_object(grant.context(), &upload.id);
        let multipart = upload.multipart_id.as_deref().unwrap_or_default();
        self.list_parts_of(grant.context(), ("UPLOAD_BUCKET", &key), multipart).await
    }

    /// The parts of a multipart upload that S3 has; none when it has ended.
    pub(crate) async fn list_parts_of(
        &self,
        context: &TenantContext,
        (bucket, key): (&'static str, &str),
        multipart: &str,
    ) -> Result<Option<Vec<ReceivedPart>>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut pages = tenant
            .clients
            .s3()
            .list_parts()
            .bucket(self.environment.get(bucket)?)
            .key(key)
            .upload_id(multipart)
            .into_paginator()
            .send();
        let mut received = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(None),
                Err(error) => return Err(error).during("s3:ListParts"),
            };
            for part in page.parts() {
                received.push(ReceivedPart {
                    number: u16::try_from(part.part_number().unwrap_or_default())
                        .map_err(StorageError::corrupt)?,
                    size_bytes: u64::try_from(part.size().unwrap_or_default())
                        .map_err(StorageError::corrupt)?,
                    received_at: part
                        .last_modified()
                        .and_then(|at| u64::try_from(at.secs()).ok())
                        .map_or_else(|| self.now(), Timestamp::from_unix_seconds),
                    etag: part.e_tag().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(Some(received))
    }

    /// Puts the parts together. The scan starts by itself when the object is there.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn assemble(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
        parts: &[ReceivedPart],
    ) -> Result<(), StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        let key = keys::upload_object(grant.context(), &upload.id);
        let multipart = upload.multipart_id.as_deref().unwrap_or_default();
        self.complete_parts_of(grant.context(), ("UPLOAD_BUCKET", &key), multipart, parts).await
    }

    /// Puts the parts of a multipart upload together.
    pub(crate) async fn complete_parts_of(
        &self,
        context: &TenantContext,
        (bucket, key): (&'static str, &str),
        multipart: &str,
        parts: &[ReceivedPart],
    ) -> Result<(), StorageError> {
        let tenant = self.tenant(context).await?;
        let parts = parts.iter().map(|part| {
            CompletedPart::builder().part_number(i32::from(part.number)).e_tag(&part.etag).build()
        });
        tenant
            .clients
            .s3()
            .complete_multipart_upload()
            .bucket(self.environment.get(bucket)?)
            .key(key)
            .upload_id(multipart)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build())
            .send()
            .await
            .map_err(|error| not_open(error, "s3:CompleteMultipartUpload"))?;
        Ok(())
    }

    /// Writes that some or all bytes are there, unless more is known already.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the upload is past that.
    pub async fn mark_received(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        self.write_received(grant, upload).await
    }

    /// The same for what is seen by whoever watches over the quarantine.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the upload is past that.
    pub async fn mark_arrived(
        &self,
        grant: &Grant<'_, SweepUploads>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        self.write_received(grant, upload).await
    }

    async fn write_received<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        let before = if upload.state == UploadState::Uploading { &["created"] } else { OPEN_STATES };
        let mut change = Change::new(self, grant, upload.id.as_str())?;
        change.detail("state", &upload.state)?.replace_in_state(
            Collection::Uploads,
            upload.id.as_str(),
            before,
            upload,
        )?;
        change.commit().await
    }

    /// Gives up an upload whose bytes are not all there: S3 forgets its parts, and the item goes.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it is being scanned already.
    pub async fn abort_upload(
        &self,
        grant: &Grant<'_, CreateUpload>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        reaches(grant, upload.show_id.as_ref())?;
        self.abort_multipart_upload(grant, upload).await?;

        let id = upload.id.as_str();
        let mut change = Change::new(self, grant, id)?;
        change
            .delete_in_state(Collection::Uploads, id, OPEN_STATES)?
            .delete_if_there(Collection::UnfinishedUploads, id)?
            .count(Quota::UnfinishedUploads, -1);
        change.commit().await
    }

    /// Has S3 forget the parts. A multipart upload that has ended is forgotten already.
    pub(crate) async fn abort_multipart_upload<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        let Some(multipart_id) = &upload.multipart_id else { return Ok(()) };
        let key = keys::upload_object(grant.context(), &upload.id);
        self.abort_multipart(grant, "UPLOAD_BUCKET", &key, multipart_id).await
    }
}

/// What goes with an upload's end: its place is free, and the tenancy hears of it. Nothing while it goes on.
pub(crate) fn end_upload(
    change: &mut Change<'_>,
    context: &TenantContext,
    upload: &Upload,
) -> Result<(), StorageError> {
    if let Some(notice) = Notice::of_end(context, upload) {
        change
            .delete_if_there(Collection::UnfinishedUploads, upload.id.as_str())?
            .create(Collection::Notices, &notice.id, &notice)?
            .count(Quota::UnfinishedUploads, -1);
    }
    Ok(())
}
