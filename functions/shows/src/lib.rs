//! Shows, their episodes, and the listeners of private shows. Whoever changes what a feed shows leaves due work behind and
//! tells the renderer; `release` finds what was not told. `listener-watch` sees to feed URLs that were passed on, and sends
//! one to whoever asks for it with an address that the show admits.

use std::sync::Arc;

use domain::{Addresses, Farewell, Show};
use lambda_kit::{Api, Problem, routes};
use storage::RenderRequest;
use tenant_context::{Grant, ShowId, TenantContext, permission::UpdateShow};

mod attachments;
mod create_episode;
mod create_listener;
mod create_show;
mod delete_listener;
mod end_show;
mod find_episode;
mod find_listener;
mod find_show;
mod keep_feed;
mod list_episodes;
mod list_listeners;
mod list_shows;
pub mod mail;
mod publish_episode;
mod redirect_feed;
pub mod release_due;
mod report_feed;
mod resume_listener;
mod resume_show;
mod rotate_feed_token;
mod suspend_listener;
mod unpublish_episode;
mod update_episode;
mod update_listener;
mod update_show;
mod view;
pub mod watch_listener;
pub mod welcome_listener;

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
    GET "/v1/shows/{show}/feed-report" => report_feed,
    PUT "/v1/shows/{show}/redirect" => redirect_feed,
    DELETE "/v1/shows/{show}/redirect" => keep_feed,
    PUT "/v1/shows/{show}/end" => end_show,
    DELETE "/v1/shows/{show}/end" => resume_show,
    GET "/v1/shows/{show}/episodes" => list_episodes,
    POST "/v1/shows/{show}/episodes" => create_episode,
    GET "/v1/shows/{show}/listeners" => list_listeners,
    POST "/v1/shows/{show}/listeners" => create_listener,
    GET "/v1/episodes/{episode}" => find_episode,
    PATCH "/v1/episodes/{episode}" => update_episode,
    POST "/v1/episodes/{episode}/publish" => publish_episode,
    POST "/v1/episodes/{episode}/unpublish" => unpublish_episode,
    GET "/v1/listeners/{listener}" => find_listener,
    PATCH "/v1/listeners/{listener}" => update_listener,
    DELETE "/v1/listeners/{listener}" => delete_listener,
    POST "/v1/listeners/{listener}/rotate" => rotate_feed_token,
    POST "/v1/listeners/{listener}/suspend" => suspend_listener,
    POST "/v1/listeners/{listener}/resume" => resume_listener,
}

type App = Arc<Shows>;

impl Shows {
    /// Says farewell for a show's feed, or takes it back.
    async fn bid_farewell(
        &self,
        grant: &Grant<'_, UpdateShow>,
        show: &mut Show,
        farewell: Option<Farewell>,
    ) -> Result<(), Problem> {
        let version = show.version;
        if show.bid(farewell, self.api.storage.now()) {
            self.api.storage.update_show(grant, show, version).await?;
            self.feed_changed(grant.context(), &show.id).await;
        }
        Ok(())
    }

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
