//! [`TenantContext`]: the one answer to "whose data?", and its doors.

use std::{fmt, marker::PhantomData};

use crate::{
    Action, ClientId, Denied, ListenerId, MemberId, Membership, OutOfScope, Permission, ShowId,
    ShowPermission, TenancyId, TenancyPermission, TenancyState, Timestamp, UserId,
    permission::ProvisionTenancy,
    policy::{Place, Question, allows, gives},
    token::VerifiedData,
};

/// Whose data an operation works on, who asked, and what they may do.
///
/// Only the doors below make one, and none of them takes the tenancy from a path, a query, a header or a body.
#[derive(Clone)]
pub struct TenantContext {
    tenancy: TenancyId,
    principal: Principal,
    memberships: Vec<Membership>,
    mfa_at: Option<Timestamp>,
    state: TenancyState,
    data_token: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person who signed in.
    User(UserId),
    /// A machine client that signed in.
    Client(ClientId),
    /// Somebody with a feed token: one listener of one private show.
    Listener(ListenerId, ShowId),
    /// Anybody: what is published in one public show.
    Public(ShowId),
    /// One of Castkeep's own workers.
    Worker(Worker),
}

/// Castkeep's own workers. Each may do one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Scanned bytes → media, or a reason why not.
    Media,
    /// Uploads whose events got lost → what the events would have led to, or an end.
    UploadSweep,
    /// What a tenancy owns → archives that it can take away.
    Export,
    /// Archives, and feeds of other hosts → shows, episodes and listeners of a tenancy.
    Import,
    /// A show's published episodes → its feed.
    Renderer,
    /// A new tenancy's first items.
    Provision,
    /// Somebody who was invited, or for whom the tenancy's provider vouches → a user who signs in.
    SignIn,
    /// A feed token that many use → a notice, and a listener who is suspended where the show says so.
    ListenerWatch,
    /// An e-mail address that the show admits → a listener, and a mail with their feed URL.
    ListenerWelcome,
    /// What was deleted → nothing, once its day has come; what is known of a person → nothing, at once.
    Deletion,
    /// A tenancy that leaves → a certificate.
    Exit,
    /// Tombstones, and tables that were restored → deletions that begin anew.
    Replay,
    /// What a tenancy needs each day: access that nobody used for long is taken, the audit log is anchored.
    Sweep,
}

impl Worker {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Worker::Media => "media",
            Worker::UploadSweep => "upload-sweep",
            Worker::Export => "export",
            Worker::Import => "import",
            Worker::Renderer => "renderer",
            Worker::Provision => "provision",
            Worker::SignIn => "sign-in",
            Worker::ListenerWatch => "listener-watch",
            Worker::ListenerWelcome => "listener-welcome",
            Worker::Deletion => "deletion",
            Worker::Exit => "exit",
            Worker::Replay => "replay",
            Worker::Sweep => "sweep",
        }
    }
}

impl TenantContext {
    /// The door of the tenancy API: a data token whose signature, issuer, audience and age have been checked.
    pub fn from_token(verified: VerifiedData) -> Self {
        Self {
            tenancy: verified.tenancy,
            principal: match verified.member {
                MemberId::User(id) => Principal::User(id),
                MemberId::Client(id) => Principal::Client(id),
            },
            memberships: verified.memberships,
            mfa_at: verified.mfa_at,
            state: verified.state,
            data_token: Some(verified.token),
        }
    }

    /// The door of a private show's listeners. The three ids are what the directory holds under the feed token's hash.
    pub fn from_feed_token(tenancy: TenancyId, show: ShowId, listener: ListenerId) -> Self {
        Self::without_token(tenancy, Principal::Listener(listener, show))
    }

    /// The door of a public feed: published reads of one show. The ids are what was published under the slug.
    pub fn from_public_slug(tenancy: TenancyId, show: ShowId) -> Self {
        Self::without_token(tenancy, Principal::Public(show))
    }

    /// The door of the workers: the tenancy that an event, a queue message or the directory names. The worker reads the rest
    /// again.
    pub fn from_queue(tenancy: TenancyId, worker: Worker) -> Self {
        Self::without_token(tenancy, Principal::Worker(worker))
    }

    fn without_token(tenancy: TenancyId, principal: Principal) -> Self {
        Self {
            tenancy,
            principal,
            memberships: Vec::new(),
            mfa_at: None,
            state: TenancyState::Active,
            data_token: None,
        }
    }

    /// Whose data.
    pub fn tenancy(&self) -> &TenancyId {
        &self.tenancy
    }

