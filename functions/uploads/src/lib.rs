//! Bytes on their way in: the uploads API, and the media worker that decides what becomes of them.
//!
//! Bytes never pass through the API: callers PUT them to presigned URLs, into a quarantine that nobody may read before the
//! scan has found nothing. An upload ends `ready` or `rejected` with a reason.

use lambda_kit::{Api, Router};

use http::Method;
use std::sync::Arc;

mod complete_upload;
mod create_upload;
mod delete_upload;
mod find_upload;
mod list_uploads;
mod probe;
pub mod process_upload;
mod view;

/// The routes.
pub fn routes() -> Router<Api> {
    Router::new()
        .route(Method::GET, "/v1/uploads", list_uploads::list_uploads)
        .route(Method::POST, "/v1/uploads", create_upload::create_upload)
        .route(Method::GET, "/v1/uploads/{upload}", find_upload::find_upload)
        .route(Method::DELETE, "/v1/uploads/{upload}", delete_upload::delete_upload)
        .route(Method::POST, "/v1/uploads/{upload}/complete", complete_upload::complete_upload)
}

type App = Arc<Api>;
