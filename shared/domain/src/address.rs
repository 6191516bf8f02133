use tenant_context::EpisodeId;
use url::Url;

use crate::{FeedToken, Invalid, Publication, Slug};

/// What podcast apps call: feeds and media under the listener API's URL, either everybody's or one listener's own.
#[derive(Debug, Clone)]
pub struct Addresses {
    listener_url: Url,
    token: Option<FeedToken>,
}

impl Addresses {
    /// Everybody's addresses under `listener_url`.
    ///
    /// # Errors
    /// [`Invalid`] unless it is an http or https URL without query and fragment.
    pub fn public(listener_url: Url) -> Result<Self, Invalid> {
        let is_base = matches!(listener_url.scheme(), "http" | "https")
            && listener_url.query().is_none()
            && listener_url.fragment().is_none();

        is_base
            .then_some(Self { listener_url, token: None })
            .ok_or(Invalid::new("the listener API has an http or https URL without query and fragment"))
    }

    /// The same addresses for the listener who holds `token`.
    pub fn with_token(&self, token: FeedToken) -> Self {
        Self { listener_url: self.listener_url.clone(), token: Some(token) }
    }

    /// A show's feed: `/feeds/<slug>.xml`.
    pub fn feed(&self, slug: &Slug) -> Url {
        self.url(&format!("feeds/{slug}.xml"))
    }

    /// An older part of a show's feed: `/feeds/<slug>.<number>.xml`.
    pub fn feed_page(&self, slug: &Slug, number: usize) -> Url {
        self.url(&format!("feeds/{slug}.{number}.xml"))
    }

    /// Whether these are one listener's own.
    pub fn are_a_listeners(&self) -> bool {
        self.token.is_some()
    }

    /// A show's feed as everybody's address, whoever's these are.
    pub fn public_feed(&self, slug: &Slug) -> Url {
        Self { listener_url: self.listener_url.clone(), token: None }.feed(slug)
    }

    /// A published episode's audio: `/media/<episode>/<file name>`.
    pub fn enclosure(&self, episode: &EpisodeId, publication: &Publication) -> Url {
        self.url(&format!("media/{episode}/{}", publication.file_name))
    }

    /// Another file of a feed: `/<path>`, such as `/artwork/<file name>`.
    pub fn file(&self, path: &str) -> Url {
        self.url(path)
    }

    fn url(&self, path: &str) -> Url {
        let base = self.listener_url.path().trim_end_matches('/');
        let path = match &self.token {
            None => format!("{base}/{path}"),
            Some(token) => format!("{base}/p/{}/{path}", token.as_str()),
        };
        let mut url = self.listener_url.clone();
        url.set_path(&path);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::tests::published;
    use tenant_context::Timestamp;

    fn addresses(base: &str) -> Addresses {
        Addresses::public(base.parse().unwrap()).unwrap()
    }

    #[test]
    fn everybody_s_addresses() {
        let episode = published(Timestamp::EPOCH, Timestamp::EPOCH);
        let publication = episode.publication.as_ref().unwrap();
        for base in ["https://listen.example", "https://listen.example/"] {
            let addresses = addresses(base);
            assert_eq!(
                addresses.feed(&"tide-tables".parse().unwrap()).as_str(),
                "https://listen.example/feeds/tide-tables.xml"
            );
            assert_eq!(
                addresses.enclosure(&episode.id, publication).as_str(),
                "https://listen.example/media/epi_01ARZ3NDEKTSV4RRFFQ69G5FAV/tide-tables.spring-tide.mp3"
            );
        }
    }

    #[test]
    fn a_listener_s_addresses() {
        let token: FeedToken = "0123456789abcdefghjkmnpqrstvwxyz".parse().unwrap();
        let own = addresses("http://127.0.0.1:8401/base/").with_token(token);
        let slug = "tide-tables".parse().unwrap();
        assert_eq!(
            own.feed(&slug).as_str(),
            "http://127.0.0.1:8401/base/p/0123456789abcdefghjkmnpqrstvwxyz/feeds/tide-tables.xml"
        );
        assert_eq!(own.public_feed(&slug).as_str(), "http://127.0.0.1:8401/base/feeds/tide-tables.xml");
    }

    #[test]
    fn only_a_plain_web_url_is_a_base() {
        for bad in
            ["mailto:a@example.org", "ftp://example.org/", "https://example.org/?a", "https://example.org/#a"]
        {
            assert!(Addresses::public(bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}
