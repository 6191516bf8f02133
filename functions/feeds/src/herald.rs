//! Who is told of a new document: a WebSub hub, the podping network, both or nobody.

use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::{client::http::HttpConnector, http::Request};
use lambda_kit::Failure;
use url::Url;

use crate::{hub::Hub, podping::Podping};

/// How long each of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// All who are told.
#[derive(Clone, Default)]
pub struct Heralds {
    /// The hub.
    pub hub: Option<Hub>,
    /// The gateway to podping.
    pub podping: Option<Podping>,
}

impl Heralds {
    /// Whether anybody is told.
    pub(crate) fn are_there(&self) -> bool {
        self.hub.is_some() || self.podping.is_some()
    }

    /// Tells all of them that `feed` has changed. When one does not answer, all are told again: hearing it twice does no harm.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] unless each answers that it has understood.
    pub(crate) async fn publish(&self, feed: &Url) -> Result<(), Failure> {
        if let Some(hub) = &self.hub {
            hub.publish(feed).await?;
        }
        if let Some(podping) = &self.podping {
            podping.publish(feed).await?;
        }
        Ok(())
    }
}

/// Sends what tells `whom` that `feed` has changed.
pub(crate) async fn send(request: Request, whom: &str, feed: &Url) -> Result<(), Failure> {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let connector = Connector::builder().tls_provider(provider).build();

    let answer = tokio::time::timeout(PATIENCE, connector.call(request)).await;

    let failed = |what: String| Err(Failure::Elsewhere(format!("{whom} was not told of {feed}: {what}")));
    match answer {
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => failed(format!("it answered {}", answer.status())),
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed("it did not answer in time".to_owned()),
    }
}
