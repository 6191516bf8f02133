//! What a tenancy takes away and brings along: the exports API and the worker that puts archives together, the imports API and the
//! worker that makes shows of archives and of other hosts' feeds.
//!
//! An archive is assembled by S3 itself: media is copied from bucket to bucket, and only headers and small files pass through the
//! worker. How that is laid out is in `archive`; what is in it, in [`records`]; in which steps, in [`prepare_export`] and [`carry_out_import`].

use std::sync::Arc;

use lambda_kit::{Api, routes};

mod assemble;
mod cancel_export;
mod cancel_import;
pub mod carry_out_import;
mod create_export;
mod create_import;
mod download_export;
mod explain;
mod find_export;
mod find_import;
mod gather;
mod gathered;
mod import;
mod import_view;
mod lay_out;
mod list_exports;
mod list_import_items;
mod list_imports;
pub mod prepare_export;
mod progress;
pub mod records;
mod start_import;
mod view;

routes! {
    /// The routes.
    pub fn routes() -> Router<Api>;
    /// What they do.
    pub fn operations();

    GET "/v1/exports" => list_exports,
    POST "/v1/exports" => create_export,
    GET "/v1/exports/{export}" => find_export,
    DELETE "/v1/exports/{export}" => cancel_export,
    GET "/v1/exports/{export}/archives/{archive}" => download_export,
    GET "/v1/imports" => list_imports,
    POST "/v1/imports" => create_import,
    GET "/v1/imports/{import}" => find_import,
    DELETE "/v1/imports/{import}" => cancel_import,
    GET "/v1/imports/{import}/items" => list_import_items,
    POST "/v1/imports/{import}/start" => start_import,
}

type App = Arc<Api>;

/// Stands in the feed of a private show for where its files are: beside it, wherever the archive is unpacked. Nothing is ever found
/// there (RFC 2606, 2).
const FILES_ARE_BESIDE: &str = "https://archive.invalid/";

fn files_are_beside() -> Result<url::Url, url::ParseError> {
    FILES_ARE_BESIDE.parse()
}
