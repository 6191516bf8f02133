//! Tenancy admin: the tenancy itself, its users, its machine clients and its audit log. Making tenancies is `provision`'s and
//! single sign-on is `sso`'s, apart, because the rights that they need reach every tenancy. Each day `daily-sweep` queues every
//! tenancy for `tenancy-sweep`.

use std::{ops::Deref, sync::Arc};

use http::Method;
use identity::{People, ProviderError};
use lambda_kit::{Api, Problem, Router};
use storage::User;

mod attest_access_review;
mod create_client;
mod create_group;
mod create_tenancy;
mod delete_group;
mod delete_member;
mod delete_sso;
mod find_group;
mod find_sso;
mod find_tenancy;
mod find_user;
mod giving;
mod invite_user;
mod list_attestations;
mod list_audit_events;
mod list_clients;
mod list_groups;
mod list_members;
mod list_users;
mod put_member;
mod remove_user;
mod renew_invitation;
mod review_access;
mod revoke_client;
mod rotate_client;
mod show_caller;
mod sso;
pub mod start_sweep;
pub mod sweep_tenancy;
mod update_group;
mod update_sso;
mod update_user;
mod verify_audit_log;
mod view;

pub use sso::SingleSignOn;

/// What the operations need that are about people.
pub struct Admin {
    /// The stores, and who calls.
    pub api: Api,
    /// Those who may sign in.
    pub people: People,
}

/// Most operations need no more than this.
impl Deref for Admin {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Admin {
    /// Lets somebody sign in who was invited.
    async fn invite(&self, user: &User) -> Result<(), Problem> {
        self.people.invite(&user.name, &user.email).await.map_err(|error| match error {
            ProviderError::Refused(reason) => Problem::invalid_field("/email", reason),
            ProviderError::Failed { .. } => {
                tracing::error!(%error, cause = ?error, "somebody was not invited");
                Problem::unavailable()
            }
        })
    }
}

/// The routes of the `tenancy` function.
pub fn routes() -> Router<Admin> {
    Router::new()
        .route(Method::GET, "/v1/me", show_caller::show_caller)
        .route(Method::GET, "/v1/tenancy", find_tenancy::find_tenancy)
        .route(Method::GET, "/v1/users", list_users::list_users)
        .route(Method::POST, "/v1/users", invite_user::invite_user)
        .route(Method::GET, "/v1/users/{user}", find_user::find_user)
        .route(Method::PATCH, "/v1/users/{user}", update_user::update_user)
        .route(Method::DELETE, "/v1/users/{user}", remove_user::remove_user)
        .route(Method::POST, "/v1/users/{user}/invitation", renew_invitation::renew_invitation)
        .route(Method::GET, "/v1/groups", list_groups::list_groups)
        .route(Method::POST, "/v1/groups", create_group::create_group)
        .route(Method::GET, "/v1/groups/{group}", find_group::find_group)
        .route(Method::PATCH, "/v1/groups/{group}", update_group::update_group)
        .route(Method::DELETE, "/v1/groups/{group}", delete_group::delete_group)
        .route(Method::GET, "/v1/groups/{group}/members", list_members::list_members)
        .route(Method::PUT, "/v1/groups/{group}/members/{member}", put_member::put_member)
        .route(Method::DELETE, "/v1/groups/{group}/members/{member}", delete_member::delete_member)
        .route(Method::GET, "/v1/access-review", review_access::review_access)
        .route(Method::GET, "/v1/access-review/attestations", list_attestations::list_attestations)
        .route(Method::POST, "/v1/access-review/attestations", attest_access_review::attest_access_review)
        .route(Method::GET, "/v1/clients", list_clients::list_clients)
        .route(Method::POST, "/v1/clients", create_client::create_client)
        .route(Method::DELETE, "/v1/clients/{client}", revoke_client::revoke_client)
        .route(Method::POST, "/v1/clients/{client}/rotate", rotate_client::rotate_client)
        .route(Method::GET, "/v1/audit-events", list_audit_events::list_audit_events)
        .route(Method::GET, "/v1/audit-events/verification", verify_audit_log::verify_audit_log)
}

/// The route of the `provision` function.
pub fn provision_routes() -> Router<Admin> {
    Router::new().route(Method::POST, "/v1/tenancies", create_tenancy::create_tenancy)
}

/// The routes of the `sso` function.
pub fn sso_routes() -> Router<SingleSignOn> {
    Router::new()
        .route(Method::GET, "/v1/tenancy/sso", find_sso::find_sso)
        .route(Method::PUT, "/v1/tenancy/sso", update_sso::update_sso)
        .route(Method::DELETE, "/v1/tenancy/sso", delete_sso::delete_sso)
}

type App = Arc<Admin>;

/// Nobody can change what is the same in every tenancy.
fn system_group() -> Problem {
    Problem::conflict(
        "system_group",
        "This group is the same in every tenancy. Make one of your own instead.",
    )
}
