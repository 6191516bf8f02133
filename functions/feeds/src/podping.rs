//! Podping, by which the open network of podcast apps and indexes hears of new episodes at once (<https://podping.org/>).
//!
//! A gateway writes to the network what it is told over HTTP. Which gateway, and with which token, the deployment says; only public
//! feeds are known to it.

use aws_smithy_runtime_api::http::{HttpError, Request};
use aws_smithy_types::body::SdkBody;
use domain::WebUrl;
use lambda_kit::Failure;
use url::{Url, form_urlencoded};

use crate::herald;

/// A gateway to the network.
#[derive(Clone)]
pub struct Podping {
    gateway: WebUrl,
    token: String,
}

impl Podping {
    /// The gateway at `gateway`, which knows us by `token`.
    pub fn new(gateway: WebUrl, token: String) -> Self {
        Self { gateway, token }
    }

    /// Tells the network that `feed` has changed.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] unless the gateway answers that it has understood.
    pub(crate) async fn publish(&self, feed: &Url) -> Result<(), Failure> {
        let request = self.request(feed).map_err(|error| Failure::Poison(error.to_string()))?;
        herald::send(request, "the podping gateway", feed).await
    }

    fn request(&self, feed: &Url) -> Result<Request, HttpError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("url", feed.as_str())
            .append_pair("reason", "update")
            .append_pair("medium", "podcast")
            .finish();
        let mut request = Request::new(SdkBody::empty());
        request.set_method("GET")?;
        request.set_uri(format!("{}?{query}", self.gateway))?;
        request.headers_mut().try_insert("authorization", self.token.clone())?;
        request.headers_mut().try_insert("user-agent", "Castkeep")?;
        Ok(request)
    }
}
