//! `POST /v1/users/{user}/invitation`: gives another invitation to somebody who has yet to accept. The one before is void.

use domain::AccessState;
use lambda_kit::{Nothing, Problem, Reply, Request, created, openapi::Operation};
use tenant_context::{
    MemberId, UserId,
    permission::{InviteUser, ReadUsers},
};

use crate::{App, giving, view::InvitationView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<InviteUser>()
        .path_parameter::<UserId>("user")
        .takes::<Nothing>()
        .created::<InvitationView>()
        .problem(already_accepted())
}

pub(crate) async fn renew_invitation(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: UserId = request.parameter("user")?;
    let Nothing {} = request.json()?;

    let grant = context.grant::<InviteUser>()?;
    let member = MemberId::User(id.clone());
    let access = app.storage.find_access(&context, &member).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &access).await?;

    if access.state != AccessState::Invited {
        return Err(already_accepted());
    }
    let read_grant = context.grant::<ReadUsers>()?;
    let (user, _) = app.storage.find_user(&read_grant, &id).await?.ok_or_else(Problem::not_found)?;
    let invitation = app.storage.invite(&grant, &id).await?.ok_or_else(Problem::not_found)?;
    app.invite(&user).await?;

    Ok(created(InvitationView::from(invitation), &format!("/v1/users/{id}"), None))
}

fn already_accepted() -> Problem {
    Problem::conflict("already_accepted", "This user has accepted an invitation before.")
}
