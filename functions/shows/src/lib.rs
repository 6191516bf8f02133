//! Shows, their episodes, and the listeners of private shows. Whoever changes what a feed shows leaves due work behind and
//! tells the renderer; `release` finds what was not told.

use std::sync::Arc;

use domain::Addresses;
use http::Method;
use lambda_kit::{Api, Router};
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

/// The routes.
pub fn routes() -> Router<Shows> {
    Router::new()
        .route(Method::GET, "/v1/shows", list_shows::list_shows)
        .route(Method::POST, "/v1/shows", create_show::create_show)
        .route(Method::GET, "/v1/shows/{show}", find_show::find_show)
        .route(Method::PATCH, "/v1/shows/{show}", update_show::update_show)
        .route(Method::GET, "/v1/shows/{show}/episodes", list_episodes::list_episodes)
        .route(Method::POST, "/v1/shows/{show}/episodes", create_episode::create_episode)
        .route(Method::GET, "/v1/shows/{show}/listeners", list_listeners::list_listeners)
        .route(Method::POST, "/v1/shows/{show}/listeners", create_listener::create_listener)
        .route(Method::GET, "/v1/episodes/{episode}", find_episode::find_episode)
        .route(Method::PATCH, "/v1/episodes/{episode}", update_episode::update_episode)
        .route(Method::POST, "/v1/episodes/{episode}/publish", publish_episode::publish_episode)
        .route(Method::POST, "/v1/episodes/{episode}/unpublish", unpublish_episode::unpublish_episode)
        .route(Method::DELETE, "/v1/listeners/{listener}", delete_listener::delete_listener)
        .route(Method::POST, "/v1/listeners/{listener}/rotate", rotate_feed_token::rotate_feed_token)
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
