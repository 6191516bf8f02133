//! What callers see of the tenancy, users, clients, groups and their members.

use domain::{
    Access, AccessState, ClientName, CustomGroup, EmailAddress, GrantedMembership, GroupName, PersonName,
    TenancyName,
};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{Client, Invitation, Secret, Tenancy, User};
use tenant_context::{
    Action, ClientId, GroupRef, MemberId, ShowId, SystemGroup, TenancyId, Timestamp, UserId,
};

/// A customer's space.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tenancy")]
pub(crate) struct TenancyView {
    /// Its id.
    id: TenancyId,
    /// What the customer calls it.
    name: TenancyName,
    /// When it was made.
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(crate) struct UserView {
    id: UserId,
    name: PersonName,
    email: EmailAddress,
    state: AccessState,
    memberships: Vec<MembershipView>,
    created_at: Timestamp,
}

/// A user with the only sight of their invitation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InvitedUser")]
pub(crate) struct InvitedUserView {
    #[serde(flatten)]
    user: UserView,
    invitation: InvitationView,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
pub(crate) struct InvitationView {
    /// Goes with the first sign-in: `invitation=…` at `POST /oauth/token`.
    secret: String,
    expires_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(crate) struct ClientView {
    client_id: ClientId,
    name: ClientName,
    /// What its secret begins with, to tell one secret from another.
    secret_prefix: String,
    memberships: Vec<MembershipView>,
    /// Whether its sign-in counts as one with a second factor.
    is_vouched_for: bool,
    /// The person it was made for, if for one.
    user_id: Option<UserId>,
    created_at: Timestamp,
    rotated_at: Timestamp,
}

/// A client with the only sight of its secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientView,
    client_secret: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantedMembership")]
pub(crate) struct MembershipView {
    group: GroupRef,
    /// The shows that it covers; null means the whole tenancy.
    shows: Option<Vec<ShowId>>,
    granted_at: Timestamp,
    /// By whom: the id of a person or a machine client.
    granted_by: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub(crate) struct GroupView {
    /// A name for the system's groups, `grp_…` for the tenancy's own.
    id: GroupRef,
    name: String,
    /// Whether it is the same in every tenancy and cannot be changed.
    is_system: bool,
    /// What it allows.
    permissions: Vec<Action>,
    /// When it was made; none for a system group.
    created_at: Option<Timestamp>,
}

/// A member of a group.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(crate) struct MemberView {
    pub(crate) member_id: MemberId,
    state: AccessState,
    #[serde(flatten)]
    membership: MembershipView,
}

impl From<Tenancy> for TenancyView {
    fn from(tenancy: Tenancy) -> Self {
        let Tenancy { id, name, created_at, .. } = tenancy;
        Self { id, name, created_at }
    }
}

impl UserView {
    pub(crate) fn new((user, access): (User, Access)) -> Self {
        let User { id, name, email, created_at } = user;
        let memberships = access.memberships.into_iter().map(MembershipView::from).collect();
        Self { id, name, email, state: access.state, memberships, created_at }
    }
}

impl InvitedUserView {
    pub(crate) fn new(user: (User, Access), invitation: Invitation) -> Self {
        Self { user: UserView::new(user), invitation: invitation.into() }
    }
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self { secret: invitation.secret.reveal().to_owned(), expires_at: invitation.expires_at }
    }
}

impl ClientView {
    pub(crate) fn new((client, access): (Client, Access)) -> Self {
        let Client { id, name, secret_prefix, user_id, created_at, rotated_at, .. } = client;
        Self {
            client_id: id,
            name,
            secret_prefix,
            memberships: access.memberships.into_iter().map(MembershipView::from).collect(),
            is_vouched_for: access.is_vouched_for,
            user_id,
            created_at,
            rotated_at,
        }
    }
}

impl ClientWithSecret {
    pub(crate) fn new(client: (Client, Access), secret: &Secret) -> Self {
        Self { client: ClientView::new(client), client_secret: secret.reveal().to_owned() }
    }
}

impl From<GrantedMembership> for MembershipView {
    fn from(membership: GrantedMembership) -> Self {
        let GrantedMembership { group, shows, granted_at, granted_by } = membership;
        Self { group, shows, granted_at, granted_by }
    }
}

impl From<SystemGroup> for GroupView {
    fn from(group: SystemGroup) -> Self {
        let name = group.as_str();
        let capital = name.chars().next().map(|first| first.to_ascii_uppercase());
        Self {
            id: group.into(),
            name: capital.into_iter().chain(name.chars().skip(1)).collect(),
            is_system: true,
            permissions: group.permissions(),
            created_at: None,
        }
    }
}

impl From<CustomGroup> for GroupView {
    fn from(group: CustomGroup) -> Self {
        Self {
            id: GroupRef::Custom(group.id),
            name: GroupName::into(group.name),
            is_system: false,
            permissions: group.permissions,
            created_at: Some(group.created_at),
        }
    }
}

impl MemberView {
    pub(crate) fn new(access: &Access, membership: &GrantedMembership) -> Self {
        Self {
            member_id: access.member_id.clone(),
            state: access.state,
            membership: membership.clone().into(),
        }
    }
}
