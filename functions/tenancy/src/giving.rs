//! Nobody gives, or takes, what they do not have: who may manage members but is no owner can make no owner, nor unmake one.

use domain::{Access, CustomGroup};
use http::StatusCode;
use lambda_kit::{Api, Problem};
use tenant_context::{GroupRef, Membership, ShowId, TenantContext};

/// Asks whether the caller has everything that membership in `group` gives.
///
/// # Errors
/// `unknown` when there is no such group, 403 when they do not.
pub(crate) async fn check_membership(
    app: &Api,
    context: &TenantContext,
    group: &GroupRef,
    shows: Option<Vec<ShowId>>,
    unknown: impl FnOnce() -> Problem,
) -> Result<(), Problem> {
    let permissions = match group {
        GroupRef::System(_) => Vec::new(),
        GroupRef::Custom(id) => app.storage.find_group(context, id).await?.ok_or_else(unknown)?.permissions,
    };
    check(context, &[Membership { group: group.clone(), permissions, shows }])
}

/// Puts a new member into each of `groups`, in the whole tenancy.
///
/// # Errors
/// 422 when there is no such group, 403 when the caller does not have all of it.
pub(crate) async fn join_all(
    app: &Api,
    context: &TenantContext,
    access: &mut Access,
    groups: &[GroupRef],
) -> Result<(), Problem> {
    for (number, group) in groups.iter().enumerate() {
        let pointer = format!("/groups/{number}");
        let unknown = || Problem::invalid_field(&pointer, "There is no such group.");
        check_membership(app, context, group, None, unknown).await?;
        access
            .join(group, None, &context.principal().to_string(), app.storage.now())
            .map_err(|invalid| Problem::invalid_field("/groups", invalid.to_string()))?;
    }
    Ok(())
}

/// Asks whether the caller has everything that `access` gives.
///
/// # Errors
/// 403 when they do not.
pub(crate) async fn check_access(app: &Api, context: &TenantContext, access: &Access) -> Result<(), Problem> {
    let is_custom = |group: &GroupRef| matches!(group, GroupRef::Custom(_));
    let needs_groups = access.memberships.iter().any(|membership| is_custom(&membership.group));
    let groups = if needs_groups { app.storage.list_groups(context).await? } else { Vec::new() };
    check(context, &access.to_memberships(&groups))
}

/// Asks whether the caller has everything that `group` allows.
///
/// # Errors
/// 403 when they do not.
pub(crate) fn check_group(context: &TenantContext, group: &CustomGroup) -> Result<(), Problem> {
    check(context, &[group.to_membership()])
}

fn check(context: &TenantContext, given: &[Membership]) -> Result<(), Problem> {
    if given.iter().all(|membership| context.may_give(membership)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "permission_denied",
        "Not allowed",
        "This gives or takes permissions that you do not have yourself. Ask an owner.",
    ))
}
