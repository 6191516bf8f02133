use std::{str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{MediaId, ShowId, Timestamp, UploadId};

use crate::{ContentHash, ContentType, EnclosureSettings, FileName, Invalid, Loudness, Media, PartPlan};

/// An upload whose bytes are not there by then is abandoned, and so is one whose bytes led to nothing for as long. S3 removes parts
/// and bytes after seven days, counted from the next midnight: by then there is nothing left to go on with.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// A step that took longer than this without a word has lost its event.
pub const LOST_AFTER: Duration = Duration::from_secs(60 * 60);

/// The scan gives no verdict any more.
pub const NOT_SCANNED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

const ABANDONED: &str =
    "The upload was not finished within eight days, and what was sent of it is gone. Start a new one.";

/// Bytes on their way in. Ends `ready` with media, `rejected` or `expired` with a reason, never in silence.
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
    /// How its enclosure is made, if it is a master.
    #[serde(default)]
    pub enclosure: EnclosureSettings,
    /// Bytes in each part but the last; see [`Upload::part_plan`].
    pub part_size: u64,
    /// How far it got.
    pub state: UploadState,
    /// When it got there.
    pub state_changed_at: Timestamp,
    /// Every state that it was in, in order; the last is the present one.
    #[serde(default)]
    pub history: Vec<UploadStep>,
    /// When it was started.
    pub created_at: Timestamp,
    /// S3's name for the multipart upload; none where the bytes come in one piece.
    pub multipart_id: Option<String>,
    /// S3's version of the bytes that were found clean first. It alone may become media, whatever was sent after it.
    #[serde(default)]
    pub clean_version: Option<String>,
    /// What became of it, when `ready`.
    pub media_id: Option<MediaId>,
    /// Why nothing became of it, when `rejected`.
    pub rejection: Option<Rejection>,
    /// What listeners may mind, when `ready`.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// What listeners may mind in an upload that is ready all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// For programs.
    pub code: WarningCode,
    /// For people: one plain sentence.
    pub detail: String,
}

/// What listeners may mind, for programs. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Much quieter or louder than other podcasts.
    LoudnessOffTarget,
}

/// How far an upload got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes may be sent.
    Created,
    /// Some bytes were seen.
    Uploading,
    /// All bytes are there; waiting for the verdict on malware.
    Scanning,
    /// The media worker looks at the bytes.
    Probing,
    /// There is media.
    Ready,
    /// There will be no media.
    Rejected,
    /// Nothing came of it for eight days.
    Expired,
}

/// A state that an upload was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadStep {
    /// The state.
    pub state: UploadState,
    /// When it got there.
    pub at: Timestamp,
    /// Why, when `rejected` or `expired`: one plain sentence.
    pub reason: Option<String>,
}

/// The text names no state of an upload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such state of an upload")]
pub struct UnknownUploadState;

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
    /// Announced as something else than it is.
    TypeMismatch,
    /// Looking into the file took longer than it may.
    TakesTooLong,
    /// More bytes than a picture, a transcript or chapters may have.
    TooLarge,
    /// Announced as a picture, and none.
    NotAPicture,
    /// A picture that is not square.
    NotSquare,
    /// A picture with too few or too many pixels.
    WrongDimensions,
    /// A picture in other colours than red, green and blue.
    WrongColors,
    /// A transcript that does not follow its format.
    InvalidTranscript,
    /// Chapters that do not follow the JSON chapters format.
    InvalidChapters,
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
    /// How the enclosure of a WAV or FLAC master is made; nothing to other formats.
    #[serde(default)]
    pub enclosure: EnclosureSettings,
}

impl Rejection {
    /// The scan came to no verdict, or never came.
    pub fn not_scanned() -> Self {
        let detail =
            "The malware scan came to no verdict, and nothing unscanned is kept. Upload the file again.";
        Self { code: RejectionCode::NotScanned, detail: detail.to_owned() }
    }
}

