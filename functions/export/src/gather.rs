//! Gathers what an export is about: each step reads a page of something and writes it down as files.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use domain::{
    Addresses, AuditEvent, AuditFilter, AuditPlace, Episode, Export, ExportScope, Feed, FeedLibrary,
    Listener, Media, PersonId, Show, Visibility,
};
use lambda_kit::Failure;
use serde::Serialize;
use storage::{PageRequest, Storage, StorageError};
use tenant_context::{Grant, MediaId, MemberId, ShowId, TenantContext, Timestamp, permission::PrepareExport};
use tokio::sync::OnceCell;

use crate::{
    gathered::{GatheredShow, Gathering, poison},
    progress::{After, Step},
    records::{ClientRecord, PersonEvent, PersonRecord, TenancyRecord, UserRecord, VerificationRecord},
};

/// How many records one file has at most: what a step reads, and what somebody can open.
const RECORDS_IN_FILE: u16 = 1_000;
/// As many events as one step recomputes.
const MOST_VERIFIED: u16 = 20_000;
/// How an archive's own checker of the audit log is called.
const VERIFIER: &str = include_str!("../verify_audit_log.py");

/// Whoever gathers, and what it has read before in the same run.
pub(crate) struct Gatherer<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) grant: &'a Grant<'a, PrepareExport>,
    pub(crate) export: &'a Export,
    pub(crate) addresses: &'a Addresses,
    media: OnceCell<Arc<HashMap<MediaId, Media>>>,
    last_active: OnceCell<HashMap<MemberId, Timestamp>>,
}

impl<'a> Gatherer<'a> {
    pub(crate) fn new(
        storage: &'a Storage,
        grant: &'a Grant<'a, PrepareExport>,
        export: &'a Export,
        addresses: &'a Addresses,
    ) -> Self {
        let (media, last_active) = (OnceCell::new(), OnceCell::new());
        Self { storage, grant, export, addresses, media, last_active }
    }

    fn context(&self) -> &TenantContext {
        self.grant.context()
    }

    /// Does one step, and answers the next; none when everything is gathered.
    pub(crate) async fn step(&self, step: Step, into: &mut Gathering) -> Result<Option<Step>, Failure> {
        match step {
            Step::Tenancy => self.begin(into).await,
            Step::Users(after) => self.users(after, into).await.map(Some),
            Step::Clients(after) => self.clients(after, into).await.map(Some),
            Step::Show(after) => self.show(after, into).await.map(Some),
            Step::Episodes(show, after) => self.episodes(show, after, into).await.map(Some),
            Step::Listeners(show, after) => self.listeners(show, after, into).await.map(Some),
            Step::Media(after) => self.media(after, into).await,
            Step::Audit(after) => self.audit(after, into).await.map(Some),
            Step::AuditVerification(from) => self.verification(from.place(), into).await,
            Step::Person => self.person(into).await.map(Some),
            Step::PersonEvents(ids, after) => self.person_events(ids, after, into).await,
        }
    }

    async fn begin(&self, into: &mut Gathering) -> Result<Option<Step>, Failure> {
        match &self.export.scope {
            ExportScope::Person { .. } => return Ok(Some(Step::Person)),
            ExportScope::Shows { .. } => return Ok(Some(Step::Show(None))),
            ExportScope::Tenancy {} => {}
        }
        let (storage, context) = (self.storage, self.context());
        let tenancy = storage.find_tenancy(context).await?;
        let tenancy = tenancy.ok_or_else(|| poison("the tenancy is missing"))?;
        let record = TenancyRecord {
            id: tenancy.id,
            name: tenancy.name,
            created_at: tenancy.created_at,
            single_sign_on: storage.find_sso(context).await?.settings,
            groups: storage.list_groups(context).await?,
            attestations: storage.list_attestations_for_export(self.grant).await?,
        };
        into.json("tenancy.json", &record)?;
        Ok(Some(Step::Users(After::default())))
    }

    async fn users(&self, after: After, into: &mut Gathering) -> Result<Step, Failure> {
        let page = self.storage.list_users_for_export(self.grant, &request(&after)).await?;
        let mut records = Vec::with_capacity(page.items.len());
        for (user, access) in page.items {
            let last_active_at = self.last_active(&access.member_id).await?;
            records.push(UserRecord::new((user, access), last_active_at));
        }
        write_page(into, "users", &after, &records)?;
        Ok(next(page.next, &after).map_or(Step::Clients(After::default()), Step::Users))
    }

