//! Brings groups, shows, episodes and listeners by the plan. What was brought before, its word tells.

use std::collections::{HashMap, HashSet};

use domain::{
    ContentHash, CustomGroup, Episode, FeedToken, Import, ImportItem, ImportItemKind, ImportOutcome, List,
    Listener, Media, Publication, Quota, Show, Slug,
};
use fetch::Fetcher;
use lambda_kit::Failure;
use storage::{ImportBytes, RenderRequest, Repeatable, SlugRecord, Storage, StorageError};
use tenant_context::{
    EpisodeId, Grant, GroupId, ListenerId, MediaId, ShowId, TenantContext, UploadId,
    permission::CarryOutImport,
};
use tokio::sync::OnceCell;

use crate::{
    gathered::poison,
    import::plan::{Plan, PlannedEpisode, PlannedMedia, PlannedShow},
};

/// Names are tried with so many numbers behind them, before one is drawn.
const MOST_NUMBERS: u32 = 20;

/// Whoever brings, and what it has read before in the same run.
pub(crate) struct Bringer<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) grant: &'a Grant<'a, CarryOutImport>,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) import: &'a Import,
    pub(crate) draws: Repeatable,
    plan: OnceCell<Plan>,
    media: OnceCell<HashMap<String, MediaId>>,
    shows: OnceCell<HashMap<ShowId, ShowHere>>,
    groups: OnceCell<HashSet<String>>,
}

/// A show that takes episodes, and those that it had before.
struct ShowHere {
    show: Show,
    before: Vec<Episode>,
}

impl<'a> Bringer<'a> {
    pub(crate) fn new(
        storage: &'a Storage,
        grant: &'a Grant<'a, CarryOutImport>,
        fetcher: &'a Fetcher,
        import: &'a Import,
        draws: Repeatable,
    ) -> Self {
        let (plan, media) = (OnceCell::new(), OnceCell::new());
        let (shows, groups) = (OnceCell::new(), OnceCell::new());
        Self { storage, grant, fetcher, import, draws, plan, media, shows, groups }
    }

    pub(crate) fn context(&self) -> &TenantContext {
        self.grant.context()
    }

    /// Keeps the plan, and answers under which hash.
    pub(crate) async fn keep(&self, plan: Plan) -> Result<ContentHash, Failure> {
        let bytes = serde_json::to_vec(&plan).map_err(poison)?;
        Ok(self.storage.write_import_work(self.grant, &self.import.id, bytes).await?)
    }

    /// The plan that was kept.
    pub(crate) async fn plan(&self, hash: Option<&ContentHash>) -> Result<&Plan, Failure> {
        let read = async || {
            let hash = hash.ok_or_else(|| poison("an import without a plan"))?.clone();
            let bytes = ImportBytes::Written(hash);
            let bytes = self.storage.read_import_bytes(self.grant, &self.import.id, &bytes).await?;
            // Deleted by whoever ended the import.
            let bytes = bytes.ok_or(StorageError::Conflict)?;
            serde_json::from_slice(&bytes).map_err(poison)
        };
        self.plan.get_or_try_init(read).await
    }

    pub(crate) fn upload_id(&self, media: &PlannedMedia) -> UploadId {
        UploadId::new(self.import.created_at, &self.draws.draw(&format!("upload/{}", media.id)))
    }

    pub(crate) async fn note(&self, item: &ImportItem) -> Result<(), Failure> {
        Ok(self.storage.note_import_item(self.grant, &self.import.id, item).await?)
    }

    async fn is_known(&self, item: &ImportItem) -> Result<bool, Failure> {
        Ok(self.storage.find_import_item(self.grant, &self.import.id, &item.id).await?.is_some())
    }

    /// What became of what was made, or why it was not: it is written down with it.
    async fn end(&self, made: Result<(), StorageError>, mut item: ImportItem) -> Result<(), Failure> {
        let reason = match made {
            Ok(()) => return Ok(()),
            Err(StorageError::QuotaExceeded { quota, limit }) => {
                format!(
                    "The tenancy has as many {} as it may have: {limit}.",
                    quota.as_str().replace('_', " ")
                )
            }
            Err(error) => return Err(error.into()),
        };
        item.outcome = ImportOutcome::NotImported;
        item.new_id = None;
        item.remarks = vec![reason];
        self.note(&item).await
    }

