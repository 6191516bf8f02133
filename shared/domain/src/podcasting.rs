//! What shows and episodes may say in the tags of the Podcasting 2.0 namespace, <https://podcastindex.org/namespace/1.0>.
//!
//! One file a tag. A type knows what one value can be wrong about; what takes two fields to see is in
//! [`feed_rules`](crate::feed_rules). Nothing of this is private: a feed says all of it aloud. Schemas are `inline`, because what a
//! request may leave out an answer always has.

mod alternate_enclosure;
mod block;
mod episode_number;
mod funding;
mod image;
mod license;
mod location;
mod locked;
mod medium;
mod person;
mod podroll;
mod season;
mod service_slug;
mod soundbite;
mod taxonomy;
mod trailer;
mod transcript;
mod txt;
mod update_frequency;
mod value;

pub use alternate_enclosure::{AlternateEnclosure, AlternateMedia, Source};
pub use block::Block;
pub use episode_number::EpisodeNumber;
pub use funding::Funding;
pub use image::{AspectRatio, Image};
pub use license::License;
pub use location::{Country, Geo, Location, LocationRelation, Osm};
pub use locked::Locked;
pub use medium::Medium;
pub use person::Person;
pub use podroll::RemoteItem;
pub use season::Season;
pub use service_slug::ServiceSlug;
pub use soundbite::Soundbite;
pub use taxonomy::{PersonGroup, PersonRole};
pub use trailer::Trailer;
pub use transcript::{EpisodeTranscript, Transcript};
pub use txt::Txt;
pub use update_frequency::{RecurrenceRule, UpdateFrequency};
pub use value::{Amount, Value, ValueRecipient};

use tenant_context::MediaId;

use crate::{List, changeable::changeable};

changeable! {
    /// What a show says in Podcasting 2.0, besides its GUID. Each field is named after its tag.
    ShowPodcasting,
    /// Changes to what a show says in Podcasting 2.0; what is absent stays, and `null` takes it away.
    ShowPodcastingChanges {
        /// Whether other hosts may import the feed.
        locked: Locked,
        /// Where listeners can give money.
        funding: List<Funding, 10>,
        /// Who is usually heard and who makes it.
        persons: List<Person, 20>,
        /// What place it is about, and where it is made.
        locations: List<Location, 10>,
        /// Trailers of the show or of a season.
        trailers: List<Trailer, 10>,
        /// What others may do with it.
        license: Option<License>,
        /// Who is paid while somebody listens.
        value: Option<Value>,
        /// What it is.
        medium: Medium,
        /// Pictures besides the artwork.
        images: List<Image, 10>,
        /// What services want to find.
        txt: List<Txt, 10>,
        /// How often episodes come out.
        update_frequency: Option<UpdateFrequency>,
        /// Which services may not show it, or may although others may not.
        blocks: List<Block, 100>,
        /// Shows that it recommends.
        podroll: List<RemoteItem, 20>,
    }
}

changeable! {
    /// What an episode says in Podcasting 2.0. Each field is named after its tag.
    EpisodePodcasting,
    /// Changes to what an episode says in Podcasting 2.0; what is absent stays, and `null` takes it away.
    EpisodePodcastingChanges {
        /// Everybody of this episode: where there is anybody, apps show nobody of the show's.
        persons: List<Person, 20>,
        /// What place it is about, and where it was made.
        locations: List<Location, 10>,
        /// What is worth hearing first.
        soundbites: List<Soundbite, 20>,
        /// What others may do with it, if not what they may do with the show.
        license: Option<License>,
        /// Who is paid while somebody listens, if not who is for the show.
        value: Option<Value>,
        /// Pictures besides the artwork.
        images: List<Image, 10>,
        /// What services want to find.
        txt: List<Txt, 10>,
        /// What is said in it, in its own language or another; feeds have each in WebVTT, SubRip and JSON.
        transcripts: List<EpisodeTranscript, 20>,
        /// Its chapters: the `media_id` of chapters in JSON that are ready. Those in the recording itself when absent.
        chapters_id: Option<MediaId>,
        /// The same in other bytes: smaller, in video, in another language.
        alternate_enclosures: List<AlternateMedia, 10>,
    }
}
