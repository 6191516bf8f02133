//! What can be asked for. One name for each action, the same in code, tokens, API and docs: `shows:create`.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TenancyState;

/// Why an action is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No group of the caller allows the action.
    #[error("none of your groups allows {0}")]
    NotAllowed(Action),
    /// A group allows it, to those who signed in with a second factor.
    #[error("{0} needs a sign-in with a second factor")]
    MfaRequired(Action),
    /// A group allows it, and the tenancy is on its way out.
    #[error("the tenancy leaves: nobody does {0} any more")]
    Leaving(Action, TenancyState),
}

/// The caller may do this in some shows, and not in this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of your groups allows {0} in this show")]
pub struct OutOfScope(pub Action);

/// What an action does, which decides what the policy asks of the caller besides a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Changes what a tenancy publishes.
    Writes,
    /// Changes who may do what, or takes everything elsewhere: needs a second factor.
    Administers,
    /// Takes something away for good: needs a second factor.
    Destroys,
    /// One of Castkeep's own workers doing its one thing. No group allows it.
    Works,
}

/// How far one grant of an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The whole tenancy: a membership that covers certain shows does not allow it.
    Tenancy,
    /// One show, or all of them.
    Show,
}

/// The text names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission of this name; GET /v1/groups lists the permissions there are")]
pub struct UnknownAction;

mod sealed {
    pub trait Sealed {}
}

/// A type that stands for one [`Action`], so that a signature can name what a caller must have been granted.
pub trait Permission: sealed::Sealed {
    /// The action that this type stands for.
    const ACTION: Action;
}

/// A permission that reaches the whole tenancy.
pub trait TenancyPermission: Permission {}

/// A permission that reaches one show, or all of them.
pub trait ShowPermission: Permission {}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $text:literal $effect:ident in $reach:ident;)*) => {
        /// An action that a policy allows or denies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("enum" = Action::ALL))]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action there is.
            pub const ALL: &[Action] = &[$(Action::$name),*];

            /// The action's public name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Action::$name => $text,)*
                }
            }

            /// What the action does.
            pub fn effect(self) -> Effect {
                match self {
                    $(Action::$name => Effect::$effect,)*
                }
            }

            /// How far one grant of it reaches.
            pub fn reach(self) -> Reach {
                match self {
                    $(Action::$name => Reach::$reach,)*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl sealed::Sealed for $name {}

            impl Permission for $name {
                const ACTION: Action = Action::$name;
            }

            actions!(@reach $name $reach);
        )*
    };
    (@reach $name:ident Tenancy) => {
        impl TenancyPermission for $name {}
    };
    (@reach $name:ident Show) => {
        impl ShowPermission for $name {}
    };
}

