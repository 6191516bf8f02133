//! An exit: what an owner who wants the whole tenancy gone gets from `POST /v1/deletions`. Nothing happens until a second owner
//! agrees.

use domain::{Decider, Deletion, DeletionSubject, NewDeletion, Refusal, Retention};
use http::StatusCode;
use lambda_kit::Problem;
use storage::{DeletionRecord, Storage};
use tenant_context::{DeletionId, MemberId, TenantContext, permission::LeaveTenancy};

use crate::App;

/// Writes down that the caller asks for their tenancy's exit. Asked for before, it is the same one.
pub(crate) async fn request_exit(
    app: &App,
    context: &TenantContext,
    retention: Retention,
) -> Result<DeletionRecord, Problem> {
    let storage = &app.api.storage;
    let grant = context.grant::<LeaveTenancy>()?;
    let member = owner(storage, context).await?;
    let last = storage.find_last_deletion(context, context.tenancy().as_str()).await?;
    if let Some(record) = last.as_ref().filter(|record| !record.deletion.state.is_final()) {
        return app.as_held(context, record.clone()).await;
    }

    let now = storage.now();
    let new = NewDeletion {
        id: DeletionId::new(now, storage.randomness()),
        subject: DeletionSubject::Tenancy { tenancy_id: context.tenancy().clone() },
        retention,
        holds: storage.list_all_holds(context).await?,
    };
    let by = Decider { member: &member, mfa_at: context.mfa_at() };
    let previous = last.as_ref().map(|record| &record.deletion);
    let exit = Deletion::request(new, by, previous, now).map_err(|why| refused_exit(&why))?;
    Ok(storage.create_exit(&grant, &exit).await?)
}

/// The caller, who must be an owner: no group of the tenancy's own ends it.
pub(crate) async fn owner(storage: &Storage, context: &TenantContext) -> Result<MemberId, Problem> {
    let member = context.member().ok_or_else(Problem::not_found)?;
    let access = storage.find_access(context, &member).await?;
    if access.is_some_and(|access| access.is_owner()) { Ok(member) } else { Err(owners_alone()) }
}

/// Why an exit is neither asked for nor approved.
pub(crate) fn refused_exit(why: &Refusal) -> Problem {
    match why {
        Refusal::SecondFactor => second_factor_too_old(),
        Refusal::SameOwner => Problem::conflict("same_owner", why.to_string()),
        Refusal::Lapsed => Problem::conflict("request_lapsed", why.to_string()),
        why => Problem::conflict("not_approvable", why.to_string()),
    }
}

pub(crate) fn owners_alone() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "permission_denied",
        "Not allowed",
        "Only owners decide on the tenancy's exit.",
    )
}

pub(crate) fn second_factor_too_old() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "second_factor_too_old",
        "Not allowed",
        "Sign in again with a second factor: it must not be older than five minutes.",
    )
}
