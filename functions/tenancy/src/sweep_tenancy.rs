//! What one tenancy needs each day: access that nobody used for thirty days is taken, and the head of its audit log is anchored.
//! Every step may happen twice.

use lambda_kit::Failure;
use storage::{Storage, SweepRequest};
use tenant_context::{
    Denied, TenantContext, Worker,
    permission::{AnchorAudit, ExpireAccess},
};

/// Does it for the day that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn sweep_tenancy(storage: &Storage, request: &SweepRequest) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Sweep);

    let expiry = context.grant::<ExpireAccess>().map_err(poison)?;
    let anchor = context.grant::<AnchorAudit>().map_err(poison)?;

    storage.expire_access(&expiry, request.as_of).await?;
    Ok(storage.anchor_audit_head(&anchor, request.as_of.date()).await?)
}

fn poison(denied: Denied) -> Failure {
    Failure::Poison(denied.to_string())
}
