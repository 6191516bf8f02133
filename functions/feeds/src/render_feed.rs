//! The renderer: a show and its episodes → the documents of its feeds, everybody's and listeners' own.
//!
//! What is due is read first and struck off last, so that a change which comes in between is rendered again. Documents are
//! named by their content and written before the pointer that names them; the pointer is swapped only for a newer one.

use std::{collections::HashMap, io::Write};

use domain::{
    Addresses, ContentHash, Episode, Farewell, Feed, FeedFiles, FeedLibrary, Media, Show, Visibility,
};
use flate2::{Compression, GzBuilder};
use lambda_kit::Failure;
use ring::digest;
use rss::Pages;
use storage::{AnnounceRequest, RenderRequest, SlugRecord, Storage, StorageError, WriteIf};
use tenant_context::{Grant, MediaId, TenantContext, Timestamp, Worker, permission::RenderFeed};

use crate::{
    herald::Heralds,
    page,
    pointer::{
        Document, Enclosure, Enclosures, POINTER, Pointer, View, document_name, enclosures_name, files_name,
        gzip_name, page_gzip_name, page_name, token_mark,
    },
};

/// How often the pointer is tried again when another renderer swaps it at the same moment.
const MOST_SWAPS: usize = 5;

/// What one feed of a show is made of.
struct Documents {
    pages: Pages,
    html: Vec<u8>,
    enclosures: Enclosures,
    files: FeedFiles,
}

/// Renders the feeds that `request` names. What is new is announced to `heralds` by a message of its own, so that one that does not
/// answer has nothing rendered again.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn render_feed(
    storage: &Storage,
    addresses: &Addresses,
    heralds: &Heralds,
    request: &RenderRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Renderer);
    let grant = context.grant::<RenderFeed>().map_err(poison)?;
    let now = storage.now().max(request.as_of);
    let due = storage.list_due_of_show(&grant, &request.show_id, now).await?;
    let feed_version = storage.find_feed_version(&grant, &request.show_id).await?;

    let there = storage.find_show(&context, &request.show_id).await?;
    let is_deleted = there.is_none();
    let show = match there {
        Some(show) => Some(show),
        None => storage.find_deleted_show(&grant, &request.show_id).await?.map(ended),
    };
    if let Some(show) = show {
        let material = match is_deleted {
            true => Material::nothing(&show, now),
            false => Material::gather(storage, &grant, &show, now).await?,
        };
        let public = match show.visibility {
            Visibility::Public => {
                Some(write(storage, &grant, &material, material.assemble(addresses)).await?)
            }
            Visibility::Private => None,
        };
        let listeners = match show.has_listeners() {
            true => {
                let own = addresses.with_token(token_mark().map_err(poison)?);
                Some(write(storage, &grant, &material, material.assemble(&own)).await?)
            }
            false => None,
        };
        publish_slug(storage, &grant, &show).await?;
        let pointer = Pointer {
            feed_version,
            as_of: now,
            slug: show.slug.clone(),
            is_unannounced: heralds.are_there() && public.is_some(),
            public,
            listeners,
            farewell: show.farewell.clone(),
            admitted_domains: show.admitted_domains().to_vec(),
        };
        let pointer = swap_pointer(storage, &grant, &show, pointer).await?;
        if let (true, Some(document)) = (pointer.is_unannounced, pointer.public_document()) {
            let (tenancy_id, show_id) = (request.tenancy_id.clone(), show.id.clone());
            let announcement = AnnounceRequest { tenancy_id, show_id, document: document.clone() };
            storage.request_announcement(&announcement).await?;
        }
    }

    Ok(storage.finish_due(&grant, &due).await?)
}

/// A show, and all that its feeds are made of.
struct Material<'s> {
    show: &'s Show,
    episodes: Vec<Episode>,
    media: HashMap<MediaId, Media>,
    now: Timestamp,
}

/// A show that was deleted says farewell for as long as it can be restored.
fn ended(show: Show) -> Show {
    Show { farewell: Some(Farewell::Ended), ..show }
}

impl<'s> Material<'s> {
    /// Of a show that was deleted: its feeds lead to nothing.
    fn nothing(show: &'s Show, now: Timestamp) -> Self {
        Self { show, episodes: Vec::new(), media: HashMap::new(), now }
    }

