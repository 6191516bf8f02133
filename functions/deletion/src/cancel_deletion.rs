//! `POST /v1/deletions/{deletion}/cancel`: takes a deletion back and restores what it is about, until its day.

use domain::{DeletionSubject, Refusal};
use lambda_kit::{Nothing, Problem, Reply, Request, ok, openapi::Operation};
use storage::show_of;
use tenant_context::{DeletionId, permission::CancelDeletion};

use crate::{App, view::DeletionView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CancelDeletion>()
        .path_parameter::<DeletionId>("deletion")
        .takes::<Nothing>()
        .ok::<DeletionView>()
        .problem(not_cancellable(&Refusal::TooLate))
        .problem(show_is_deleted())
}

pub(crate) async fn cancel_deletion(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: DeletionId = request.parameter("deletion")?;
    request.json::<Nothing>()?;

    let permit = context.ask::<CancelDeletion>()?;
    let storage = &app.api.storage;
    let before = storage.find_deletion(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_place(show_of(&before.deletion.subject))?;

    let member = context.member().ok_or_else(Problem::not_found)?;
    let mut cancelled = before.deletion.clone();
    cancelled.cancel(&member, storage.now()).map_err(|refusal| not_cancellable(&refusal))?;
    if let DeletionSubject::Episode { show_id, .. } = &cancelled.subject
        && storage.find_show(&context, show_id).await?.is_none()
    {
        return Err(show_is_deleted());
    }
    let record = storage.restore(&grant, &before, &cancelled).await?;
    app.feed_changed(&context, &record.deletion).await;

    Ok(ok(DeletionView::new(record.deletion)))
}

fn not_cancellable(refusal: &Refusal) -> Problem {
    Problem::conflict("not_cancellable", refusal.to_string())
}

fn show_is_deleted() -> Problem {
    Problem::conflict("show_deleted", "The episode's show is deleted. Restore the show first.")
}
