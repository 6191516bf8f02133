//! `GET /chapters/{file}`, and the same under `/p/{feed_token}/`: an episode's chapters, in JSON as Podcasting 2.0 has them.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};

use crate::listen::{App, describe_hearing, small_file};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .document::<domain::Chapters>(StatusCode::OK, "application/json+chapters", "The chapters.")
        .cached()
}

pub(crate) async fn get_chapters(app: App, request: Request) -> Result<Reply, Problem> {
    small_file::answer(&app, &request, "chapters").await
}
