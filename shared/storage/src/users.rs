//! The people of a tenancy. Names and e-mail addresses are sealed; what a person may do is their `Access`.

use std::time::Duration;

use domain::{Access, DeletionSubject, EmailAddress, PersonName, Quota};
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, MemberId, TenantContext, Timestamp, UserId,
    permission::{InviteUser, ReadUsers, RemoveUser, UpdateUser},
};

use crate::{
    InvitationRecord, Page, PageRequest, Secret, SecretHash, Storage, StorageError,
    keys::Collection,
    sealed::{DataKey, Sealed},
    transaction::Change,
};

/// How long an invitation is good for.
const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A person in a tenancy.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// Where to write to them. No two people of a tenancy have the same address.
    pub email: EmailAddress,
    /// When they were invited, or came by themselves through the tenancy's identity provider.
    pub created_at: Timestamp,
}

/// An invitation: whoever signs in with its secret before it expires is the user it was made for.
#[derive(Debug)]
pub struct Invitation {
    /// Shown once.
    pub secret: Secret,
    /// The moment from which it is void.
    pub expires_at: Timestamp,
}

/// How somebody comes into a tenancy.
pub(crate) enum ComesBy<'a> {
    /// An owner asked them in.
    Invitation(&'a Invitation),
    /// The tenancy's identity provider vouches for the person of this identity.
    Provider(&'a SecretHash),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredUser {
    id: UserId,
    sealed_name: Sealed,
    sealed_email: Sealed,
    /// Where the address is in the index.
    pub(crate) email_index: String,
    /// The invitation that is out, so that a new one voids it.
    pub(crate) invitation_hash: Option<SecretHash>,
    /// The person who signs in as this user, so that removing them is removed everywhere.
    #[serde(default)]
    pub(crate) identity: Option<SecretHash>,
    created_at: Timestamp,
    pub(crate) version: u64,
}

/// In the index of addresses.
#[derive(Serialize, Deserialize)]
struct IndexEntry {
    user_id: UserId,
}

impl Invitation {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self {
            secret: Secret::generate(storage.randomness()),
            expires_at: storage.now().plus(INVITATION_LIFETIME),
        }
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(self.secret.reveal())
    }
}

impl User {
    /// Who they are as a member of groups.
    pub fn member_id(&self) -> MemberId {
        MemberId::User(self.id.clone())
    }
}

impl StoredUser {
    fn seal(
        user: &User,
        context: &TenantContext,
        key: &DataKey,
        storage: &Storage,
    ) -> Result<Self, StorageError> {
        let seal = |field: &str, text: &str| {
            key.seal(context, &format!("{}/{field}", user.id), text, storage.randomness())
        };
        Ok(Self {
            id: user.id.clone(),
            sealed_name: seal("name", user.name.as_str())?,
            sealed_email: seal("email", user.email.as_str())?,
            email_index: email_index(context, key, &user.email),
            invitation_hash: None,
            identity: None,
            created_at: user.created_at,
            version: 1,
        })
    }

    /// Where to write to them.
    pub(crate) fn open_email(
        &self,
        context: &TenantContext,
        key: &DataKey,
    ) -> Result<EmailAddress, StorageError> {
        let email = key.open(context, &format!("{}/email", self.id), &self.sealed_email)?;
        email.try_into().map_err(StorageError::corrupt)
    }

    fn open(self, context: &TenantContext, key: &DataKey) -> Result<User, StorageError> {
        let open = |field: &str, sealed: &Sealed| key.open(context, &format!("{}/{field}", self.id), sealed);
        Ok(User {
            name: open("name", &self.sealed_name)?.try_into().map_err(StorageError::corrupt)?,
            email: open("email", &self.sealed_email)?.try_into().map_err(StorageError::corrupt)?,
            id: self.id,
            created_at: self.created_at,
        })
    }
}

/// Addresses are told apart without regard to case.
pub(crate) fn email_index(context: &TenantContext, key: &DataKey, email: &EmailAddress) -> String {
    key.blind_index(context, "email", &email.as_str().to_lowercase())
}

impl Change<'_> {
    /// A person who is new to the tenancy, with what they may do.
    pub(crate) fn create_user(
        &mut self,
        storage: &Storage,
        context: &TenantContext,
        key: &DataKey,
        (user, access): (&User, &Access),
        comes_by: ComesBy<'_>,
    ) -> Result<&mut Self, StorageError> {
        let mut stored = StoredUser::seal(user, context, key, storage)?;
        match comes_by {
            ComesBy::Invitation(invitation) => stored.invitation_hash = Some(invitation.hash()),
            ComesBy::Provider(identity) => stored.identity = Some(identity.clone()),
        }
        let entry = IndexEntry { user_id: user.id.clone() };
        self.create(Collection::UserEmails, &stored.email_index, &entry)?
            .create(Collection::Users, user.id.as_str(), &stored)?
            .save_access(None, access)
    }
}