    /// Who asked.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Who asked, where that is a user or a client of the tenancy.
    pub fn member(&self) -> Option<MemberId> {
        match &self.principal {
            Principal::User(id) => Some(MemberId::User(id.clone())),
            Principal::Client(id) => Some(MemberId::Client(id.clone())),
            Principal::Listener(..) | Principal::Public(_) | Principal::Worker(_) => None,
        }
    }

    /// What the caller is a member of.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// When the caller showed a second factor, if they did.
    pub fn mfa_at(&self) -> Option<Timestamp> {
        self.mfa_at
    }

    /// The token to exchange for credentials; none where a worker's or listener's own role stands in.
    pub fn data_token(&self) -> Option<&str> {
        self.data_token.as_deref()
    }

    /// Asks whether the caller may do what `P` stands for in the whole tenancy.
    ///
    /// # Errors
    /// [`Denied`] when no membership of the caller allows it.
    pub fn grant<P: TenancyPermission>(&self) -> Result<Grant<'_, P>, Denied> {
        match self.decide(P::ACTION, Place::Tenancy) {
            true => Ok(Grant { context: self, show: None, permission: PhantomData }),
            false => Err(self.denied(P::ACTION, Place::Tenancy)),
        }
    }

    /// Asks whether the caller may do what `P` stands for in any show. Which shows, [`Permit`] tells.
    ///
    /// # Errors
    /// [`Denied`] when no membership of the caller allows it anywhere.
    pub fn ask<P: ShowPermission>(&self) -> Result<Permit<'_, P>, Denied> {
        match self.decide(P::ACTION, Place::SomeShow) {
            true => Ok(Permit { context: self, permission: PhantomData }),
            false => Err(self.denied(P::ACTION, Place::SomeShow)),
        }
    }

    /// Whether `action` is allowed anywhere at all.
    pub fn may(&self, action: Action) -> bool {
        self.decide(action, Place::Tenancy) || self.decide(action, Place::SomeShow)
    }

    /// Whether the caller holds everything that `membership` would give. Nobody gives what they do not have.
    pub fn may_give(&self, membership: &Membership) -> bool {
        let (somewhere, places) = match &membership.shows {
            None => (Place::Tenancy, vec![Place::Tenancy]),
            Some(shows) => (Place::SomeShow, shows.iter().map(Place::Show).collect()),
        };
        let mut given = Action::ALL.iter().copied().filter(|action| gives(membership, *action, somewhere));
        given.all(|action| places.iter().all(|place| self.decide(action, *place)))
    }

    fn decide(&self, action: Action, place: Place<'_>) -> bool {
        self.state.lets(action) && allows(self.question(self.mfa_at.is_some(), action, place))
    }

    fn question<'a>(&'a self, has_mfa: bool, action: Action, place: Place<'a>) -> Question<'a> {
        let (tenancy, principal, memberships) = (&self.tenancy, &self.principal, &self.memberships);
        Question { tenancy, principal, memberships, has_mfa, action, place }
    }

    fn denied(&self, action: Action, place: Place<'_>) -> Denied {
        if !self.state.lets(action) && allows(self.question(true, action, place)) {
            Denied::Leaving(action, self.state)
        } else if action.effect().needs_mfa() && allows(self.question(true, action, place)) {
            Denied::MfaRequired(action)
        } else {
            Denied::NotAllowed(action)
        }
    }
}

/// Never shows the token.
impl fmt::Debug for TenantContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} for {}", self.principal, self.tenancy)
    }
}

/// As written into audit events: `usr_…`, `key_…`, `lsn_…`, `public`, `worker:media`.
impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::User(id) => id.fmt(formatter),
            Principal::Client(id) => id.fmt(formatter),
            Principal::Listener(id, _) => id.fmt(formatter),
            Principal::Public(_) => formatter.write_str("public"),
            Principal::Worker(worker) => write!(formatter, "worker:{}", worker.as_str()),
        }
    }
}

/// The caller may do what `P` stands for in some shows, or in all.
#[derive(Debug)]
pub struct Permit<'c, P: ShowPermission> {
    context: &'c TenantContext,
    permission: PhantomData<P>,
}

