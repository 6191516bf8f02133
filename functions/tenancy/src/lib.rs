//! Tenancy admin: the tenancy itself, its users and its machine clients. Making tenancies is `provision`'s, apart, because the
//! rights that it needs reach every tenancy.

use std::sync::Arc;

use http::Method;
use lambda_kit::{Api, Router};

mod create_client;
mod create_tenancy;
mod find_tenancy;
mod list_clients;
mod list_users;
mod show_caller;

/// The routes of the `tenancy` function.
pub fn routes() -> Router<Api> {
    Router::new()
        .route(Method::GET, "/v1/me", show_caller::show_caller)
        .route(Method::GET, "/v1/tenancy", find_tenancy::find_tenancy)
        .route(Method::GET, "/v1/users", list_users::list_users)
        .route(Method::GET, "/v1/clients", list_clients::list_clients)
        .route(Method::POST, "/v1/clients", create_client::create_client)
}

/// The route of the `provision` function.
pub fn provision_routes() -> Router<Api> {
    Router::new().route(Method::POST, "/v1/tenancies", create_tenancy::create_tenancy)
}

type App = Arc<Api>;
