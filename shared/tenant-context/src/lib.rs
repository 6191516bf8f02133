//! Who is asking, for which tenancy, and what they may do.
//!
//! This crate owns ids, permissions, the two tokens, [`TenantContext`] and [`Grant`]. It does no I/O and knows no AWS:
//! signatures are checked over bytes that somebody else fetched, and time and randomness are arguments.
//!
//! A [`TenantContext`] has private fields and four doors, all in [`context`]: a verified data token, a listener's feed token,
//! a public slug, and a queue message. Storage asks for one wherever it reads, and for a [`Grant`] wherever it changes
//! something for a caller, so a function that forgets to ask does not compile (see `tests/compile_fail`).
//!
//! Who may do what stands in `policy.cedar`, one page that `policy.rs` asks. `proof` proves its walls for every request.

pub mod context;
pub mod group;
pub mod id;
pub mod member;
pub mod permission;
mod policy;
mod tenancy_state;
pub mod timestamp;
pub mod token;

pub use context::{Grant, Operator, Permit, Principal, TenantContext, Worker};
pub use group::{GroupRef, Membership, SystemGroup};
pub use id::{
    AttestationId, AuditEventId, ClientId, DeletionId, EpisodeId, ExportId, GroupId, ImportId, IncidentId,
    InvalidId, ListenerId, MediaId, SessionId, ShowId, TenancyId, UploadId, UserId,
};
pub use member::MemberId;
pub use permission::{Action, Denied, OutOfScope, Permission, ShowPermission, TenancyPermission};
pub use tenancy_state::TenancyState;
pub use timestamp::{Clock, Date, InvalidTimestamp, Timestamp};
