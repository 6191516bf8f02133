//! `POST /v1/users`: asks somebody in. Cognito writes to them with a password for the first time; the invitation is in this one
//! answer, for the inviter to pass on. Whoever owns the address and signs in with it is this user.

use domain::{Access, AccessState, EmailAddress, PersonName, Quota};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::{StorageError, User};
use tenant_context::{GroupRef, UserId, permission::InviteUser};

use crate::{App, giving, view::InvitedUserView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: PersonName,
    email: EmailAddress,
    /// Groups in the whole tenancy; `PUT /v1/groups/{group}/members/{member}` knows shows too.
    #[serde(default)]
    groups: Vec<GroupRef>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<InviteUser>()
        .takes::<NewUser>()
        .counted(Quota::Users)
        .created_at_version::<InvitedUserView>()
        .problem(email_taken())
}

pub(crate) async fn invite_user(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewUser { name, email, groups } = request.json()?;

    let grant = context.grant::<InviteUser>()?;
    let now = app.storage.now();
    let user = User { id: UserId::new(now, app.storage.randomness()), name, email, created_at: now };
    let mut access = Access::new(user.member_id(), AccessState::Invited, false);
    giving::join_all(&app, &context, &mut access, &groups).await?;

    if app.storage.has_user_with_email(&grant, &user.email).await? {
        return Err(email_taken());
    }
    let invitation = match app.storage.create_user(&grant, &user, &access).await {
        Err(StorageError::Conflict) => return Err(email_taken()),
        result => result?,
    };
    app.invite(&user).await?;

    let (location, version) = (format!("/v1/users/{}", user.id), access.version);
    Ok(created(InvitedUserView::new((user, access), invitation), &location, Some(version)))
}

fn email_taken() -> Problem {
    Problem::conflict(
        "email_taken",
        "Somebody in this tenancy has this address already, or was invited with it.",
    )
}