impl<'c, P: ShowPermission> Permit<'c, P> {
    /// Asks about one show.
    ///
    /// # Errors
    /// [`OutOfScope`] when the caller's memberships do not cover it.
    pub fn in_show(&self, show: &ShowId) -> Result<Grant<'c, P>, OutOfScope> {
        self.decide(Place::Show(show), Some(show))
    }

    /// Asks about what belongs to no show, and about every show at once.
    ///
    /// # Errors
    /// [`OutOfScope`] when the caller's memberships cover certain shows only.
    pub fn in_tenancy(&self) -> Result<Grant<'c, P>, OutOfScope> {
        self.decide(Place::Tenancy, None)
    }

    /// Asks about one show, or about what belongs to none.
    ///
    /// # Errors
    /// [`OutOfScope`] when the caller's memberships do not cover it.
    pub fn in_place(&self, show: Option<&ShowId>) -> Result<Grant<'c, P>, OutOfScope> {
        match show {
            Some(show) => self.in_show(show),
            None => self.in_tenancy(),
        }
    }

    fn decide(&self, place: Place<'_>, show: Option<&ShowId>) -> Result<Grant<'c, P>, OutOfScope> {
        match self.context.decide(P::ACTION, place) {
            true => Ok(Grant { context: self.context, show: show.cloned(), permission: PhantomData }),
            false => Err(OutOfScope(P::ACTION)),
        }
    }
}

/// The proof that a caller was allowed to do what `P` stands for. Made by [`TenantContext::grant`] and by a [`Permit`] alone.
#[derive(Debug)]
pub struct Grant<'c, P: Permission> {
    context: &'c TenantContext,
    show: Option<ShowId>,
    permission: PhantomData<P>,
}

impl<P: Permission> Grant<'_, P> {
    /// Whose data, and who asked.
    pub fn context(&self) -> &TenantContext {
        self.context
    }

    /// What was allowed.
    pub fn action(&self) -> Action {
        P::ACTION
    }

    /// Whether it reaches what belongs to `show`, or to no show.
    pub fn covers_place(&self, show: Option<&ShowId>) -> bool {
        match show {
            Some(show) => self.covers(show),
            None => self.show.is_none(),
        }
    }

    /// Whether it reaches `show`.
    pub fn covers(&self, show: &ShowId) -> bool {
        self.show.as_ref().is_none_or(|granted| granted == show)
    }
}

/// Somebody who runs the deployment: may make tenancies, and sees into none.
#[derive(Debug)]
pub struct Operator {
    _door: (),
}

impl Operator {
    pub(crate) fn new() -> Self {
        Self { _door: () }
    }

    /// The context in which a new tenancy's first items are written.
    pub fn provision(&self, new_tenancy: TenancyId) -> TenantContext {
        TenantContext::from_queue(new_tenancy, Worker::Provision)
    }
}

