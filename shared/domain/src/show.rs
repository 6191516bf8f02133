use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{ShowId, Timestamp};

use crate::{
    Author, Category, Description, EmailDomain, Farewell, Language, List, PodcastGuid, ShowListing,
    ShowListingChanges, ShowTitle, Slug,
    podcasting::{ShowPodcasting, ShowPodcastingChanges},
};

/// A podcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Show {
    /// Its name inside the tenancy.
    pub id: ShowId,
    /// Its name in URLs. Never changes: feed and enclosure URLs are made of it.
    pub slug: Slug,
    /// What it is called.
    pub title: ShowTitle,
    /// What it is about.
    pub description: Description,
    /// What is spoken.
    pub language: Language,
    /// Where directories file it.
    pub category: Category,
    /// Who makes it.
    pub author: Author,
    /// Who may listen. Never changes: apps keep the feed URL that they were given.
    pub visibility: Visibility,
    /// Why its feed is not served any more, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell: Option<Farewell>,
    /// Whether a public show has listeners with feed tokens, too. A private show has them anyway.
    #[serde(default)]
    pub has_listener_feed: bool,
    /// Whether it carries a parental advisory, unless an episode says otherwise.
    pub explicit: bool,
    /// Its `podcast:guid`, where it has kept one from another host; made of the feed's URL when absent. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub podcast_guid: Option<PodcastGuid>,
    /// How directories and apps list it.
    #[serde(default)]
    pub listing: ShowListing,
    /// What it says in Podcasting 2.0.
    #[serde(default)]
    pub podcasting: ShowPodcasting,
    /// Whether a listener is suspended whose feed URL is used from too many networks at once.
    #[serde(default)]
    pub suspends_shared_listeners: bool,
    /// Whose people may become listeners by themselves, by the domain of their e-mail address.
    #[serde(default)]
    pub self_serve_domains: List<EmailDomain, 20>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When one of these fields last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; an `ETag` is made of it.
    pub version: u64,
}

/// Who may listen to a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Listeners with a feed token.
    Private,
}

/// What a show starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShow {
    /// Its name in URLs. Never changes: feed and enclosure URLs are made of it.
    pub slug: Slug,
    /// What it is called.
    pub title: ShowTitle,
    /// What it is about.
    pub description: Description,
    /// What is spoken.
    pub language: Language,
    /// Where directories file it.
    pub category: Category,
    /// Who makes it.
    pub author: Author,
    /// Who may listen. Never changes: apps keep the feed URL that they were given.
    pub visibility: Visibility,
    /// Whether a public show has listeners with feed tokens, too, who hear episodes that are for them alone, or earlier than
    /// everybody. A private show has them anyway.
    #[serde(default)]
    pub has_listener_feed: bool,
    /// Whether it carries a parental advisory, unless an episode says otherwise.
    #[serde(default)]
    pub explicit: bool,
    /// How directories and apps list it.
    #[serde(default)]
    pub listing: ShowListingChanges,
    /// What it says in Podcasting 2.0.
    #[serde(default)]
    pub podcasting: ShowPodcastingChanges,
    /// Whether a listener is suspended whose feed URL is used from too many networks at once.
    #[serde(default)]
    pub suspends_shared_listeners: bool,
    /// Whose people may become listeners by themselves, by the domain of their e-mail address: `POST /shows/{slug}/listeners` of the
    /// listener API has a feed URL sent to every address that is in one of these domains, and in none below it. Without effect while
    /// the show has no listeners, or its feed is not served any more.
    #[serde(default)]
    pub self_serve_domains: List<EmailDomain, 20>,
}

/// Changes to a show; what is absent stays. Slug and visibility cannot change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShowChanges {
    /// What it is called.
    pub title: Option<ShowTitle>,
    /// What it is about.
    pub description: Option<Description>,
    /// What is spoken.
    pub language: Option<Language>,
    /// Where directories file it.
    pub category: Option<Category>,
    /// Who makes it.
    pub author: Option<Author>,
    /// Whether a public show has listeners with feed tokens, too. Without, the tokens that it has open nothing.
    pub has_listener_feed: Option<bool>,
    /// Whether it carries a parental advisory, unless an episode says otherwise.
    pub explicit: Option<bool>,
    /// How directories and apps list it.
    pub listing: ShowListingChanges,
    /// What it says in Podcasting 2.0.
    pub podcasting: ShowPodcastingChanges,
    /// Whether a listener is suspended whose feed URL is used from too many networks at once.
    pub suspends_shared_listeners: Option<bool>,
    /// Whose people may become listeners by themselves, by the domain of their e-mail address. Who did so before remains one.
    pub self_serve_domains: Option<List<EmailDomain, 20>>,
}

