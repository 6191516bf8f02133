//! `PATCH /v1/users/{user}`: suspends somebody, or lets them back in. Their sessions end within a minute.

use domain::AccessState;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{
    UserId,
    permission::{ReadUsers, UpdateUser},
};

use crate::{App, giving, view::UserView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserChanges")]
struct Wire {
    state: NewState,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NewUserState")]
enum NewState {
    Active,
    Suspended,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateUser>()
        .path_parameter::<UserId>("user")
        .takes::<Wire>()
        .conditional()
        .spares_the_last_owner()
        .ok_at_version::<UserView>()
        .problem(not_accepted())
}

pub(crate) async fn update_user(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: UserId = request.parameter("user")?;
    let Wire { state } = request.json()?;

    let grant = context.grant::<UpdateUser>()?;
    let read_grant = context.grant::<ReadUsers>()?;
    let (user, before) = app.storage.find_user(&read_grant, &id).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &before).await?;

    request.check_if_match(before.version)?;
    if before.state == AccessState::Invited {
        return Err(not_accepted());
    }
    let mut after = before.clone();
    let is_changed = after.enter(match state {
        NewState::Active => AccessState::Active,
        NewState::Suspended => AccessState::Suspended,
    });
    if is_changed {
        app.storage.update_user_access(&grant, &before, &after).await?;
    }

    let version = after.version;
    Ok(ok_at_version(UserView::new((user, after)), version))
}

fn not_accepted() -> Problem {
    Problem::conflict("not_accepted", "This user has yet to accept the invitation. Remove them instead.")
}
