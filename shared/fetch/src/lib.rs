//! Gets what is on the open internet, and nothing else: feeds and media that a customer names by a URL.
//!
//! A URL is a stranger's wish to make this machine connect somewhere. So every URL is checked, the first and each that a redirect
//! leads to ([`reach`]), and the addresses of names are checked in the very look-up that the connection uses ([`resolver`]): what
//! a name says a moment later does not matter. What comes is limited in size and time, and handed on as it comes ([`fetched`]).
//!
//! It keeps nothing, sends no cookies, no credentials and no `Referer`, and knows neither feeds nor tenancies. It asks nothing of the
//! environment, so that no proxy stands between.

mod error;
mod fetched;
mod fetcher;
mod reach;
mod resolver;

pub use error::FetchError;
pub use fetched::Fetched;
pub use fetcher::{Fetcher, Limits, MOST_REDIRECTS, Resume};
pub use reach::{InvalidReach, Reach};