/// Proof that first items may be written; see [`Operator::provision`].
pub type ProvisionGrant<'c> = Grant<'c, ProvisionTenancy>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        GroupRef, SystemGroup,
        permission::{
            CreateClient, CreateShow, ProcessUpload, PublishEpisode, ReadShows, RenderFeed, UpdateEpisode,
        },
    };

    fn tenancy() -> TenancyId {
        "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn show(last: char) -> ShowId {
        format!("shw_01ARZ3NDEKTSV4RRFFQ69G5FA{last}").parse().unwrap()
    }

    fn member(memberships: Vec<Membership>, mfa_at: Option<Timestamp>) -> TenantContext {
        let member = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let token = String::new();
        in_state(TenancyState::Active, member, memberships, mfa_at, token)
    }

    fn in_state(
        state: TenancyState,
        member: MemberId,
        memberships: Vec<Membership>,
        mfa_at: Option<Timestamp>,
        token: String,
    ) -> TenantContext {
        TenantContext::from_token(VerifiedData {
            tenancy: tenancy(),
            member,
            memberships,
            mfa_at,
            state,
            token,
        })
    }

    #[test]
    fn whoever_leaves_writes_nothing_and_is_told_why() {
        let closing = |state| {
            let member = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
            let groups = vec![of(SystemGroup::Owners)];
            in_state(state, member, groups, Some(Timestamp::EPOCH), String::new())
        };
        let (closing, sealed) = (closing(TenancyState::Closing), closing(TenancyState::Sealed));
        let denied = |context: &TenantContext| context.grant::<CreateShow>().unwrap_err();
        assert_eq!(denied(&closing), Denied::Leaving(Action::CreateShow, TenancyState::Closing));
        assert!(closing.ask::<ReadShows>().is_ok());
        assert_eq!(
            sealed.ask::<ReadShows>().unwrap_err(),
            Denied::Leaving(Action::ReadShows, TenancyState::Sealed)
        );
    }

    fn of(group: SystemGroup) -> Membership {
        Membership::of_system_group(group)
    }

    fn in_show(group: SystemGroup, last: char) -> Membership {
        Membership { shows: Some(vec![show(last)]), ..of(group) }
    }

    #[test]
    fn listeners_are_granted_nothing() {
        let context = TenantContext::from_public_slug(tenancy(), show('V'));
        assert!(Action::ALL.iter().all(|action| !context.may(*action)));
        assert_eq!(
            context.ask::<ReadShows>().unwrap_err().to_string(),
            "none of your groups allows shows:read"
        );
    }

    #[test]
    fn a_worker_does_its_one_thing() {
        let context = TenantContext::from_queue(tenancy(), Worker::Media);
        assert!(context.grant::<ProcessUpload>().is_ok());
        assert!(context.grant::<RenderFeed>().is_err());
        assert!(context.grant::<CreateShow>().is_err());
    }

    #[test]
    fn administration_asks_for_a_second_factor() {
        let without = member(vec![of(SystemGroup::Owners)], None);
        let with = member(vec![of(SystemGroup::Owners)], Some(Timestamp::EPOCH));
        let editor = member(vec![of(SystemGroup::Editors)], Some(Timestamp::EPOCH));

        assert_eq!(without.grant::<CreateClient>().unwrap_err(), Denied::MfaRequired(Action::CreateClient));
        assert!(with.grant::<CreateClient>().is_ok());
        assert_eq!(editor.grant::<CreateClient>().unwrap_err(), Denied::NotAllowed(Action::CreateClient));
        assert!(without.grant::<CreateShow>().is_ok());
    }

    #[test]
    fn a_membership_in_one_show_reaches_no_other_and_not_the_tenancy() {
        let editor = member(vec![in_show(SystemGroup::Editors, 'A')], None);
        let permit = editor.ask::<UpdateEpisode>().unwrap();

        let grant = permit.in_show(&show('A')).unwrap();
        assert!(grant.covers(&show('A')) && !grant.covers(&show('B')));
        assert_eq!(permit.in_show(&show('B')).unwrap_err(), OutOfScope(Action::UpdateEpisode));
        assert!(permit.in_tenancy().is_err());
        assert!(editor.grant::<CreateShow>().is_err());
        assert!(permit_everywhere().covers(&show('B')));
    }

    fn permit_everywhere() -> Grant<'static, UpdateEpisode> {
        let editor = Box::leak(Box::new(member(vec![of(SystemGroup::Editors)], None)));
        editor.ask::<UpdateEpisode>().unwrap().in_tenancy().unwrap()
    }

    #[test]
    fn scopes_of_two_memberships_do_not_mix() {
        let member =
            member(vec![in_show(SystemGroup::Contributors, 'A'), in_show(SystemGroup::Editors, 'B')], None);
        let permit = member.ask::<PublishEpisode>().unwrap();
        assert!(permit.in_show(&show('A')).is_err());
        assert!(permit.in_show(&show('B')).is_ok());
    }

    #[test]
    fn a_custom_group_allows_what_it_was_given_and_never_a_workers_work() {
        let group = GroupRef::Custom("grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
        let permissions = vec![Action::CreateShow, Action::ProcessUpload];
        let member = member(vec![Membership { group, permissions, shows: None }], None);
        assert!(member.grant::<CreateShow>().is_ok());
        assert!(member.grant::<ProcessUpload>().is_err());
        assert!(member.ask::<ReadShows>().is_err());
    }

    #[test]
    fn nobody_gives_what_they_do_not_have() {
        let mfa = Some(Timestamp::EPOCH);
        let owner = member(vec![of(SystemGroup::Owners)], mfa);
        let group = GroupRef::Custom("grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
        let permissions = vec![Action::ManageMembers, Action::ReadShows];
        let helper = member(vec![Membership { group, permissions, shows: None }], mfa);
        let editor_of_one = member(vec![in_show(SystemGroup::Editors, 'A')], mfa);

        assert!(SystemGroup::ALL.iter().all(|group| owner.may_give(&of(*group))));
        assert!(!helper.may_give(&of(SystemGroup::Owners)));
        assert!(!helper.may_give(&of(SystemGroup::Analysts)), "it reads episodes too");
        assert!(editor_of_one.may_give(&in_show(SystemGroup::Publishers, 'A')));
        assert!(!editor_of_one.may_give(&in_show(SystemGroup::Publishers, 'B')));
        assert!(!editor_of_one.may_give(&of(SystemGroup::Publishers)));
    }
}
