//! `GET /v1/exports/{export}`: shows how far an export is. Where nothing was heard of it for long, its worker is sent for again.

use domain::{EXPORT_LOST_AFTER, ExportState};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use storage::ExportRequest;
use tenant_context::{ExportId, permission::ReadExports};

use crate::{App, progress::Progress, view::ExportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadExports>().path_parameter::<ExportId>("export").ok::<ExportView>()
}

pub(crate) async fn find_export(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("export")?;

    context.grant::<ReadExports>()?;

    let now = app.storage.now();
    let export = app.storage.find_export(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let work = match export.state {
        ExportState::Preparing => app.storage.find_export_work::<Progress>(&context, &id).await?,
        _ => None,
    };
    if work.as_ref().is_some_and(|work| work.saved_at.plus(EXPORT_LOST_AFTER) <= now) {
        let message = ExportRequest { tenancy_id: context.tenancy().clone(), export_id: id };
        app.storage.request_export(&message).await?;
    }

    Ok(ok(ExportView::new(export, work.map(|work| work.progress.done), now)))
}
