//! People's sign-in: what Cognito's tokens say, and the identity providers of tenancies.
//!
//! Cognito signs people in. [`IdTokens`] checks what it says of them: who, since when, and through which provider. The
//! provider alone tells a federated person's tenancy; what the provider says of them never does. [`IdentityProviders`] makes
//! a tenancy's provider and the one client that takes it, [`People`] lets those sign in whom an owner invites. The only crate
//! that talks to Cognito.
//!
//! It knows no membership and issues no token of ours: that is `functions/sessions`. What must be found by a provider's name
//! is in `storage`'s directory.

mod id_token;
mod people;
mod providers;
mod published_keys;

pub use id_token::{IdTokenError, IdTokens, Identity, SignedIdToken};
pub use people::{Account, People};
pub use providers::{IdentityProviders, ProviderError, ServiceProvider};
pub use published_keys::KeysUnavailable;
