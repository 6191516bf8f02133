//! The keys that a user pool publishes (RFC 7517), kept.

use std::{sync::Arc, time::Duration};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde::Deserialize;
use tenant_context::{Timestamp, token::VerificationKey};
use tokio::sync::Mutex;
use url::Url;

/// A key that the pool no longer publishes is good for this much longer at most.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Tokens that name a key nobody knows make us ask this often at most.
const ASKED_AGAIN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(5);

type Keys = Arc<[VerificationKey]>;

/// The pool's keys could not be read. Trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("the keys of the user pool cannot be read: {0}")]
pub struct KeysUnavailable(String);

#[derive(Debug)]
pub(crate) struct PublishedKeys {
    url: Url,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    keys: Keys,
    fetched_at: Timestamp,
    asked_at: Timestamp,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl PublishedKeys {
    pub(crate) fn new(url: Url) -> Self {
        Self { url, kept: Mutex::default() }
    }

    /// The keys, fetched where there are none that are recent.
    pub(crate) async fn get(&self, now: Timestamp) -> Result<Keys, KeysUnavailable> {
        let mut kept = self.kept.lock().await;
        match &*kept {
            Some(kept) if now < kept.fetched_at.plus(KEPT) => Ok(Arc::clone(&kept.keys)),
            _ => self.fetch_into(&mut kept, now).await,
        }
    }

    /// The keys, for somebody who looked in vain among those that [`Self::get`] answered. None when it is too early to ask.
    pub(crate) async fn get_again(&self, now: Timestamp) -> Result<Option<Keys>, KeysUnavailable> {
        let mut kept = self.kept.lock().await;
        match &mut *kept {
            Some(kept) if now < kept.asked_at.plus(ASKED_AGAIN) => return Ok(None),
            Some(kept) => kept.asked_at = now,
            None => {}
        }
        self.fetch_into(&mut kept, now).await.map(Some)
    }

    async fn fetch_into(&self, kept: &mut Option<Kept>, now: Timestamp) -> Result<Keys, KeysUnavailable> {
        let fetched = tokio::time::timeout(PATIENCE, self.fetch()).await;
        let keys = fetched.map_err(|_| KeysUnavailable("no answer in time".to_owned()))??;
        *kept = Some(Kept { keys: Arc::clone(&keys), fetched_at: now, asked_at: now });
        Ok(keys)
    }

    async fn fetch(&self) -> Result<Keys, KeysUnavailable> {
        let unavailable = |reason: &dyn std::fmt::Display| KeysUnavailable(reason.to_string());
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(self.url.as_str()).map_err(|error| unavailable(&error))?;

        // Made when it is needed, for it reads the system's trust roots, and a function that starts has no use for it yet.
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let answer = connector.call(request).await.map_err(|error| unavailable(&error))?;
        if !answer.status().is_success() {
            return Err(unavailable(&format!("status {}", answer.status().as_u16())));
        }
        let body =
            ByteStream::new(answer.into_body()).collect().await.map_err(|error| unavailable(&error))?;

        let set: KeySet = serde_json::from_slice(&body.into_bytes()).map_err(|error| unavailable(&error))?;
        // Keys of other kinds may stand beside ours.
        let keys: Keys = set.keys.iter().filter_map(|jwk| VerificationKey::from_jwk(jwk).ok()).collect();
        if keys.is_empty() { Err(unavailable(&"there is none to check RS256 with")) } else { Ok(keys) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A pool that answers the n-th request with the n-th status, and a key named after that number.
    async fn pool(statuses: Vec<u16>) -> PublishedKeys {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/pool/.well-known/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for (number, status) in statuses.into_iter().enumerate() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                assert_ne!(stream.read(&mut request).await.unwrap(), 0);
                let body = format!(
                    r#"{{"keys":[{{"kty":"EC","kid":"x"}},{{"kty":"RSA","kid":"{number}","n":"AQAB","e":"AQAB"}}]}}"#
                );
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        PublishedKeys::new(url.parse().unwrap())
    }

    fn after(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(seconds))
    }

    fn ids(keys: &Keys) -> Vec<&str> {
        keys.iter().map(VerificationKey::id).collect()
    }

    #[tokio::test]
    async fn keys_are_kept_for_an_hour() {
        let pool = pool(vec![200, 200]).await;
        assert_eq!(ids(&pool.get(after(0)).await.unwrap()), ["0"]);
        assert_eq!(ids(&pool.get(after(3599)).await.unwrap()), ["0"]);
        assert_eq!(ids(&pool.get(after(3600)).await.unwrap()), ["1"]);
    }

    #[tokio::test]
    async fn an_unknown_key_asks_again_once_a_minute() {
        let pool = pool(vec![200, 200, 500, 200]).await;
        pool.get(after(0)).await.unwrap();

        assert!(pool.get_again(after(59)).await.unwrap().is_none());
        assert_eq!(ids(&pool.get_again(after(60)).await.unwrap().unwrap()), ["1"]);
        assert!(pool.get_again(after(119)).await.unwrap().is_none());
        assert!(pool.get_again(after(120)).await.is_err());
        assert!(pool.get_again(after(121)).await.unwrap().is_none(), "a failure counts as asking");
        assert_eq!(ids(&pool.get(after(122)).await.unwrap()), ["1"], "what was kept is still good");
        assert_eq!(ids(&pool.get_again(after(180)).await.unwrap().unwrap()), ["3"]);
    }

    #[tokio::test]
    async fn without_any_key_the_next_one_asks() {
        let pool = pool(vec![503, 200]).await;
        assert!(pool.get(after(0)).await.is_err());
        assert_eq!(ids(&pool.get(after(0)).await.unwrap()), ["1"]);
    }
}
