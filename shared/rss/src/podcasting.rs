//! The tags of the Podcasting 2.0 namespace, <https://podcastindex.org/namespace/1.0>.

use domain::{
    Channel, ContentType, FeedEpisode, Language, List, ShortText, ShowOwner, WebUrl,
    podcasting::{
        AlternateEnclosure, Amount, AspectRatio, Country, Geo, Image, License, Location, Medium, Osm, Person,
        PersonGroup, PersonRole, RecurrenceRule, RemoteItem, ServiceSlug, Soundbite, Trailer, Transcript,
        Txt, UpdateFrequency, Value,
    },
};

use crate::xml::Document;

pub(crate) fn write_show(document: &mut Document, channel: &Channel<'_>) {
    let podcasting = &channel.show.podcasting;
    document.element("<podcast:guid>", &channel.guid.to_string(), "</podcast:guid>\n");
    write_locked(document, channel);
    document.raw("<podcast:medium>").raw(podcasting.medium.as_str()).raw("</podcast:medium>\n");
    for funding in podcasting.funding.iter() {
        document.raw("<podcast:funding url=\"").value(funding.url.as_str()).element(
            "\">",
            funding.text.as_str(),
            "</podcast:funding>\n",
        );
    }
    write_persons(document, &podcasting.persons);
    write_locations(document, &podcasting.locations);
    for trailer in podcasting.trailers.iter() {
        write_trailer(document, trailer);
    }
    write_license(document, podcasting.license.as_ref());
    write_value(document, podcasting.value.as_ref());
    write_images(document, &podcasting.images);
    write_txt(document, &podcasting.txt);
    if let Some(frequency) = &podcasting.update_frequency {
        write_update_frequency(document, frequency);
    }
    write_blocks(document, channel);
    if !podcasting.podroll.is_empty() {
        document.raw("<podcast:podroll>\n");
        for item in podcasting.podroll.iter() {
            write_remote_item(document, item);
        }
        document.raw("</podcast:podroll>\n");
    }
}

pub(crate) fn write_episode(document: &mut Document, item: &FeedEpisode<'_>) {
    let (listing, podcasting) = (&item.episode.listing, &item.episode.podcasting);
    if let Some(season) = &listing.season {
        document
            .raw("<podcast:season")
            .attribute(" name=\"", season.name.as_ref().map(ShortText::as_str))
            .raw(">")
            .number(season.number.get().into())
            .raw("</podcast:season>\n");
    }
    if let Some(number) = &listing.number {
        document
            .raw("<podcast:episode")
            .attribute(" display=\"", number.display.as_ref().map(|display| display.as_str()))
            .raw(">")
            .number(number.number.get().into())
            .raw("</podcast:episode>\n");
    }
    for transcript in &item.transcripts {
        write_transcript(document, transcript);
    }
    if let Some(chapters) = &item.chapters_url {
        document
            .raw("<podcast:chapters url=\"")
            .value(chapters.as_str())
            .raw("\" type=\"application/json+chapters\"/>\n");
    }
    for soundbite in podcasting.soundbites.iter() {
        write_soundbite(document, soundbite);
    }
    write_persons(document, &podcasting.persons);
    write_locations(document, &podcasting.locations);
    write_license(document, podcasting.license.as_ref());
    for enclosure in &item.alternate_enclosures {
        write_alternate_enclosure(document, enclosure);
    }
    write_value(document, podcasting.value.as_ref());
    write_images(document, &podcasting.images);
    write_txt(document, &podcasting.txt);
}

/// Without the owner's address unless the show asks for it: nobody gets an e-mail address to write to by mistake.
fn write_locked(document: &mut Document, channel: &Channel<'_>) {
    let locked = channel.show.podcasting.locked;
    let owner = channel.show.listing.owner.as_ref().filter(|_| locked.shows_owner && !channel.is_private);
    let email = owner.and_then(|ShowOwner { email, .. }| email.as_ref());
    document
        .raw("<podcast:locked")
        .attribute(" owner=\"", email.map(|email| email.as_str()))
        .raw(">")
        .raw(yes_or_no(locked.is_locked))
        .raw("</podcast:locked>\n");
}

fn write_persons<const MOST: usize>(document: &mut Document, persons: &List<Person, MOST>) {
    for person in persons.iter() {
        document
            .raw("<podcast:person")
            .attribute(" role=\"", person.role.map(PersonRole::as_str))
            .attribute(" group=\"", person.group.map(PersonGroup::as_str))
            .attribute(" img=\"", person.img.as_ref().map(WebUrl::as_str))
            .attribute(" href=\"", person.href.as_ref().map(WebUrl::as_str))
            .element(">", person.name.as_str(), "</podcast:person>\n");
    }
}

