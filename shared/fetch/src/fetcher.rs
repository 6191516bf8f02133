use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{dns::ResolveDns, http::HttpConnector, result::ConnectorError},
    http::{HttpError, Request, Response},
};
use aws_smithy_types::body::SdkBody;
use url::Url;

use crate::{
    FetchError, Fetched, Reach,
    reach::not_public,
    resolver::{Checked, Forbidden, System},
};

/// No more redirects are followed.
pub const MOST_REDIRECTS: usize = 5;

const USER_AGENT: &str = concat!("Castkeep/", env!("CARGO_PKG_VERSION"));

/// Fetches. Connections and what it takes to make them are kept, so that one is enough for all there is to fetch.
#[derive(Debug)]
pub struct Fetcher {
    reach: Reach,
    internet: Connector,
    /// For names at the ports of what is listed: each reaches what is listed at that port, and the internet only at its own ports.
    listed: BTreeMap<u16, Connector>,
}

/// How much, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of the whole, from its beginning on; what is sent encoded counts as it is when decoded.
    pub most_bytes: u64,
    /// How long each server on the way may take from the look-up of its name to the head of its answer.
    pub answer_within: Duration,
    /// How long nothing may come while bytes are awaited.
    pub idle: Duration,
}

/// To go on where an earlier answer broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many bytes there are already.
    pub from: u64,
    /// The [`Fetched::validator`] that they came with.
    pub validator: String,
}

impl Fetcher {
    /// One that reaches what `reach` says. Reads the system's trust roots.
    pub fn new(reach: Reach) -> Self {
        Self::with_resolver(reach, System)
    }

    /// The same, where `resolver` knows the addresses of names. They are checked all the same.
    pub fn with_resolver(reach: Reach, resolver: impl ResolveDns + 'static) -> Self {
        let resolver: Arc<dyn ResolveDns> = Arc::new(resolver);
        let connector = |port: Option<u16>| {
            let listed = reach.listed().iter().filter(|listed| Some(listed.port()) == port);
            let is_internet = matches!(port, None | Some(80 | 443));
            let listed = listed.map(|listed| listed.ip()).collect();
            let resolver = Checked { inner: Arc::clone(&resolver), listed, is_internet };
            Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_with_resolver(resolver)
        };
        let listed = reach.listed().iter().map(|listed| (listed.port(), connector(Some(listed.port()))));
        Self { listed: listed.collect(), internet: connector(None), reach }
    }

    /// Asks for what is at `url`, follows redirects, and answers once its first bytes may come: `Fetched::chunk` has them.
    ///
    /// With `resume`, a server that can do so and has the same as before sends the rest. From another one comes the whole:
    /// [`Fetched::from`] says which it is.
    ///
    /// # Errors
    /// [`FetchError`] says whether asking again may help.
    pub async fn fetch(
        &self,
        url: &Url,
        resume: Option<&Resume>,
        limits: Limits,
    ) -> Result<Fetched, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            url.set_fragment(None);
            self.reach.check(&url)?;
            let answer = self.ask(&url, resume, limits.answer_within).await?;

            match redirect(&answer, &url)? {
                Some(next) => url = next,
                None => return Fetched::new(url, answer, resume, limits),
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn ask(
        &self,
        url: &Url,
        resume: Option<&Resume>,
        within: Duration,
    ) -> Result<Response, FetchError> {
        let request = request(url, resume).map_err(|error| FetchError::Unreachable(error.to_string()))?;
        let port = url.port_or_known_default().unwrap_or(0);
        let connector = self.listed.get(&port).unwrap_or(&self.internet);

        let answer = tokio::time::timeout(within, connector.call(request)).await;

        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_forbidden(&error) => Err(not_public(url)),
            Ok(Err(error)) => Err(FetchError::Unreachable(innermost(&error))),
            Err(_) => Err(FetchError::TooSlow(within)),
        }
    }
}

fn request(url: &Url, resume: Option<&Resume>) -> Result<Request, HttpError> {
    let mut request = Request::new(SdkBody::empty());
    request.set_method("GET")?;
    request.set_uri(url.as_str())?;
    let headers = request.headers_mut();
    headers.try_insert("accept", "*/*")?;
    headers.try_insert("accept-encoding", "identity")?;
    headers.try_insert("user-agent", USER_AGENT)?;
    if let Some(resume) = resume {
        headers.try_insert("range", format!("bytes={}-", resume.from))?;
        headers.try_insert("if-range", resume.validator.clone())?;
    }
    Ok(request)
}

/// Where the answer sends to, if it does.
fn redirect(answer: &Response, url: &Url) -> Result<Option<Url>, FetchError> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get("location") else { return Ok(None) };
    url.join(location).map(Some).map_err(|_| FetchError::Redirect(location.chars().take(200).collect()))
}

fn is_forbidden(error: &ConnectorError) -> bool {
    causes(error).any(|cause| cause.is::<Forbidden>())
}

/// The last cause says what was wrong, those before it who noticed.
fn innermost(error: &ConnectorError) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &ConnectorError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source())
}