    async fn clients(&self, after: After, into: &mut Gathering) -> Result<Step, Failure> {
        let page = self.storage.list_clients_for_export(self.grant, &request(&after)).await?;
        let mut records = Vec::with_capacity(page.items.len());
        for (client, access) in page.items {
            let last_active_at = self.last_active(&access.member_id).await?;
            records.push(ClientRecord::new((client, access), last_active_at));
        }
        write_page(into, "clients", &after, &records)?;
        Ok(next(page.next, &after).map_or(Step::Show(None), Step::Clients))
    }

    async fn last_active(&self, member: &MemberId) -> Result<Option<Timestamp>, StorageError> {
        let all = self.last_active.get_or_try_init(|| self.storage.list_activity(self.context())).await?;
        Ok(all.get(member).copied())
    }

    /// The show itself, and the feed that another host can import.
    async fn show(&self, after: Option<ShowId>, into: &mut Gathering) -> Result<Step, Failure> {
        let Some(show) = self.next_show(after.as_ref()).await? else {
            return Ok(Step::Media(After::default()));
        };
        let episodes = self.storage.list_all_episodes(self.context(), &show.id).await?;
        let media = self.all_media().await?;
        into.json(&format!("shows/{}/show.json", show.slug), &show)?;
        into.file(&format!("shows/{}/feed.xml", show.slug), &self.feed(&show, &episodes, &media)?)?;
        into.show(GatheredShow {
            slug: show.slug.to_string(),
            title: show.title.as_str().to_owned(),
            episodes: episodes.len(),
        });
        Ok(Step::Episodes(show.id, After::default()))
    }

    async fn next_show(&self, after: Option<&ShowId>) -> Result<Option<Show>, StorageError> {
        let ExportScope::Shows { show_ids } = &self.export.scope else {
            let request = PageRequest { after: after.map(ToString::to_string), limit: 1 };
            let page = self.storage.list_shows(self.context(), &request).await?;
            return Ok(page.items.into_iter().next());
        };
        let wanted: BTreeSet<&ShowId> =
            show_ids.iter().filter(|id| after.is_none_or(|after| *id > after)).collect();
        for id in wanted {
            // One that is gone since has nothing to export.
            if let Some(show) = self.storage.find_show(self.context(), id).await? {
                return Ok(Some(show));
            }
        }
        Ok(None)
    }

    /// Everybody's feed as it is published. A private show's has nothing that everybody could fetch: it names the files of this
    /// archive.
    fn feed(
        &self,
        show: &Show,
        episodes: &[Episode],
        media: &HashMap<MediaId, Media>,
    ) -> Result<Vec<u8>, Failure> {
        let now = self.export.created_at;
        let beside = Addresses::public(crate::files_are_beside().map_err(poison)?).map_err(poison)?;
        let (addresses, mut library) = match show.visibility {
            Visibility::Public => (self.addresses, FeedLibrary::new(show, self.addresses, media)),
            Visibility::Private => (&beside, FeedLibrary::archived(&beside, media)),
        };
        let out: Vec<_> = episodes.iter().filter_map(|episode| library.episode(episode, now)).collect();
        let artwork = library.artwork(show.listing.artwork_id.as_ref());
        Ok(rss::render(&Feed::new(show, addresses, artwork, out)))
    }

    async fn episodes(&self, show: ShowId, after: After, into: &mut Gathering) -> Result<Step, Failure> {
        let Some(slug) = self.slug(&show).await? else { return Ok(Step::Show(Some(show))) };
        let page = self.storage.list_episodes(self.context(), &show, &request(&after)).await?;
        write_page(into, &format!("shows/{slug}/episodes"), &after, &page.items)?;
        Ok(match next(page.next, &after) {
            Some(after) => Step::Episodes(show, after),
            None => Step::Listeners(show, After::default()),
        })
    }

    async fn listeners(&self, show: ShowId, after: After, into: &mut Gathering) -> Result<Step, Failure> {
        let Some(slug) = self.slug(&show).await? else { return Ok(Step::Show(Some(show))) };
        let page = self.storage.list_listeners_for_export(self.grant, &show, &request(&after)).await?;
        write_page(into, &format!("shows/{slug}/listeners"), &after, &page.items)?;
        Ok(match next(page.next, &after) {
            Some(after) => Step::Listeners(show, after),
            None => Step::Show(Some(show)),
        })
    }

    async fn slug(&self, show: &ShowId) -> Result<Option<String>, StorageError> {
        let show = self.storage.find_show(self.context(), show).await?;
        Ok(show.map(|show| show.slug.to_string()))
    }

