//! Tenancy admin: the tenancy itself, its users, its machine clients and its audit log. Making tenancies is `provision`'s and
//! single sign-on is `sso`'s, apart, because the rights that they need reach every tenancy. `start-sweep` queues every
//! tenancy for a sweep: each day for `tenancy-sweep`, each hour for that of `uploads`.

use std::{ops::Deref, sync::Arc};

use identity::{People, ProviderError};
use lambda_kit::{Api, Problem, routes};
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
mod update_tenancy;
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

routes! {
    /// The routes of the `tenancy` function.
    pub fn routes() -> Router<Admin>;
    /// What they do.
    pub fn operations();

    GET "/v1/me" => show_caller,
    GET "/v1/tenancy" => find_tenancy,
    PATCH "/v1/tenancy" => update_tenancy,
    GET "/v1/users" => list_users,
    POST "/v1/users" => invite_user,
    GET "/v1/users/{user}" => find_user,
    PATCH "/v1/users/{user}" => update_user,
    DELETE "/v1/users/{user}" => remove_user,
    POST "/v1/users/{user}/invitation" => renew_invitation,
    GET "/v1/groups" => list_groups,
    POST "/v1/groups" => create_group,
    GET "/v1/groups/{group}" => find_group,
    PATCH "/v1/groups/{group}" => update_group,
    DELETE "/v1/groups/{group}" => delete_group,
    GET "/v1/groups/{group}/members" => list_members,
    PUT "/v1/groups/{group}/members/{member}" => put_member,
    DELETE "/v1/groups/{group}/members/{member}" => delete_member,
    GET "/v1/access-review" => review_access,
    GET "/v1/access-review/attestations" => list_attestations,
    POST "/v1/access-review/attestations" => attest_access_review,
    GET "/v1/clients" => list_clients,
    POST "/v1/clients" => create_client,
    DELETE "/v1/clients/{client}" => revoke_client,
    POST "/v1/clients/{client}/rotate" => rotate_client,
    GET "/v1/audit-events" => list_audit_events,
    GET "/v1/audit-events/verification" => verify_audit_log,
}

routes! {
    /// The route of the `provision` function.
    pub fn provision_routes() -> Router<Admin>;
    /// What it does.
    pub fn provision_operations();

    POST "/v1/tenancies" => create_tenancy,
}

routes! {
    /// The routes of the `sso` function.
    pub fn sso_routes() -> Router<SingleSignOn>;
    /// What they do.
    pub fn sso_operations();

    GET "/v1/tenancy/sso" => find_sso,
    PUT "/v1/tenancy/sso" => update_sso,
    DELETE "/v1/tenancy/sso" => delete_sso,
}

type App = Arc<Admin>;

/// Nobody can change what is the same in every tenancy.
fn system_group() -> Problem {
    Problem::conflict(
        "system_group",
        "This group is the same in every tenancy. Make one of your own instead.",
    )
}
