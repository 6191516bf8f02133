//! What podcast apps call, and the renderer that prepares it.
//!
//! The renderer writes immutable documents named by their content, then swaps a pointer. The listener API answers from the
//! pointer and the documents alone: it never reads a table for a public show, so what is published is served whatever else is
//! down. Media is not passed through: the answer is a redirect to a short-lived signed link.

pub mod announce_feed;
pub mod herald;
pub mod hub;
pub mod listen;
mod page;
pub mod podping;
mod pointer;
pub mod render_feed;
