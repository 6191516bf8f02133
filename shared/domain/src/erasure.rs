//! What a deletion has destroyed, could not destroy, and found left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DeletionScope;

/// How many of the items that could not be destroyed are named for each store. All of them are counted.
pub const MOST_FAILED_NAMED: usize = 20;

/// A place where something of a tenancy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// Bytes on their way in.
    UploadBucket,
    /// Audio, artwork, transcripts and chapters.
    MediaBucket,
    /// Rendered feeds.
    FeedBucket,
    /// Exports.
    ExportBucket,
    /// People and identity providers.
    UserPool,
    /// What a tenancy owns.
    TenantTable,
    /// What is found before the tenancy is known.
    DirectoryTable,
}

/// How much of a store was destroyed, in all passes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Destroyed {
    /// Items or objects.
    pub items: u64,
    /// Versions of them, delete markers included.
    pub versions: u64,
    /// Bytes, where the store says how many.
    pub bytes: u64,
}

/// Something that could not be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FailedItem {
    /// Its key in the store.
    pub key: String,
    /// Why, in one plain sentence.
    pub reason: String,
}

/// What is left in a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// The store.
    pub store: Store,
    /// How many items, versions and delete markers there still are.
    pub remaining: u64,
    /// By what that was counted: the listing, and of what.
    pub counted_by: String,
}

/// What became of one store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StoreReport {
    /// The store.
    pub store: Store,
    /// How much of it was destroyed.
    pub destroyed: Destroyed,
    /// How many items could not be destroyed in the last pass.
    pub failures: u64,
    /// The first of them.
    pub failed: Vec<FailedItem>,
    /// What the last count found; `None` before there was one.
    pub count: Option<Count>,
}

impl Store {
    /// Every store there is, in the order in which they are emptied: what others are found by goes last.
    pub const ALL: [Self; 7] = [
        Self::UploadBucket,
        Self::MediaBucket,
        Self::FeedBucket,
        Self::ExportBucket,
        Self::UserPool,
        Self::TenantTable,
        Self::DirectoryTable,
    ];

    /// Where something may be of what a deletion takes, in the order in which it is emptied.
    pub fn of(scope: DeletionScope) -> Vec<Self> {
        let has_some = |store: &Self| match scope {
            DeletionScope::Tenancy | DeletionScope::Person => true,
            DeletionScope::Show | DeletionScope::Episode => *store != Self::UserPool,
        };
        Self::ALL.into_iter().filter(has_some).collect()
    }
}

impl StoreReport {
    /// Of a store that nobody has been at.
    pub fn new(store: Store) -> Self {
        Self { store, destroyed: Destroyed::default(), failures: 0, failed: Vec::new(), count: None }
    }

    /// What is known to be left.
    pub fn remaining(&self) -> u64 {
        self.count.as_ref().map_or(0, |count| count.remaining)
    }
}
