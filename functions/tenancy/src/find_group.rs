//! `GET /v1/groups/{group}`: finds a group.

use lambda_kit::{Problem, Reply, Request, ok, ok_at_version, openapi::Operation};
use tenant_context::{GroupRef, permission::ReadGroups};

use crate::{App, view::GroupView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ReadGroups>()
        .path_parameter::<GroupRef>("group")
        .ok::<GroupView>()
        .with_header_or_without("ETag")
}

pub(crate) async fn find_group(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;

    context.grant::<ReadGroups>()?;

    match group {
        GroupRef::System(group) => Ok(ok(GroupView::from(group))),
        GroupRef::Custom(id) => {
            let group = app.storage.find_group(&context, &id).await?.ok_or_else(Problem::not_found)?;
            let version = group.version;
            Ok(ok_at_version(GroupView::from(group), version))
        }
    }
}