impl Show {
    /// A show without episodes.
    pub fn new(id: ShowId, new: NewShow, now: Timestamp) -> Self {
        let NewShow { slug, title, description, language, category, author, visibility, explicit, .. } = new;
        Self {
            id,
            slug,
            title,
            description,
            language,
            category,
            author,
            visibility,
            farewell: None,
            has_listener_feed: new.has_listener_feed,
            explicit,
            podcast_guid: None,
            listing: new.listing.into(),
            podcasting: new.podcasting.into(),
            suspends_shared_listeners: new.suspends_shared_listeners,
            self_serve_domains: new.self_serve_domains,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Whether it has listeners with feed tokens.
    pub fn has_listeners(&self) -> bool {
        self.visibility == Visibility::Private || self.has_listener_feed
    }

    /// The e-mail domains whose people may become listeners by themselves by now: none while the show has no listeners, or its feed is
    /// not served any more.
    pub fn admitted_domains(&self) -> &[EmailDomain] {
        if self.has_listeners() && self.farewell.is_none() { &self.self_serve_domains } else { &[] }
    }

    /// Makes `changes` and answers whether anything is different now. Nearly every field of a show is in its feed.
    pub fn apply(&mut self, changes: ShowChanges, now: Timestamp) -> bool {
        let before = self.clone();
        let ShowChanges {
            title,
            description,
            language,
            category,
            author,
            has_listener_feed,
            explicit,
            listing,
            podcasting,
            suspends_shared_listeners,
            self_serve_domains,
        } = changes;
        replace(&mut self.title, title);
        replace(&mut self.description, description);
        replace(&mut self.language, language);
        replace(&mut self.category, category);
        replace(&mut self.author, author);
        replace(&mut self.has_listener_feed, has_listener_feed);
        replace(&mut self.explicit, explicit);
        self.listing.apply(listing);
        self.podcasting.apply(podcasting);
        replace(&mut self.suspends_shared_listeners, suspends_shared_listeners);
        replace(&mut self.self_serve_domains, self_serve_domains);

        if *self == before {
            return false;
        }
        self.updated_at = now;
        self.version += 1;
        true
    }
}

/// Puts `new` into `field`, if there is one.
pub(crate) fn replace<T>(field: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *field = new;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{ShowType, podcasting::Medium};

    pub(crate) fn show() -> Show {
        let new = serde_json::from_str(
            r#"{
                "slug": "tide-tables",
                "title": "Tide Tables",
                "description": "The sea, twice a day.",
                "language": "en-GB",
                "category": "Science > Earth Sciences",
                "author": "Harbour Radio",
                "visibility": "public"
            }"#,
        );
        Show::new("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), new.unwrap(), Timestamp::EPOCH)
    }

    #[test]
    fn a_change_is_counted() {
        let mut show = show();
        let later = Timestamp::from_unix_seconds(60);
        let changes = serde_json::from_str(r#"{"title": "Tides", "explicit": true}"#).unwrap();

        assert!(show.apply(changes, later));

        assert_eq!((show.title.as_str(), show.explicit), ("Tides", true));
        assert_eq!((show.version, show.updated_at), (2, later));
    }

    #[test]
    fn what_changes_nothing_is_not_counted() {
        let mut changed = show();
        let changes = serde_json::from_str(r#"{"title": "Tide Tables"}"#).unwrap();

        assert!(!changed.apply(changes, Timestamp::from_unix_seconds(60)));

        assert_eq!(changed, show());
    }

    #[test]
    fn slug_and_visibility_cannot_change() {
        for bad in [r#"{"slug": "other"}"#, r#"{"visibility": "private"}"#] {
            assert!(serde_json::from_str::<ShowChanges>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_show_with_listeners_and_a_feed_admits_anybody() {
        let mut show = show();
        let domains = r#"{"self_serve_domains": ["Acme.example"]}"#;
        assert!(show.apply(serde_json::from_str(domains).unwrap(), Timestamp::EPOCH));
        assert_eq!(show.admitted_domains(), []);

        show.has_listener_feed = true;
        assert_eq!(show.admitted_domains(), ["acme.example".parse().unwrap()]);

        show.farewell = Some(Farewell::Ended);
        assert_eq!(show.admitted_domains(), []);
    }

    #[test]
    fn a_show_survives_json() {
        let json = serde_json::to_string(&show()).unwrap();
        assert_eq!(serde_json::from_str::<Show>(&json).unwrap(), show());
    }

    #[test]
    fn a_show_of_before_still_reads() {
        const NEW: [&str; 4] = ["listing", "podcasting", "suspends_shared_listeners", "self_serve_domains"];
        let mut json = serde_json::to_value(show()).unwrap();
        json.as_object_mut().unwrap().retain(|name, _| !NEW.contains(&name.as_str()));
        assert_eq!(serde_json::from_value::<Show>(json).unwrap(), show());
    }

    #[test]
    fn a_change_reaches_into_the_groups() {
        let mut show = show();
        let changes = r#"{"listing": {"type": "serial"}, "podcasting": {"medium": "course"}}"#;

        assert!(show.apply(serde_json::from_str(changes).unwrap(), Timestamp::EPOCH));
        assert!(!show.apply(serde_json::from_str(changes).unwrap(), Timestamp::EPOCH));

        assert_eq!((show.listing.kind, show.podcasting.medium), (ShowType::Serial, Medium::Course));
        assert!(show.podcasting.locked.is_locked);
    }
}
