use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tenant_context::{MediaId, Timestamp};
use url::Url;

use crate::{
    Addresses, ContentHash, ContentType, Episode, FeedEpisode, Media, MediaFile, MediaFormat, Rendition,
    RenditionPurpose, Show,
    podcasting::{AlternateEnclosure, Source, Transcript},
};

/// How much of its hash a file is named after, in hexadecimal digits.
const NAMED_AFTER: usize = 16;

/// The files of one feed, by their paths: `artwork/<file name>`.
pub type FeedFiles = BTreeMap<String, FeedFile>;

/// A file that a feed leads to besides its enclosures: artwork, a transcript, chapters, another enclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedFile {
    /// Which file of the media bucket.
    pub media: ContentHash,
    /// What it is served as.
    pub content_type: ContentType,
}

/// What the files of a feed are called.
#[derive(Debug, Clone, Copy)]
enum Naming<'a> {
    /// After the show, which is how the listener API finds it, and after its content: another file has another URL, so that apps
    /// which keep files by their URLs see that it is new.
    Published(&'a Show),
    /// After its content alone, enclosures too, as in an archive of the tenancy's.
    Archived,
}

/// Finds the files of a show's feed, and remembers which it has given a URL.
#[derive(Debug)]
pub struct FeedLibrary<'a> {
    naming: Naming<'a>,
    addresses: &'a Addresses,
    media: &'a HashMap<MediaId, Media>,
    files: FeedFiles,
}

impl<'a> FeedLibrary<'a> {
    /// For the feed of `show` as the listener API serves it.
    pub fn new(show: &'a Show, addresses: &'a Addresses, media: &'a HashMap<MediaId, Media>) -> Self {
        Self { naming: Naming::Published(show), addresses, media, files: FeedFiles::new() }
    }

    /// For a feed that lies beside its files, each under `media/<hash>.<extension>`.
    pub fn archived(addresses: &'a Addresses, media: &'a HashMap<MediaId, Media>) -> Self {
        Self { naming: Naming::Archived, addresses, media, files: FeedFiles::new() }
    }

    /// All files that were given a URL.
    pub fn into_files(self) -> FeedFiles {
        self.files
    }

    /// What the feed shows of `episode` at the moment `now`, with all that belongs to it; `None` when it is not out.
    pub fn episode(&mut self, episode: &'a Episode, now: Timestamp) -> Option<FeedEpisode<'a>> {
        let media = self.media.get(episode.media_id.as_ref()?)?;
        let item = FeedEpisode::new(episode, media, self.addresses, now)?;
        let enclosure_url = match self.naming {
            Naming::Published(_) => item.enclosure_url,
            Naming::Archived => self.add("media", item.enclosure, item.enclosure.format.content_type())?,
        };
        Some(FeedEpisode {
            enclosure_url,
            artwork_url: self.artwork(episode.listing.artwork_id.as_ref()),
            transcripts: self.transcripts(episode),
            chapters_url: self.chapters(episode),
            alternate_enclosures: self.alternate_enclosures(episode),
            ..item
        })
    }

    /// A picture as it was uploaded.
    pub fn artwork(&mut self, id: Option<&MediaId>) -> Option<Url> {
        let picture = &self.media.get(id?)?.original;
        self.add("artwork", picture, picture.format.content_type())
    }

    /// The copy of a picture that is made for web pages.
    pub fn web_artwork(&mut self, id: Option<&MediaId>) -> Option<Url> {
        let picture = self.media.get(id?)?.rendition(RenditionPurpose::Web)?;
        self.add("artwork", picture, picture.format.content_type())
    }

    /// Every transcript in every format.
    fn transcripts(&mut self, episode: &Episode) -> Vec<Transcript> {
        let mut transcripts = Vec::new();
        for named in episode.podcasting.transcripts.iter() {
            let renditions = self.media.get(&named.media_id).map_or(&[][..], |media| &media.renditions);
            let of_transcript = |rendition: &&Rendition| rendition.purpose == RenditionPurpose::Transcript;
            for rendition in renditions.iter().filter(of_transcript) {
                let content_type = rendition.file.format.content_type();
                let url = self.add("transcripts", &rendition.file, content_type);
                if let (Some(url), Ok(content_type)) = (url, content_type.parse()) {
                    let (language, is_captions) = (named.language.clone(), named.is_captions);
                    transcripts.push(Transcript { url, content_type, language, is_captions });
                }
            }
        }
        transcripts
    }

    /// The chapters that the episode names, or else those in its recording.
    fn chapters(&mut self, episode: &Episode) -> Option<Url> {
        let id = episode.podcasting.chapters_id.as_ref().or(episode.media_id.as_ref())?;
        let chapters = self.media.get(id)?.rendition(RenditionPurpose::Chapters)?;
        self.add("chapters", chapters, "application/json+chapters")
    }

    /// The same episode in other bytes.
    fn alternate_enclosures(&mut self, episode: &Episode) -> Vec<AlternateEnclosure> {
        let mut alternates = Vec::new();
        for named in episode.podcasting.alternate_enclosures.iter() {
            let Some(media) = self.media.get(&named.media_id) else { continue };
            let file = media.enclosure().unwrap_or(&media.original);
            let url = self.add(&format!("media/{}", episode.id), file, file.format.content_type());
            if let (Some(uri), Ok(content_type)) = (url, file.format.content_type().parse()) {
                alternates.push(AlternateEnclosure {
                    content_type,
                    size_bytes: file.size_bytes,
                    // What is known is the rate of the upload itself.
                    bit_rate: media
                        .recording()
                        .filter(|_| *file == media.original && file.format != MediaFormat::Mp4)
                        .map(|recording| recording.bit_rate),
                    height: None,
                    language: named.language.clone(),
                    title: named.title.clone(),
                    codecs: None,
                    is_default: false,
                    hash: Some(file.hash.clone()),
                    sources: vec![Source { uri, content_type: None }],
                });
            }
        }
        alternates
    }

    fn add(&mut self, directory: &str, file: &MediaFile, content_type: &str) -> Option<Url> {
        let extension = file.format.extension();
        let path = match self.naming {
            Naming::Published(show) => {
                let start = file.hash.as_str().get(..NAMED_AFTER)?;
                format!("{directory}/{}.{start}.{extension}", show.slug)
            }
            Naming::Archived => format!("media/{}.{extension}", file.hash),
        };
        let url = self.addresses.file(&path);
        let content_type = content_type.parse().ok()?;
        self.files.insert(path, FeedFile { media: file.hash.clone(), content_type });
        Some(url)
    }
}
