//! `DELETE /v1/groups/{group}/members/{member}`: takes a member out of a group. The member's sessions end within a minute.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::{GroupRef, MemberId, permission::ManageMembers};

use crate::{App, giving};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageMembers>()
        .path_parameter::<GroupRef>("group")
        .path_parameter::<MemberId>("member")
        .spares_the_last_owner()
        .no_content()
}

pub(crate) async fn delete_member(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;
    let member: MemberId = request.parameter("member")?;

    let grant = context.grant::<ManageMembers>()?;
    let before = app.storage.find_access(&context, &member).await?.ok_or_else(Problem::not_found)?;
    let membership = before.find(&group).ok_or_else(Problem::not_found)?;
    giving::check_membership(&app, &context, &group, membership.shows.clone(), Problem::not_found).await?;

    let mut after = before.clone();
    after.leave(&group);
    app.storage.update_membership(&grant, &group, &before, &after).await?;

    Ok(no_content())
}
