use tenant_context::MediaId;

use crate::{Episode, Invalid, Media, MediaContent, RenditionPurpose, Show};

/// A medium that a show or an episode names besides the episode's recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// What it is to be there.
    pub kind: AttachmentKind,
    /// Which medium.
    pub media_id: &'a MediaId,
    /// Where it is named, as a JSON pointer (RFC 6901) into the show or episode.
    pub pointer: String,
}

/// What an attachment is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A picture.
    Artwork,
    /// What is said.
    Transcript,
    /// Where its parts begin.
    Chapters,
    /// The recording in other bytes.
    AlternateEnclosure,
}

impl AttachmentKind {
    /// The most bytes that a transcript or chapters may have, in each format: what one answer of the listener API holds.
    pub const LARGEST_DOCUMENT: u64 = 4 << 20;

    /// Whether `media`, what is found under the attachment's id, can be that.
    ///
    /// # Errors
    /// [`Invalid`] when there is none, or it is something else.
    pub fn check(self, media: Option<&Media>) -> Result<(), Invalid> {
        let Some(media) = media else {
            return Err(Invalid::new("there is no such medium: use the media_id of an upload that is ready"));
        };
        match (self, &media.content) {
            (Self::Artwork, MediaContent::Picture(_)) => Ok(()),
            (Self::Artwork, _) => Err(Invalid::new("artwork is a picture: this is something else")),
            (Self::Transcript, MediaContent::Transcript(_)) => are_small(media, RenditionPurpose::Transcript),
            (Self::Transcript, _) => {
                Err(Invalid::new("a transcript is uploaded in WebVTT or SubRip: this is something else"))
            }
            (Self::Chapters, MediaContent::Chapters(_)) => are_small(media, RenditionPurpose::Chapters),
            (Self::Chapters, _) => Err(Invalid::new(
                "chapters are uploaded in JSON, as Podcasting 2.0 has them: this is something else",
            )),
            (Self::AlternateEnclosure, MediaContent::Recording(_)) => Ok(()),
            (Self::AlternateEnclosure, _) => {
                Err(Invalid::new("an alternate enclosure is a recording: this is something else"))
            }
        }
    }
}

fn are_small(media: &Media, purpose: RenditionPurpose) -> Result<(), Invalid> {
    let mut files = media.renditions.iter().filter(|rendition| rendition.purpose == purpose);
    files
        .all(|rendition| rendition.file.size_bytes <= AttachmentKind::LARGEST_DOCUMENT)
        .then_some(())
        .ok_or(Invalid::new("transcripts and chapters have at most 4 MiB in each format: this has more"))
}

impl Show {
    /// What it names.
    pub fn attachments(&self) -> Vec<Attachment<'_>> {
        artwork(self.listing.artwork_id.as_ref()).collect()
    }
}

impl Episode {
    /// What it names besides its recording.
    pub fn attachments(&self) -> Vec<Attachment<'_>> {
        let podcasting = &self.podcasting;
        let transcripts = podcasting.transcripts.iter().enumerate().map(|(at, transcript)| Attachment {
            kind: AttachmentKind::Transcript,
            media_id: &transcript.media_id,
            pointer: format!("/podcasting/transcripts/{at}/media_id"),
        });
        let chapters = podcasting.chapters_id.as_ref().map(|media_id| Attachment {
            kind: AttachmentKind::Chapters,
            media_id,
            pointer: "/podcasting/chapters_id".to_owned(),
        });
        let alternates =
            podcasting.alternate_enclosures.iter().enumerate().map(|(at, alternate)| Attachment {
                kind: AttachmentKind::AlternateEnclosure,
                media_id: &alternate.media_id,
                pointer: format!("/podcasting/alternate_enclosures/{at}/media_id"),
            });
        artwork(self.listing.artwork_id.as_ref())
            .chain(transcripts)
            .chain(chapters)
            .chain(alternates)
            .collect()
    }
}

fn artwork(id: Option<&MediaId>) -> impl Iterator<Item = Attachment<'_>> {
    id.into_iter().map(|media_id| Attachment {
        kind: AttachmentKind::Artwork,
        media_id,
        pointer: "/listing/artwork_id".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ChaptersSummary, MediaFormat, Picture, Rendition, TranscriptSummary,
        episode::tests::{draft, media},
    };

    const KINDS: [AttachmentKind; 4] = [
        AttachmentKind::Artwork,
        AttachmentKind::Transcript,
        AttachmentKind::Chapters,
        AttachmentKind::AlternateEnclosure,
    ];

    #[test]
    fn an_attachment_is_of_its_own_kind_and_no_other() {
        let recording = media(MediaFormat::OggOpus);
        let of = |content| Media { content, ..media(MediaFormat::Mp3) };
        let all = [
            of(MediaContent::Picture(Picture { side_px: 1400 })),
            of(MediaContent::Transcript(TranscriptSummary { cues: 1, ends_at_milliseconds: 1 })),
            of(MediaContent::Chapters(ChaptersSummary { chapters: 1 })),
            recording,
        ];
        for (of, kind) in KINDS.iter().enumerate() {
            assert!(kind.check(None).is_err());
            for (at, media) in all.iter().enumerate() {
                assert_eq!(kind.check(Some(media)).is_ok(), of == at, "{kind:?} {media:?}");
            }
        }
    }

    #[test]
    fn a_document_that_no_answer_holds_is_refused() {
        let mut chapters = Media {
            content: MediaContent::Chapters(ChaptersSummary { chapters: 1 }),
            ..media(MediaFormat::Json)
        };
        let mut file = chapters.original.clone();
        file.size_bytes = AttachmentKind::LARGEST_DOCUMENT;
        chapters.renditions = vec![Rendition { purpose: RenditionPurpose::Chapters, file }];
        assert!(AttachmentKind::Chapters.check(Some(&chapters)).is_ok());

        chapters.renditions[0].file.size_bytes += 1;
        assert!(AttachmentKind::Chapters.check(Some(&chapters)).is_err());
    }

    #[test]
    fn an_attachment_says_where_it_is_named() {
        let mut episode = draft();
        let id = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let changes = serde_json::json!({
            "listing": { "artwork_id": id },
            "podcasting": {
                "transcripts": [{ "media_id": id }, { "media_id": id, "language": "de", "is_captions": true }],
                "chapters_id": id, "alternate_enclosures": [{ "media_id": id }],
            },
        });
        episode
            .apply(serde_json::from_value(changes).unwrap(), None, tenant_context::Timestamp::EPOCH)
            .unwrap();

        let json = serde_json::to_value(&episode).unwrap();
        let attachments = episode.attachments();
        assert_eq!(attachments.len(), 5);
        for attachment in attachments {
            assert_eq!(json.pointer(&attachment.pointer).unwrap(), id, "{}", attachment.pointer);
        }
    }
}
