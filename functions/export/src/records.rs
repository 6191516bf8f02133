//! What is in an archive, as others read it. A change here that an older reader would not understand counts
//! [`SCHEMA_VERSION`] up. The JSON Schemas of all of it are in `schemas`, made from these types by a test, and in every archive.

use domain::{
    Access, AccessState, AuditHead, AuditProblem, ContentHash, CustomGroup, EmailAddress, Episode,
    ExportScope, GrantedMembership, Listener, Media, PersonName, Show, SsoSettings, TenancyName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Attestation, Client};
use tenant_context::{ClientId, ExportId, ShowId, TenancyId, Timestamp, UserId};

/// Which version of this format an archive is in.
pub const SCHEMA_VERSION: u32 = 1;

/// Where the manifest is, in the last archive.
pub const MANIFEST: &str = "manifest.json";

/// `manifest.json`: every file of an export with its hash, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The version of the format; this is 1.
    pub schema_version: u32,
    /// The export.
    pub export_id: ExportId,
    /// Whose.
    pub tenancy_id: TenancyId,
    /// Of what.
    pub scope: ExportScope,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Every file but the manifest itself, in the order of the archives.
    pub files: Vec<ManifestFile>,
    /// What should be here and is not.
    pub missing: Vec<MissingFile>,
    /// What is never exported, and why.
    pub excluded: Vec<Excluded>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestFile {
    /// Where it is in its archive.
    pub path: String,
    /// Which archive, from 1.
    pub archive: u32,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// SHA-256 of them.
    pub sha256: ContentHash,
}

/// A file that should be in an export and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingFile {
    /// Where it would be.
    pub path: String,
    /// SHA-256 of its bytes, so that another copy of it can be told to be the same.
    pub sha256: ContentHash,
    /// Why it is not there.
    pub reason: String,
}

/// Something that is never exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excluded {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// `tenancy.json`: the tenancy and its settings.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TenancyRecord {
    /// Its id.
    pub id: TenancyId,
    /// What it is called.
    pub name: TenancyName,
    /// When it was made.
    pub created_at: Timestamp,
    /// How its people sign in through a provider of their own, if they do; without the provider's secret.
    pub single_sign_on: Option<SsoSettings>,
    /// Its own groups.
    pub groups: Vec<CustomGroup>,
    /// Who attested which access review.
    pub attestations: Vec<Attestation>,
}

/// `users/<number>.json`: a list of people.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UserRecord {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// Where they get e-mail.
    pub email: EmailAddress,
    /// Whether they may sign in.
    pub state: AccessState,
    /// In which groups they are.
    pub memberships: Vec<GrantedMembership>,
    /// When they last signed in; none for never.
    pub last_active_at: Option<Timestamp>,
    /// When they were invited, or came by themselves.
    pub created_at: Timestamp,
}

/// `clients/<number>.json`: a list of machine clients, without their secrets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ClientRecord {
    /// Its id.
    pub id: ClientId,
    /// What it is for.
    pub name: domain::ClientName,
    /// The person it was made for, if for one.
    pub user_id: Option<UserId>,
    /// In which groups it is.
    pub memberships: Vec<GrantedMembership>,
    /// Whether its sign-in counts as one with a second factor.
    pub is_vouched_for: bool,
    /// When it last signed in; none for never.
    pub last_active_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got the secret that it has.
    pub rotated_at: Timestamp,
}

/// `audit/verification.json`: what became of recomputing the log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct VerificationRecord {
    /// Whether the log is as it was written.
    pub is_intact: bool,
    /// How many events are.
    pub events: u64,
    /// Where the log says that it ends.
    pub head: Option<AuditHead>,
    /// Where it is not what it was.
    #[serde(skip_deserializing)]
    pub problem: Option<AuditProblem>,
}

/// `person.json`: what is known of one person.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PersonRecord {
    /// Them as somebody who signs in.
    pub user: Option<PersonAsUser>,
    /// Them as somebody who listens, in each show.
    pub listeners: Vec<Listener>,
}

/// A person as a user: what is known of others is left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PersonAsUser {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// Where they get e-mail.
    pub email: EmailAddress,
    /// Whether they may sign in.
    pub state: AccessState,
    /// In which groups they are.
    pub groups: Vec<PersonsGroup>,
    /// When they last signed in; none for never.
    pub last_active_at: Option<Timestamp>,
    /// When they were invited, or came by themselves.
    pub created_at: Timestamp,
}

/// A group that a person is in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PersonsGroup {
    /// The group.
    pub group: tenant_context::GroupRef,
    /// The shows that the membership covers; none means all.
    pub shows: Option<Vec<ShowId>>,
    /// Since when.
    pub granted_at: Timestamp,
}

/// `events/<number>.ndjson`: what a person did and what was done to them, from the audit log. Of others it tells no id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PersonEvent {
    /// When.
    pub at: Timestamp,
    /// What was done: the name of the permission that it took.
    pub action: String,
    /// Whether this person did it.
    pub was_done_by_person: bool,
    /// To what; another person is called `user`, `listener` or `client`.
    pub subject: String,
    /// What else the log says.
    pub details: std::collections::BTreeMap<String, String>,
}

/// `shows/<slug>/show.json`.
pub type ShowRecord = Show;
/// `shows/<slug>/episodes/<number>.json`: a list of them.
pub type EpisodeRecord = Episode;
/// `shows/<slug>/listeners/<number>.json`: a list of them.
pub type ListenerRecord = Listener;
/// `media/<number>.json`: a list of them; the files are beside it under their hashes.
pub type MediaRecord = Media;

impl UserRecord {
    pub(crate) fn new((user, access): (storage::User, Access), last_active_at: Option<Timestamp>) -> Self {
        let storage::User { id, name, email, created_at } = user;
        let Access { state, memberships, .. } = access;
        Self { id, name, email, state, memberships, last_active_at, created_at }
    }
}

impl From<UserRecord> for PersonAsUser {
    fn from(user: UserRecord) -> Self {
        let UserRecord { id, name, email, state, memberships, last_active_at, created_at } = user;
        let groups = memberships.into_iter().map(|membership| PersonsGroup {
            group: membership.group,
            shows: membership.shows,
            granted_at: membership.granted_at,
        });
        Self { id, name, email, state, groups: groups.collect(), last_active_at, created_at }
    }
}

impl ClientRecord {
    pub(crate) fn new((client, access): (Client, Access), last_active_at: Option<Timestamp>) -> Self {
        let Client { id, name, user_id, created_at, rotated_at, .. } = client;
        let Access { memberships, is_vouched_for, .. } = access;
        Self { id, name, user_id, memberships, is_vouched_for, last_active_at, created_at, rotated_at }
    }
}

impl Excluded {
    pub(crate) fn all() -> Vec<Self> {
        let all = [
            (
                "Feed tokens, secrets of machine clients and of identity providers, sessions and invitations",
                "Nobody has them: only their hashes are kept, or another service keeps them. Make new ones.",
            ),
            (
                "Passwords, passkeys and second factors of people",
                "They are at the sign-in service, which shows them to nobody. Invite people anew.",
            ),
            ("Uploads that did not become media", "They are unscanned, or were refused."),
        ];
        all.into_iter().map(|(what, why)| Self { what: what.to_owned(), why: why.to_owned() }).collect()
    }
}
