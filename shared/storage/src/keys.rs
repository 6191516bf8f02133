//! Every key of every store, each built from a [`TenantContext`].

use domain::ContentHash;
use tenant_context::{Date, DeletionId, ExportId, ImportId, ShowId, TenancyId, TenantContext, UploadId};

/// What a partition holds: of the tenant table, but for access and activity, which sign-in must find in the directory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Collection<'a> {
    Tenancy,
    Users,
    /// Blind index of an e-mail address → user id.
    UserEmails,
    Clients,
    /// Members, by id; the tenancy's own groups, by id; and `tenancy`: who its owners are.
    Access,
    /// When each member last signed in.
    Activity,
    /// The one item of single sign-on.
    Sso,
    Shows,
    /// How often what a show's feed shows has changed, under the show's id.
    FeedVersions,
    /// Episode id → show id.
    EpisodeIndex,
    Episodes(&'a ShowId),
    /// GUID → whose it is, and episode id → its GUID and file name: for good.
    PublicationLedger(&'a ShowId),
    /// Shows that were deleted and can be restored.
    DeletedShows,
    /// Episodes that were deleted and can be restored.
    DeletedEpisodes(&'a ShowId),
    Deletions,
    /// Ids of deletions that have not ended.
    OpenDeletions,
    /// The id of what is deleted → its last deletion.
    DeletionSubjects,
    /// What a deletion has destroyed so far, batch by batch.
    Destroyed(&'a DeletionId),
    /// Exits of the tenancy, by id. An exit does not erase them: they are its tombstone.
    Exits,
    /// What an exit has noted to carry it out.
    ExitNotes,
    /// Legal holds, by the id of what is held; and `version`, which counts their changes.
    LegalHolds,
    Uploads,
    /// Ids of uploads that have not ended.
    UnfinishedUploads,
    Media,
    /// SHA-256 → media id.
    MediaHashes,
    /// Listener id → show id.
    ListenerIndex,
    Listeners(&'a ShowId),
    /// Blind index of an e-mail address, alone or with a listener's id behind it → that listener.
    ListenerEmails(&'a ShowId),
    /// Which mails were asked for in an hour, under the hour and an address's blind index or the show's id.
    Welcomes,
    /// When a listener's token was last used, under their id.
    Listening(&'a ShowId),
    /// From which networks a feed token was used in an hour, under the token's hash and the hour.
    Networks(&'a ShowId),
    /// What the tenancy has yet to be told.
    Notices,
    /// Who attested which access review.
    Attestations,
    Exports,
    /// What is being exported, under the scope's name → which export.
    RunningExports,
    /// How far the worker is with an export.
    ExportWork,
    Imports,
    /// The one import that goes on.
    RunningImports,
    /// What became of each thing in an import, under what it was known by.
    ImportItems(&'a ImportId),
    /// How far the worker is with an import.
    ImportWork,
    Audit,
    /// The last event of the audit log, in short.
    AuditHead,
    Idempotency,
    /// How many of a thing there are, under the quota's name.
    Quotas,
    /// How many requests were leased, under the start of the window.
    Rate,
}

impl<'a> Collection<'a> {
    /// Everything that the tenant table has of a tenancy with these shows and deletions. Legal holds are the last: they stop what
    /// comes before.
    pub(crate) fn of_tenancy(
        shows: &'a [ShowId],
        deletions: &'a [DeletionId],
        imports: &'a [ImportId],
    ) -> Vec<Self> {
        let of_show = |show| {
            [
                Self::Episodes(show),
                Self::DeletedEpisodes(show),
                Self::PublicationLedger(show),
                Self::ListenerEmails(show),
                Self::Listening(show),
                Self::Networks(show),
                Self::Listeners(show),
            ]
        };
        let mut all: Vec<Self> = shows.iter().flat_map(of_show).collect();
        all.extend(deletions.iter().map(Self::Destroyed));
        all.extend(imports.iter().map(Self::ImportItems));
        all.extend([
            Self::EpisodeIndex,
            Self::ListenerIndex,
            Self::Shows,
            Self::DeletedShows,
            Self::FeedVersions,
            Self::Uploads,
            Self::UnfinishedUploads,
            Self::Media,
            Self::MediaHashes,
            Self::Welcomes,
            Self::UserEmails,
            Self::Users,
            Self::Clients,
            Self::Sso,
            Self::Notices,
            Self::Attestations,
            Self::Exports,
            Self::RunningExports,
            Self::ExportWork,
            Self::Imports,
            Self::RunningImports,
            Self::ImportWork,
            Self::Idempotency,
            Self::Deletions,
            Self::OpenDeletions,
            Self::DeletionSubjects,
            Self::Tenancy,
            Self::Quotas,
            Self::Rate,
            Self::Audit,
            Self::AuditHead,
            Self::LegalHolds,
        ]);
        all
    }
}

impl Collection<'_> {
    /// The environment variable that names the table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Collection::Access | Collection::Activity | Collection::Exits | Collection::ExitNotes => {
                "DIRECTORY_TABLE"
            }
            _ => "TENANT_TABLE",
        }
    }
}

/// The sort key of the item that counts the changes of legal holds. Ids come after it: none begins with a capital letter.
pub(crate) const HOLDS_VERSION: &str = "VERSION";

/// The sort key of the item that says who a tenancy's owners are.
pub(crate) const TENANCY_ACCESS: &str = "tenancy";

/// The partition key of a collection: `<TenancyId>#<collection>[#<parent>]`.
pub(crate) fn partition(context: &TenantContext, collection: Collection<'_>) -> String {
    let tenancy = context.tenancy();
    match collection {
        Collection::Tenancy => format!("{tenancy}#tenancy"),
        Collection::Users => format!("{tenancy}#users"),
        Collection::UserEmails => format!("{tenancy}#user-emails"),
        Collection::Access => access_of(tenancy),
        Collection::Activity => activity_of(tenancy),
        Collection::Clients => format!("{tenancy}#clients"),
        Collection::Sso => format!("{tenancy}#sso"),
        Collection::Shows => format!("{tenancy}#shows"),
        Collection::FeedVersions => format!("{tenancy}#feed-versions"),
        Collection::EpisodeIndex => format!("{tenancy}#episodes"),
        Collection::Episodes(show) => format!("{tenancy}#episodes#{show}"),
        Collection::PublicationLedger(show) => format!("{tenancy}#publication-ledger#{show}"),
        Collection::DeletedShows => format!("{tenancy}#deleted-shows"),
        Collection::DeletedEpisodes(show) => format!("{tenancy}#deleted-episodes#{show}"),
        Collection::Deletions => format!("{tenancy}#deletions"),
        Collection::OpenDeletions => format!("{tenancy}#open-deletions"),
        Collection::DeletionSubjects => format!("{tenancy}#deletion-subjects"),
        Collection::Destroyed(deletion) => format!("{tenancy}#destroyed#{deletion}"),
        Collection::Exits => format!("exit#{tenancy}"),
        Collection::ExitNotes => format!("exit-notes#{tenancy}"),
        Collection::LegalHolds => format!("{tenancy}#legal-holds"),
        Collection::Uploads => format!("{tenancy}#uploads"),
        Collection::UnfinishedUploads => format!("{tenancy}#unfinished-uploads"),
        Collection::Media => format!("{tenancy}#media"),
        Collection::MediaHashes => format!("{tenancy}#media-hashes"),
        Collection::ListenerIndex => format!("{tenancy}#listeners"),
        Collection::Listeners(show) => format!("{tenancy}#listeners#{show}"),
        Collection::ListenerEmails(show) => format!("{tenancy}#listener-emails#{show}"),
        Collection::Welcomes => format!("{tenancy}#welcomes"),
        Collection::Listening(show) => format!("{tenancy}#listening#{show}"),
        Collection::Networks(show) => format!("{tenancy}#networks#{show}"),
        Collection::Notices => format!("{tenancy}#notices"),
        Collection::Attestations => format!("{tenancy}#attestations"),
        Collection::Exports => format!("{tenancy}#exports"),
        Collection::RunningExports => format!("{tenancy}#running-exports"),
        Collection::ExportWork => format!("{tenancy}#export-work"),
        Collection::Imports => format!("{tenancy}#imports"),
        Collection::RunningImports => format!("{tenancy}#running-imports"),
        Collection::ImportItems(import) => format!("{tenancy}#import-items#{import}"),
        Collection::ImportWork => format!("{tenancy}#import-work"),
        Collection::Audit => format!("{tenancy}#audit"),
        Collection::AuditHead => format!("{tenancy}#audit-head"),
        Collection::Idempotency => format!("{tenancy}#idempotency"),
        Collection::Quotas => format!("{tenancy}#quotas"),
        Collection::Rate => format!("{tenancy}#rate"),
    }
}

/// The directory's partition of a tenancy's members and groups.
pub(crate) fn access_of(tenancy: &TenancyId) -> String {
    format!("access#{tenancy}")
}

/// The directory's partition of when a tenancy's members last signed in.
pub(crate) fn activity_of(tenancy: &TenancyId) -> String {
    format!("activity#{tenancy}")
}

/// The directory's partition of the operator's requests: an operator has no tenancy.
pub(crate) const OPERATOR_RATE: &str = "rate#operator";

/// The directory's partition of a tenancy's due work.
pub(crate) fn due(context: &TenantContext) -> String {
    format!("due#{}", context.tenancy())
}

/// An upload's object in the quarantine.
pub(crate) fn upload_object(context: &TenantContext, upload: &UploadId) -> String {
    format!("{}/{upload}", context.tenancy())
}

/// What the names of all of a tenancy's objects begin with, in every bucket.
pub(crate) fn objects(context: &TenantContext) -> String {
    format!("{}/", context.tenancy())
}

/// A medium's object: named by its content.
pub(crate) fn media_object(context: &TenantContext, hash: &ContentHash) -> String {
    format!("{}/{}", context.tenancy(), hash.as_str())
}

/// What the names of all media of the tenancy begin with.
pub(crate) fn media_objects(context: &TenantContext) -> String {
    format!("{}/", context.tenancy())
}

/// What the names of all objects of an export begin with.
pub(crate) fn export_objects(context: &TenantContext, export: &ExportId) -> String {
    format!("{}/{export}/", context.tenancy())
}

/// One of an export's objects.
pub(crate) fn export_object(context: &TenantContext, export: &ExportId, name: &str) -> String {
    format!("{}{name}", export_objects(context, export))
}

/// What the names of all of a show's rendered objects begin with.
pub(crate) fn feed_objects(context: &TenantContext, show: &ShowId) -> String {
    format!("{}/{show}/", context.tenancy())
}

/// What the names of all objects of an import begin with.
pub(crate) fn import_objects(context: &TenantContext, import: &ImportId) -> String {
    format!("{}/{import}/", context.tenancy())
}

/// One of an import's objects.
pub(crate) fn import_object(context: &TenantContext, import: &ImportId, name: &str) -> String {
    format!("{}{name}", import_objects(context, import))
}

/// One of a show's rendered objects.
pub(crate) fn feed_object(context: &TenantContext, show: &ShowId, name: &str) -> String {
    format!("{}/{show}/{name}", context.tenancy())
}

/// The head of the audit log as it was written down on `date`.
pub(crate) fn audit_anchor(context: &TenantContext, date: Date) -> String {
    format!("{}{date}.json", audit_anchors(context))
}

/// What the names of all anchors of the tenancy begin with.
pub(crate) fn audit_anchors(context: &TenantContext) -> String {
    format!("{}/", context.tenancy())
}

/// An event's place in the audit log, so that text sorts as numbers do.
pub(crate) fn audit_place(sequence: u64) -> String {
    format!("{sequence:012}")
}

/// The alias of the tenancy's KMS key.
pub(crate) fn key_alias(prefix: &str, tenancy: &TenancyId) -> String {
    format!("{prefix}{tenancy}")
}