    /// A group that nobody is in, unless there is one of its name.
    pub(crate) async fn bring_group(&self, group: &CustomGroup) -> Result<(), Failure> {
        let id = GroupId::new(self.import.created_at, &self.draws.draw(&format!("group/{}", group.id)));
        let mut item = item(ImportItemKind::Group, group.id.as_str(), group.name.as_str(), id.as_str());
        if self.is_known(&item).await? {
            return Ok(());
        }
        let read = async || {
            let groups = self.storage.list_groups(self.context()).await?;
            Ok::<_, Failure>(groups.iter().map(|group| group.name.to_string()).collect())
        };
        if self.groups.get_or_try_init(read).await?.contains(group.name.as_str()) {
            item.outcome = ImportOutcome::AlreadyHere;
            item.new_id = None;
            item.remarks =
                vec!["There is a group of this name; what it allows was left as it is.".to_owned()];
            return self.note(&item).await;
        }
        item.remarks = vec!["Nobody is in it yet.".to_owned()];
        let group = CustomGroup { id, created_at: self.storage.now(), version: 1, ..group.clone() };
        let made = self.storage.import_group(self.grant, &self.import.id, &group, &item).await;
        self.end(made, item).await
    }

    /// A show under its own name, or one like it where that is taken.
    pub(crate) async fn bring_show(&self, planned: &PlannedShow) -> Result<(), Failure> {
        let old = &planned.show;
        let id = ShowId::new(self.import.created_at, &self.draws.draw(&format!("show/{}", old.id)));
        let mut item = item(ImportItemKind::Show, old.id.as_str(), old.title.as_str(), id.as_str());
        item.remarks.clone_from(&planned.remarks);
        if self.is_known(&item).await? {
            return Ok(());
        }
        if let Some(existing) = &planned.existing {
            item.outcome = ImportOutcome::AlreadyHere;
            item.new_id = Some(existing.to_string());
            return self.note(&item).await;
        }
        if let Err(full) = self.storage.check_quota(self.grant, Quota::Shows).await {
            return self.end(Err(full), item).await;
        }

        let now = self.storage.now();
        let slug = self.claim_slug(old, &id).await?;
        if slug != old.slug {
            item.remarks.push(format!("The slug {} is taken: it has the slug {slug} here.", old.slug));
        }
        if old.farewell.is_some() {
            item.remarks.push("Where it came from its feed is not served any more: here it is.".to_owned());
        }
        let mut show =
            Show { id, slug, farewell: None, created_at: now, updated_at: now, version: 1, ..old.clone() };
        show.listing.artwork_id =
            self.brought(show.listing.artwork_id.as_ref(), "Its artwork", &mut item.remarks).await?;
        let made = self.storage.import_show(self.grant, &self.import.id, &show, &item).await;
        self.end(made, item).await
    }

    /// Has the feed of each show rendered. Where a message gets lost, the feed is due all the same.
    pub(crate) async fn have_feeds_rendered(&self) -> Result<(), Failure> {
        for here in self.shows().await?.values() {
            let request = RenderRequest {
                tenancy_id: self.context().tenancy().clone(),
                show_id: here.show.id.clone(),
                as_of: self.storage.now(),
            };
            self.storage.request_render(&request).await?;
        }
        Ok(())
    }

