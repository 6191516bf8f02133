//! `GET /v1/groups/{group}/members`: lists who is in a group, by id.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::Page;
use tenant_context::{GroupRef, permission::ReadGroups};

use crate::{App, view::MemberView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadGroups>().path_parameter::<GroupRef>("group").listed::<MemberView>()
}

pub(crate) async fn list_members(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;
    let listing = format!("{group}/members");
    let page = request.page(&context, &listing)?;

    context.grant::<ReadGroups>()?;

    if let GroupRef::Custom(id) = &group {
        app.storage.find_group(&context, id).await?.ok_or_else(Problem::not_found)?;
    }
    let mut members = app.storage.list_access(&context).await?;
    members.retain(|access| page.after.as_deref().is_none_or(|after| access.member_id.as_str() > after));
    let mut members =
        members.iter().filter_map(|access| access.find(&group).map(|found| MemberView::new(access, found)));
    let items: Vec<_> = members.by_ref().take(usize::from(page.limit)).collect();
    let next = members.next().and_then(|_| items.last().map(|member| member.member_id.to_string()));

    Ok(request.listed(&context, &listing, Page { items, next }, |member| member))
}
