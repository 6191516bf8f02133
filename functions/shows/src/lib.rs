//! Shows, their episodes, and the listeners of private shows. Whoever changes what a feed shows leaves due work behind and
//! tells the renderer; `release` finds what was not told.

use std::sync::Arc;

use domain::Addresses;
use lambda_kit::{Api, routes};
use storage::RenderRequest;
use tenant_context::{ShowId, TenantContext};

mod create_episode;
mod create_listener;
mod create_show;
mod delete_listener;
mod find_episode;
mod find_show;
mod list_episodes;
mod list_listeners;
mod list_shows;
mod publish_episode;
pub mod release_due;
mod rotate_feed_token;
mod unpublish_episode;
mod update_episode;
mod update_show;
mod view;

/// What the operations need.
pub struct Shows {
    /// The stores, and who calls.
    pub api: Api,
    /// Where podcast apps will find what is published.
    pub addresses: Addresses,
}

routes! {
    /// The routes.
    pub fn routes() -> Router<Shows>;
    /// What they do.
    pub fn operations();

    GET "/v1/shows" => list_shows,
    POST "/v1/shows" => create_show,
    GET "/v1/shows/{show}" => find_show,
    PATCH "/v1/shows/{show}" => update_show,
    GET "/v1/shows/{show}/episodes" => list_episodes,
    POST "/v1/shows/{show}/episodes" => create_episode,
    GET "/v1/shows/{show}/listeners" => list_listeners,
    POST "/v1/shows/{show}/listeners" => create_listener,
    GET "/v1/episodes/{episode}" => find_episode,
    PATCH "/v1/episodes/{episode}" => update_episode,
    POST "/v1/episodes/{episode}/publish" => publish_episode,
    POST "/v1/episodes/{episode}/unpublish" => unpublish_episode,
    DELETE "/v1/listeners/{listener}" => delete_listener,
    POST "/v1/listeners/{listener}/rotate" => rotate_feed_token,
}

type App = Arc<Shows>;

impl Shows {
    /// Tells the renderer. When that fails the change stands, and the next sweep tells it.
    async fn feed_changed(&self, context: &TenantContext, show: &ShowId) {
        let request = RenderRequest {
            tenancy_id: context.tenancy().clone(),
            show_id: show.clone(),
            as_of: self.api.storage.now(),
        };
        if let Err(error) = self.api.storage.request_render(&request).await {
            tracing::warn!(%error, %show, "the renderer was not told; the next sweep will");
        }
    }
}