impl Upload {
    /// An upload without bytes.
    ///
    /// # Errors
    /// [`Invalid`] for a size that [`PartPlan::for_size`] refuses.
    pub fn new(id: UploadId, new: NewUpload, now: Timestamp) -> Result<Self, Invalid> {
        let NewUpload { show_id, file_name, content_type, size_bytes, sha256, enclosure } = new;
        Ok(Self {
            id,
            show_id,
            file_name,
            content_type,
            size_bytes,
            sha256,
            enclosure,
            part_size: PartPlan::for_size(size_bytes)?.part_size(),
            state: UploadState::Created,
            state_changed_at: now,
            history: vec![UploadStep { state: UploadState::Created, at: now, reason: None }],
            created_at: now,
            multipart_id: None,
            clean_version: None,
            media_id: None,
            rejection: None,
            warnings: Vec::new(),
        })
    }

    /// How the bytes are cut into parts: as the upload was started, whatever the default is by now.
    pub fn part_plan(&self) -> PartPlan {
        PartPlan::resume(self.size_bytes, self.part_size)
    }

    /// Some bytes are there, since `seen_at`.
    ///
    /// # Errors
    /// [`Invalid`] when that was known before.
    pub fn start_uploading(&mut self, seen_at: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Uploading, seen_at, None)
    }

    /// All bytes are there. They were sent, whether or not anybody saw it.
    ///
    /// # Errors
    /// [`Invalid`] when that was known before.
    pub fn start_scanning(&mut self, now: Timestamp) -> Result<(), Invalid> {
        if self.state == UploadState::Created {
            self.start_uploading(now)?;
        }
        self.enter(UploadState::Scanning, now, None)
    }

    /// The scan found nothing in this version of the bytes.
    ///
    /// # Errors
    /// [`Invalid`] when that was known before, or before all bytes were there.
    pub fn start_probing(&mut self, version: Option<String>, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Probing, now, None)?;
        self.clean_version = version;
        Ok(())
    }

    /// The bytes became `media`.
    ///
    /// # Errors
    /// [`Invalid`] unless the upload is being probed.
    pub fn finish(&mut self, media: &Media, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Ready, now, None)?;
        self.media_id = Some(media.id.clone());
        let loudness = media.recording().and_then(|recording| recording.loudness);
        self.warnings.extend(loudness.filter(|loudness| loudness.is_off_target()).map(loudness_warning));
        Ok(())
    }

    /// The bytes are refused.
    ///
    /// # Errors
    /// [`Invalid`] when the upload has ended already.
    pub fn reject(&mut self, rejection: Rejection, now: Timestamp) -> Result<(), Invalid> {
        self.enter(UploadState::Rejected, now, Some(rejection.detail.clone()))?;
        self.rejection = Some(rejection);
        Ok(())
    }

    /// Why it is `rejected` or `expired`, in one plain sentence.
    pub fn reason(&self) -> Option<&str> {
        self.history.last().and_then(|step| step.reason.as_deref())
    }

    /// Whether nothing can come of it any more. Parts do not live longer for being added to.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        let since = match self.state {
            UploadState::Created | UploadState::Uploading => self.created_at,
            UploadState::Scanning | UploadState::Probing => self.state_changed_at,
            UploadState::Ready | UploadState::Rejected | UploadState::Expired => return false,
        };
        since.plus(ABANDONED_AFTER) <= now
    }

    /// Whether its next event should have come long ago.
    pub fn is_lost(&self, now: Timestamp) -> bool {
        !self.state.is_final() && self.state_changed_at.plus(LOST_AFTER) <= now
    }

    /// Whether the scan has had all the time that it gets.
    pub fn is_beyond_scanning(&self, now: Timestamp) -> bool {
        self.state == UploadState::Scanning && self.state_changed_at.plus(NOT_SCANNED_AFTER) <= now
    }

    /// Ends an upload that is abandoned; no other.
    ///
    /// # Errors
    /// [`Invalid`] when it is not.
    pub fn expire(&mut self, now: Timestamp) -> Result<(), Invalid> {
        if !self.is_abandoned(now) {
            return Err(Invalid::new("an upload that still goes on cannot expire"));
        }
        self.enter(UploadState::Expired, now, Some(ABANDONED.to_owned()))
    }

    /// Clocks differ; one state never begins before the one that it follows.
    fn enter(&mut self, next: UploadState, now: Timestamp, reason: Option<String>) -> Result<(), Invalid> {
        if !self.state.can_become(next) {
            return Err(Invalid::new(format!(
                "an upload that is {} cannot become {}",
                self.state.as_str(),
                next.as_str()
            )));
        }
        let at = now.max(self.state_changed_at);
        self.state = next;
        self.state_changed_at = at;
        self.history.push(UploadStep { state: next, at, reason });
        Ok(())
    }
}

