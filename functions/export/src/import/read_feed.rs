//! Reads a feed of another host, with all of its pages, into a plan. Nothing is made before the last page was read.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use domain::{FeedOptions, Import, ImportItem, ImportItemKind, ImportOutcome, ImportSource};
use fetch::Limits;
use rss::{ReadFeed, read::Place};
use storage::{ImportBytes, StorageError};
use url::Url;

use super::{
    bring::{Bringer, item},
    feed_words::Words,
    plan::{NotRead, Plan, PlannedEpisode, PlannedShow},
};

/// No feed with more pages is read (RFC 5005, 3).
const MOST_PAGES: usize = 500;
/// No feed whose pages have more bytes together.
const MOST_BYTES: usize = 2 * rss::read::LARGEST_FEED;
/// As long may one page take.
const PAGE_WITHIN: Duration = Duration::from_secs(4 * 60);
/// As many of a feed's faults are told; how many more there are, the last note says.
const MOST_NOTES: usize = 200;

const LIMITS: Limits = Limits {
    most_bytes: rss::read::LARGEST_FEED as u64,
    answer_within: Duration::from_secs(30),
    idle: Duration::from_secs(30),
};

/// Reads the feed of `import`.
pub(crate) async fn read_feed(
    bringer: &Bringer<'_>,
    import: &Import,
    options: &FeedOptions,
) -> Result<Plan, NotRead> {
    let pages = read_pages(bringer, import, options).await?;
    let Some(first) = pages.first() else { return Err(NotRead::Refused("There is no feed.".to_owned())) };

    let words = Words::new(bringer, import);
    let mut plan = Plan::default();
    let mut show = words.show(&first.channel, options, &mut plan)?;
    if let Some(existing) = &options.show_id {
        let here = bringer.storage.find_show(bringer.context(), existing).await?;
        let here = here.ok_or_else(|| NotRead::Refused(format!("There is no show {existing} any more.")))?;
        show.title = here.title;
    }

    let mut known = HashSet::new();
    let mut number = 0_usize;
    for page in &pages {
        let faults = faults(page);
        let mut dated = page.items.iter().find_map(|item| item.published_at);
        for (at, read) in page.items.iter().enumerate() {
            number += 1;
            dated = read.published_at.or(dated);
            let left_out = match (&read.guid, &read.enclosure) {
                (_, None) => Some("It has no enclosure: there is nothing to hear."),
                (Some(guid), _) if !known.insert(guid.value.clone()) => {
                    Some("An earlier item has the same GUID, and podcast apps show one of them.")
                }
                _ => None,
            };
            if let Some(why) = left_out {
                let title = read.title.as_deref().unwrap_or_default();
                let word = item(ImportItemKind::Episode, &format!("item-{number}"), title, "");
                let remarks = vec![why.to_owned()];
                plan.left_out.push(ImportItem {
                    outcome: ImportOutcome::NotImported,
                    new_id: None,
                    remarks,
                    ..word
                });
                continue;
            }
            let remarks = faults.get(&at).cloned().unwrap_or_default();
            let planned = words.episode(read, &show, dated.unwrap_or(import.created_at), &mut plan);
            match planned {
                Ok(episode) => plan
                    .episodes
                    .push(PlannedEpisode { remarks: [remarks, episode.remarks].concat(), ..episode }),
                Err(why) => {
                    let title = read.title.as_deref().unwrap_or_default();
                    let word = item(ImportItemKind::Episode, &format!("item-{number}"), title, "");
                    let remarks = vec![why];
                    let left_out =
                        ImportItem { outcome: ImportOutcome::NotImported, new_id: None, remarks, ..word };
                    plan.left_out.push(left_out);
                }
            }
        }
        note_faults(page, &mut plan);
    }
    plan.shows.push(PlannedShow { show, existing: options.show_id.clone(), remarks: Vec::new() });
    Ok(plan)
}

