//! The WebSub hub, which tells podcast apps of new episodes sooner than they would ask (<https://www.w3.org/TR/websub/>).
//!
//! Only public feeds are known to it. Which hub it is, the deployment says.

use aws_smithy_runtime_api::http::{HttpError, Request};
use aws_smithy_types::body::SdkBody;
use domain::WebUrl;
use lambda_kit::Failure;
use url::{Url, form_urlencoded};

use crate::herald;

/// A hub.
#[derive(Debug, Clone)]
pub struct Hub {
    url: WebUrl,
}

impl Hub {
    /// The hub at `url`.
    pub fn new(url: WebUrl) -> Self {
        Self { url }
    }

    /// The `Link` header of `feed`: who to subscribe at, and to what (WebSub, 4).
    pub(crate) fn link(&self, feed: &Url) -> String {
        format!("<{}>; rel=\"hub\", <{feed}>; rel=\"self\"", self.url)
    }

    /// Tells the hub that `feed` has changed.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] unless it answers that it has understood.
    pub(crate) async fn publish(&self, feed: &Url) -> Result<(), Failure> {
        let request = self.request(feed).map_err(|error| Failure::Poison(error.to_string()))?;
        herald::send(request, "the hub", feed).await
    }

    fn request(&self, feed: &Url) -> Result<Request, HttpError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "publish")
            .append_pair("hub.url", feed.as_str())
            .finish();
        let length = form.len().to_string();
        let mut request = Request::new(SdkBody::from(form));
        request.set_method("POST")?;
        request.set_uri(self.url.as_str())?;
        request.headers_mut().try_insert("content-type", "application/x-www-form-urlencoded")?;
        request.headers_mut().try_insert("content-length", length)?;
        Ok(request)
    }
}
