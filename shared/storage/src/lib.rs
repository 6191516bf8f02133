//! The only crate that talks to DynamoDB, S3, KMS, SQS and STS.
//!
//! Every key is built in [`keys`] from a [`tenant_context::TenantContext`]; reads take a context, changes take a
//! [`tenant_context::Grant`]. The credentials behind a call come from that same context: the caller's data token exchanged
//! with STS, or a worker's role with the tenancy as session tag. A function's own role reaches the directory, and no tenancy's data.
//!
//! Invariants: no table scan, no PartiQL; a change and its audit event are one transaction; whoever is shown personal data
//! leaves an audit event; nothing is stored without a tenancy's key except what must be found before the tenancy is known
//! ([`directory`]).

mod access;
mod access_reviews;
mod admission;
mod audit;
mod audit_anchors;
mod aws;
mod clients;
mod credentials;
mod deletions;
mod destruction;
mod directory;
mod due;
mod episodes;
mod error;
mod exits;
mod expiry;
mod export_archives;
mod export_records;
mod exports;
mod feeds;
mod idempotency;
mod import_objects;
mod imports;
mod item;
mod keys;
mod legal_holds;
mod limits;
mod listeners;
mod listening;
mod media;
mod notices;
mod object_versions;
mod provision;
mod queue;
mod quotas;
mod random;
mod rate_limit;
mod repeatable;
mod sealed;
mod secret;
mod sharing;
mod shows;
mod signing;
mod sso;
mod tenancy;
mod tombstones;
mod transaction;
mod upload_sweep;
mod uploads;
mod users;
mod welcome;

pub use access_reviews::Attestation;
pub use admission::Newcomer;
pub use audit::AuditVerification;
pub use aws::Environment;
pub use clients::Client;
pub use credentials::Storage;
pub use deletions::{DeletionRecord, PutAside, show_of};
pub use destruction::{PersonAtPool, Work};
pub use directory::{
    ClientRecord, FeedTokenRecord, IdentityRecord, InvitationRecord, LastWord, ProviderRecord, SessionRecord,
    SignIn, SlugRecord,
};
pub use due::Due;
pub use error::StorageError;
pub use exits::{StoreLeaves, certificate_object};
pub use export_archives::{ArchiveNumber, ArchivePart, ExportObject};
pub use export_records::ExportedUser;
pub use exports::ExportWork;
pub use feeds::{FeedObject, MediaLink, WriteIf};
pub use idempotency::{IdempotencyKey, Reservation};
pub use import_objects::{ImportBytes, IncompleteFile, MediaPart};
pub use imports::ImportWork;
pub use item::{Page, PageRequest};
pub use listeners::{ListenerRecord, ListenerWords};
pub use listening::LISTENING_NOTED_EVERY;
pub use media::{Measure, Measured, Quarantined};
pub use notices::{News, Notice};
pub use provision::{NewTenancy, Provisioned};
pub use queue::{
    AnnounceRequest, ExportRequest, ImportRequest, RenderRequest, SweepRequest, WatchRequest, WelcomeRequest,
};
pub use random::SystemRandomness;
pub use repeatable::{Draw, Repeatable};
pub use secret::{Secret, SecretHash};
pub use sso::Sso;
pub use tenancy::Tenancy;
pub use tombstones::TombstonePlace;
pub use upload_sweep::QuarantinedVersion;
pub use uploads::{ReceivedPart, SignedPut, UploadPart};
pub use users::{Invitation, User};
pub use welcome::{MAILS_AN_HOUR_OF_A_SHOW, MAILS_AN_HOUR_TO_AN_ADDRESS};