    /// All media of the tenancy, or of the shows: by its id, so that pages come in an order.
    async fn media(&self, after: After, into: &mut Gathering) -> Result<Option<Step>, Failure> {
        let all = self.all_media().await?;
        let wanted = match &self.export.scope {
            ExportScope::Shows { show_ids } => Some(self.media_of(show_ids).await?),
            _ => None,
        };
        let sorted: BTreeMap<&MediaId, &Media> = all
            .iter()
            .filter(|(id, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(*id)))
            .filter(|(id, _)| after.id.as_ref().is_none_or(|after| id.as_str() > after.as_str()))
            .collect();
        let page: Vec<&Media> = sorted.into_values().take(usize::from(RECORDS_IN_FILE)).collect();
        write_page(into, "media", &after, &page)?;
        for media in &page {
            into.media(media);
        }
        let is_more = page.len() == usize::from(RECORDS_IN_FILE);
        Ok(match (page.last().filter(|_| is_more), &self.export.scope) {
            (Some(last), _) => Some(Step::Media(after.next(last.id.to_string()))),
            (None, ExportScope::Tenancy {}) => Some(Step::Audit(After::default())),
            (None, _) => None,
        })
    }

    async fn media_of(&self, shows: &[ShowId]) -> Result<BTreeSet<MediaId>, StorageError> {
        let mut wanted = BTreeSet::new();
        for id in shows {
            let Some(show) = self.storage.find_show(self.context(), id).await? else { continue };
            wanted.extend(show.attachments().into_iter().map(|attachment| attachment.media_id.clone()));
            for episode in self.storage.list_all_episodes(self.context(), id).await? {
                wanted.extend(episode.media_id.clone());
                wanted
                    .extend(episode.attachments().into_iter().map(|attachment| attachment.media_id.clone()));
            }
        }
        Ok(wanted)
    }

    async fn all_media(&self) -> Result<Arc<HashMap<MediaId, Media>>, StorageError> {
        let all = self.media.get_or_try_init(async || {
            let all = self.storage.list_all_media(self.context()).await?;
            Ok(Arc::new(all.into_iter().map(|media| (media.id.clone(), media)).collect()))
        });
        all.await.cloned()
    }

    async fn audit(&self, after: After, into: &mut Gathering) -> Result<Step, Failure> {
        let place = after.id.as_ref().and_then(|id| id.parse().ok());
        let filter = AuditFilter::default();
        let page =
            self.storage.list_audit_events_for_export(self.grant, &filter, place, RECORDS_IN_FILE).await?;
        if !page.items.is_empty() {
            into.lines(&format!("audit/{:06}.ndjson", after.file()), &page.items)?;
        }
        if let Some(after) = next(page.next, &after) {
            return Ok(Step::Audit(after));
        }
        into.file("audit/verify_audit_log.py", VERIFIER.as_bytes())?;
        Ok(Step::AuditVerification(AuditPlace::start().into()))
    }

    async fn verification(&self, from: AuditPlace, into: &mut Gathering) -> Result<Option<Step>, Failure> {
        let found = self.storage.verify_audit_log_for_export(self.grant, from, MOST_VERIFIED).await?;
        if let Some(next) = found.next {
            return Ok(Some(Step::AuditVerification(next.into())));
        }
        let record = VerificationRecord {
            is_intact: found.problem.is_none(),
            events: found.events,
            head: found.head,
            problem: found.problem,
        };
        into.json("audit/verification.json", &record)?;
        Ok(None)
    }

    /// Whoever is meant, and whoever has the same address.
    async fn person(&self, into: &mut Gathering) -> Result<Step, Failure> {
        let ExportScope::Person { person_id } = &self.export.scope else {
            return Err(poison("an export of no person"));
        };
        let (mut user, email, named) = match person_id {
            PersonId::User(id) => {
                let user = self.storage.find_user_for_export(self.grant, id).await?;
                let email = user.as_ref().map(|(user, _)| user.email.clone());
                (user, email, None)
            }
            PersonId::Listener(id) => {
                let listener = self.storage.find_listener_for_export(self.grant, id).await?;
                (None, listener.as_ref().and_then(|listener| listener.email.clone()), listener)
            }
        };
        let mut listeners: Vec<Listener> = named.into_iter().collect();
        if let Some(email) = &email {
            if user.is_none() {
                user = self.storage.find_user_by_email_for_export(self.grant, email).await?;
            }
            for listener in self.storage.list_listeners_by_email_for_export(self.grant, email).await? {
                if listeners.iter().all(|known| known.id != listener.id) {
                    listeners.push(listener);
                }
            }
        }
        let mut ids: Vec<PersonId> =
            listeners.iter().map(|listener| PersonId::Listener(listener.id.clone())).collect();
        let mut record = PersonRecord { user: None, listeners };
        if let Some((user, access)) = user {
            ids.push(PersonId::User(user.id.clone()));
            let last_active_at = self.last_active(&access.member_id).await?;
            record.user = Some(UserRecord::new((user, access), last_active_at).into());
        }
        into.json("person.json", &record)?;
        Ok(Step::PersonEvents(ids, After::default()))
    }

