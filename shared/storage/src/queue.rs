//! The queues of the workers. Messages carry ids and a moment; who reads one reads the rest again. One kind carries personal data:
//! the address of somebody who asks for a feed.

use std::time::Duration;

use domain::{ContentHash, EmailAddress};
use serde::{Deserialize, Serialize};
use tenant_context::{ExportId, ImportId, ListenerId, ShowId, TenancyId, Timestamp};

use crate::{Storage, StorageError, error::During};

/// "Render this show's feed."
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenderRequest {
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The show.
    pub show_id: ShowId,
    /// Whatever comes out by then is in the feed, even if the renderer's clock is behind.
    pub as_of: Timestamp,
}

/// "Tell the hub that this show's feed has changed."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnounceRequest {
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The show.
    pub show_id: ShowId,
    /// What is new. Once something else is, this need not be told.
    pub document: ContentHash,
}

/// "See to what this tenancy needs each day", or each hour: which, the queue says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRequest {
    /// Whose tenancy.
    pub tenancy_id: TenancyId,
    /// The moment of the event that began the sweep.
    pub as_of: Timestamp,
}

/// "Go on with this export", or clean up after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// Whose export.
    pub tenancy_id: TenancyId,
    /// The export.
    pub export_id: ExportId,
}

/// "Go on with this import", or clean up after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// Whose import.
    pub tenancy_id: TenancyId,
    /// The import.
    pub import_id: ImportId,
}

/// "This listener's token is used from too many networks at once."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequest {
    /// Whose listener.
    pub tenancy_id: TenancyId,
    /// The listener.
    pub listener_id: ListenerId,
    /// When that was seen.
    pub as_of: Timestamp,
}

/// "Somebody asks for the feed of this show, with this address."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WelcomeRequest {
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The show.
    pub show_id: ShowId,
    /// Tells one request from another, and is who they will be if they are new.
    pub listener_id: ListenerId,
    /// Where the mail goes. Personal data.
    pub email: EmailAddress,
    /// When they asked.
    pub as_of: Timestamp,
}

impl Storage {
    /// Asks the renderer to look at a show. Losing the message loses no more than time: see `due`. Each tenancy is a message group
    /// of its own: when one has many messages waiting, SQS hands out those of the others first.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_render(&self, request: &RenderRequest) -> Result<(), StorageError> {
        self.send("RENDER_QUEUE_URL", &request.tenancy_id, request).await
    }

    /// Asks the renderer to announce what it has rendered.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_announcement(&self, request: &AnnounceRequest) -> Result<(), StorageError> {
        self.send("RENDER_QUEUE_URL", &request.tenancy_id, request).await
    }

    /// Asks for a tenancy's sweep. The same message twice is one sweep.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_sweep(&self, request: &SweepRequest) -> Result<(), StorageError> {
        self.send("SWEEP_QUEUE_URL", &request.tenancy_id, request).await
    }

    /// Asks the worker to go on with an export. Where the message gets lost, whoever asks how far it is asks again.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_export(&self, request: &ExportRequest) -> Result<(), StorageError> {
        self.send("EXPORT_QUEUE_URL", &request.tenancy_id, request).await
    }

    /// Asks the worker to go on with an import, after a while. Where the message gets lost, whoever asks how far it is asks again.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_import(&self, request: &ImportRequest, after: Duration) -> Result<(), StorageError> {
        self.send_after("IMPORT_QUEUE_URL", &request.tenancy_id, request, after).await
    }

    /// Asks for a look at a listener's token. Where the message gets lost, the next network from which it is used asks again.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_watch(&self, request: &WatchRequest) -> Result<(), StorageError> {
        self.send("LISTENER_WATCH_QUEUE_URL", &request.tenancy_id, request).await
    }

    /// Asks for a mail with a feed URL. Where the message gets lost, whoever waits for the mail asks again.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_welcome(&self, request: &WelcomeRequest) -> Result<(), StorageError> {
        self.send("LISTENER_WATCH_QUEUE_URL", &request.tenancy_id, request).await
    }

    pub(crate) async fn send(
        &self,
        queue_url: &'static str,
        tenancy: &TenancyId,
        message: &impl Serialize,
    ) -> Result<(), StorageError> {
        self.send_after(queue_url, tenancy, message, Duration::ZERO).await
    }

    async fn send_after(
        &self,
        queue_url: &'static str,
        tenancy: &TenancyId,
        message: &impl Serialize,
        after: Duration,
    ) -> Result<(), StorageError> {
        let seconds = i32::try_from(after.as_secs()).map_err(StorageError::corrupt)?;
        self.own
            .sqs()
            .send_message()
            .queue_url(self.environment.get(queue_url)?)
            .message_group_id(tenancy.as_str())
            .set_delay_seconds((seconds > 0).then_some(seconds))
            .message_body(serde_json::to_string(message).map_err(StorageError::corrupt)?)
            .send()
            .await
            .during("sqs:SendMessage")?;
        Ok(())
    }
}