fn write_locations<const MOST: usize>(document: &mut Document, locations: &List<Location, MOST>) {
    for location in locations.iter() {
        document
            .raw("<podcast:location rel=\"")
            .raw(location.rel.as_str())
            .raw("\"")
            .attribute(" geo=\"", location.geo.as_ref().map(Geo::as_str))
            .attribute(" osm=\"", location.osm.as_ref().map(Osm::as_str))
            .attribute(" country=\"", location.country.as_ref().map(Country::as_str))
            .element(">", location.name.as_str(), "</podcast:location>\n");
    }
}

fn write_trailer(document: &mut Document, trailer: &Trailer) {
    document
        .raw("<podcast:trailer pubdate=\"")
        .value(&trailer.published_at.to_rfc2822())
        .raw("\" url=\"")
        .value(trailer.url.as_str())
        .raw("\"")
        .numeric_attribute(" length=\"", trailer.size_bytes)
        .attribute(" type=\"", trailer.content_type.as_ref().map(ContentType::as_str))
        .numeric_attribute(" season=\"", trailer.season.map(|season| season.get().into()))
        .element(">", trailer.title.as_str(), "</podcast:trailer>\n");
}

/// A public license is known by its identifier in lower case; the name of another is its owner's to spell.
fn write_license(document: &mut Document, license: Option<&License>) {
    let Some(license) = license else { return };
    document.raw("<podcast:license").attribute(" url=\"", license.url.as_ref().map(WebUrl::as_str));
    if license.is_creative_commons() {
        let identifier = license.name.as_str().to_ascii_lowercase();
        document.element(">", &identifier, "</podcast:license>\n");
    } else {
        document.element(">", license.name.as_str(), "</podcast:license>\n");
    }
}

fn write_value(document: &mut Document, value: Option<&Value>) {
    let Some(value) = value else { return };
    document
        .raw("<podcast:value type=\"")
        .value(value.kind.as_str())
        .raw("\" method=\"")
        .value(value.method.as_str())
        .raw("\"")
        .attribute(" suggested=\"", value.suggested.as_ref().map(Amount::as_str))
        .raw(">\n");
    for recipient in value.recipients.iter() {
        document
            .raw("<podcast:valueRecipient")
            .attribute(" name=\"", recipient.name.as_ref().map(ShortText::as_str))
            .attribute(" customKey=\"", recipient.custom_key.as_ref().map(ShortText::as_str))
            .attribute(" customValue=\"", recipient.custom_value.as_ref().map(ShortText::as_str))
            .raw(" type=\"")
            .value(recipient.kind.as_str())
            .raw("\" address=\"")
            .value(recipient.address.as_str())
            .raw("\" split=\"")
            .number(recipient.split.get().into())
            .raw("\"")
            .attribute(" fee=\"", recipient.is_fee.then_some("true"))
            .raw("/>\n");
    }
    document.raw("</podcast:value>\n");
}

fn write_images<const MOST: usize>(document: &mut Document, images: &List<Image, MOST>) {
    for image in images.iter() {
        document
            .raw("<podcast:image href=\"")
            .value(image.href.as_str())
            .raw("\"")
            .attribute(" alt=\"", image.alt.as_ref().map(ShortText::as_str))
            .attribute(" aspect-ratio=\"", image.aspect_ratio.as_ref().map(AspectRatio::as_str))
            .numeric_attribute(" width=\"", image.width.map(|width| width.get().into()))
            .numeric_attribute(" height=\"", image.height.map(|height| height.get().into()))
            .attribute(" type=\"", image.content_type.as_ref().map(ContentType::as_str))
            .attribute(" purpose=\"", image.purpose.as_ref().map(ShortText::as_str))
            .raw("/>\n");
    }
}

fn write_txt<const MOST: usize>(document: &mut Document, txt: &List<Txt, MOST>) {
    for txt in txt.iter() {
        document
            .raw("<podcast:txt")
            .attribute(" purpose=\"", txt.purpose.as_ref().map(ShortText::as_str))
            .element(">", txt.value.as_str(), "</podcast:txt>\n");
    }
}

fn write_update_frequency(document: &mut Document, frequency: &UpdateFrequency) {
    let starts_at = frequency.starts_at.map(|moment| moment.to_string());
    document
        .raw("<podcast:updateFrequency")
        .attribute(" complete=\"", frequency.is_complete.then_some("true"))
        .attribute(" dtstart=\"", starts_at.as_deref())
        .attribute(" rrule=\"", frequency.rrule.as_ref().map(RecurrenceRule::as_str))
        .element(">", frequency.text.as_str(), "</podcast:updateFrequency>\n");
}

