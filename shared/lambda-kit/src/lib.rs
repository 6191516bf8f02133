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

use lambda_http::tracing::subscriber::{filter::LevelFilter, fmt};

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

/// Logs one JSON line an event, at the level that `AWS_LAMBDA_LOG_LEVEL` or else `RUST_LOG` asks for; `info` where neither does.
pub fn start_logging() {
    let level = variable("AWS_LAMBDA_LOG_LEVEL").or_else(|| variable("RUST_LOG"));
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    // Not `lambda_http`'s own, which has a filter for every module in it, and the regular expressions that such a filter takes.
    fmt().json().with_target(false).without_time().with_max_level(level).init();
}
