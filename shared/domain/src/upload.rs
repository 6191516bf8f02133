use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{MediaId, ShowId, Timestamp, UploadId};

use crate::{ContentHash, ContentType, FileName, Invalid, PartPlan};

/// An upload that gets no further for this long is abandoned. S3 removes parts and bytes after seven days, counted from the next
/// midnight: by then there is nothing left to go on with.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Bytes on their way in. Ends `ready` with media or `rejected` with a reason, never in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its name inside the tenancy.
    pub id: UploadId,
    /// The show that it is for, if it was started for one. Members whose access covers certain shows name one of them.
    #[serde(default)]
    pub show_id: Option<ShowId>,
    /// What the file was called.
    pub file_name: FileName,
    /// What the client says it is.
    pub content_type: ContentType,
    /// How many bytes the client says there are.
    pub size_bytes: u64,
    /// What the client says they hash to, if it says.
    pub sha256: Option<ContentHash>,
    /// Bytes in each part but the last; see [`Upload::part_plan`].
    pub part_size: u64,
    /// How far it got.
    pub state: UploadState,
    /// When it got there.
    pub state_changed_at: Timestamp,
    /// When it was started.
    pub created_at: Timestamp,
    /// S3's name for the multipart upload, once there is one.
    pub multipart_id: Option<String>,
    /// What became of it, when `ready`.
    pub media_id: Option<MediaId>,
    /// Why nothing became of it, when `rejected`.
    pub rejection: Option<Rejection>,
}

/// How far an upload got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Parts may be sent.
    Created,
    /// All bytes are there; waiting for the verdict on malware.
    Scanning,
    /// The media worker looks at the bytes.
    Probing,
    /// There is media.
    Ready,
    /// There will be no media.
    Rejected,
}

/// Why an upload was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejection {
    /// For programs.
    pub code: RejectionCode,
    /// For people: one plain sentence.
    pub detail: String,
}

/// Why an upload was rejected, for programs. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// Nothing came of it for eight days, and its bytes are gone.
    Abandoned,
    /// The scan found malware.
    ThreatFound,
    /// The scan came to no verdict.
    NotScanned,
    /// Not as many bytes as were announced.
    WrongSize,
    /// Not the bytes whose hash was announced.
    WrongChecksum,
    /// No bytes.
    EmptyFile,
    /// Text, a picture, an archive, noise.
    NotAudio,
    /// Sound or video in a container that is not taken.
    UnsupportedFormat,
    /// A container that is taken, with sound coded in a way that is not.
    UnsupportedCodec,
    /// An MP4 written in pieces, as for streaming.
    Fragmented,
    /// Moving pictures.
    Video,
    /// A container without sound.
    NoAudioTrack,
    /// More than one recording in one file.
    SeveralTracks,
    /// Copy-protected.
    Encrypted,
    /// Ends before its sound does.
    Truncated,
    /// Contradicts itself, or is half noise.
    Damaged,
    /// Less than a second.
    TooShort,
}

/// What an upload starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// The show that it is for. Members whose access covers certain shows name one of them.
    #[serde(default)]
    pub show_id: Option<ShowId>,
    /// What the file is called.
    pub file_name: FileName,
    /// What it is. Only probing tells for sure.
    pub content_type: ContentType,
    /// How many bytes there are.
    #[schemars(range(min = 1, max = PartPlan::LARGEST))]
    pub size_bytes: u64,
    /// What the bytes hash to; an upload whose bytes do not is rejected.
    #[serde(default)]
    pub sha256: Option<ContentHash>,
}

impl Upload {
    /// An upload without bytes.
    ///
    /// # Errors
    /// [`Invalid`] for a size that [`PartPlan::for_size`] refuses.
    pub fn new(id: UploadId, new: NewUpload, now: Timestamp) -> Result<Self, Invalid> {
        let NewUpload { show_id, file_name, content_type, size_bytes, sha256 } = new;
        Ok(Self {
            id,
            show_id,
            file_name,
            content_type,
            size_bytes,
            sha256,
            part_size: PartPlan::for_size(size_bytes)?.part_size(),
            state: UploadState::Created,
            state_changed_at: now,
            created_at: now,
            multipart_id: None,
            media_id: None,
            rejection: None,
        })
    }

    /// How the bytes are cut into parts: as the upload was started, whatever the default is by now.
    pub fn part_plan(&self) -> PartPlan {
        PartPlan::resume(self.size_bytes, self.part_size)
    }

