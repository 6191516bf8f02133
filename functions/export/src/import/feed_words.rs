//! What another host's feed says, in the words of this one. What cannot be said here becomes a remark.

use std::str::FromStr;

use domain::{
    Author, Category, Content, ContentType, Copyright, Description, EnclosureSettings, Episode, EpisodeTitle,
    FeedOptions, FileName, Import, Language, MediaFormat, NewEpisode, NewShow, Publication, Show, ShowTitle,
    Slug, Visibility, WebUrl,
};
use rss::read::{ReadChannel, ReadItem, ReadPerson, ReadTranscript};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenant_context::{EpisodeId, MediaId, ShowId, Timestamp};

use super::{
    bring::Bringer,
    plan::{NotRead, Origin, Plan, PlannedEpisode, PlannedMedia},
};

/// Whoever reads, with the ids that stand for what has none.
pub(crate) struct Words<'a> {
    bringer: &'a Bringer<'a>,
    import: &'a Import,
}

impl<'a> Words<'a> {
    pub(crate) fn new(bringer: &'a Bringer<'a>, import: &'a Import) -> Self {
        Self { bringer, import }
    }

    /// The show.
    pub(crate) fn show(
        &self,
        channel: &ReadChannel,
        options: &FeedOptions,
        plan: &mut Plan,
    ) -> Result<Show, NotRead> {
        let notes = &mut plan.notes;
        let title = channel.title.as_deref().and_then(ShowTitle::of_text);
        let title = title.ok_or_else(|| NotRead::Refused("The feed's show has no title.".to_owned()))?;
        let author =
            channel.author.as_deref().or(channel.owner.as_ref().and_then(|owner| owner.name.as_deref()));
        let author = author.and_then(Author::of_text);
        let author = author.or_else(|| Author::of_text(title.as_str())).ok_or_else(no_text)?;
        let description = channel.description.as_deref().and_then(Description::of_html);
        let description = description.or_else(|| Description::of_html(title.as_str())).ok_or_else(no_text)?;
        let language = channel.language.as_deref().and_then(known::<Language>).map_or_else(
            || {
                notes.push(
                    "The feed names no language that is known: the show is in English here.".to_owned(),
                );
                known("en").ok_or_else(no_text)
            },
            Ok,
        )?;
        let mut categories = channel.categories.iter().filter_map(|text| known::<Category>(text));
        let category = match categories.next().or_else(|| Category::all().next()) {
            Some(category) => category,
            None => return Err(no_text()),
        };
        if channel.categories.iter().all(|text| known::<Category>(text).is_none()) {
            notes.push(format!(
                "The feed names no category of Apple's: the show is in {} here.",
                category.name()
            ));
        }
        let new = NewShow {
            slug: options.slug.clone().or_else(|| slug_of(title.as_str())).ok_or_else(no_text)?,
            title,
            description,
            language,
            category,
            author,
            visibility: Visibility::Public,
            has_listener_feed: false,
            explicit: channel.explicit.unwrap_or_default(),
            listing: kept(
                json!({
                    "link": web(channel.link.as_deref()),
                    "copyright": channel.copyright.as_deref().and_then(Copyright::of_text),
                    "owner": channel.owner.as_ref().map(|owner| json!({ "name": owner.name, "email": owner.email })),
                    "secondary_categories": categories.take(2).collect::<Vec<_>>(),
                    "type": channel.kind,
                    "is_complete": channel.is_complete,
                    "is_blocked": channel.is_blocked,
                }),
                notes,
                "the show",
            ),
            podcasting: kept(
                json!({
                    "funding": channel.funding.iter().take(10).map(|funding| json!({ "url": funding.url, "text": funding.text.as_deref().unwrap_or("Support") })).collect::<Vec<_>>(),
                    "persons": persons(&channel.persons),
                    "license": channel.license.as_ref().map(|license| json!({ "name": license.name, "url": license.url })),
                    "medium": channel.medium,
                }),
                notes,
                "the show",
            ),
            suspends_shared_listeners: false,
            self_serve_domains: Default::default(),
        };
        if let Some(moved) = &channel.new_feed_url {
            notes.push(format!("The feed says that it has moved to {moved}."));
        }
        for (tag, is_there) in [
            ("podcast:value", channel.value.is_some()),
            ("podcast:trailer", !channel.trailers.is_empty()),
            ("podcast:location", !channel.locations.is_empty()),
            ("podcast:podroll", !channel.podroll.is_empty()),
            ("podcast:block", !channel.blocks.is_empty()),
            ("podcast:txt", !channel.txt.is_empty()),
            ("podcast:updateFrequency", channel.update_frequency.is_some()),
        ] {
            if is_there {
                notes.push(format!("The show's {tag} is not imported: write it anew."));
            }
        }

        let id = ShowId::new(self.import.created_at, &self.bringer.draws.draw("feed"));
        let mut show = Show::new(id, new, self.import.created_at);
        match channel.guid.as_deref().map(str::parse) {
            Some(Ok(guid)) => show.podcast_guid = Some(guid),
            Some(Err(_)) => {
                plan.notes.push("The feed's podcast:guid is no UUID: the show has a new one.".to_owned())
            }
            None => {}
        }
        if options.show_id.is_none() {
            show.listing.artwork_id =
                channel.artwork_url.as_ref().and_then(|url| self.media(url, "artwork", "image/jpeg", plan));
        }
        Ok(show)
    }

