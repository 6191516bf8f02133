//! Asks `policy.cedar` whether a principal may do an action. The page decides, one membership at a time; nothing is decided here.
//! What it says of a system group in a whole tenancy is remembered.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::{
    Action, GroupRef, Membership, Principal, ShowId, SystemGroup, TenancyId, Worker,
    permission::{Effect, Reach},
};

const NOBODY: &str = "00000000000000000000000000";

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Whose the place is, and of whom the principal is a member: a context knows one tenancy.
    pub tenancy: &'a TenancyId,
    pub principal: &'a Principal,
    pub memberships: &'a [Membership],
    pub has_mfa: bool,
    pub action: Action,
    pub place: Place<'a>,
}

/// Where the action is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In the whole tenancy.
    Tenancy,
    /// In one show.
    Show(&'a ShowId),
    /// In whichever show the membership covers: whether there is any.
    SomeShow,
}

/// Whether the action is allowed. If the page could not be read, nothing is.
pub(crate) fn allows(question: Question<'_>) -> bool {
    static PAGE: OnceLock<Option<Page>> = OnceLock::new();
    PAGE.get_or_init(|| Page::parse(include_str!("../policy.cedar")))
        .as_ref()
        .is_some_and(|page| page.allows(&question))
}

/// Whether a membership, by itself and with a second factor, allows the action.
pub(crate) fn gives(membership: &Membership, action: Action, place: Place<'_>) -> bool {
    // The page names no tenancy and nobody in it.
    let (Ok(tenancy), Ok(user)) = (format!("ten_{NOBODY}").parse(), format!("usr_{NOBODY}").parse()) else {
        return false;
    };
    let memberships = std::slice::from_ref(membership);
    let principal = &Principal::User(user);
    allows(Question { tenancy: &tenancy, principal, memberships, has_mfa: true, action, place })
}

/// The parsed page, what it has said, and the names of what it speaks of.
struct Page {
    authorizer: Authorizer,
    policies: PolicySet,
    said: Mutex<HashMap<Kind, bool>>,
    tenancy: EntityTypeName,
    show: EntityTypeName,
    group: EntityTypeName,
    membership: EntityTypeName,
    worker: EntityTypeName,
    action: EntityTypeName,
}

/// A question about one membership, or one worker, in the words of the page.
struct Case {
    request: Request,
    entities: Entities,
}

/// All that the page can tell apart in a question about a system group in a whole tenancy: it names no tenancy, no show and nobody in
/// them (`the_page_names_groups_actions_and_workers_only`). There are not two thousand of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    group: SystemGroup,
    is_active: bool,
    has_mfa: bool,
    action: Action,
    is_in_show: bool,
}

impl Kind {
    /// None for other memberships: what those allow hangs on what their tenancy wrote, or on the show.
    fn of(membership: &Membership, question: &Question<'_>) -> Option<Self> {
        match (&membership.group, &membership.shows) {
            (GroupRef::System(group), None) => Some(Self {
                group: *group,
                is_active: is_active(question.principal),
                has_mfa: question.has_mfa,
                action: question.action,
                is_in_show: !matches!(question.place, Place::Tenancy),
            }),
            _ => None,
        }
    }
}

impl Page {
    fn parse(text: &str) -> Option<Self> {
        Some(Self {
            authorizer: Authorizer::new(),
            policies: text.parse().ok()?,
            said: Mutex::default(),
            tenancy: "Tenancy".parse().ok()?,
            show: "Show".parse().ok()?,
            group: "Group".parse().ok()?,
            membership: "Membership".parse().ok()?,
            worker: "Worker".parse().ok()?,
            action: "Action".parse().ok()?,
        })
    }

    fn allows(&self, question: &Question<'_>) -> bool {
        match question.principal {
            Principal::Worker(worker) => {
                self.case_of_worker(*worker, question).is_some_and(|case| self.permits(&case))
            }
            _ => question.memberships.iter().any(|membership| self.allows_by(membership, question)),
        }
    }

