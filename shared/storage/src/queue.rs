//! The render queue. Messages carry ids and a moment; who reads one reads the rest again.

use serde::{Deserialize, Serialize};
use tenant_context::{ShowId, TenancyId, Timestamp};

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

impl Storage {
    /// Asks the renderer to look at a show. Losing the message loses no more than time: see `due`. Each tenancy is a message group
    /// of its own: when one has many messages waiting, SQS hands out those of the others first.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the queue does not answer.
    pub async fn request_render(&self, request: &RenderRequest) -> Result<(), StorageError> {
        self.own
            .sqs
            .send_message()
            .queue_url(self.environment.get("RENDER_QUEUE_URL")?)
            .message_group_id(request.tenancy_id.as_str())
            .message_body(serde_json::to_string(request).map_err(StorageError::corrupt)?)
            .send()
            .await
            .during("sqs:SendMessage")?;
        Ok(())
    }
}
