//! `POST /v1/shows`: makes a show under a slug that nobody else has.

use domain::{NewShow, Quota, Show};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use storage::{SlugRecord, StorageError};
use tenant_context::{ShowId, TenantContext, permission::CreateShow};

use crate::{App, Shows, attachments, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateShow>()
        .takes::<NewShow>()
        .idempotent()
        .counted(Quota::Shows)
        .created_at_version::<ShowView>()
        .problem(slug_taken())
}

pub(crate) async fn create_show(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let new: NewShow = request.json()?;

    let grant = context.grant::<CreateShow>()?;

    let reserved = app.api.reserve(&request, &grant, ShowId::new).await?;
    if reserved.is_repeated
        && let Some(show) = app.api.storage.find_show(&context, &reserved.id).await?
    {
        return Ok(answer(&app, show));
    }
    // Before the claim, or a show that is refused would keep its slug from everybody.
    app.api.storage.check_quota(&grant, Quota::Shows).await?;
    let show = Show::new(reserved.id, new, app.api.storage.now());
    attachments::check(&app.api.storage, &context, &show.attachments()).await?;
    claim_slug(&app, &context, &show).await?;
    app.api.storage.create_show(&grant, &show).await?;
    app.feed_changed(&context, &show.id).await;

    Ok(answer(&app, show))
}

/// Claims the slug. A claim of our own that no show came of (the process died in between) is taken over.
async fn claim_slug(app: &Shows, context: &TenantContext, show: &Show) -> Result<(), Problem> {
    let storage = &app.api.storage;
    let claim = SlugRecord {
        slug: show.slug.clone(),
        tenancy_id: context.tenancy().clone(),
        show_id: show.id.clone(),
        farewell: None,
    };
    match storage.claim_slug(&claim).await {
        Err(StorageError::Conflict) => {}
        result => return Ok(result?),
    }

    let holder = storage.find_slug(&show.slug).await?.ok_or_else(slug_taken)?;
    if holder.tenancy_id != *context.tenancy() || storage.has_been_a_show(context, &holder.show_id).await? {
        return Err(slug_taken());
    }
    Ok(storage.take_over_slug(&claim, &holder).await?)
}

fn slug_taken() -> Problem {
    Problem::conflict(
        "slug_taken",
        "A show has this slug already. Choose another: it is part of the feed's URL.",
    )
}

fn answer(app: &Shows, show: Show) -> Reply {
    let (location, version) = (format!("/v1/shows/{}", show.id), show.version);
    created(ShowView::new(show, &app.addresses), &location, Some(version))
}
