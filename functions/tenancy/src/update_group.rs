//! `PATCH /v1/groups/{group}`: changes a group of the tenancy's own. What is absent stays. Every session of the tenancy ends within
//! a minute, so that nobody goes on with what the group allowed before.

use domain::GroupName;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{Action, GroupRef, permission::UpdateGroup};

use crate::{App, giving, system_group, view::GroupView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GroupChanges")]
struct Changes {
    #[serde(default)]
    name: Option<GroupName>,
    #[serde(default)]
    permissions: Option<Vec<Action>>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateGroup>()
        .path_parameter::<GroupRef>("group")
        .takes::<Changes>()
        .conditional()
        .ok_at_version::<GroupView>()
        .problem(system_group())
}

pub(crate) async fn update_group(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;
    let Changes { name, permissions } = request.json()?;

    let grant = context.grant::<UpdateGroup>()?;
    let GroupRef::Custom(id) = group else { return Err(system_group()) };
    let mut group = app.storage.find_group(&context, &id).await?.ok_or_else(Problem::not_found)?;
    giving::check_group(&context, &group)?;

    request.check_if_match(group.version)?;
    let version = group.version;
    let is_changed = group
        .apply(name, permissions)
        .map_err(|invalid| Problem::invalid_field("/permissions", invalid.to_string()))?;
    giving::check_group(&context, &group)?;
    if is_changed {
        app.storage.update_group(&grant, &group, version).await?;
    }

    let version = group.version;
    Ok(ok_at_version(GroupView::from(group), version))
}
