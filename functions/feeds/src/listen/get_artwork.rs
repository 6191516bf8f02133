//! `GET /artwork/{file}`, and the same under `/p/{feed_token}/`: redirects to a picture, by a short-lived link.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};

use crate::listen::{App, describe_hearing, find_file, hear_file, redirect};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .bodiless(StatusCode::FOUND, "The picture is at Location for ten minutes.")
        .with_header("Location")
}

pub(crate) async fn get_artwork(app: App, request: Request) -> Result<Reply, Problem> {
    let (heard, file) = hear_file(&app, &request).await?;

    let artwork = find_file(&app, &heard, &format!("artwork/{file}")).await?;
    redirect(&app, &request, &heard, &artwork.media).await
}
