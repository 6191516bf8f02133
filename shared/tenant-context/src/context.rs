//! [`TenantContext`]: the one answer to "whose data?", and its doors.

use std::{fmt, marker::PhantomData};

use crate::{
    Action, ClientId, Denied, Group, ListenerId, Permission, ShowId, TenancyId, permission::ProvisionTenancy,
    token::VerifiedData,
};

/// Whose data an operation works on, who asked, and what they may do.
///
/// Only the doors below make one, and none of them takes the tenancy from a path, a query, a header or a body.
#[derive(Clone)]
pub struct TenantContext {
    tenancy: TenancyId,
    principal: Principal,
    groups: Vec<Group>,
    data_token: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
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
    /// A show's published episodes → its feed.
    Renderer,
    /// A new tenancy's first items.
    Provision,
}

impl TenantContext {
    /// The door of the tenancy API: a data token whose signature, issuer, audience and age have been checked.
    pub fn from_token(verified: VerifiedData) -> Self {
        Self {
            tenancy: verified.tenancy,
            principal: Principal::Client(verified.client),
            groups: verified.groups,
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

    /// The door of the workers: the tenancy that an event or a queue message names. The worker reads the rest again.
    pub fn from_queue(tenancy: TenancyId, worker: Worker) -> Self {
        Self::without_token(tenancy, Principal::Worker(worker))
    }

    fn without_token(tenancy: TenancyId, principal: Principal) -> Self {
        Self { tenancy, principal, groups: Vec::new(), data_token: None }
    }

    /// Whose data.
    pub fn tenancy(&self) -> &TenancyId {
        &self.tenancy
    }

    /// Who asked.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The groups that the caller belongs to.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The token to exchange for credentials; none where a worker's or listener's own role stands in.
    pub fn data_token(&self) -> Option<&str> {
        self.data_token.as_deref()
    }

    /// Asks whether the caller may do what `P` stands for.
    ///
    /// # Errors
    /// [`Denied`] when no group of the caller allows it.
    pub fn grant<P: Permission>(&self) -> Result<Grant<'_, P>, Denied> {
        if self.allows(P::ACTION) {
            Ok(Grant { context: self, permission: PhantomData })
        } else {
            Err(Denied { action: P::ACTION })
        }
    }

    fn allows(&self, action: Action) -> bool {
        match &self.principal {
            Principal::Client(_) => self.groups.iter().any(|group| group.allows(action)),
            Principal::Listener(..) | Principal::Public(_) => false,
            Principal::Worker(Worker::Media) => action == Action::ProcessUpload,
            Principal::Worker(Worker::Renderer) => action == Action::RenderFeed,
            Principal::Worker(Worker::Provision) => action == Action::ProvisionTenancy,
        }
    }
}

/// Never shows the token.
impl fmt::Debug for TenantContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} for {}", self.principal, self.tenancy)
    }
}

/// As written into audit events: `key_…`, `lsn_…`, `public`, `worker:media`.
impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Client(id) => id.fmt(formatter),
            Principal::Listener(id, _) => id.fmt(formatter),
            Principal::Public(_) => formatter.write_str("public"),
            Principal::Worker(Worker::Media) => formatter.write_str("worker:media"),
            Principal::Worker(Worker::Renderer) => formatter.write_str("worker:renderer"),
            Principal::Worker(Worker::Provision) => formatter.write_str("worker:provision"),
        }
    }
}

/// The proof that a caller was allowed to do what `P` stands for. Made by [`TenantContext::grant`] alone.
#[derive(Debug)]
pub struct Grant<'c, P: Permission> {
    context: &'c TenantContext,
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
    use crate::permission::{CreateShow, ProcessUpload, ReadShows, RenderFeed};

    fn tenancy() -> TenancyId {
        "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn show() -> ShowId {
        "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    #[test]
    fn listeners_are_granted_nothing() {
        let context = TenantContext::from_public_slug(tenancy(), show());
        assert!(Action::ALL.iter().all(|action| !context.allows(*action)));
        assert_eq!(
            context.grant::<ReadShows>().unwrap_err().to_string(),
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
}
