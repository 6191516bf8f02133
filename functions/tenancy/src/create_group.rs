//! `POST /v1/groups`: makes a group of the tenancy's own. It allows nothing until `PATCH` says what.

use domain::{CustomGroup, GroupName, Quota};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{GroupId, permission::CreateGroup};

use crate::{App, view::GroupView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: GroupName,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateGroup>()
        .takes::<NewGroup>()
        .idempotent()
        .counted(Quota::Groups)
        .created_at_version::<GroupView>()
}

pub(crate) async fn create_group(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewGroup { name } = request.json()?;

    let grant = context.grant::<CreateGroup>()?;

    let reserved = app.reserve(&request, &grant, GroupId::new).await?;
    if reserved.is_repeated
        && let Some(group) = app.storage.find_group(&context, &reserved.id).await?
    {
        return Ok(answer(group));
    }
    let group = CustomGroup::new(reserved.id, name, app.storage.now());
    app.storage.create_group(&grant, &group).await?;

    Ok(answer(group))
}

fn answer(group: CustomGroup) -> Reply {
    let (location, version) = (format!("/v1/groups/{}", group.id), group.version);
    created(GroupView::from(group), &location, Some(version))
}
