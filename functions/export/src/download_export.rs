//! `GET /v1/exports/{export}/archives/{archive}`: answers a link to one archive, good for a minute. Ask again for another.

use std::time::Duration;

use domain::ExportState;
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{ExportId, Timestamp, permission::DownloadExport};

use crate::App;

/// How long a link works for somebody who begins to download. Whoever loses their access has it for no longer.
const LINK_LIFETIME: Duration = Duration::from_secs(60);

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportDownload")]
struct DownloadView {
    /// From 1.
    number: u32,
    size_bytes: u64,
    /// GET it, whole or in ranges.
    url: String,
    /// Until when a download may begin; one that has begun goes on.
    url_expires_at: Timestamp,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<DownloadExport>()
        .path_parameter::<ExportId>("export")
        .path_parameter::<u32>("archive")
        .ok::<DownloadView>()
        .problem(export_not_ready())
}

pub(crate) async fn download_export(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("export")?;
    let number: u32 = request.parameter("archive")?;

    let grant = context.grant::<DownloadExport>()?;

    let now = app.storage.now();
    let export = app.storage.find_export(&context, &id).await?.ok_or_else(Problem::not_found)?;
    if export.state(now) != ExportState::Ready {
        return Err(export_not_ready());
    }
    let archive = export.archives.iter().find(|archive| archive.number == number);
    let archive = archive.ok_or_else(Problem::not_found)?;
    let url = app.storage.link_to_archive(&grant, &id, number, LINK_LIFETIME).await?;

    let size_bytes = archive.size_bytes;
    Ok(ok(DownloadView { number, size_bytes, url, url_expires_at: now.plus(LINK_LIFETIME) }))
}

fn export_not_ready() -> Problem {
    Problem::conflict(
        "export_not_ready",
        "There is nothing to download: the export is not ready yet, or it is over.",
    )
}