    async fn claim_slug(&self, old: &Show, id: &ShowId) -> Result<Slug, Failure> {
        let drawn = EpisodeId::new(self.import.created_at, &self.draws.draw(&format!("slug/{}", old.id)));
        let drawn = drawn.as_str().to_ascii_lowercase();
        let numbers = (2..=MOST_NUMBERS).map(|number| number.to_string());
        let last = drawn.get(drawn.len().saturating_sub(12)..).map(str::to_owned);
        let suffixes = std::iter::once(String::new()).chain(numbers).chain(last);
        for suffix in suffixes {
            let Some(slug) = with_suffix(&old.slug, &suffix) else { continue };
            let claim = SlugRecord {
                slug,
                tenancy_id: self.context().tenancy().clone(),
                show_id: id.clone(),
                farewell: None,
            };
            match self.storage.claim_slug(&claim).await {
                Ok(()) => return Ok(claim.slug),
                Err(StorageError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(poison("no slug is free"))
    }

    /// An episode with the GUID that it had, unless the show has it already.
    pub(crate) async fn bring_episode(&self, planned: &PlannedEpisode) -> Result<(), Failure> {
        let old = &planned.episode;
        let id = EpisodeId::new(self.import.created_at, &self.draws.draw(&format!("episode/{}", old.id)));
        let mut item = item(ImportItemKind::Episode, old.id.as_str(), old.title.as_str(), id.as_str());
        item.remarks.clone_from(&planned.remarks);
        if self.is_known(&item).await? {
            return Ok(());
        }
        let Some(here) = self.shows().await?.get(&old.show_id) else {
            return self.leave_out(item, "Its show did not come.").await;
        };
        if let Some(publication) = &old.publication
            && let Some(holder) = self.storage.find_guid(self.grant, &here.show.id, &publication.guid).await?
        {
            return self.is_here(item, &holder, "The show has, or had, an episode with this GUID.").await;
        }

        let all = self.all_media().await?;
        let media_id = old.media_id.as_ref().and_then(|id| all.get(id.as_str())).cloned();
        if old.media_id.is_some() && media_id.is_none() {
            return self.leave_out(item, "Its recording did not come: see there why.").await;
        }
        if let Some(known) = here.before.iter().find(|known| is_same(known, old, media_id.as_ref())) {
            let why = "The show has an episode with the same recording and the same title or day, which keeps its own GUID.";
            return self.is_here(item, &known.id, why).await;
        }
        let now = self.storage.now();
        let mut episode = Episode {
            id,
            show_id: here.show.id.clone(),
            media_id: media_id.clone(),
            publication: None,
            created_at: now,
            updated_at: now,
            version: 1,
            ..old.clone()
        };
        self.bring_attachments(&mut episode, &mut item.remarks).await?;
        if let Some(publication) = &old.publication {
            let media = match &media_id {
                Some(id) => self.storage.find_media(self.context(), id).await?,
                None => None,
            };
            match publication_here(publication, &here.show, &episode, media.as_ref()) {
                Ok(publication) => episode.publication = Some(publication),
                Err(reason) => return self.leave_out(item, &reason).await,
            }
        }
        let made = self.storage.import_episode(self.grant, &self.import.id, &episode, &item).await;
        self.end(made, item).await
    }

    async fn bring_attachments(
        &self,
        episode: &mut Episode,
        remarks: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let (listing, podcasting) = (&mut episode.listing, &mut episode.podcasting);
        listing.artwork_id = self.brought(listing.artwork_id.as_ref(), "Its artwork", remarks).await?;
        podcasting.chapters_id =
            self.brought(podcasting.chapters_id.as_ref(), "Its chapters", remarks).await?;
        let mut transcripts = Vec::new();
        for transcript in podcasting.transcripts.iter() {
            if let Some(id) = self.brought(Some(&transcript.media_id), "A transcript", remarks).await? {
                let mut transcript = transcript.clone();
                transcript.media_id = id;
                transcripts.push(transcript);
            }
        }
        podcasting.transcripts = as_list(transcripts)?;
        let mut alternates = Vec::new();
        for alternate in podcasting.alternate_enclosures.iter() {
            if let Some(id) = self.brought(Some(&alternate.media_id), "Another enclosure", remarks).await? {
                let mut alternate = alternate.clone();
                alternate.media_id = id;
                alternates.push(alternate);
            }
        }
        podcasting.alternate_enclosures = as_list(alternates)?;
        Ok(())
    }

    /// Somebody who listens, with a token that nobody knows yet.
    pub(crate) async fn bring_listener(&self, old: &Listener) -> Result<(), Failure> {
        let id = ListenerId::new(self.import.created_at, &self.draws.draw(&format!("listener/{}", old.id)));
        // Nobody's name: what came is not kept in two places.
        let item = item(ImportItemKind::Listener, old.id.as_str(), "", id.as_str());
        if self.is_known(&item).await? {
            return Ok(());
        }
        let Some(here) = self.shows().await?.get(&old.show_id) else {
            return self.leave_out(item, "Their show did not come.").await;
        };
        let listener = Listener {
            id,
            show_id: here.show.id.clone(),
            found_shared_at: None,
            last_used_at: None,
            created_at: self.storage.now(),
            version: 1,
            ..old.clone()
        };
        let token = FeedToken::new(&self.draws.draw(&format!("token/{}", old.id)));
        let new = (&listener, &token);
        let made = self.storage.import_listener(self.grant, &self.import.id, new, &item).await;
        self.end(made, item).await
    }

    async fn leave_out(&self, mut item: ImportItem, why: &str) -> Result<(), Failure> {
        item.outcome = ImportOutcome::NotImported;
        item.new_id = None;
        item.remarks.push(why.to_owned());
        self.note(&item).await
    }

    async fn is_here(&self, mut item: ImportItem, as_id: &EpisodeId, why: &str) -> Result<(), Failure> {
        item.outcome = ImportOutcome::AlreadyHere;
        item.new_id = Some(as_id.to_string());
        item.remarks.push(why.to_owned());
        self.note(&item).await
    }

    /// What a medium has become. Where it did not come, a remark says so.
    async fn brought(
        &self,
        old: Option<&MediaId>,
        what: &str,
        remarks: &mut Vec<String>,
    ) -> Result<Option<MediaId>, Failure> {
        let Some(old) = old else { return Ok(None) };
        let found = self.all_media().await?.get(old.as_str()).cloned();
        if found.is_none() {
            remarks.push(format!("{what} did not come: see there why."));
        }
        Ok(found)
    }

    async fn all_media(&self) -> Result<&HashMap<String, MediaId>, Failure> {
        let read = async || {
            let items = self.storage.list_all_import_items(self.grant, &self.import.id).await?;
            let media = items.into_iter().filter(|item| item.kind == ImportItemKind::Media);
            let known = media.filter_map(|item| {
                let old = item.id.strip_prefix("media-")?.to_owned();
                Some((old, item.new_id?.parse().ok()?))
            });
            Ok(known.collect())
        };
        self.media.get_or_try_init(read).await
    }

    async fn shows(&self) -> Result<&HashMap<ShowId, ShowHere>, Failure> {
        let read = async || {
            let items = self.storage.list_all_import_items(self.grant, &self.import.id).await?;
            let own: HashSet<&String> = items.iter().filter_map(|item| item.new_id.as_ref()).collect();
            let mut here = HashMap::new();
            for item in items.iter().filter(|item| item.kind == ImportItemKind::Show) {
                let old = item.id.strip_prefix("show-").and_then(|old| old.parse().ok());
                let new = item.new_id.as_ref().and_then(|new| new.parse().ok());
                let (Some(old), Some(new)) = (old, new) else { continue };
                let Some(show) = self.storage.find_show(self.context(), &new).await? else { continue };
                let mut before = Vec::new();
                if item.outcome == ImportOutcome::AlreadyHere {
                    before = self.storage.list_all_episodes(self.context(), &new).await?;
                    before.retain(|episode| !own.contains(&episode.id.to_string()));
                }
                here.insert(old, ShowHere { show, before });
            }
            Ok(here)
        };
        self.shows.get_or_try_init(read).await
    }
}

/// Two hosts know an episode by different GUIDs: the recording tells, with the title or the day. A media id stands for its bytes.
fn is_same(known: &Episode, old: &Episode, media: Option<&MediaId>) -> bool {
    const DAY: u64 = 24 * 60 * 60;
    let day = |episode: &Episode| {
        episode.publication.as_ref().map(|publication| publication.published_at.unix_seconds() / DAY)
    };
    media.is_some()
        && known.media_id.as_ref() == media
        && (known.title == old.title || (day(known).is_some() && day(known) == day(old)))
}

fn publication_here(
    old: &Publication,
    show: &Show,
    episode: &Episode,
    media: Option<&Media>,
) -> Result<Publication, String> {
    let enclosure = media.and_then(Media::enclosure).ok_or("It has nothing that podcast apps play.")?;
    let new =
        Publication::imported(&old.guid, &show.slug, &episode.title, enclosure.format, old.published_at);
    let new = new.map_err(|invalid| format!("It cannot be published: {invalid}."))?;
    Ok(Publication {
        public_at: old.public_at,
        expires_at: old.expires_at,
        withdrawn_at: old.withdrawn_at,
        ..new
    })
}

pub(crate) fn item(kind: ImportItemKind, old: &str, name: &str, new: &str) -> ImportItem {
    ImportItem {
        id: ImportItem::id_of(kind, old),
        kind,
        name: name.to_owned(),
        outcome: ImportOutcome::Imported,
        new_id: Some(new.to_owned()),
        remarks: Vec::new(),
    }
}

fn as_list<T, const MOST: usize>(things: Vec<T>) -> Result<List<T, MOST>, Failure> {
    things.try_into().map_err(poison)
}

/// The slug with `suffix` behind it, cut where it would be too long.
fn with_suffix(slug: &Slug, suffix: &str) -> Option<Slug> {
    if suffix.is_empty() {
        return Some(slug.clone());
    }
    let room = 62_usize.saturating_sub(suffix.len());
    let stem = slug.as_str().get(..room.min(slug.as_str().len()))?.trim_end_matches('-');
    format!("{stem}-{suffix}").parse().ok()
}
