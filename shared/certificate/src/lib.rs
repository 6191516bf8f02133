//! Certificates of destruction: what was destroyed, how, how that was verified, and who can check it.
//!
//! Every item that is destroyed is a leaf of a Merkle tree of its store ([`Tree`]); the [`Certificate`] has the roots, and its fields
//! are those of the sample in NIST SP 800-88 Rev. 1, Appendix G, as far as a cloud has them. It is signed as canonical JSON (RFC 8785)
//! with ES256 (RFC 7518), as a JWS whose payload is detached (RFC 7515, Appendix F). [`verify`] checks all of that, [`page`] is for
//! people to read and print, and the program `castkeep-verify` does both without a network.
//!
//! It uses nothing else of ours, so that whoever checks a certificate builds little: ids are text here, and times too. No I/O outside
//! of the program, and no private key: signing is the caller's.

mod canonical;
mod certificate;
mod digest;
mod item;
mod key;
mod moment;
mod page;
mod proof;
mod signed;
mod tree;

pub use canonical::{NotCanonical, canonical};
pub use certificate::{
    Certificate, Decision, FORMAT, Kept, KeyDestruction, NotDestroyed, Outcome, StoreDestruction, Technique,
    Verification,
};
pub use digest::{Digest, InvalidDigest};
pub use item::Item;
pub use key::{InvalidKey, Keys, PublicKey};
pub use moment::{InvalidMoment, Moment};
pub use page::{page, page_policy};
pub use proof::{Proof, prove, prove_item};
pub use signed::{NotASignature, SignedCertificate, Unsigned, Verified, Why, verify};
pub use tree::{InvalidTree, Tree};
