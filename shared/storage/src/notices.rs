//! What a tenancy is told: an outbox.
//!
//! What happened and the notice of it are one transaction; the notice is sent after that, and struck off when it was sent. Killed
//! in between, the next sweep sends it: a notice may come twice, with the same id, and is never lost.

use aws_sdk_sns::types::MessageAttributeValue;
use domain::{Export, ExportState, Import, ImportState, Upload, UploadState};
use serde::{Deserialize, Serialize};
use tenant_context::{
    DeletionId, ExportId, Grant, GroupRef, ImportId, ListenerId, MediaId, MemberId, Permission, ShowId,
    TenancyId, TenantContext, Timestamp, UploadId,
};

use crate::{Storage, StorageError, error::During, keys::Collection};

/// What a tenancy is told. It names ids, and nobody and nothing by what they are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Tells one notice from another, for those who get it twice.
    pub id: String,
    /// Whose tenancy.
    pub tenancy_id: TenancyId,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
    /// When it happened, or the day's sweep that found it.
    pub as_of: Timestamp,
}

/// What a notice is about; the names are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum News {
    /// Memberships were taken because nobody used them.
    AccessExpired {
        /// Whose access.
        member_id: MemberId,
        /// The groups that they are not in any more.
        groups: Vec<GroupRef>,
    },
    /// An owner is idle, and stays one: without them there would be none.
    LastOwnerIdle {
        /// Whose access.
        member_id: MemberId,
        /// The groups that they should not be in.
        groups: Vec<GroupRef>,
    },
    /// A listener's feed URL is used from too many networks at once.
    ListenerShared {
        /// The listener's show.
        show_id: ShowId,
        /// Which listener.
        listener_id: ListenerId,
        /// Whether they were suspended for it.
        is_suspended: bool,
    },
    /// An upload became media.
    UploadReady {
        /// Which upload.
        upload_id: UploadId,
        /// What it became.
        media_id: MediaId,
    },
    /// An upload was refused; it says why.
    UploadRejected {
        /// Which upload.
        upload_id: UploadId,
    },
    /// An export can be downloaded.
    ExportReady {
        /// Which export.
        export_id: ExportId,
    },
    /// An export could not be made; it says why.
    ExportFailed {
        /// Which export.
        export_id: ExportId,
    },
    /// An import came to its end; it says what came.
    ImportFinished {
        /// Which import.
        import_id: ImportId,
    },
    /// Nothing came of an import; it says why.
    ImportFailed {
        /// Which import.
        import_id: ImportId,
    },
    /// Nothing came of an upload.
    UploadExpired {
        /// Which upload.
        upload_id: UploadId,
    },
    /// The day of the tenancy's exit comes.
    ExitReminder {
        /// The exit.
        deletion_id: DeletionId,
        /// How many days are left, at most.
        days_left: u8,
    },
}

impl News {
    /// The public name, which goes with the message as an attribute.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AccessExpired { .. } => "access_expired",
            Self::LastOwnerIdle { .. } => "last_owner_idle",
            Self::ListenerShared { .. } => "listener_shared",
            Self::ExportReady { .. } => "export_ready",
            Self::ExportFailed { .. } => "export_failed",
            Self::ImportFinished { .. } => "import_finished",
            Self::ImportFailed { .. } => "import_failed",
            Self::UploadReady { .. } => "upload_ready",
            Self::UploadRejected { .. } => "upload_rejected",
            Self::UploadExpired { .. } => "upload_expired",
            Self::ExitReminder { .. } => "exit_reminder",
        }
    }
}

impl Notice {
    /// The notice of an export's end; none while it goes on, and where somebody has ended it. An export ends once.
    pub(crate) fn of_export(context: &TenantContext, export: &Export) -> Option<Self> {
        let export_id = export.id.clone();
        let news = match export.state {
            ExportState::Ready => News::ExportReady { export_id },
            ExportState::Failed => News::ExportFailed { export_id },
            ExportState::Preparing | ExportState::Cancelled | ExportState::Expired => return None,
        };
        Some(Self {
            id: export.id.to_string(),
            tenancy_id: context.tenancy().clone(),
            news,
            as_of: export.state_changed_at,
        })
    }

