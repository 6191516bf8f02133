//! What every function needs at its edges: requests and routes, problem details, pages, idempotency keys, rate limits, queue
//! batches, time.
//!
//! It knows HTTP, API Gateway and SQS, and nothing of podcasts. What a function does starts in that function's `lib.rs`,
//! which lists its routes; who calls, and whether they have called too often, is answered by [`Api::tenant`], from the data token
//! that the authorizer handed over.

mod api;
mod batch;
mod clock;
mod environment;
pub mod openapi;
mod page;
mod problem;
mod rate_limit;
mod reply;
mod request;
mod router;
mod tick;

pub use api::{Api, Reserved};
pub use batch::{Failure, work_through};
pub use clock::SystemClock;
pub use environment::{open_storage, required, variable};
#[doc(no_inline)]
pub use http::Method;
pub use page::place;
pub use problem::{FieldError, Problem};
pub use reply::{Reply, accepted, created, json, no_content, ok, ok_at_version};
pub use request::{Nothing, Request};
pub use router::{Router, serve};
pub use tick::Tick;

/// Logs one JSON line an event, at the level that `RUST_LOG` or `AWS_LAMBDA_LOG_LEVEL` asks for.
pub fn start_logging() {
    lambda_http::tracing::init_default_subscriber();
}
