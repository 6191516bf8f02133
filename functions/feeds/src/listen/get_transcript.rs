//! `GET /transcripts/{file}`, and the same under `/p/{feed_token}/`: what is said in an episode, in WebVTT, SubRip or JSON.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};

use crate::listen::{App, describe_hearing, small_file};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .document::<String>(StatusCode::OK, "text/vtt", "The transcript, in the format of its name.")
        .or_as::<String>("application/x-subrip")
        .or_as::<serde_json::Value>("application/json")
        .cached()
}

pub(crate) async fn get_transcript(app: App, request: Request) -> Result<Reply, Problem> {
    small_file::answer(&app, &request, "transcripts").await
}
