//! `POST /v1/deletions/{deletion}/approve`: a second owner agrees to the tenancy's exit, within seven days of the request. From then
//! on nothing new is written.

use domain::{Decider, Refusal};
use lambda_kit::{Nothing, Problem, Reply, Request, ok, openapi::Operation};
use tenant_context::{DeletionId, permission::LeaveTenancy};

use crate::{
    App,
    request_exit::{owner, owners_alone, refused_exit, second_factor_too_old},
    view::DeletionView,
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<LeaveTenancy>()
        .path_parameter::<DeletionId>("deletion")
        .takes::<Nothing>()
        .ok::<DeletionView>()
        .problem(owners_alone())
        .problem(second_factor_too_old())
        .problem(refused_exit(&Refusal::SameOwner))
        .problem(refused_exit(&Refusal::Lapsed))
        .problem(refused_exit(&Refusal::NotAwaitingApproval))
}

pub(crate) async fn approve_deletion(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: DeletionId = request.parameter("deletion")?;
    request.json::<Nothing>()?;

    let grant = context.grant::<LeaveTenancy>()?;
    let storage = &app.api.storage;
    let member = owner(storage, &context).await?;
    let before = storage.find_deletion(&context, &id).await?.ok_or_else(Problem::not_found)?;

    let mut approved = before.deletion.clone();
    let by = Decider { member: &member, mfa_at: context.mfa_at() };
    approved.approve(by, storage.now()).map_err(|why| refused_exit(&why))?;
    let record = storage.approve_exit(&grant, &before, &approved).await?;
    let record = app.as_held(&context, record).await?;

    Ok(ok(DeletionView::new(record.deletion)))
}
