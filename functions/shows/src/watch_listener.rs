//! A listener whose feed URL is used from too many networks at once: the tenancy is told, and where the show says so the listener
//! is suspended.
//!
//! Where feeds are served nobody may change a listener: that only asks for a look. So the message decides nothing, and what was
//! counted is read again here.

use lambda_kit::Failure;
use storage::{Storage, WatchRequest};
use tenant_context::{TenantContext, Worker, permission::WatchListeners};

/// Looks at the listener that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn watch_listener(storage: &Storage, request: &WatchRequest) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::ListenerWatch);

    let grant = context.grant::<WatchListeners>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    Ok(storage.watch_listener(&grant, request).await?)
}