fn loudness_warning(loudness: Loudness) -> Warning {
    let (lufs, target) = (f64::from(loudness.integrated_lufs), f64::from(Loudness::TARGET));
    let comparison = if lufs < target { "quieter" } else { "louder" };
    Warning {
        code: WarningCode::LoudnessOffTarget,
        detail: format!(
            "The recording has {lufs:.1} LUFS and is {comparison} than the {target:.0} LUFS that apps expect. Level it if listeners should not have to."
        ),
    }
}

impl UploadState {
    /// Every state there is, in their order.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Uploading,
        Self::Scanning,
        Self::Probing,
        Self::Ready,
        Self::Rejected,
        Self::Expired,
    ];

    /// Whether `next` may come right after this state.
    pub fn can_become(self, next: Self) -> bool {
        let is_next = match self {
            Self::Created => matches!(next, Self::Uploading | Self::Scanning),
            Self::Uploading => next == Self::Scanning,
            Self::Scanning => next == Self::Probing,
            Self::Probing => next == Self::Ready,
            Self::Ready | Self::Rejected | Self::Expired => return false,
        };
        is_next || matches!(next, Self::Rejected | Self::Expired)
    }

    /// Whether nothing comes after this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Rejected | Self::Expired)
    }

    /// Whether bytes may still be sent.
    pub fn takes_bytes(self) -> bool {
        matches!(self, Self::Created | Self::Uploading)
    }

    /// The state's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Uploading => "uploading",
            Self::Scanning => "scanning",
            Self::Probing => "probing",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for UploadState {
    type Err = UnknownUploadState;

    fn from_str(text: &str) -> Result<Self, UnknownUploadState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownUploadState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MediaContent, MediaFormat, episode::tests::media};

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

    fn states(upload: &Upload) -> Vec<UploadState> {
        upload.history.iter().map(|step| step.state).collect()
    }

    fn day(number: u64) -> Timestamp {
        Timestamp::from_unix_seconds(number * 24 * 60 * 60)
    }

    #[test]
    fn an_upload_becomes_media_step_by_step() {
        use UploadState::*;
        let mut upload = upload();
        let media = media(MediaFormat::Mp3);

        upload.start_uploading(day(1)).unwrap();
        upload.start_scanning(day(2)).unwrap();
        upload.start_probing(Some("v1".to_owned()), day(3)).unwrap();
        upload.finish(&media, day(4)).unwrap();

        assert_eq!((upload.state, upload.state_changed_at), (Ready, day(4)));
        assert_eq!((&upload.media_id, &upload.rejection, upload.reason()), (&Some(media.id), &None, None));
        assert_eq!(upload.clean_version.as_deref(), Some("v1"));
        assert_eq!(states(&upload), [Created, Uploading, Scanning, Probing, Ready]);
        let times: Vec<_> = upload.history.iter().map(|step| step.at).collect();
        assert_eq!(times, [day(0), day(1), day(2), day(3), day(4)]);
    }

    #[test]
    fn bytes_that_nobody_saw_coming_were_sent_too() {
        use UploadState::*;
        let mut upload = upload();

        upload.start_scanning(day(1)).unwrap();

        assert_eq!(states(&upload), [Created, Uploading, Scanning]);
    }

    #[test]
    fn no_state_begins_before_the_one_that_it_follows() {
        let mut upload = upload();
        upload.start_uploading(day(3)).unwrap();

        upload.start_scanning(day(2)).unwrap();

        assert_eq!(upload.state_changed_at, day(3));
    }

    #[test]
    fn what_is_far_from_the_usual_loudness_is_ready_with_a_warning() {
        for (lufs, warning) in
            [(-16.0, None), (-23.04, Some("-23.0 LUFS and is quieter")), (-9.0, Some("louder"))]
        {
            let mut upload = upload();
            let mut media = media(MediaFormat::Mp3);
            let MediaContent::Recording(recording) = &mut media.content else { panic!("a recording") };
            recording.loudness =
                Some(Loudness { integrated_lufs: f64::into(lufs), true_peak_dbtp: (-1.0).into() });
            upload.start_scanning(NOW).unwrap();
            upload.start_probing(None, NOW).unwrap();
            upload.finish(&media, NOW).unwrap();

            assert_eq!(
                (upload.state, upload.warnings.len()),
                (UploadState::Ready, usize::from(warning.is_some()))
            );
            assert!(upload.warnings.iter().all(|found| found.detail.contains(warning.unwrap())));
        }
    }

    #[test]
    fn no_step_can_be_left_out() {
        let mut upload = upload();
        assert_eq!(
            upload.start_probing(None, NOW).unwrap_err().to_string(),
            "an upload that is created cannot become probing"
        );
        assert!(upload.finish(&media(MediaFormat::Mp3), NOW).is_err());
        assert_eq!((upload.state, &upload.media_id), (UploadState::Created, &None));
        assert_eq!(states(&upload), [UploadState::Created]);
    }

    #[test]
    fn an_end_is_an_end() {
        let mut upload = upload();
        upload.reject(rejection(), NOW).unwrap();
        let rejected = upload.clone();

        assert!(upload.start_scanning(NOW).is_err());
        assert!(upload.reject(rejection(), NOW).is_err());
        assert!(upload.expire(day(99)).is_err());

        assert_eq!(upload, rejected);
        assert_eq!(upload.reason(), Some("there is no audio in it"));
    }

    #[test]
    fn an_upload_expires_eight_days_after_it_was_started_or_its_bytes_were_there() {
        let mut sending = upload();
        sending.start_uploading(day(5)).unwrap();
        let mut sent = sending.clone();
        sent.start_scanning(day(5)).unwrap();

        assert!(!sending.is_abandoned(day(7)) && sending.expire(day(7)).is_err());
        assert!(!sent.is_abandoned(day(12)) && sent.expire(day(12)).is_err());
        sending.expire(day(8)).unwrap();
        sent.expire(day(13)).unwrap();

        for ended in [sending, sent] {
            assert_eq!((ended.state, &ended.rejection), (UploadState::Expired, &None));
            assert_eq!(ended.reason(), Some(ABANDONED));
            assert!(!ended.is_abandoned(day(99)), "an end is an end");
        }
    }

    #[test]
    fn an_hour_without_an_event_is_too_long_and_a_day_without_a_verdict() {
        let at = |minutes: u64| Timestamp::from_unix_seconds(minutes * 60);
        let mut upload = upload();
        upload.start_scanning(NOW).unwrap();

        assert!(!upload.is_lost(at(59)) && upload.is_lost(at(60)));
        assert!(!upload.is_beyond_scanning(at(24 * 60 - 1)) && upload.is_beyond_scanning(at(24 * 60)));
        upload.start_probing(None, NOW).unwrap();
        assert!(!upload.is_beyond_scanning(day(2)), "the scan has done its part");
    }

    #[test]
    fn every_state_that_goes_on_can_be_rejected_and_expire() {
        for state in UploadState::ALL {
            assert_eq!(state.can_become(UploadState::Rejected), !state.is_final(), "{state:?}");
            assert_eq!(state.can_become(UploadState::Expired), !state.is_final(), "{state:?}");
        }
    }

    #[test]
    fn states_are_named_as_in_json() {
        for state in UploadState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for unknown in ["", "Ready", "ready ", "deleted"] {
            assert_eq!(unknown.parse::<UploadState>(), Err(UnknownUploadState));
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
