//! Every key of every store, each built from a [`TenantContext`].

use domain::ContentHash;
use tenant_context::{ShowId, TenancyId, TenantContext, UploadId};

/// What a partition of the tenant table holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Collection<'a> {
    Tenancy,
    Users,
    Clients,
    Shows,
    /// How often what a show's feed shows has changed, under the show's id.
    FeedVersions,
    /// Episode id → show id.
    EpisodeIndex,
    Episodes(&'a ShowId),
    Uploads,
    Media,
    /// SHA-256 → media id.
    MediaHashes,
    /// Listener id → show id.
    ListenerIndex,
    Listeners(&'a ShowId),
    Audit,
    Idempotency,
}

/// The partition key of a collection: `<TenancyId>#<collection>[#<parent>]`.
pub(crate) fn partition(context: &TenantContext, collection: Collection<'_>) -> String {
    let tenancy = context.tenancy();
    match collection {
        Collection::Tenancy => format!("{tenancy}#tenancy"),
        Collection::Users => format!("{tenancy}#users"),
        Collection::Clients => format!("{tenancy}#clients"),
        Collection::Shows => format!("{tenancy}#shows"),
        Collection::FeedVersions => format!("{tenancy}#feed-versions"),
        Collection::EpisodeIndex => format!("{tenancy}#episodes"),
        Collection::Episodes(show) => format!("{tenancy}#episodes#{show}"),
        Collection::Uploads => format!("{tenancy}#uploads"),
        Collection::Media => format!("{tenancy}#media"),
        Collection::MediaHashes => format!("{tenancy}#media-hashes"),
        Collection::ListenerIndex => format!("{tenancy}#listeners"),
        Collection::Listeners(show) => format!("{tenancy}#listeners#{show}"),
        Collection::Audit => format!("{tenancy}#audit"),
        Collection::Idempotency => format!("{tenancy}#idempotency"),
    }
}

/// The directory's partition of a tenancy's due work.
pub(crate) fn due(context: &TenantContext) -> String {
    format!("due#{}", context.tenancy())
}

/// An upload's object in the quarantine.
pub(crate) fn upload_object(context: &TenantContext, upload: &UploadId) -> String {
    format!("{}/{upload}", context.tenancy())
}

/// A medium's object: named by its content.
pub(crate) fn media_object(context: &TenantContext, hash: &ContentHash) -> String {
    format!("{}/{}", context.tenancy(), hash.as_str())
}

/// One of a show's rendered objects.
pub(crate) fn feed_object(context: &TenantContext, show: &ShowId, name: &str) -> String {
    format!("{}/{show}/{name}", context.tenancy())
}

/// The alias of the tenancy's KMS key.
pub(crate) fn key_alias(prefix: &str, tenancy: &TenancyId) -> String {
    format!("{prefix}{tenancy}")
}
