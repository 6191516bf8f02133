//! What can be asked for. One name for each action, the same in code, tokens, API and docs: `shows:create`.

use std::fmt;

/// The caller's groups do not allow the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of your groups allows {action}")]
pub struct Denied {
    /// What was asked for.
    pub action: Action,
}

mod sealed {
    pub trait Sealed {}
}

/// A type that stands for one [`Action`], so that a signature can name what a caller must have been granted.
pub trait Permission: sealed::Sealed {
    /// The action that this type stands for.
    const ACTION: Action;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// An action that a policy allows or denies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl sealed::Sealed for $name {}

            impl Permission for $name {
                const ACTION: Action = Action::$name;
            }
        )*
    };
}

actions! {
    /// See the tenancy's own name and state.
    ReadTenancy "tenancy:read";
    /// See who belongs to the tenancy: personal data.
    ReadUsers "users:read";
    /// See machine clients, never their secrets.
    ReadClients "clients:read";
    /// Make a machine client.
    CreateClient "clients:create";
    /// See shows.
    ReadShows "shows:read";
    /// Make a show.
    CreateShow "shows:create";
    /// Change a show.
    UpdateShow "shows:update";
    /// See episodes, drafts too.
    ReadEpisodes "episodes:read";
    /// Make a draft.
    CreateEpisode "episodes:create";
    /// Change an episode.
    UpdateEpisode "episodes:update";
    /// Put an episode into its show's feed, or take it out.
    PublishEpisode "episodes:publish";
    /// See uploads and what became of them.
    ReadUploads "uploads:read";
    /// Start, complete and abort uploads.
    CreateUpload "uploads:create";
    /// See who may listen to a private show: personal data.
    ReadListeners "listeners:read";
    /// Give, renew and take feed tokens.
    ManageListeners "listeners:manage";
    /// Workers only: decide what becomes of uploaded bytes.
    ProcessUpload "uploads:process";
    /// Workers only: render feeds.
    RenderFeed "feeds:render";
    /// Provisioning only: write the first items of a tenancy.
    ProvisionTenancy "tenancies:provision";
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