    fn allows_by(&self, membership: &Membership, question: &Question<'_>) -> bool {
        let ask = || self.case_of_membership(membership, question).is_some_and(|case| self.permits(&case));
        let Some(kind) = Kind::of(membership, question) else {
            return ask();
        };
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).copied();
        said.unwrap_or_else(|| {
            let is_allowed = ask();
            self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, is_allowed);
            is_allowed
        })
    }

    fn permits(&self, case: &Case) -> bool {
        let response = self.authorizer.is_authorized(&case.request, &self.policies, &case.entities);
        // Cedar passes over a policy that it cannot evaluate, and that could be a wall.
        let is_complete = response.diagnostics().errors().next().is_none();
        is_complete && response.decision() == Decision::Allow
    }

    fn case_of_worker(&self, worker: Worker, question: &Question<'_>) -> Option<Case> {
        let uid = uid(&self.worker, worker.as_str());
        let attributes = HashMap::from([("tenancy".to_owned(), self.tenancy_of(question))]);
        let worker = Entity::new(uid, attributes, HashSet::new()).ok()?;

        self.case(worker, question.action, self.resource(question, None)?)
    }

    fn case_of_membership(&self, membership: &Membership, question: &Question<'_>) -> Option<Case> {
        let (groups, permissions) = match &membership.group {
            GroupRef::System(group) => (HashSet::from([uid(&self.group, group.as_str())]), [].as_slice()),
            GroupRef::Custom(_) => (HashSet::new(), membership.permissions.as_slice()),
        };
        let shows = membership.shows.as_deref();
        let attributes = HashMap::from([
            ("tenancy".to_owned(), self.tenancy_of(question)),
            ("is_active".to_owned(), RestrictedExpression::new_bool(is_active(question.principal))),
            ("mfa".to_owned(), RestrictedExpression::new_bool(question.has_mfa)),
            ("covers_all_shows".to_owned(), RestrictedExpression::new_bool(shows.is_none())),
            ("shows".to_owned(), set(&self.show, shows.unwrap_or_default().iter().map(ShowId::as_str))),
            ("permissions".to_owned(), set(&self.action, permissions.iter().map(|action| action.as_str()))),
        ]);
        let membership = Entity::new(uid(&self.membership, "asked"), attributes, groups).ok()?;

        self.case(membership, question.action, self.resource(question, shows)?)
    }

    fn case(&self, principal: Entity, action: Action, resource: Entity) -> Option<Case> {
        let groups = groups_of(action).map(|group| uid(&self.action, group));
        let action = Entity::new_no_attrs(uid(&self.action, action.as_str()), HashSet::from(groups));
        let context = Context::empty();
        let request = Request::new(principal.uid(), action.uid(), resource.uid(), context, None).ok()?;
        let entities = Entities::from_entities([principal, action, resource], None).ok()?;

        Some(Case { request, entities })
    }

    /// The place; none when it is some show of a membership that covers none.
    fn resource(&self, question: &Question<'_>, covered: Option<&[ShowId]>) -> Option<Entity> {
        let tenancy = uid(&self.tenancy, question.tenancy.as_str());
        let show = match (question.place, covered) {
            (Place::Tenancy, _) => return Some(Entity::with_uid(tenancy)),
            (Place::Show(show), _) => show.as_str(),
            // The page names no show, so what it says of one that is covered holds for each.
            (Place::SomeShow, Some(shows)) => shows.first()?.as_str(),
            (Place::SomeShow, None) => "any",
        };
        Some(Entity::new_no_attrs(uid(&self.show, show), HashSet::from([tenancy])))
    }

    fn tenancy_of(&self, question: &Question<'_>) -> RestrictedExpression {
        RestrictedExpression::new_entity_uid(uid(&self.tenancy, question.tenancy.as_str()))
    }
}

/// Whether memberships count: listeners and the public have none.
fn is_active(principal: &Principal) -> bool {
    matches!(principal, Principal::User(_) | Principal::Client(_))
}

/// The action's groups in `policy.cedarschema`.
fn groups_of(action: Action) -> [&'static str; 2] {
    let effect = match action.effect() {
        Effect::Reads => "reads",
        Effect::Writes => "writes",
        Effect::Administers => "administers",
        Effect::Destroys => "destroys",
        Effect::Works => "works",
    };
    let reach = match action.reach() {
        Reach::Tenancy => "reaches-tenancy",
        Reach::Show => "reaches-show",
    };
    [effect, reach]
}

fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

