//! The files that a feed leads to besides its enclosures: artwork, transcripts, chapters, other enclosures.
//!
//! A file is named after its show, which is how the listener API finds it, and after its content: another file has another URL,
//! so that apps which keep files by their URLs see that it is new.

use std::collections::{BTreeMap, HashMap};

use domain::{
    Addresses, ContentHash, ContentType, Episode, Media, MediaFile, MediaFormat, RenditionPurpose, Show,
    podcasting::{AlternateEnclosure, Source, Transcript},
};
use serde::{Deserialize, Serialize};
use tenant_context::MediaId;
use url::Url;

/// How much of its hash a file is named after, in hexadecimal digits.
const NAMED_AFTER: usize = 16;

/// The files of one document, by their paths under the listener API: `artwork/<file name>`.
pub(crate) type Files = BTreeMap<String, File>;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// Which file of the media bucket.
    pub(crate) media: ContentHash,
    /// What it is served as.
    pub(crate) content_type: ContentType,
}

/// Finds a show's files, and remembers which it has given a URL.
pub(crate) struct Library<'a> {
    show: &'a Show,
    addresses: &'a Addresses,
    media: &'a HashMap<MediaId, Media>,
    files: Files,
}

impl<'a> Library<'a> {
    pub(crate) fn new(show: &'a Show, addresses: &'a Addresses, media: &'a HashMap<MediaId, Media>) -> Self {
        Self { show, addresses, media, files: Files::new() }
    }

    /// All files that were given a URL.
    pub(crate) fn into_files(self) -> Files {
        self.files
    }

    /// A picture as it was uploaded.
    pub(crate) fn artwork(&mut self, id: Option<&MediaId>) -> Option<Url> {
        let picture = &self.media.get(id?)?.original;
        self.add("artwork", picture, picture.format.content_type())
    }

    /// The copy of a picture that is made for web pages.
    pub(crate) fn web_artwork(&mut self, id: Option<&MediaId>) -> Option<Url> {
        let picture = self.media.get(id?)?.rendition(RenditionPurpose::Web)?;
        self.add("artwork", picture, picture.format.content_type())
    }

    /// Every transcript in every format.
    pub(crate) fn transcripts(&mut self, episode: &Episode) -> Vec<Transcript> {
        let mut transcripts = Vec::new();
        for named in episode.podcasting.transcripts.iter() {
            let renditions = self.media.get(&named.media_id).map_or(&[][..], |media| &media.renditions);
            let of_transcript =
                |rendition: &&domain::Rendition| rendition.purpose == RenditionPurpose::Transcript;
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
    pub(crate) fn chapters(&mut self, episode: &Episode) -> Option<Url> {
        let id = episode.podcasting.chapters_id.as_ref().or(episode.media_id.as_ref())?;
        let chapters = self.media.get(id)?.rendition(RenditionPurpose::Chapters)?;
        self.add("chapters", chapters, "application/json+chapters")
    }

    /// The same episode in other bytes.
    pub(crate) fn alternate_enclosures(&mut self, episode: &Episode) -> Vec<AlternateEnclosure> {
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
        let (slug, extension) = (&self.show.slug, file.format.extension());
        let start = file.hash.to_string().get(..NAMED_AFTER)?.to_owned();
        let path = format!("{directory}/{slug}.{start}.{extension}");
        let url = self.addresses.file(&path);
        self.files.insert(path, File { media: file.hash.clone(), content_type: content_type.parse().ok()? });
        Some(url)
    }
}
