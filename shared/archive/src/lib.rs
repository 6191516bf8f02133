//! Lays out ZIP archives which S3 puts together by itself: what there is to archive in, the parts of a multipart upload out. And
//! reads archives, from ranges of them, without having any of them whole: see [`find_directory`].
//!
//! A large object that is in S3 already is copied there by `UploadPartCopy`. Through the caller go headers, small objects, and as
//! many bytes of a large one as make a part with its header long enough for S3. What a caller writes itself it writes as a
//! [`Bundle`], an object with many entries that is copied like any other.
//! Of objects of 60 MB less than a tenth goes through; those below 10 MiB, two of S3's smallest parts, may go through whole.
//!
//! No I/O, no store, no clock: the same input gives the same plan, and the same plan the same bytes. What is archived, and who may
//! have it, the caller knows. To begin with, see [`Planner`]; how bytes become parts is in `layout`, what ZIP wants in `records`.

mod bundle;
mod entry_name;
mod error;
mod layout;
mod limits;
mod plan;
mod planner;
mod read;
mod records;

pub use bundle::{Bundle, BundleWriter};
pub use error::Error;
pub use limits::Limits;
pub use plan::{Archive, Entry, Part, Piece, Plan};
pub use planner::{Planner, StoredObject};
pub use read::{DirectoryPlace, Found, HEADER, LONGEST_END, ReadError, find_directory, read_directory};
