//! `POST /v1/groups`: a group of the tenancy's own. It allows nothing until `PATCH` says what.

use domain::{CustomGroup, GroupName};
use lambda_kit::{Problem, Reply, Request, created};
use serde::Deserialize;
use tenant_context::{GroupId, permission::CreateGroup};

use crate::{App, view::GroupView};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: GroupName,
}

pub(crate) async fn create_group(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewGroup { name } = request.json()?;

    let grant = context.grant::<CreateGroup>()?;

    let reserved = app.reserve(&request, &grant, GroupId::new).await?;
    if reserved.is_repeated
        && let Some(group) = app.storage.find_group(&context, &reserved.id).await?
    {
        return Ok(describe(group));
    }
    let group = CustomGroup::new(reserved.id, name, app.storage.now());
    app.storage.create_group(&grant, &group).await?;

    Ok(describe(group))
}

fn describe(group: CustomGroup) -> Reply {
    let (location, version) = (format!("/v1/groups/{}", group.id), group.version);
    created(GroupView::from(group), &location, Some(version))
}