    /// An episode.
    pub(crate) fn episode(
        &self,
        item: &ReadItem,
        show: &Show,
        date: Timestamp,
        plan: &mut Plan,
    ) -> Result<PlannedEpisode, String> {
        let mut remarks = Vec::new();
        let (Some(guid), Some(enclosure)) = (&item.guid, &item.enclosure) else {
            return Err("It has no enclosure: there is nothing to hear.".to_owned());
        };
        let title = item.title.as_deref().or(item.itunes_title.as_deref());
        let title = title.and_then(EpisodeTitle::of_text).or_else(|| {
            remarks.push("It has no title: its GUID stands for one.".to_owned());
            EpisodeTitle::of_text(&guid.value)
        });
        let title = title.ok_or("It has neither a title nor a GUID.")?;
        let description =
            item.description.as_deref().or(item.content.as_deref()).and_then(Description::of_html);
        let description = description.or_else(|| Description::of_html(title.as_str()));
        let content = item.content.as_ref().filter(|_| item.description.is_some());

        let name = title.as_str().to_owned();
        let media_id = self.media(&enclosure.url, &name, "audio/mpeg", plan);
        let artwork_id = item.artwork_url.as_ref().and_then(|url| self.media(url, &name, "image/jpeg", plan));
        let chapters_id = item
            .chapters
            .as_ref()
            .and_then(|chapters| self.media(&chapters.url, &name, "application/json", plan));
        let new = NewEpisode {
            title,
            description: description.ok_or("It has no text.")?,
            media_id,
            audience: Default::default(),
            explicit: item.explicit,
            listing: kept(
                json!({
                    "link": web(item.link.as_deref()),
                    "content": content.and_then(|content| Content::of_html(content)),
                    "title": item.itunes_title.as_deref().filter(|_| item.title != item.itunes_title).and_then(EpisodeTitle::of_text),
                    "season": item.season.as_ref().map(|season| json!({ "number": season.number, "name": season.name })),
                    "number": item.number.as_ref().map(|number| json!({ "number": number.number, "display": number.display })),
                    "type": item.kind,
                    "is_blocked": item.is_blocked,
                    "artwork_id": artwork_id,
                }),
                &mut remarks,
                "it",
            ),
            podcasting: kept(
                json!({
                    "persons": persons(&item.persons),
                    "license": item.license.as_ref().map(|license| json!({ "name": license.name, "url": license.url })),
                    "soundbites": item.soundbites.iter().take(20).map(|bite| json!({
                        "start_time_milliseconds": bite.start_time_milliseconds,
                        "duration_milliseconds": bite.duration_milliseconds,
                        "title": bite.title,
                    })).collect::<Vec<_>>(),
                    "transcripts": self.transcripts(&item.transcripts, &name, plan, &mut Vec::new()),
                    "chapters_id": chapters_id,
                }),
                &mut remarks,
                "it",
            ),
        };
        for (tag, is_there) in [
            ("podcast:value", item.value.is_some()),
            ("podcast:alternateEnclosure", !item.alternate_enclosures.is_empty()),
            ("podcast:location", !item.locations.is_empty()),
            ("podcast:txt", !item.txt.is_empty()),
        ] {
            if is_there {
                remarks.push(format!("Its {tag} is not imported: write it anew."));
            }
        }
        if item.published_at.is_none() {
            remarks.push(format!("It has no date: it has that of its neighbour in the feed, {date}."));
        }

        let id =
            EpisodeId::new(self.import.created_at, &self.bringer.draws.draw(&format!("guid/{}", guid.value)));
        let mut episode = Episode::new(id, show.id.clone(), new, self.import.created_at);
        // The file name is made once the recording is here.
        let publication =
            Publication::imported(&guid.value, &show.slug, &episode.title, MediaFormat::Mp3, date);
        episode.publication = Some(publication.map_err(|invalid| format!("Its GUID is none: {invalid}."))?);
        Ok(PlannedEpisode { episode, remarks })
    }

