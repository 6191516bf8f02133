//! Tells the hub of what was rendered: once for each document, and again only if the hub did not answer.

use domain::Addresses;
use lambda_kit::Failure;
use storage::{AnnounceRequest, Storage, StorageError, WriteIf};
use tenant_context::{TenantContext, Worker, permission::RenderFeed};

use crate::{
    herald::Heralds,
    pointer::{POINTER, Pointer},
};

/// Announces the document that `request` names, if it is still the newest and nobody has yet.
///
/// # Errors
/// [`Failure`] when the hub or a store does not do its part; running again goes on from there.
pub async fn announce_feed(
    storage: &Storage,
    addresses: &Addresses,
    heralds: &Heralds,
    request: &AnnounceRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Renderer);
    let poison = |error: &dyn std::fmt::Display| Failure::Poison(error.to_string());
    let grant = context.grant::<RenderFeed>().map_err(|error| poison(&error))?;

    let Some(object) = storage.read_feed_object(&context, &request.show_id, POINTER).await? else {
        return Ok(());
    };
    let mut pointer: Pointer = serde_json::from_slice(&object.bytes).map_err(|error| poison(&error))?;
    let is_news = pointer.is_unannounced && pointer.public_document() == Some(&request.document);
    if !is_news {
        return Ok(());
    }
    heralds.publish(&addresses.feed(&pointer.slug)).await?;

    pointer.is_unannounced = false;
    let bytes = serde_json::to_vec(&pointer).map_err(|error| poison(&error))?;
    let condition = WriteIf::Unchanged(&object.etag);
    match storage.write_feed_object(&grant, &request.show_id, POINTER, bytes, condition).await {
        // There is a newer pointer, which says itself what is to be announced.
        Err(StorageError::Conflict) => Ok(()),
        result => Ok(result?),
    }
}