actions! {
    /// See the tenancy's own name and state.
    ReadTenancy "tenancy:read" Reads in Tenancy;
    /// Change what the tenancy is called.
    UpdateTenancy "tenancy:update" Administers in Tenancy;
    /// See who belongs to the tenancy: personal data.
    ReadUsers "users:read" Reads in Tenancy;
    /// Invite somebody.
    InviteUser "users:invite" Administers in Tenancy;
    /// Suspend somebody, and let them back in.
    UpdateUser "users:update" Administers in Tenancy;
    /// Remove somebody.
    RemoveUser "users:remove" Destroys in Tenancy;
    /// See groups and who is in them.
    ReadGroups "groups:read" Reads in Tenancy;
    /// Make a group.
    CreateGroup "groups:create" Administers in Tenancy;
    /// Change what a group allows.
    UpdateGroup "groups:update" Administers in Tenancy;
    /// Delete a group.
    DeleteGroup "groups:delete" Destroys in Tenancy;
    /// Put members into groups, and take them out.
    ManageMembers "members:manage" Administers in Tenancy;
    /// See machine clients, never their secrets.
    ReadClients "clients:read" Reads in Tenancy;
    /// Make a machine client.
    CreateClient "clients:create" Administers in Tenancy;
    /// Give a machine client a new secret.
    RotateClient "clients:rotate" Administers in Tenancy;
    /// Take a machine client's access for good.
    RevokeClient "clients:revoke" Destroys in Tenancy;
    /// See who may do what, since when, and when they last did: personal data.
    ReadAccessReview "access-review:read" Reads in Tenancy;
    /// Attest that the access review is as it should be.
    AttestAccessReview "access-review:attest" Administers in Tenancy;
    /// See how people sign in through the tenancy's own identity provider.
    ReadSso "sso:read" Reads in Tenancy;
    /// Change how people sign in through the tenancy's own identity provider.
    UpdateSso "sso:update" Administers in Tenancy;
    /// See shows.
    ReadShows "shows:read" Reads in Show;
    /// Make a show.
    CreateShow "shows:create" Writes in Tenancy;
    /// Change a show.
    UpdateShow "shows:update" Writes in Show;
    /// See episodes, drafts too.
    ReadEpisodes "episodes:read" Reads in Show;
    /// Make a draft.
    CreateEpisode "episodes:create" Writes in Show;
    /// Change an episode.
    UpdateEpisode "episodes:update" Writes in Show;
    /// Put an episode into its show's feed, or take it out.
    PublishEpisode "episodes:publish" Writes in Show;
    /// See uploads and what became of them.
    ReadUploads "uploads:read" Reads in Show;
    /// Start, complete and abort uploads.
    CreateUpload "uploads:create" Writes in Show;
    /// See who may listen to a private show: personal data.
    ReadListeners "listeners:read" Reads in Show;
    /// Give, renew and take feed tokens.
    ManageListeners "listeners:manage" Writes in Show;
    /// See what is to be deleted, and what was.
    ReadDeletions "deletions:read" Reads in Show;
    /// Delete an episode or a show, and erase what is known of a person.
    CreateDeletion "deletions:create" Destroys in Show;
    /// Bring back what was deleted, until its day.
    CancelDeletion "deletions:cancel" Writes in Show;
    /// Ask for the tenancy's own exit, or approve it.
    LeaveTenancy "tenancy:leave" Destroys in Tenancy;
    /// See what must not be destroyed, and why.
    ReadLegalHolds "legal-holds:read" Reads in Tenancy;
    /// Say what must not be destroyed, and release it.
    ManageLegalHolds "legal-holds:manage" Administers in Tenancy;
    /// See the audit log, and have it verified.
    ReadAudit "audit:read" Reads in Tenancy;
    /// See which exports there are, and how far they are.
    ReadExports "exports:read" Reads in Tenancy;
    /// Have everything put into archives that can be taken away, and end that: personal data.
    CreateExport "exports:create" Administers in Tenancy;
    /// Download the archives of an export: personal data.
    DownloadExport "exports:download" Administers in Tenancy;
    /// See which imports there are, and what came of them.
    ReadImports "imports:read" Reads in Tenancy;
    /// Bring shows with all that belongs to them from another place, and end that.
    CreateImport "imports:create" Administers in Tenancy;
    /// Workers only: decide what becomes of uploaded bytes.
    ProcessUpload "uploads:process" Works in Tenancy;
    /// Workers only: see to uploads whose events got lost, and end what nothing comes of.
    SweepUploads "uploads:sweep" Works in Tenancy;
    /// Workers only: put together what a tenancy takes away.
    PrepareExport "exports:prepare" Works in Tenancy;
    /// Workers only: make of an archive or a feed what is in it.
    CarryOutImport "imports:carry-out" Works in Tenancy;
    /// Workers only: render feeds.
    RenderFeed "feeds:render" Works in Tenancy;
    /// Workers only: write down the head of the audit log where nobody can change it.
    AnchorAudit "audit:anchor" Works in Tenancy;
    /// Provisioning only: write the first items of a tenancy.
    ProvisionTenancy "tenancies:provision" Works in Tenancy;
    /// Sign-in only: let somebody in who was invited, or whom the tenancy's identity provider vouches for.
    AdmitUser "users:admit" Works in Tenancy;
    /// Workers only: report a feed token that many use, and stop it where its show says so.
    WatchListeners "listeners:watch" Works in Tenancy;
    /// Workers only: give a feed token to whoever reads the mail of an address that the show admits.
    WelcomeListener "listeners:welcome" Works in Tenancy;
    /// Workers only: destroy what was deleted once its day has come, and erase what is known of a person.
    CarryOutDeletion "deletions:carry-out" Works in Tenancy;
    /// Workers only: after a restore, begin anew the deletions that have tombstones.
    ReplayDeletion "deletions:replay" Works in Tenancy;
    /// The daily sweep only: take the access of members who have been idle too long.
    ExpireAccess "access:expire" Works in Tenancy;
}

impl Effect {
    /// Whether the caller must have shown a second factor.
    pub fn needs_mfa(self) -> bool {
        matches!(self, Effect::Administers | Effect::Destroys)
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(UnknownAction)
    }
}

impl TryFrom<String> for Action {
    type Error = UnknownAction;

    fn try_from(text: String) -> Result<Self, UnknownAction> {
        text.parse()
    }
}

impl From<Action> for String {
    fn from(action: Action) -> String {
        action.as_str().to_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