impl Storage {
    /// The people of the tenancy, each with what they may do. Who asked is in the audit log before they see anybody.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_users(
        &self,
        grant: &Grant<'_, ReadUsers>,
        request: &PageRequest,
    ) -> Result<Page<(User, Access)>, StorageError> {
        self.record(grant, grant.context().tenancy().as_str()).await?;
        let page: Page<StoredUser> = self.list(grant.context(), Collection::Users, request).await?;
        Ok(Page { items: self.open_users(grant.context(), page.items).await?, next: page.next })
    }

    /// Finds a person. Who asked is in the audit log before they see them; who is told that there is nobody has seen nobody.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_user(
        &self,
        grant: &Grant<'_, ReadUsers>,
        id: &UserId,
    ) -> Result<Option<(User, Access)>, StorageError> {
        let Some(found) = self.find_stored_user(grant.context(), id).await? else { return Ok(None) };
        self.record(grant, id.as_str()).await?;
        Ok(self.open_users(grant.context(), vec![found]).await?.into_iter().next())
    }

    /// Whether there is such a user. Nothing is told of them.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn has_user(&self, context: &TenantContext, id: &UserId) -> Result<bool, StorageError> {
        Ok(self.find_stored_user(context, id).await?.is_some())
    }

    /// Whether somebody has this address already.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn has_user_with_email(
        &self,
        grant: &Grant<'_, InviteUser>,
        email: &EmailAddress,
    ) -> Result<bool, StorageError> {
        Ok(self.find_user_id_by_email(grant.context(), email).await?.is_some())
    }

    pub(crate) async fn find_user_id_by_email(
        &self,
        context: &TenantContext,
        email: &EmailAddress,
    ) -> Result<Option<UserId>, StorageError> {
        let index = self.with_data_key(context, |key| Ok(email_index(context, key, email))).await?;
        let found: Option<IndexEntry> = self.find(context, Collection::UserEmails, &index).await?;
        Ok(found.map(|entry| entry.user_id))
    }

    /// Adds a person who has yet to accept the invitation that this answers. If it gets lost, another can be made.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody has the address, or a group that they are to be in is gone.
    pub async fn create_user(
        &self,
        grant: &Grant<'_, InviteUser>,
        user: &User,
        access: &Access,
    ) -> Result<Invitation, StorageError> {
        let context = grant.context();
        let invitation = Invitation::new(self);
        let mut change = Change::new(self, grant, user.id.as_str())?;
        self.with_data_key(context, |key| {
            change.create_user(self, context, key, (user, access), ComesBy::Invitation(&invitation)).map(drop)
        })
        .await?;
        change.check_groups_exist(access)?.count(Quota::Users, 1);
        change.commit().await?;
        self.remember_invitation(context, &user.id, &invitation).await?;
        Ok(invitation)
    }

    /// Makes an invitation for somebody who has yet to accept, and voids the one before. None when there is no such user.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else does the same at this moment.
    pub async fn invite(
        &self,
        grant: &Grant<'_, InviteUser>,
        id: &UserId,
    ) -> Result<Option<Invitation>, StorageError> {
        let context = grant.context();
        let Some(mut stored) = self.find_stored_user(context, id).await? else { return Ok(None) };

        if let Some(earlier) = &stored.invitation_hash {
            self.delete_invitation_record(earlier).await?;
        }
        let invitation = Invitation::new(self);
        let version = stored.version;
        stored.invitation_hash = Some(invitation.hash());
        stored.version += 1;
        let mut change = Change::new(self, grant, id.as_str())?;
        change.replace(Collection::Users, id.as_str(), version, &stored)?;
        change.commit().await?;

        self.remember_invitation(context, id, &invitation).await?;
        Ok(Some(invitation))
    }

    /// Suspends somebody, or lets them back in. Their sessions end.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed them first, [`StorageError::LastOwner`].
    pub async fn update_user_access(
        &self,
        grant: &Grant<'_, UpdateUser>,
        before: &Access,
        after: &Access,
    ) -> Result<(), StorageError> {
        self.change_access(grant, before, after).await?.commit().await
    }

    /// Removes somebody: their name and address, what they may do, and an invitation that is out.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed them at the same moment, [`StorageError::LastOwner`],
    /// [`StorageError::Held`] when a legal hold keeps them.
    pub async fn remove_user(
        &self,
        grant: &Grant<'_, RemoveUser>,
        id: &UserId,
        access: &Access,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let Some(stored) = self.find_stored_user(context, id).await? else { return Ok(()) };
        if access.is_owner() {
            self.check_other_owners(context, access).await?;
        }
        let holds = self.check_not_held(context, &DeletionSubject::User { user_id: id.clone() }).await?;

        let mut change = Change::new(self, grant, id.as_str())?;
        change
            .while_not_held(&holds)?
            .delete(Collection::Users, id.as_str())?
            .delete(Collection::UserEmails, &stored.email_index)?
            .delete_access(access)?
            .count(Quota::Users, -1);
        change.commit().await?;
        if let Some(invitation) = &stored.invitation_hash {
            self.delete_invitation_record(invitation).await?;
        }
        match &stored.identity {
            Some(identity) => self.unbind_identity(identity, context.tenancy()).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn remember_invitation(
        &self,
        context: &TenantContext,
        user: &UserId,
        invitation: &Invitation,
    ) -> Result<(), StorageError> {
        let record = InvitationRecord {
            tenancy_id: context.tenancy().clone(),
            user_id: user.clone(),
            expires_at: invitation.expires_at.unix_seconds(),
        };
        self.create_invitation_record(&invitation.hash(), &record).await
    }

    pub(crate) async fn find_stored_user(
        &self,
        context: &TenantContext,
        id: &UserId,
    ) -> Result<Option<StoredUser>, StorageError> {
        self.find(context, Collection::Users, id.as_str()).await
    }

    pub(crate) async fn open_users(
        &self,
        context: &TenantContext,
        stored: Vec<StoredUser>,
    ) -> Result<Vec<(User, Access)>, StorageError> {
        let open = |key: &DataKey| stored.into_iter().map(|user| user.open(context, key)).collect();
        let users: Vec<User> = self.with_data_key(context, open).await?;
        self.with_access(context, users, User::member_id).await
    }
}
