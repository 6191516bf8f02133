//! A plain HTTP client, for the emulator and for the two APIs.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::runtime::Handle;

use crate::Failure;

/// No answer of a function takes longer than API Gateway's 29 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends requests from a runtime of its own choice, so that it may be shared between tests, which have a runtime each.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
}

impl Http {
    pub(crate) fn new(runtime: Handle) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
        Self { client: builder.build_http(), runtime }
    }

    /// The whole answer, whatever its status; redirects are not followed.
    ///
    /// # Errors
    /// Where no whole answer comes within a minute.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let (client, uri) = (self.client.clone(), request.uri().clone());
        let exchange = async move {
            let (head, body) =
                client.request(request.map(Full::new)).await.map_err(|error| error.to_string())?.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };

        let result = match self.runtime.spawn(tokio::time::timeout(PATIENCE, exchange)).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
            Err(error) => Err(error.to_string()),
        };
        result.map_err(|reason: String| {
            Failure::new(
                format!("{uri} does not answer: {reason}."),
                "Look into the emulator's log and start again.",
            )
        })
    }
}