/// A private show is for no service, whatever else is said: a `no` for one of them would let it in.
fn write_blocks(document: &mut Document, channel: &Channel<'_>) {
    if channel.is_private {
        document.raw("<podcast:block>yes</podcast:block>\n");
        return;
    }
    for block in channel.show.podcasting.blocks.iter() {
        document
            .raw("<podcast:block")
            .attribute(" id=\"", block.id.as_ref().map(ServiceSlug::as_str))
            .raw(">")
            .raw(yes_or_no(block.is_blocked))
            .raw("</podcast:block>\n");
    }
}

fn write_remote_item(document: &mut Document, item: &RemoteItem) {
    document
        .raw("<podcast:remoteItem feedGuid=\"")
        .value(&item.feed_guid.to_string())
        .raw("\"")
        .attribute(" feedUrl=\"", item.feed_url.as_ref().map(WebUrl::as_str))
        .attribute(" itemGuid=\"", item.item_guid.as_ref().map(ShortText::as_str))
        .attribute(" medium=\"", item.medium.map(Medium::as_str))
        .attribute(" title=\"", item.title.as_ref().map(ShortText::as_str))
        .raw("/>\n");
}

fn write_transcript(document: &mut Document, transcript: &Transcript) {
    document
        .raw("<podcast:transcript url=\"")
        .value(transcript.url.as_str())
        .raw("\" type=\"")
        .value(transcript.content_type.as_str())
        .raw("\"")
        .attribute(" language=\"", transcript.language.as_ref().map(Language::as_str))
        .attribute(" rel=\"", transcript.is_captions.then_some("captions"))
        .raw("/>\n");
}

fn write_soundbite(document: &mut Document, soundbite: &Soundbite) {
    document.raw("<podcast:soundbite startTime=\"");
    write_seconds(document, soundbite.start_time_milliseconds);
    document.raw("\" duration=\"");
    write_seconds(document, soundbite.duration_milliseconds.get());
    match &soundbite.title {
        Some(title) => document.element("\">", title.as_str(), "</podcast:soundbite>\n"),
        None => document.raw("\"/>\n"),
    };
}

fn write_alternate_enclosure(document: &mut Document, enclosure: &AlternateEnclosure) {
    document
        .raw("<podcast:alternateEnclosure type=\"")
        .value(enclosure.content_type.as_str())
        .raw("\" length=\"")
        .number(enclosure.size_bytes)
        .raw("\"")
        .numeric_attribute(" bitrate=\"", enclosure.bit_rate.map(u64::from))
        .numeric_attribute(" height=\"", enclosure.height.map(u64::from))
        .attribute(" lang=\"", enclosure.language.as_ref().map(Language::as_str))
        .attribute(" title=\"", enclosure.title.as_ref().map(ShortText::as_str))
        .attribute(" codecs=\"", enclosure.codecs.as_ref().map(ShortText::as_str))
        .attribute(" default=\"", enclosure.is_default.then_some("true"))
        .raw(">\n");
    for source in &enclosure.sources {
        document
            .raw("<podcast:source uri=\"")
            .value(source.uri.as_str())
            .raw("\"")
            .attribute(" contentType=\"", source.content_type.as_ref().map(ContentType::as_str))
            .raw("/>\n");
    }
    if let Some(hash) = &enclosure.hash {
        document.raw("<podcast:integrity type=\"sri\" value=\"").value(&hash.to_integrity()).raw("\"/>\n");
    }
    document.raw("</podcast:alternateEnclosure>\n");
}

/// With three decimals, or none: `73`, `42.250`.
fn write_seconds(document: &mut Document, milliseconds: u32) {
    document.number((milliseconds / 1000).into());
    match milliseconds % 1000 {
        0 => {}
        rest @ 1..=9 => {
            document.raw(".00").number(rest.into());
        }
        rest @ 10..=99 => {
            document.raw(".0").number(rest.into());
        }
        rest => {
            document.raw(".").number(rest.into());
        }
    }
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_three_decimals_or_none() {
        for (milliseconds, seconds) in
            [(0, "0"), (73_000, "73"), (1_234_500, "1234.500"), (1_050, "1.050"), (7, "0.007")]
        {
            let mut document = Document::with_capacity(0);
            write_seconds(&mut document, milliseconds);
            assert_eq!(String::from_utf8(document.into_bytes()).unwrap(), seconds);
        }
    }
}
