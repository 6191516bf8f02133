//! `DELETE /v1/groups/{group}`: deletes a group of the tenancy's own that has no members, and that newcomers do not join.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::{GroupRef, permission::DeleteGroup};

use crate::{App, giving, system_group};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<DeleteGroup>()
        .path_parameter::<GroupRef>("group")
        .conditional()
        .no_content()
        .problem(system_group())
        .problem(group_has_members())
        .problem(group_has_newcomers())
}

pub(crate) async fn delete_group(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;

    let grant = context.grant::<DeleteGroup>()?;
    let GroupRef::Custom(id) = &group else { return Err(system_group()) };
    let found = app.storage.find_group(&context, id).await?.ok_or_else(Problem::not_found)?;
    giving::check_group(&context, &found)?;

    request.check_if_match(found.version)?;
    let members = app.storage.list_access(&context).await?;
    if members.iter().any(|access| access.find(&group).is_some()) {
        return Err(group_has_members());
    }
    let sso = app.storage.find_sso(&context).await?;
    if sso.join_group() == Some(&group) {
        return Err(group_has_newcomers());
    }
    app.storage.delete_group(&grant, id, &sso).await?;

    Ok(no_content())
}

fn group_has_members() -> Problem {
    Problem::conflict(
        "group_has_members",
        "Take its members out first: GET /v1/groups/{group}/members lists them.",
    )
}

fn group_has_newcomers() -> Problem {
    Problem::conflict(
        "group_has_newcomers",
        "Newcomers join it through single sign-on. Name another join_group first, or none: PUT /v1/tenancy/sso.",
    )
}