    async fn person_events(
        &self,
        ids: Vec<PersonId>,
        after: After,
        into: &mut Gathering,
    ) -> Result<Option<Step>, Failure> {
        let place = after.id.as_ref().and_then(|id| id.parse().ok());
        let filter = AuditFilter::default();
        let page =
            self.storage.list_audit_events_for_export(self.grant, &filter, place, RECORDS_IN_FILE).await?;
        let own: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
        let events: Vec<PersonEvent> =
            page.items.iter().filter_map(|event| about_person(event, &own)).collect();
        let mut files = after.files;
        if !events.is_empty() {
            into.lines(&format!("events/{:06}.ndjson", after.file()), &events)?;
            files = after.file();
        }
        Ok(page.next.map(|id| Step::PersonEvents(ids, After { id: Some(id), files })))
    }
}

/// What an event tells of a person whose ids are `own`, and nothing of anybody else; none where it is not about them.
fn about_person(event: &AuditEvent, own: &BTreeSet<String>) -> Option<PersonEvent> {
    let names = |text: &str| text.split(' ').any(|word| own.contains(word));
    let was_done_by_person = own.contains(&event.principal);
    if !was_done_by_person && !names(&event.subject) && !event.details.values().any(|text| names(text)) {
        return None;
    }
    let details = event.details.iter().map(|(name, text)| (name.clone(), without_others(text, own)));
    Some(PersonEvent {
        at: event.at,
        action: event.action.clone(),
        was_done_by_person,
        subject: without_others(&event.subject, own),
        details: details.collect(),
    })
}

/// The same text, with the kind of person in place of the ids of others.
fn without_others(text: &str, own: &BTreeSet<String>) -> String {
    const PEOPLE: [(&str, &str); 3] = [("usr_", "user"), ("lsn_", "listener"), ("key_", "client")];
    let word = |word: &str| {
        let kind = PEOPLE.iter().find(|(prefix, _)| word.starts_with(prefix));
        match kind {
            Some((_, kind)) if !own.contains(word) => (*kind).to_owned(),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn request(after: &After) -> PageRequest {
    PageRequest { after: after.id.clone(), limit: RECORDS_IN_FILE }
}

fn next(next: Option<String>, after: &After) -> Option<After> {
    next.map(|id| after.next(id))
}

/// The first file of a listing is there also where it is empty.
fn write_page<T: Serialize>(
    into: &mut Gathering,
    folder: &str,
    after: &After,
    records: &[T],
) -> Result<(), Failure> {
    if records.is_empty() && after.files > 0 {
        return Ok(());
    }
    into.json(&format!("{folder}/{:06}.json", after.file()), &records)
}

#[cfg(test)]
mod tests {
    use domain::NewAuditEvent;

    use super::*;

    const ADA: &str = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAA";
    const IDA: &str = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAB";
    const LISTENER: &str = "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAC";

    fn event(principal: &str, subject: &str, listeners: &str) -> AuditEvent {
        let new = NewAuditEvent {
            id: "aud_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            at: Timestamp::EPOCH,
            action: "users:update".to_owned(),
            principal: principal.to_owned(),
            subject: subject.to_owned(),
            details: BTreeMap::from([("listeners".to_owned(), listeners.to_owned())]),
        };
        AuditEvent::after(None, new)
    }

    #[test]
    fn a_persons_events_name_nobody_else() {
        let own = BTreeSet::from([ADA.to_owned()]);

        let done_by = about_person(&event(ADA, IDA, "active"), &own).unwrap();
        assert!(done_by.was_done_by_person);
        assert_eq!(done_by.subject, "user");

        let done_to = about_person(&event(IDA, ADA, LISTENER), &own).unwrap();
        assert!(!done_to.was_done_by_person);
        assert_eq!((done_to.subject.as_str(), done_to.details["listeners"].as_str()), (ADA, "listener"));

        let own = BTreeSet::from([LISTENER.to_owned()]);
        let among = about_person(&event(IDA, "shw_1", &format!("{LISTENER} lsn_2")), &own).unwrap();
        assert_eq!(among.details["listeners"], format!("{LISTENER} listener"));

        assert!(about_person(&event(IDA, "shw_1", "active"), &own).is_none());
    }
}
