//! Bytes on their way in: the uploads API, the media worker that decides what becomes of them, and the sweep that sees to what no event
//! comes for.
//!
//! Bytes never pass through the API: callers PUT them to presigned URLs, into a quarantine that nobody may read before the
//! scan has found nothing. An upload ends `ready`, or `rejected` or `expired` with a reason.

use std::sync::Arc;

use lambda_kit::{Api, routes};

mod complete_upload;
mod create_upload;
mod delete_upload;
mod find_upload;
mod list_uploads;
mod media_view;
pub mod parse;
pub mod process_upload;
pub mod receive_upload;
mod renditions;
pub mod sandbox;
pub mod sweep_uploads;
mod view;

routes! {
    /// The routes.
    pub fn routes() -> Router<Api>;
    /// What they do.
    pub fn operations();

    GET "/v1/uploads" => list_uploads,
    POST "/v1/uploads" => create_upload,
    GET "/v1/uploads/{upload}" => find_upload,
    DELETE "/v1/uploads/{upload}" => delete_upload,
    POST "/v1/uploads/{upload}/complete" => complete_upload,
}

type App = Arc<Api>;