    /// All bytes are there.
    ///
    /// # Errors
    /// [`Invalid`] when that was known before.
    pub fn start_scanning(&mut self, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Scanning, now)
    }

    /// The scan found nothing.
    ///
    /// # Errors
    /// [`Invalid`] when that was known before, or before all bytes were there.
    pub fn start_probing(&mut self, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Probing, now)
    }

    /// The bytes became `media`.
    ///
    /// # Errors
    /// [`Invalid`] unless the upload is being probed.
    pub fn finish(&mut self, media: MediaId, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Ready, now)?;
        self.media_id = Some(media);
        Ok(())
    }

    /// The bytes are refused.
    ///
    /// # Errors
    /// [`Invalid`] when the upload has ended already.
    pub fn reject(&mut self, rejection: Rejection, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Rejected, now)?;
        self.rejection = Some(rejection);
        Ok(())
    }

    /// Whether nothing can come of it any more.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        !self.state.is_final() && self.state_changed_at.plus(ABANDONED_AFTER) <= now
    }

    /// Ends an upload that is abandoned; no other.
    ///
    /// # Errors
    /// [`Invalid`] when it is not.
    pub fn abandon(&mut self, now: Timestamp) -> Result<(), Invalid> {
        if !self.is_abandoned(now) {
            return Err(Invalid::new("an upload that still goes on cannot be abandoned"));
        }
        let detail = "The upload was not finished within eight days, and what was sent of it is gone. Start a new one.";
        self.reject(Rejection { code: RejectionCode::Abandoned, detail: detail.to_owned() }, now)
    }

    fn enter(&mut self, next: UploadState, now: Timestamp) -> Result<(), Invalid> {
        if !self.state.can_become(next) {
            return Err(Invalid::new(format!(
                "an upload that is {} cannot become {}",
                self.state.as_str(),
                next.as_str()
            )));
        }
        self.state = next;
        self.state_changed_at = now;
        Ok(())
    }
}

impl UploadState {
    /// Whether `next` may come right after this state.
    pub fn can_become(self, next: Self) -> bool {
        match self {
            Self::Created => matches!(next, Self::Scanning | Self::Rejected),
            Self::Scanning => matches!(next, Self::Probing | Self::Rejected),
            Self::Probing => matches!(next, Self::Ready | Self::Rejected),
            Self::Ready | Self::Rejected => false,
        }
    }

    /// Whether nothing comes after this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Rejected)
    }

    /// The state's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Scanning => "scanning",
            Self::Probing => "probing",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn upload() -> Upload {
        let new = serde_json::from_str(
            r#"{"file_name": "tide.mp3", "content_type": "audio/mpeg", "size_bytes": 20000000}"#,
        );
        Upload::new("upl_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), new.unwrap(), NOW).unwrap()
    }

    fn rejection() -> Rejection {
        Rejection { code: RejectionCode::NotAudio, detail: "there is no audio in it".to_owned() }
    }

    #[test]
    fn an_upload_becomes_media_step_by_step() {
        let mut upload = upload();
        let later = Timestamp::from_unix_seconds(60);
        let media: MediaId = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();

        upload.start_scanning(NOW).unwrap();
        upload.start_probing(NOW).unwrap();
        upload.finish(media.clone(), later).unwrap();

        assert_eq!((upload.state, upload.state_changed_at), (UploadState::Ready, later));
        assert_eq!((upload.media_id, upload.rejection), (Some(media), None));
    }

    #[test]
    fn no_step_can_be_left_out() {
        let mut upload = upload();
        assert_eq!(
            upload.start_probing(NOW).unwrap_err().to_string(),
            "an upload that is created cannot become probing"
        );
        assert!(upload.finish("med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), NOW).is_err());
        assert_eq!((upload.state, upload.media_id), (UploadState::Created, None));
    }

    #[test]
    fn an_end_is_an_end() {
        let mut upload = upload();
        upload.reject(rejection(), NOW).unwrap();
        let rejected = upload.clone();

        assert!(upload.start_scanning(NOW).is_err());
        assert!(upload.reject(rejection(), NOW).is_err());

        assert_eq!(upload, rejected);
    }

    #[test]
    fn an_upload_is_abandoned_eight_days_after_its_last_step() {
        let mut upload = upload();
        let day = |number: u64| Timestamp::from_unix_seconds(number * 24 * 60 * 60);
        upload.start_scanning(day(5)).unwrap();

        assert!(!upload.is_abandoned(day(12)) && upload.abandon(day(12)).is_err());
        upload.abandon(day(13)).unwrap();

        assert_eq!(upload.rejection.as_ref().unwrap().code, RejectionCode::Abandoned);
        assert!(!upload.is_abandoned(day(99)), "an end is an end");
    }

    #[test]
    fn every_state_that_goes_on_can_be_rejected() {
        for state in [UploadState::Created, UploadState::Scanning, UploadState::Probing] {
            assert!(!state.is_final() && state.can_become(UploadState::Rejected));
        }
    }

    #[test]
    fn states_are_named_as_in_json() {
        use UploadState::*;
        for state in [Created, Scanning, Probing, Ready, Rejected] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_resumed_upload_keeps_its_parts() {
        let upload = Upload { part_size: 10_000_000, ..upload() };
        let sizes: Vec<u64> = upload.part_plan().parts().map(|part| part.size_bytes).collect();
        assert_eq!(sizes, [10_000_000, 10_000_000]);
    }

    #[test]
    fn an_upload_survives_json() {
        let json = serde_json::to_string(&upload()).unwrap();
        assert_eq!(serde_json::from_str::<Upload>(&json).unwrap(), upload());
    }
}