/// Every page, the newest first.
async fn read_pages(
    bringer: &Bringer<'_>,
    import: &Import,
    options: &FeedOptions,
) -> Result<Vec<ReadFeed>, NotRead> {
    let (document, mut url) = match &import.source {
        ImportSource::FeedUrl { url, .. } => {
            let (document, url) = fetch_page(bringer, &parse(url.as_str())?).await?;
            (document, Some(url))
        }
        _ => (sent(bringer, import).await?, None),
    };
    let mut bytes = document.len();
    let mut pages = vec![read_page(&document)?];
    drop(document);
    refuse_locked(pages.first(), options)?;

    let mut seen: HashSet<Url> = url.iter().cloned().collect();
    while let Some(next) = pages.last().and_then(|page| page.channel.links.next.clone()) {
        let next = match &url {
            Some(base) => base
                .join(&next)
                .map_err(|_| NotRead::Refused(format!("The next page {next:?} is no URL.")))?,
            None => parse(&next)?,
        };
        if !seen.insert(next.clone()) {
            break;
        }
        if pages.len() >= MOST_PAGES {
            return Err(NotRead::Refused(format!("The feed has more than {MOST_PAGES} pages.")));
        }
        let (document, from) = fetch_page(bringer, &next).await?;
        bytes = bytes.saturating_add(document.len());
        let page = read_page(&document)?;
        let items: usize = pages.iter().map(|page| page.items.len()).sum();
        if bytes > MOST_BYTES || items.saturating_add(page.items.len()) > rss::read::MOST_ITEMS {
            return Err(NotRead::Refused("The pages of the feed are too long together.".to_owned()));
        }
        url = Some(from);
        pages.push(page);
    }
    Ok(pages)
}

fn refuse_locked(page: Option<&ReadFeed>, options: &FeedOptions) -> Result<(), NotRead> {
    let locked = page.and_then(|page| page.channel.locked.as_ref());
    match locked {
        Some(locked) if locked.is_locked && !options.owner_confirms => Err(NotRead::Refused(
            "The feed says podcast:locked: whoever owns it wants nobody to import it. Unlock it where it is, or import it again with \
             owner_confirms if it is yours."
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

async fn sent(bringer: &Bringer<'_>, import: &Import) -> Result<Vec<u8>, NotRead> {
    let size = import.files.first().map(|file| file.size_bytes).unwrap_or_default();
    let bytes = ImportBytes::Sent(1, 0..size);
    let bytes = bringer.storage.read_import_bytes(bringer.grant, &import.id, &bytes).await?;
    // Deleted by whoever ended the import.
    Ok(bytes.ok_or(StorageError::Conflict)?.to_vec())
}

async fn fetch_page(bringer: &Bringer<'_>, url: &Url) -> Result<(Vec<u8>, Url), NotRead> {
    let fetched = async {
        let fetched = bringer.fetcher.fetch(url, None, LIMITS).await?;
        let from = fetched.url.clone();
        Ok::<_, fetch::FetchError>((fetched.collect().await?, from))
    };
    match tokio::time::timeout(PAGE_WITHIN, fetched).await {
        Ok(Ok(page)) => Ok(page),
        Ok(Err(error)) => {
            let reason = format!("The feed could not be fetched: {error}.");
            Err(if error.may_pass() { NotRead::Later(reason) } else { NotRead::Refused(reason) })
        }
        Err(_) => Err(NotRead::Later("The feed could not be fetched: it takes too long.".to_owned())),
    }
}

fn read_page(document: &[u8]) -> Result<ReadFeed, NotRead> {
    rss::read(document).map_err(|error| NotRead::Refused(format!("The feed cannot be read: {error}.")))
}

fn parse(url: &str) -> Result<Url, NotRead> {
    Url::parse(url).map_err(|_| NotRead::Refused(format!("{url:?} is no URL.")))
}

/// What was wrong with each item.
fn faults(page: &ReadFeed) -> BTreeMap<usize, Vec<String>> {
    let mut faults: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for finding in &page.findings {
        if let Place::Item(at) = finding.place {
            let of_item = faults.entry(at).or_default();
            if of_item.len() < 20 {
                of_item.push(format!("In the feed {}.", finding.problem));
            }
        }
    }
    faults
}

/// What was wrong with the rest.
fn note_faults(page: &ReadFeed, plan: &mut Plan) {
    let of_rest = page.findings.iter().filter(|finding| !matches!(finding.place, Place::Item(_)));
    for finding in of_rest {
        if plan.notes.len() >= MOST_NOTES {
            plan.notes.push("There is more that is wrong with the feed.".to_owned());
            return;
        }
        plan.notes.push(format!("In the feed: {finding}."));
    }
}