    async fn gather(
        storage: &Storage,
        grant: &Grant<'_, RenderFeed>,
        show: &'s Show,
        now: Timestamp,
    ) -> Result<Self, StorageError> {
        let episodes = storage.list_episodes_for_feed(grant, &show.id).await?;
        let media = storage.list_media_for_feed(grant).await?;
        let media = media.into_iter().map(|media| (media.id.clone(), media)).collect();
        Ok(Self { show, episodes, media, now })
    }

    /// The feed that is at `addresses`: everybody's, or a listener's own.
    fn assemble(&self, addresses: &Addresses) -> Documents {
        let mut library = FeedLibrary::new(self.show, addresses, &self.media);
        let out: Vec<_> =
            self.episodes.iter().filter_map(|episode| library.episode(episode, self.now)).collect();

        let enclosures = out.iter().map(|out| {
            let enclosure =
                Enclosure { file_name: out.publication.file_name.clone(), media: out.enclosure.hash.clone() };
            (out.episode.id.clone(), enclosure)
        });
        let enclosures = enclosures.collect();
        let artwork_id = self.show.listing.artwork_id.as_ref();
        let web_artwork = library.web_artwork(artwork_id);
        let feed = Feed::new(self.show, addresses, library.artwork(artwork_id), out);
        let page_url = |number| addresses.feed_page(&self.show.slug, number);
        Documents {
            pages: rss::render_pages(&feed, rss::LARGEST_DOCUMENT, page_url),
            html: page::render(&feed, web_artwork.as_ref()),
            enclosures,
            files: library.into_files(),
        }
    }
}

/// Writes the documents of one feed, and answers what to find them by.
async fn write(
    storage: &Storage,
    grant: &Grant<'_, RenderFeed>,
    material: &Material<'_>,
    documents: Documents,
) -> Result<View, Failure> {
    let write = async |name: String, bytes: Vec<u8>| {
        storage.write_feed_object(grant, &material.show.id, &name, bytes, WriteIf::Always).await
    };
    let write_both = async |bytes: Vec<u8>, names: [fn(&ContentHash) -> String; 2]| {
        let hash = hash(&bytes);
        let [plain, compressed] = names.map(|name| name(&hash));
        write(compressed, gzip(&bytes)?).await?;
        write(plain, bytes).await?;
        Ok::<_, Failure>(Document { hash, modified_at: material.now })
    };
    let write_list = async |list: Vec<u8>, name: fn(&ContentHash) -> String| {
        let hash = hash(&list);
        write(name(&hash), list).await?;
        Ok::<_, Failure>(hash)
    };

    let mut older = Vec::with_capacity(documents.pages.older.len());
    for page in documents.pages.older {
        older.push(write_both(page, [document_name, gzip_name]).await?);
    }
    Ok(View {
        feed: write_both(documents.pages.feed, [document_name, gzip_name]).await?,
        older,
        page: write_both(documents.html, [page_name, page_gzip_name]).await?,
        style: page::style_hash(),
        enclosures: write_list(serde_json::to_vec(&documents.enclosures).map_err(poison)?, enclosures_name)
            .await?,
        files: write_list(serde_json::to_vec(&documents.files).map_err(poison)?, files_name).await?,
    })
}

/// The listener API finds the show by this object. Written once, and again only if it was lost.
async fn publish_slug(storage: &Storage, grant: &Grant<'_, RenderFeed>, show: &Show) -> Result<(), Failure> {
    let record = SlugRecord {
        slug: show.slug.clone(),
        tenancy_id: grant.context().tenancy().clone(),
        show_id: show.id.clone(),
        farewell: None,
    };
    if storage.read_published_slug(&show.slug).await?.as_ref() == Some(&record) {
        return Ok(());
    }
    // The directory decides whose slug it is; a show that lost its claim is not published under it.
    match storage.find_slug(&show.slug).await? {
        Some(holder) if holder == record => Ok(storage.write_published_slug(&record).await?),
        _ => Err(Failure::Poison(format!("{} does not hold the slug {}", show.id, show.slug))),
    }
}