fn set<'a>(type_name: &EntityTypeName, ids: impl Iterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(ids.map(|id| RestrictedExpression::new_entity_uid(uid(type_name, id))))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use cedar_policy::{Schema, ValidationMode, Validator};

    use super::*;
    use crate::{ClientId, ListenerId, UserId};

    const PAGE: &str = include_str!("../policy.cedar");
    const SCHEMA: &str = include_str!("../policy.cedarschema");
    const WORKERS: [Worker; 13] = [
        Worker::Media,
        Worker::UploadSweep,
        Worker::Export,
        Worker::Import,
        Worker::Renderer,
        Worker::Provision,
        Worker::SignIn,
        Worker::ListenerWatch,
        Worker::ListenerWelcome,
        Worker::Deletion,
        Worker::Exit,
        Worker::Replay,
        Worker::Sweep,
    ];

    fn tenancy() -> TenancyId {
        "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn user() -> Principal {
        Principal::User("usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<UserId>().unwrap())
    }

    fn client() -> Principal {
        Principal::Client("key_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<ClientId>().unwrap())
    }

    fn listener() -> Principal {
        Principal::Listener("lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<ListenerId>().unwrap(), show('A'))
    }

    fn show(last: char) -> ShowId {
        format!("shw_01ARZ3NDEKTSV4RRFFQ69G5FA{last}").parse().unwrap()
    }

    fn custom(permissions: Vec<Action>) -> Membership {
        let group = GroupRef::Custom("grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
        Membership { group, permissions, shows: None }
    }

    fn policies() -> PolicySet {
        PAGE.parse().unwrap()
    }

    fn schema() -> Schema {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        schema
    }

    /// The rules in other words: what the page must come to.
    fn should_allow(question: &Question<'_>) -> bool {
        let action = question.action;
        let in_show = action.reach() == Reach::Show;
        match question.principal {
            Principal::Worker(worker) => {
                workers_of(action).contains(worker) && matches!(question.place, Place::Tenancy)
            }
            Principal::Listener(..) | Principal::Public(_) => false,
            Principal::User(_) | Principal::Client(_) => question.memberships.iter().any(|membership| {
                let is_granted = match &membership.group {
                    GroupRef::System(group) => groups_with(action).contains(group),
                    GroupRef::Custom(_) => membership.permissions.contains(&action),
                };
                let is_in_scope = match question.place {
                    Place::Tenancy => membership.shows.is_none(),
                    Place::Show(show) => in_show && membership.covers(show),
                    Place::SomeShow => in_show && membership.shows != Some(Vec::new()),
                };
                let has_factor = question.has_mfa || !action.effect().needs_mfa();
                is_granted && is_in_scope && has_factor && workers_of(action).is_empty()
            }),
        }
    }

    fn workers_of(action: Action) -> Vec<Worker> {
        match action {
            Action::ProcessUpload => vec![Worker::Media],
            Action::SweepUploads => vec![Worker::UploadSweep],
            Action::PrepareExport => vec![Worker::Export],
            Action::CarryOutImport => vec![Worker::Import],
            Action::RenderFeed => vec![Worker::Renderer],
            Action::ProvisionTenancy => vec![Worker::Provision],
            Action::AdmitUser => vec![Worker::SignIn],
            Action::WatchListeners => vec![Worker::ListenerWatch],
            Action::WelcomeListener => vec![Worker::ListenerWelcome],
            Action::CarryOutDeletion => vec![Worker::Deletion, Worker::Exit],
            Action::ReplayDeletion => vec![Worker::Replay],
            Action::ExpireAccess | Action::AnchorAudit => vec![Worker::Sweep],
            _ => Vec::new(),
        }
    }

    fn groups_with(action: Action) -> Vec<SystemGroup> {
        use SystemGroup::*;

        match action {
            Action::ReadTenancy | Action::ReadShows | Action::ReadEpisodes => SystemGroup::ALL.to_vec(),
            Action::ReadUploads => vec![Owners, Editors, Publishers, Contributors, Auditors],
            Action::CreateUpload | Action::CreateEpisode | Action::UpdateEpisode => {
                vec![Owners, Editors, Publishers, Contributors]
            }
            Action::PublishEpisode => vec![Owners, Editors, Publishers],
            Action::CreateShow | Action::UpdateShow | Action::ManageListeners => vec![Owners, Editors],
            Action::ReadListeners => vec![Owners, Editors, Auditors],
            action if action.effect() == Effect::Reads => vec![Owners, Auditors],
            _ => vec![Owners],
        }
    }

    /// A membership of each kind, as far as a question about `action` can tell them apart.
    fn memberships(action: Action) -> Vec<Membership> {
        let mut groups: Vec<_> =
            SystemGroup::ALL.iter().map(|group| Membership::of_system_group(*group)).collect();
        let stray =
            Membership { permissions: vec![action], ..Membership::of_system_group(SystemGroup::Analysts) };
        let others = Action::ALL.iter().copied().filter(|other| *other != action).collect();
        groups.extend([stray, custom(vec![]), custom(vec![action]), custom(others)]);

        let scopes = [None, Some(vec![]), Some(vec![show('A')]), Some(vec![show('A'), show('B')])];
        let in_scopes =
            |membership: &Membership| scopes.clone().map(|shows| Membership { shows, ..membership.clone() });
        groups.iter().flat_map(in_scopes).collect()
    }

    fn ask(
        principal: &Principal,
        memberships: &[Membership],
        action: Action,
        has_mfa: bool,
        place: Place<'_>,
    ) -> bool {
        let tenancy = tenancy();
        let question = Question { tenancy: &tenancy, principal, memberships, has_mfa, action, place };
        let is_allowed = allows(question);
        assert_eq!(is_allowed, should_allow(&question), "{question:?}");
        is_allowed
    }

    /// Asks everywhere, with a second factor and without. Answers how often it was allowed.
    fn ask_all(principal: &Principal, memberships: &[Membership], action: Action) -> usize {
        let (a, b) = (show('A'), show('B'));
        let places = [Place::Tenancy, Place::Show(&a), Place::Show(&b), Place::SomeShow];
        let questions = places.into_iter().flat_map(|place| [true, false].map(|has_mfa| (place, has_mfa)));
        questions.filter(|(place, has_mfa)| ask(principal, memberships, action, *has_mfa, *place)).count()
    }

    /// The system groups that may do it: in the tenancy as members of all of it, or in `show` as members of that alone.
    fn groups_that_may(action: Action, has_mfa: bool, show: Option<ShowId>) -> Vec<SystemGroup> {
        let place = show.as_ref().map_or(Place::Tenancy, Place::Show);
        let may = |group: &SystemGroup| {
            let shows = show.clone().map(|show| vec![show]);
            let membership = Membership { shows, ..Membership::of_system_group(*group) };
            ask(&user(), &[membership], action, has_mfa, place)
        };
        SystemGroup::ALL.iter().copied().filter(may).collect()
    }

    #[test]
    fn each_kind_of_membership_is_decided_as_specified() {
        for action in Action::ALL {
            for membership in memberships(*action) {
                ask_all(&user(), &[membership], *action);
            }
        }
    }

    #[test]
    fn two_memberships_allow_what_one_of_them_allows() {
        for action in Action::ALL {
            let kinds = memberships(*action);
            for pair in kinds.iter().step_by(3).zip(kinds.iter().rev().step_by(5)) {
                ask_all(&user(), &[pair.0.clone(), pair.1.clone()], *action);
            }
        }
    }

    #[test]
    fn workers_do_their_one_thing_and_listeners_nothing() {
        let owners = [Membership::of_system_group(SystemGroup::Owners)];
        for action in Action::ALL {
            let by = |principal: Principal| ask_all(&principal, &owners, *action);
            assert_eq!(by(listener()) + by(Principal::Public(show('A'))), 0);
            let by_workers: usize = WORKERS.into_iter().map(|worker| by(Principal::Worker(worker))).sum();
            assert_eq!(by_workers > 0, action.effect() == Effect::Works, "{action}");
        }
    }

    #[test]
    fn the_matrix_is_as_reviewed() {
        let mut matrix = String::new();
        for action in Action::ALL {
            let with_mfa = groups_that_may(*action, true, None);
            let names = SystemGroup::ALL.iter().map(|group| {
                let name = if with_mfa.contains(group) { group.as_str() } else { "" };
                format!("{name:width$}", width = group.as_str().len() + 2)
            });
            let workers = WORKERS.into_iter().map(Principal::Worker);
            let workers = workers.filter(|worker| ask(worker, &[], *action, false, Place::Tenancy));

            let [effect, _] = groups_of(*action);
            let reach = match groups_that_may(*action, true, Some(show('A'))).as_slice() {
                [] => "tenancy",
                _ => "show",
            };
            let factor = if groups_that_may(*action, false, None) == with_mfa { "" } else { "mfa" };
            let names: String = names.collect();
            let workers: Vec<_> = workers.map(|worker| worker.to_string()).collect();
            let workers = workers.join("  ");
            let row = format!("{:22}{effect:13}{reach:9}{factor:5}{names}{workers}", action.as_str());
            matrix.push_str(row.trim_end());
            matrix.push('\n');
        }
        insta::assert_snapshot!(matrix);
    }

    #[test]
    fn the_page_is_valid_under_its_schema() {
        let result = Validator::new(schema()).validate(&policies(), ValidationMode::Strict);
        assert!(result.validation_passed_without_warnings(), "{result:?}");
    }

    #[test]
    fn the_schema_has_the_actions_of_the_code_in_their_groups() {
        let schema = schema();
        let actions = schema.action_entities().unwrap();
        let id = |uid: &EntityUid| uid.id().unescaped().to_owned();
        let groups = |uid: &EntityUid| actions.ancestors(uid).unwrap().map(id).collect::<BTreeSet<_>>();

        let in_schema: BTreeMap<_, _> = actions
            .iter()
            .map(|action| (id(&action.uid()), groups(&action.uid())))
            .filter(|(_, groups)| !groups.is_empty())
            .collect();
        let in_code: BTreeMap<_, _> = Action::ALL
            .iter()
            .map(|action| (action.to_string(), groups_of(*action).map(str::to_owned).into()))
            .collect();
        assert_eq!(in_schema, in_code);
        assert_eq!(
            schema.request_envs().count(),
            Action::ALL.len() * 4,
            "anybody may ask for anything anywhere"
        );
    }

    /// The proof is about requests that fit the schema.
    #[test]
    fn what_is_asked_fits_the_schema() {
        let (page, schema) = (Page::parse(PAGE).unwrap(), schema());
        let (tenancy, principal, show) = (tenancy(), user(), show('A'));
        let fits = |case: Case| {
            let [principal, action, resource] =
                [case.request.principal(), case.request.action(), case.request.resource()]
                    .map(|uid| uid.unwrap().clone());
            let context = Context::empty();
            Request::new(principal, action, resource, context, Some(&schema)).unwrap();
            Entities::from_entities(case.entities.iter().cloned(), Some(&schema)).unwrap();
        };

        for action in Action::ALL.iter().copied() {
            for place in [Place::Tenancy, Place::Show(&show), Place::SomeShow] {
                let memberships = &memberships(action);
                let question = Question {
                    tenancy: &tenancy,
                    principal: &principal,
                    memberships,
                    has_mfa: true,
                    action,
                    place,
                };
                memberships.iter().flat_map(|one| page.case_of_membership(one, &question)).for_each(fits);
                WORKERS.iter().flat_map(|worker| page.case_of_worker(*worker, &question)).for_each(fits);
            }
        }
    }

    /// In another tenancy, another show and by somebody else, too.
    #[test]
    fn what_is_remembered_is_what_the_page_says() {
        let page = Page::parse(PAGE).unwrap();
        let places = ["ten_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ten_01ARZ3NDEKTSV4RRFFQ69G5FAW"];
        let places = places.map(|tenancy| tenancy.parse::<TenancyId>().unwrap()).into_iter();
        let places = places.zip([show('A'), show('B')]).zip([user(), client()]);
        for ((tenancy, show), somebody) in places {
            for (principal, has_mfa) in [(&somebody, true), (&somebody, false), (&listener(), true)] {
                for action in Action::ALL.iter().copied() {
                    for place in [Place::Tenancy, Place::Show(&show), Place::SomeShow] {
                        let memberships = &memberships(action);
                        let question =
                            Question { tenancy: &tenancy, principal, memberships, has_mfa, action, place };
                        // The others are asked anew each time.
                        let remembered = memberships.iter().filter(|one| Kind::of(one, &question).is_some());
                        for membership in remembered {
                            let case = page.case_of_membership(membership, &question);
                            let says = case.is_some_and(|case| page.permits(&case));
                            assert_eq!(page.allows_by(membership, &question), says, "{question:?}");
                        }
                    }
                }
            }
        }
        let kinds = SystemGroup::ALL.len() * Action::ALL.len() * 2;
        assert_eq!(page.said.lock().unwrap().len(), kinds * 3);
    }

    #[test]
    fn the_page_names_groups_actions_and_workers_only() {
        let named: BTreeSet<String> = policies()
            .policies()
            .flat_map(|policy| policy.entity_literals())
            .map(|uid| uid.type_name().to_string())
            .collect();
        assert_eq!(named, BTreeSet::from(["Action", "Group", "Worker"].map(str::to_owned)));
    }

    #[test]
    fn a_page_that_cannot_be_read_or_evaluated_allows_nothing() {
        let (tenancy, principal) = (tenancy(), user());
        let question = Question {
            tenancy: &tenancy,
            principal: &principal,
            memberships: &[Membership::of_system_group(SystemGroup::Owners)],
            has_mfa: true,
            action: Action::ReadTenancy,
            place: Place::Tenancy,
        };
        let with = |wall: &str| Page::parse(&format!("permit (principal, action, resource); {wall}"));

        assert!(with("").unwrap().allows(&question));
        assert!(with("forbid (").is_none());
        let broken_wall = "forbid (principal, action, resource) when { principal.name == \"mallory\" };";
        assert!(!with(broken_wall).unwrap().allows(&question));
    }
}