    /// One of each language, in a format that is taken.
    fn transcripts(
        &self,
        all: &[ReadTranscript],
        name: &str,
        plan: &mut Plan,
        languages: &mut Vec<Option<String>>,
    ) -> Vec<Value> {
        let mut found = Vec::new();
        for wanted in ["text/vtt", "application/x-subrip"] {
            for transcript in all {
                let is_wanted = match transcript.content_type.as_deref() {
                    Some("application/srt" | "text/srt" | "application/x-subrip") => wanted != "text/vtt",
                    Some(content_type) => content_type == wanted,
                    None => false,
                };
                if !is_wanted || languages.contains(&transcript.language) {
                    continue;
                }
                languages.push(transcript.language.clone());
                let language = transcript.language.as_deref().and_then(known::<Language>);
                if let Some(id) = self.media(&transcript.url, name, wanted, plan) {
                    let is_captions = transcript.is_captions;
                    found.push(json!({ "media_id": id, "language": language, "is_captions": is_captions }));
                }
            }
        }
        found
    }

    /// Has what is at `url` fetched, once.
    fn media(&self, url: &str, name: &str, content_type: &str, plan: &mut Plan) -> Option<MediaId> {
        let id = MediaId::new(self.import.created_at, &self.bringer.draws.draw(&format!("url/{url}")));
        if plan.media.iter().rev().take(200).any(|media| media.id == id) {
            return Some(id);
        }
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let file_name = path.rsplit('/').next().unwrap_or_default();
        let file_name = file_name.parse::<FileName>().or_else(|_| "file".parse()).ok()?;
        plan.media.push(PlannedMedia {
            id: id.clone(),
            name: name.to_owned(),
            from: Origin::Url(url.to_owned()),
            file_name,
            content_type: content_type_of(content_type)?,
            sha256: None,
            enclosure: EnclosureSettings::default(),
            remarks: Vec::new(),
        });
        Some(id)
    }
}

/// Enclosures may be sound or video: whatever a feed says of them is not believed.
fn content_type_of(announced: &str) -> Option<ContentType> {
    let announced = if announced == "audio/mpeg" { "application/octet-stream" } else { announced };
    announced.parse().ok()
}

/// As many of the fields as are valid, one after another: what is not, `remarks` tell.
fn kept<T: DeserializeOwned + Default>(fields: Value, remarks: &mut Vec<String>, of: &str) -> T {
    let Value::Object(fields) = fields else { return T::default() };
    let mut good = serde_json::Map::new();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
        match serde_json::from_value::<T>(alone) {
            Ok(_) => {
                good.insert(name, value);
            }
            Err(error) => {
                let why: String = error.to_string().chars().take(200).collect();
                remarks.push(format!("What the feed says of {of} as {name} is not taken: {why}."));
            }
        }
    }
    serde_json::from_value(Value::Object(good)).unwrap_or_default()
}

fn persons(all: &[ReadPerson]) -> Vec<Value> {
    let person = |person: &ReadPerson| {
        json!({
            "name": person.name,
            "role": person.role.as_deref().and_then(known::<domain::podcasting::PersonRole>).map(|role| role.as_str()),
            "group": person.group.as_deref().and_then(known::<domain::podcasting::PersonGroup>).map(|group| group.as_str()),
            "img": web(person.img.as_deref()),
            "href": web(person.href.as_deref()),
        })
    };
    all.iter().take(20).map(person).collect()
}

fn web(url: Option<&str>) -> Option<WebUrl> {
    url.and_then(known)
}

fn known<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// The title's letters and digits, with hyphens between.
fn slug_of(title: &str) -> Option<Slug> {
    let lower = title.to_lowercase();
    let words = lower
        .split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()))
        .filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(50).collect();
    let slug = slug.trim_end_matches('-');
    slug.parse().ok().or_else(|| format!("show-{slug}").trim_end_matches('-').parse().ok())
}

fn no_text() -> NotRead {
    NotRead::Refused("The feed says too little of its show.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_slug() {
        for (title, slug) in [
            ("The Tide Tables", "the-tide-tables"),
            ("Ü", "show"),
            ("A!", "show-a"),
            (&"long ".repeat(40), &"long-".repeat(10)[..49]),
        ] {
            assert_eq!(slug_of(title).unwrap().as_str(), slug, "{title}");
        }
    }
}