/// Answers the pointer that is there then: this one, or one that is newer.
async fn swap_pointer(
    storage: &Storage,
    grant: &Grant<'_, RenderFeed>,
    show: &Show,
    mut pointer: Pointer,
) -> Result<Pointer, Failure> {
    for _ in 0..MOST_SWAPS {
        let current = storage.read_feed_object(grant.context(), &show.id, POINTER).await?;
        // One that cannot be read is older than any.
        let known = current.as_ref().and_then(|object| serde_json::from_slice::<Pointer>(&object.bytes).ok());
        if let Some(current) = known {
            if !pointer.is_newer_than(&current) {
                return Ok(current);
            }
            pointer.follow(&current);
        }
        let condition = current.as_ref().map_or(WriteIf::Absent, |object| WriteIf::Unchanged(&object.etag));
        let bytes = serde_json::to_vec(&pointer).map_err(poison)?;
        match storage.write_feed_object(grant, &show.id, POINTER, bytes, condition).await {
            Err(StorageError::Conflict) => {}
            result => return Ok(result.map(|()| pointer)?),
        }
    }
    Err(StorageError::Conflict.into())
}

fn hash(bytes: &[u8]) -> ContentHash {
    let mut array = [0; 32];
    array.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    ContentHash::from_digest(array)
}

/// The same bytes for the same document: no time and no file name in the header.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn poison(error: impl std::fmt::Display) -> Failure {
    Failure::Poison(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: &[u8], modified_at: Timestamp) -> Document {
        Document { hash: hash(bytes), modified_at }
    }

    fn pointer(feed_version: u64, as_of: u64) -> Pointer {
        let view = View {
            feed: document(b"feed", Timestamp::EPOCH),
            older: vec![document(b"older", Timestamp::EPOCH)],
            page: document(b"page", Timestamp::EPOCH),
            style: String::new(),
            enclosures: hash(b"enclosures"),
            files: hash(b"files"),
        };
        Pointer {
            feed_version,
            as_of: Timestamp::from_unix_seconds(as_of),
            slug: "tide-tables".parse().unwrap(),
            public: Some(view.clone()),
            listeners: Some(view),
            farewell: None,
            is_unannounced: true,
            admitted_domains: Vec::new(),
        }
    }

    /// All documents of a pointer.
    fn documents(pointer: &mut Pointer) -> Vec<&mut Document> {
        let views = [pointer.public.as_mut().unwrap(), pointer.listeners.as_mut().unwrap()];
        let all = views.into_iter().map(|View { feed, older, page, .. }| [feed, &mut older[0], page]);
        all.flatten().collect()
    }

    #[test]
    fn a_newer_version_never_loses_to_an_older_one() {
        assert!(pointer(2, 10).is_newer_than(&pointer(1, 20)));
        assert!(!pointer(1, 20).is_newer_than(&pointer(2, 10)));
        assert!(pointer(2, 20).is_newer_than(&pointer(2, 10)));
        assert!(!pointer(2, 10).is_newer_than(&pointer(2, 10)));
    }

    #[test]
    fn what_has_not_changed_keeps_its_time() {
        let (mut current, mut next) = (pointer(1, 10), pointer(2, 20));
        current.is_unannounced = false;
        documents(&mut current).into_iter().for_each(|old| old.modified_at = Timestamp::from_unix_seconds(5));
        documents(&mut next).into_iter().for_each(|new| new.modified_at = Timestamp::from_unix_seconds(20));

        next.follow(&current);

        assert!(documents(&mut next).iter().all(|new| new.modified_at == Timestamp::from_unix_seconds(5)));
        assert!(!next.is_unannounced);
    }

    #[test]
    fn what_has_changed_within_a_second_is_a_second_younger() {
        let (mut current, mut next) = (pointer(1, 10), pointer(2, 20));
        for old in documents(&mut current) {
            old.modified_at = Timestamp::from_unix_milliseconds(5_200);
        }
        for new in documents(&mut next) {
            *new = document(b"changed", Timestamp::from_unix_milliseconds(5_800));
        }

        next.follow(&current);

        assert!(documents(&mut next).iter().all(|new| new.modified_at.unix_seconds() == 6));
        assert!(next.is_unannounced);
    }

    #[test]
    fn gzip_gives_the_same_bytes_for_the_same_document() {
        assert_eq!(gzip(b"<rss/>").unwrap(), gzip(b"<rss/>").unwrap());
    }
}
