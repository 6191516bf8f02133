//! Deletions: an episode or a show goes out of sight, can be restored for thirty days, and is then destroyed; of a person everything
//! is erased at once. And legal holds, which stop every destruction.
//!
//! The API writes what is to be done and takes it back; `deletion-worker` alone destroys. It is woken by a message for people, and by
//! each hour's sweep for everything, goes by the moment of the event that woke it, and may be killed anywhere: see [`carry_out`].
//!
//! What was destroyed stays so when a table is restored: see [`replay_tombstones`].
//!
//! A whole tenancy leaves in the same way: two owners decide, its day comes, and what is left of it is a certificate.

use std::sync::Arc;

use certificate::PublicKey;
use domain::Deletion;
use lambda_kit::{Api, Problem, routes};
use storage::{DeletionRecord, RenderRequest, SweepRequest, show_of};
use tenant_context::TenantContext;

pub mod account;
mod approve_deletion;
mod cancel_deletion;
pub mod carry_out;
mod certify;
mod create_deletion;
mod find_deletion;
mod get_certificate;
mod held;
mod list_certificate_keys;
mod list_deletions;
mod list_legal_holds;
mod put_legal_hold;
mod release_legal_hold;
pub mod replay_tombstones;
mod request_exit;
mod view;

/// What the operations need.
pub struct Deletions {
    /// The stores, and who calls.
    pub api: Api,
}

routes! {
    /// The routes.
    pub fn routes() -> Router<Deletions>;
    /// What they do.
    pub fn operations();

    GET "/v1/deletions" => list_deletions,
    POST "/v1/deletions" => create_deletion,
    GET "/v1/deletions/{deletion}" => find_deletion,
    POST "/v1/deletions/{deletion}/approve" => approve_deletion,
    POST "/v1/deletions/{deletion}/cancel" => cancel_deletion,
    GET "/certificates/{deletion}" => get_certificate,
    GET "/.well-known/certificate-keys.json" => list_certificate_keys,
    GET "/v1/legal-holds" => list_legal_holds,
    PUT "/v1/legal-holds/{held}" => put_legal_hold,
    DELETE "/v1/legal-holds/{held}" => release_legal_hold,
}

type App = Arc<Deletions>;

impl Deletions {
    /// The key that signs certificates.
    async fn certificate_key(&self) -> Result<PublicKey, Problem> {
        let der = self.api.storage.certificate_key().await?;
        PublicKey::from_public_key_info(&der).map_err(|error| {
            tracing::error!(%error, "the key that signs certificates");
            Problem::internal()
        })
    }

    /// Tells the renderer, where a feed is to change. When that fails, the minute's sweep tells it.
    async fn feed_changed(&self, context: &TenantContext, deletion: &Deletion) {
        let Some(show) = show_of(&deletion.subject) else { return };
        let request = RenderRequest {
            tenancy_id: context.tenancy().clone(),
            show_id: show.clone(),
            as_of: self.api.storage.now(),
        };
        if let Err(error) = self.api.storage.request_render(&request).await {
            tracing::warn!(%error, %show, "the renderer was not told; the next sweep will");
        }
    }

    /// Wakes the worker, where something is to be done at once. When that fails, the hour's sweep does.
    async fn wake(&self, context: &TenantContext) {
        let request = SweepRequest { tenancy_id: context.tenancy().clone(), as_of: self.api.storage.now() };
        if let Err(error) = self.api.storage.request_sweep(&request).await {
            tracing::warn!(%error, "the worker was not told; the next sweep will");
        }
    }

    /// The deletion with the holds that stop it by now.
    async fn as_held(
        &self,
        context: &TenantContext,
        record: DeletionRecord,
    ) -> Result<DeletionRecord, Problem> {
        let storage = &self.api.storage;
        Ok(storage.with_holds(context, record, storage.now()).await?)
    }
}