    /// The notice of an import's end; none while it goes on, and where somebody has ended it. An import ends once.
    pub(crate) fn of_import(context: &TenantContext, import: &Import) -> Option<Self> {
        let import_id = import.id.clone();
        let news = match import.state {
            ImportState::Finished => News::ImportFinished { import_id },
            ImportState::Failed => News::ImportFailed { import_id },
            ImportState::Receiving | ImportState::Importing | ImportState::Cancelled => return None,
        };
        Some(Self {
            id: import.id.to_string(),
            tenancy_id: context.tenancy().clone(),
            news,
            as_of: import.state_changed_at,
        })
    }

    /// The notice of an upload's end; none while it goes on. An upload ends once, so its id is the notice's.
    pub(crate) fn of_end(context: &TenantContext, upload: &Upload) -> Option<Self> {
        let upload_id = upload.id.clone();
        let news = match (upload.state, upload.media_id.clone()) {
            (UploadState::Ready, Some(media_id)) => News::UploadReady { upload_id, media_id },
            (UploadState::Rejected, _) => News::UploadRejected { upload_id },
            (UploadState::Expired, _) => News::UploadExpired { upload_id },
            _ => return None,
        };
        Some(Self {
            id: upload.id.to_string(),
            tenancy_id: context.tenancy().clone(),
            news,
            as_of: upload.state_changed_at,
        })
    }
}

impl Storage {
    /// Sends whatever the tenancy has not been told yet.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn send_notices<P: Permission>(&self, grant: &Grant<'_, P>) -> Result<(), StorageError> {
        let notices: Vec<Notice> = self.list_all(grant.context(), Collection::Notices).await?;
        for notice in &notices {
            self.send_notice(grant, notice).await?;
        }
        Ok(())
    }

    /// Sends the notice of an upload's end, unless that was done, or the upload goes on.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn send_notice_of_end<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        upload: &UploadId,
    ) -> Result<(), StorageError> {
        self.send_notice_if_there(grant, upload.as_str()).await
    }

    /// Sends a notice, unless that was done.
    pub(crate) async fn send_notice_if_there<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        id: &str,
    ) -> Result<(), StorageError> {
        match self.find(grant.context(), Collection::Notices, id).await? {
            Some(notice) => self.send_notice(grant, &notice).await,
            None => Ok(()),
        }
    }

    async fn send_notice<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        notice: &Notice,
    ) -> Result<(), StorageError> {
        self.publish(notice).await?;
        self.strike_off(grant, Collection::Notices, &notice.id).await
    }

    /// To whoever has subscribed to the topic; tenancy and kind go with it as attributes, to filter by.
    pub(crate) async fn publish(&self, notice: &Notice) -> Result<(), StorageError> {
        let attribute = |value: &str| {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
            attribute.build().map_err(StorageError::corrupt)
        };
        self.own
            .sns()
            .publish()
            .topic_arn(self.environment.get("NOTICE_TOPIC")?)
            .message(serde_json::to_string(notice).map_err(StorageError::corrupt)?)
            .message_attributes("TenancyId", attribute(notice.tenancy_id.as_str())?)
            .message_attributes("Kind", attribute(notice.news.kind())?)
            .send()
            .await
            .during("sns:Publish")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(news: News) -> Notice {
        Notice {
            id: "1".to_owned(),
            tenancy_id: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            news,
            as_of: Timestamp::EPOCH,
        }
    }

    #[test]
    fn every_notice_says_its_kind_and_reads_back() {
        let upload_id: UploadId = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let export_id: ExportId = "exp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let import_id: ImportId = "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let media_id: MediaId = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let member_id: MemberId = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let show_id: ShowId = "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let listener_id: ListenerId = "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        for news in [
            News::AccessExpired { member_id: member_id.clone(), groups: Vec::new() },
            News::LastOwnerIdle { member_id, groups: Vec::new() },
            News::ListenerShared { show_id, listener_id, is_suspended: true },
            News::ExportReady { export_id: export_id.clone() },
            News::ExportFailed { export_id },
            News::ImportFinished { import_id: import_id.clone() },
            News::ImportFailed { import_id },
            News::UploadReady { upload_id: upload_id.clone(), media_id },
            News::UploadRejected { upload_id: upload_id.clone() },
            News::UploadExpired { upload_id },
            News::ExitReminder {
                deletion_id: "del_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
                days_left: 7,
            },
        ] {
            let notice = notice(news);

            let item: crate::item::Item = serde_dynamo::to_item(&notice).unwrap();

            assert_eq!(serde_json::to_value(&notice).unwrap()["kind"], notice.news.kind());
            assert_eq!(crate::item::body::<Notice>(item).unwrap(), notice);
        }
    }
}
