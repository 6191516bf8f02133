//! `PUT /v1/groups/{group}/members/{member}`: puts a member into a group, in the whole tenancy or in certain shows. The member's
//! sessions end within a minute; the next sign-in has what this gives.

use domain::Access;
use lambda_kit::{Api, Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{GroupRef, MemberId, ShowId, TenantContext, permission::ManageMembers};

use crate::{App, giving, view::MemberView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewMembership")]
struct Wire {
    /// The shows that it covers; absent means the whole tenancy.
    #[serde(default)]
    shows: Option<Vec<ShowId>>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageMembers>()
        .path_parameter::<GroupRef>("group")
        .path_parameter::<MemberId>("member")
        .takes::<Wire>()
        .spares_the_last_owner()
        .ok::<MemberView>()
}

pub(crate) async fn put_member(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let group: GroupRef = request.parameter("group")?;
    let member: MemberId = request.parameter("member")?;
    let Wire { shows } = request.json()?;

    let grant = context.grant::<ManageMembers>()?;
    giving::check_membership(&app, &context, &group, shows.clone(), Problem::not_found).await?;

    let before = app.storage.find_access(&context, &member).await?.ok_or_else(Problem::not_found)?;
    check_shows(&app, &context, shows.as_deref().unwrap_or_default()).await?;
    let mut after = before.clone();
    let is_changed = after
        .join(&group, shows, &context.principal().to_string(), app.storage.now())
        .map_err(|invalid| Problem::invalid_field("/shows", invalid.to_string()))?;
    if is_changed {
        app.storage.update_membership(&grant, &group, &before, &after).await?;
    }

    answer(&after, &group)
}

fn answer(access: &Access, group: &GroupRef) -> Result<Reply, Problem> {
    let membership = access.find(group).ok_or_else(Problem::internal)?;
    Ok(ok(MemberView::new(access, membership)))
}

async fn check_shows(app: &Api, context: &TenantContext, shows: &[ShowId]) -> Result<(), Problem> {
    for (number, show) in shows.iter().enumerate() {
        if app.storage.find_show(context, show).await?.is_none() {
            return Err(Problem::invalid_field(&format!("/shows/{number}"), "There is no such show."));
        }
    }
    Ok(())
}
