//! The renderer: a show and its episodes → the documents of its feed.
//!
//! What is due is read first and struck off last, so that a change which comes in between is rendered again. Documents are
//! named by their content and written before the pointer that names them; the pointer is swapped only for a newer one.

use std::{collections::HashMap, io::Write};

use domain::{Addresses, ContentHash, Episode, Feed, FeedEpisode, Media, Show, Visibility};
use flate2::{Compression, GzBuilder};
use lambda_kit::Failure;
use ring::digest;
use storage::{RenderRequest, SlugRecord, Storage, StorageError, WriteIf};
use tenant_context::{Grant, MediaId, TenantContext, Timestamp, Worker, permission::RenderFeed};

use crate::pointer::{
    Enclosure, Enclosures, POINTER, Pointer, document_name, enclosures_name, gzip_name, token_mark,
};

/// How often the pointer is tried again when another renderer swaps it at the same moment.
const MOST_SWAPS: usize = 5;

/// What a show's feed is made of.
struct Documents {
    xml: Vec<u8>,
    enclosures: Enclosures,
}

/// Renders the feed that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn render_feed(
    storage: &Storage,
    addresses: &Addresses,
    request: &RenderRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Renderer);
    let grant = context.grant::<RenderFeed>().map_err(poison)?;
    let now = storage.now().max(request.as_of);
    let due = storage.list_due_of_show(&grant, &request.show_id, now).await?;
    let feed_version = storage.find_feed_version(&grant, &request.show_id).await?;

    if let Some(show) = storage.find_show(&context, &request.show_id).await? {
        let documents = assemble(storage, &grant, addresses, &show, now).await?;
        publish(storage, &grant, &show, &documents, feed_version, now).await?;
    }

    Ok(storage.finish_due(&grant, &due).await?)
}

async fn assemble(
    storage: &Storage,
    grant: &Grant<'_, RenderFeed>,
    addresses: &Addresses,
    show: &Show,
    now: Timestamp,
) -> Result<Documents, Failure> {
    let episodes = storage.list_episodes_for_feed(grant, &show.id).await?;
    let media: HashMap<MediaId, Media> = storage
        .list_media_for_feed(grant)
        .await?
        .into_iter()
        .map(|media| (media.id.clone(), media))
        .collect();
    let addresses = match show.visibility {
        Visibility::Public => addresses.clone(),
        Visibility::Private => addresses.with_token(token_mark().map_err(poison)?),
    };
    let media_of = |episode: &Episode| episode.media_id.as_ref().and_then(|id| media.get(id));
    let out: Vec<_> = episodes
        .iter()
        .filter_map(|episode| FeedEpisode::new(episode, media_of(episode)?, &addresses, now))
        .collect();

    let enclosures = out.iter().map(|out| {
        let enclosure =
            Enclosure { file_name: out.publication.file_name.clone(), media: out.enclosure.hash.clone() };
        (out.episode.id.clone(), enclosure)
    });
    Ok(Documents {
        enclosures: enclosures.collect(),
        // The feed's own address is the show's page, too: browsers and apps ask for it differently.
        xml: rss::render(&Feed::new(show, &addresses, addresses.feed(&show.slug), None, out)),
    })
}

async fn publish(
    storage: &Storage,
    grant: &Grant<'_, RenderFeed>,
    show: &Show,
    documents: &Documents,
    feed_version: u64,
    now: Timestamp,
) -> Result<(), Failure> {
    let document = hash(&documents.xml);
    let list = serde_json::to_vec(&documents.enclosures).map_err(poison)?;
    let enclosures = hash(&list);
    let write = async |name: String, bytes: Vec<u8>| {
        storage.write_feed_object(grant, &show.id, &name, bytes, WriteIf::Always).await
    };
    write(gzip_name(&document), gzip(&documents.xml)?).await?;
    write(document_name(&document), documents.xml.clone()).await?;
    write(enclosures_name(&enclosures), list).await?;
    publish_slug(storage, grant, show).await?;

    let pointer = Pointer {
        feed_version,
        as_of: now,
        document,
        enclosures,
        modified_at: now,
        slug: show.slug.clone(),
        visibility: show.visibility,
    };
    swap_pointer(storage, grant, show, pointer).await
}

/// The listener API finds the show by this object. Written once, and again only if it was lost.
async fn publish_slug(storage: &Storage, grant: &Grant<'_, RenderFeed>, show: &Show) -> Result<(), Failure> {
    let record = SlugRecord {
        slug: show.slug.clone(),
        tenancy_id: grant.context().tenancy().clone(),
        show_id: show.id.clone(),
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

async fn swap_pointer(
    storage: &Storage,
    grant: &Grant<'_, RenderFeed>,
    show: &Show,
    mut pointer: Pointer,
) -> Result<(), Failure> {
    for _ in 0..MOST_SWAPS {
        let current = storage.read_feed_object(grant.context(), &show.id, POINTER).await?;
        if let Some(current) = &current {
            let current: Pointer = serde_json::from_slice(&current.bytes).map_err(poison)?;
            if !pointer.is_newer_than(&current) {
                return Ok(());
            }
            if pointer.document == current.document {
                pointer.modified_at = current.modified_at;
            }
        }
        let condition = current.as_ref().map_or(WriteIf::Absent, |object| WriteIf::Unchanged(&object.etag));
        let bytes = serde_json::to_vec(&pointer).map_err(poison)?;
        match storage.write_feed_object(grant, &show.id, POINTER, bytes, condition).await {
            Err(StorageError::Conflict) => {}
            result => return Ok(result?),
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

    fn pointer(feed_version: u64, as_of: u64) -> Pointer {
        Pointer {
            feed_version,
            as_of: Timestamp::from_unix_seconds(as_of),
            document: hash(b"a"),
            enclosures: hash(b"b"),
            modified_at: Timestamp::EPOCH,
            slug: "tide-tables".parse().unwrap(),
            visibility: Visibility::Public,
        }
    }

    #[test]
    fn a_newer_version_never_loses_to_an_older_one() {
        assert!(pointer(2, 10).is_newer_than(&pointer(1, 20)));
        assert!(!pointer(1, 20).is_newer_than(&pointer(2, 10)));
        assert!(pointer(2, 20).is_newer_than(&pointer(2, 10)));
        assert!(!pointer(2, 10).is_newer_than(&pointer(2, 10)));
    }

    #[test]
    fn gzip_gives_the_same_bytes_for_the_same_document() {
        assert_eq!(gzip(b"<rss/>").unwrap(), gzip(b"<rss/>").unwrap());
    }
}
