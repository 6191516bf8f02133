//! The nouns of a podcast host and their rules: shows, episodes, media, uploads, listeners, feeds, audit logs; and how much of
//! each, and of requests, a tenancy may have.
//!
//! A value of one of these types is valid: text is checked once, where it becomes a type, and rules such as "a published
//! enclosure URL never changes" live in the methods that change things. One file a noun.
//!
//! No I/O here, no clock and no randomness: moments and random bytes are arguments. Who may call what is decided in
//! `tenant-context`, where things are kept in `storage`, how a feed is written in `rss`.

mod access;
mod access_review;
mod address;
mod attachment;
mod audit_chain;
mod audit_event;
mod audit_filter;
mod category;
mod changeable;
mod chapters;
mod content_hash;
mod content_type;
mod deletion;
mod deletion_subject;
mod email_address;
mod email_domain;
mod enclosure_settings;
mod episode;
mod erasure;
mod export;
mod farewell;
mod feed;
mod feed_library;
mod feed_rules;
mod feed_token;
mod file_name;
mod import;
mod invalid;
mod language;
mod legal_hold;
mod limits;
mod list;
mod listener;
mod listener_rows;
mod listing;
mod markup;
mod media;
mod offset;
mod part_plan;
mod podcast_guid;
pub mod podcasting;
mod publication;
mod quota;
mod rate_limit;
mod retention;
mod sharing;
mod show;
mod slug;
mod sso;
mod text;
mod tombstone;
mod upload;
mod web_url;

pub use access::{Access, AccessState, CustomGroup, GrantedMembership, IDLE};
pub use access_review::{AccessReview, ReviewPlace, Reviewed, ReviewedAccess, SecondFactor};
pub use address::Addresses;
pub use attachment::{Attachment, AttachmentKind};
pub use audit_chain::{AuditChain, AuditPlace, AuditProblem, AuditProblemKind};
pub use audit_event::{AuditEvent, AuditHead, NewAuditEvent};
pub use audit_filter::AuditFilter;
pub use category::Category;
pub use chapters::{Chapter, Chapters, GeoUri, Location, OsmObject};
pub use content_hash::ContentHash;
pub use content_type::ContentType;
pub use deletion::{
    APPROVED_WITHIN, Decider, Deletion, DeletionStage, DeletionState, DoomedKey, Due, MOST_PASSES,
    MOST_TRIES, NewDeletion, Order, Refusal, SECOND_FACTOR_WITHIN, STALLED_AFTER, Step as DeletionStep,
    WRITES_SETTLE_AFTER,
};
pub use deletion_subject::{DeletionScope, DeletionSubject};
pub use email_address::EmailAddress;
pub use email_domain::EmailDomain;
pub use enclosure_settings::{BitRate, EnclosureSettings};
pub use episode::{Episode, EpisodeChanges, EpisodeState, NewEpisode};
pub use erasure::{Count, Destroyed, FailedItem, MOST_FAILED_NAMED, Store, StoreReport};
pub use export::{
    EXPORT_KEPT, EXPORT_LOST_AFTER, Export, ExportArchive, ExportScope, ExportState, NewExport, OpenArchive,
    PersonId,
};
pub use farewell::Farewell;
pub use feed::{Channel, Feed, FeedEpisode};
pub use feed_library::{FeedFile, FeedFiles, FeedLibrary};
pub use feed_rules::{Finding, Severity, Standard, feed_rules};
pub use feed_token::FeedToken;
pub use file_name::FileName;
pub use import::{
    FeedOptions, IMPORT_LOST_AFTER, Import, ImportCounts, ImportFile, ImportItem, ImportItemKind,
    ImportOutcome, ImportSource, ImportState, NewArchive, NewImport, OpenUpload,
};
pub use invalid::Invalid;
pub use language::Language;
pub use legal_hold::LegalHold;
pub use limits::Limits;
pub use list::List;
pub use listener::{Listener, ListenerAccess, ListenerChanges, ListenerState, NewListener};
pub use listener_rows::{InvalidRow, ListenerRows, listeners_to_csv};
pub use listing::{
    EpisodeListing, EpisodeListingChanges, EpisodeType, ShowListing, ShowListingChanges, ShowOwner, ShowType,
};
pub use markup::link_address;
pub use media::{
    ChaptersSummary, Decibels, Loudness, Media, MediaContent, MediaFile, MediaFormat, Picture, Recording,
    Rendition, RenditionPurpose, Tags, TranscriptSummary,
};
pub use offset::Offset;
pub use part_plan::{Part, PartPlan};
pub use podcast_guid::PodcastGuid;
pub use publication::{Audience, Publication, Release};
pub use quota::Quota;
pub use rate_limit::{Lease, RATE_LIMIT_WINDOW, RateLimits, RatePolicy, Share, Standing, Step, Window};
pub use retention::{BACKUPS_KEPT, GoneDates, KEY_DESTROYED_AFTER, Reminder, Retention};
pub use sharing::{ListeningHour, MOST_NETWORKS, Network, NetworkMark};
pub use show::{NewShow, Show, ShowChanges, Visibility};
pub use slug::Slug;
pub use sso::{
    IdentityProvider, MetadataDocument, OidcClientId, OidcClientSecret, ProviderName, PublicUrl,
    SamlMetadata, SsoSettings,
};
pub use text::{
    Author, ChapterTitle, ClientName, Content, Copyright, Description, EpisodeDisplay, EpisodeTitle,
    GroupName, HoldReason, ListenerLabel, LongText, PersonName, PlaceName, ShortText, ShowTitle,
    SuspensionReason, TenancyName,
};
pub use tombstone::Tombstone;
pub use upload::{
    ABANDONED_AFTER, LOST_AFTER, NOT_SCANNED_AFTER, NewUpload, Rejection, RejectionCode, UnknownUploadState,
    Upload, UploadState, UploadStep, Warning, WarningCode,
};
pub use web_url::WebUrl;
