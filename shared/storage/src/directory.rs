//! What must be found before the tenancy is known, through the function's own role. Each function reaches only the kinds it needs.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, TransactWriteItem};
use domain::{Access, CustomGroup, Farewell, ListenerAccess, ListenerState, ProviderName, Slug, SsoSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tenant_context::{
    ClientId, Grant, GroupRef, ListenerId, MemberId, SessionId, ShowId, TenancyId, TenancyState, Timestamp,
    UserId,
    permission::{CarryOutDeletion, UpdateSso},
    token::Bearer,
};

use crate::{
    SecretHash, Storage, StorageError,
    access::{Activity, TenancyAccess},
    error::During,
    item::{Item, body, get, item, key, sort_key, string},
    keys::{TENANCY_ACCESS, access_of, activity_of},
};

/// Who a client is, for signing in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The client.
    pub client_id: ClientId,
    /// The tenancy that it belongs to.
    pub tenancy_id: TenancyId,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
}

/// What the directory knows of somebody who signs in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// What they may do.
    pub access: Access,
    /// The groups of the tenancy's own that they are in.
    pub groups: Vec<CustomGroup>,
    /// Whether the tenancy leaves.
    pub state: TenancyState,
    tenancy_version: u64,
}

/// An invitation that was not accepted yet, under the hash of its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationRecord {
    /// Into which tenancy.
    pub tenancy_id: TenancyId,
    /// As whom.
    pub user_id: UserId,
    /// Seconds since 1970, for DynamoDB's time to live.
    pub expires_at: u64,
}

/// A person who signs in, as a user of one tenancy. A person may be a user of several.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityRecord {
    /// Which tenancy.
    pub tenancy_id: TenancyId,
    /// As whom.
    pub user_id: UserId,
}

/// A session, for as long as its tokens live. Deleting it revokes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub session_id: SessionId,
    /// Who signed in, for logs.
    pub principal_id: String,
    /// The tenancy; none for an operator.
    pub tenancy_id: Option<TenancyId>,
    /// What the functions exchange for credentials.
    pub data_token: String,
    /// The versions of the member's and of the tenancy's access that it was started at; none for an operator.
    pub started_at_versions: Option<(u64, u64)>,
    /// Seconds since 1970, for DynamoDB's time to live.
    pub expires_at: u64,
}

/// The show behind a public name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugRecord {
    /// The name.
    pub slug: Slug,
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The show.
    pub show_id: ShowId,
    /// What apps are told for good, once the tenancy has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell: Option<LastWord>,
}

/// What apps are told for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWord {
    /// Where to go, or that there is nothing more.
    pub farewell: Farewell,
    /// Since when.
    pub said_at: Timestamp,
}

/// The listener behind a feed token's hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedTokenRecord {
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The private show.
    pub show_id: ShowId,
    /// The listener.
    pub listener_id: ListenerId,
    /// Whether the token works. The listener's own item is what counts; while it changes, this is the stricter.
    #[serde(default)]
    pub access: ListenerAccess,
    /// The version of the listener that this is made of.
    #[serde(default)]
    pub listener_version: u64,
}

/// What signing in through a tenancy's own identity provider leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRecord {
    /// The provider.
    pub provider: ProviderName,
    /// The tenancy that whoever comes through it belongs to.
    pub tenancy_id: TenancyId,
    /// The Cognito client that takes this provider and no other: the audience of its people's ID tokens.
    pub client_id: String,
    /// Whether signing in to the tenancy with a password is refused.
    pub is_forced: bool,
    /// Whether signing in through the provider counts as MFA.
    pub provider_enforces_mfa: bool,
    /// The group that somebody joins who signs in for the first time; none when everybody must be invited.
    pub join_group: Option<GroupRef>,
    /// The version of the settings that this is made of.
    pub settings_version: u64,
}

impl ProviderRecord {
    /// What `settings` lead to, once Cognito knows the provider and its client.
    pub fn new(
        grant: &Grant<'_, UpdateSso>,
        client_id: String,
        settings: &SsoSettings,
        settings_version: u64,
    ) -> Self {
        let tenancy = grant.context().tenancy();
        Self {
            provider: ProviderName::of(tenancy),
            tenancy_id: tenancy.clone(),
            client_id,
            is_forced: settings.is_forced,
            provider_enforces_mfa: settings.provider_enforces_mfa,
            join_group: settings.join_group.clone(),
            settings_version,
        }
    }

    /// What holds while Cognito changes over to `settings`: whichever is stricter, since either provider may answer.
    #[must_use]
    pub fn restricted_by(&self, settings: &SsoSettings) -> Self {
        Self {
            is_forced: self.is_forced || settings.is_forced,
            provider_enforces_mfa: self.provider_enforces_mfa && settings.provider_enforces_mfa,
            join_group: self.join_group.clone().filter(|group| settings.join_group.as_ref() == Some(group)),
            ..self.clone()
        }
    }
}

pub(crate) fn identity_of(identity: &SecretHash) -> String {
    format!("identity#{}", identity.as_str())
}

pub(crate) fn feed_token(hash: &SecretHash) -> String {
    format!("feed-token#{}", hash.as_str())
}

pub(crate) fn client(id: &ClientId) -> String {
    format!("client#{id}")
}

pub(crate) fn invitation(hash: &SecretHash) -> String {
    format!("invitation#{}", hash.as_str())
}

pub(crate) fn provider(name: &ProviderName) -> String {
    format!("provider#{name}")
}

/// The partition that lists the tenancies.
const TENANCIES: &str = "tenancies";

/// In the list of tenancies. Those that have left stay in it, so that nothing of them comes back with a restored table unseen.
#[derive(Serialize, Deserialize)]
struct TenancyEntry {
    /// Since when it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_at: Option<Timestamp>,
    /// Since when nothing of it is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
}

fn single(pk: String) -> Item {
    key(pk.clone(), pk)
}

impl Storage {
    /// Finds a client that wants to sign in.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_client_record(&self, id: &ClientId) -> Result<Option<ClientRecord>, StorageError> {
        self.look_up(client(id)).await
    }

    /// Lets a client sign in from now on.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken.
    pub(crate) async fn create_client_record(&self, record: &ClientRecord) -> Result<(), StorageError> {
        self.enter(format!("client#{}", record.client_id), record, "attribute_not_exists(pk)", &[]).await
    }

    /// Lets a client sign in with another secret from now on.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn replace_client_record(&self, record: &ClientRecord) -> Result<(), StorageError> {
        let values = [(":tenancy", string(record.tenancy_id.as_str()))];
        self.enter(format!("client#{}", record.client_id), record, "tenancy_id = :tenancy", &values).await
    }

    /// Forgets a client's secret.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn delete_client_record(&self, id: &ClientId) -> Result<(), StorageError> {
        self.forget(single(format!("client#{id}"))).await
    }

    /// What a member of `tenancy` may do, for signing in. None when they are no member.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_sign_in(
        &self,
        tenancy: &TenancyId,
        member: &MemberId,
    ) -> Result<Option<SignIn>, StorageError> {
        let keys = |sorts: &[&str]| sorts.iter().map(|sort| key(access_of(tenancy), *sort)).collect();
        let mut found = self.look_up_together(keys(&[TENANCY_ACCESS, member.as_str()])).await?;
        let Some(access) = take::<Access>(&mut found, member.as_str())? else { return Ok(None) };
        let tenancy_access = take::<TenancyAccess>(&mut found, TENANCY_ACCESS)?;
        let tenancy_access = tenancy_access.ok_or_else(|| StorageError::corrupt("the tenancy is missing"))?;

        let ids: Vec<&str> = access
            .memberships
            .iter()
            .filter_map(|membership| match &membership.group {
                GroupRef::System(_) => None,
                GroupRef::Custom(id) => Some(id.as_str()),
            })
            .collect();
        let groups = match ids.is_empty() {
            true => HashMap::new(),
            false => self.look_up_together(keys(&ids)).await?,
        };
        let groups = groups.into_values().map(body).collect::<Result<_, _>>()?;
        let TenancyAccess { version: tenancy_version, state, .. } = tenancy_access;
        Ok(Some(SignIn { access, groups, state, tenancy_version }))
    }

    /// Remembers that a member got a token.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn touch(&self, tenancy: &TenancyId, member: &MemberId) -> Result<(), StorageError> {
        let activity = Activity { member_id: member.clone(), last_active_at: self.now() };
        self.put(item(activity_of(tenancy), member.as_str(), &activity)?, None, &[]).await
    }

    /// Remembers an invitation.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn create_invitation_record(
        &self,
        hash: &SecretHash,
        record: &InvitationRecord,
    ) -> Result<(), StorageError> {
        let pk = format!("invitation#{}", hash.as_str());
        self.enter(pk, record, "attribute_not_exists(pk)", &[]).await
    }

    /// Makes an invitation void. One that does not exist is void already.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn delete_invitation_record(&self, hash: &SecretHash) -> Result<(), StorageError> {
        self.forget(single(format!("invitation#{}", hash.as_str()))).await
    }

    /// The invitation behind a secret, if it is still good at `now`.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_invitation(
        &self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>, StorageError> {
        let found: Option<InvitationRecord> = self.look_up(format!("invitation#{}", hash.as_str())).await?;
        Ok(found.filter(|invitation| now.unix_seconds() < invitation.expires_at))
    }

    /// Every user that a person is, by tenancy. `identity` is the hash of their subject at the user pool.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_identities(&self, identity: &SecretHash) -> Result<Vec<IdentityRecord>, StorageError> {
        self.look_up_all(identity_of(identity)).await?.into_iter().map(body).collect()
    }

    /// Makes a person a user of a tenancy. The same twice is once.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when they are another user of that tenancy.
    pub(crate) async fn bind_identity(
        &self,
        identity: &SecretHash,
        record: &IdentityRecord,
    ) -> Result<(), StorageError> {
        let values = [(":user", string(record.user_id.as_str()))];
        let item = item(identity_of(identity), record.tenancy_id.as_str(), record)?;
        self.put(item, Some("attribute_not_exists(pk) OR user_id = :user"), &values).await
    }

    /// Forgets that a person is a user of a tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn unbind_identity(
        &self,
        identity: &SecretHash,
        tenancy: &TenancyId,
    ) -> Result<(), StorageError> {
        self.forget(key(identity_of(identity), tenancy.as_str())).await
    }

    /// Remembers a session.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken.
    pub async fn create_session(&self, record: &SessionRecord) -> Result<(), StorageError> {
        self.enter(format!("session#{}", record.session_id), record, "attribute_not_exists(pk)", &[]).await
    }

    /// Finds a session that nobody ended, and whose member may do what they could when it started. DynamoDB deletes late: the
    /// caller checks the token's `exp`.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_live_session(&self, bearer: &Bearer) -> Result<Option<SessionRecord>, StorageError> {
        let session = format!("session#{}", bearer.session);
        let mut keys = vec![single(session.clone())];
        if let Some((tenancy, member)) = &bearer.member {
            keys.extend([member.as_str(), TENANCY_ACCESS].map(|sort| key(access_of(tenancy), sort)));
        }
        let mut found = self.look_up_together(keys).await?;
        let Some(session) = take::<SessionRecord>(&mut found, &session)? else { return Ok(None) };

        let Some((_, member)) = &bearer.member else { return Ok(Some(session)) };
        let access = take::<Access>(&mut found, member.as_str())?;
        let tenancy = take::<TenancyAccess>(&mut found, TENANCY_ACCESS)?;
        let versions = access.zip(tenancy).map(|(access, tenancy)| (access.version, tenancy.version));
        Ok(Some(session).filter(|session| versions.is_some() && session.started_at_versions == versions))
    }

    /// Ends a session. One that does not exist has ended already.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn end_session(&self, id: &SessionId) -> Result<(), StorageError> {
        self.forget(single(format!("session#{id}"))).await
    }

    /// The show behind a public name.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_slug(&self, slug: &Slug) -> Result<Option<SlugRecord>, StorageError> {
        self.look_up(format!("slug#{slug}")).await
    }

    /// Claims a name for a show. The same claim twice is one claim.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when another show has it.
    pub async fn claim_slug(&self, record: &SlugRecord) -> Result<(), StorageError> {
        let values = [(":show", string(record.show_id.as_str()))];
        let condition = "attribute_not_exists(pk) OR show_id = :show";
        self.enter(format!("slug#{}", record.slug), record, condition, &values).await
    }

    /// Takes over the claim of a show that was never made.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the claim has changed since.
    pub async fn take_over_slug(&self, record: &SlugRecord, from: &SlugRecord) -> Result<(), StorageError> {
        let values =
            [(":show", string(from.show_id.as_str())), (":tenancy", string(record.tenancy_id.as_str()))];
        let condition = "show_id = :show AND tenancy_id = :tenancy";
        self.enter(format!("slug#{}", record.slug), record, condition, &values).await
    }

    /// What signing in through a provider leads to. Also tells, by [`ProviderName::of`], whether a tenancy takes passwords.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_provider(&self, name: &ProviderName) -> Result<Option<ProviderRecord>, StorageError> {
        self.look_up(format!("provider#{name}")).await
    }

    /// Lets people sign in through a provider from now on, as the record says.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when there is a record of later settings.
    pub async fn update_provider(
        &self,
        grant: &Grant<'_, UpdateSso>,
        record: &ProviderRecord,
    ) -> Result<(), StorageError> {
        let name = ProviderName::of(grant.context().tenancy());
        let values = [(":version", AttributeValue::N(record.settings_version.to_string()))];
        let condition = "attribute_not_exists(pk) OR settings_version <= :version";
        self.enter(format!("provider#{name}"), record, condition, &values).await
    }

    /// Lets nobody sign in through the caller's tenancy's provider any more. One that does not exist lets nobody in already.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn delete_provider(&self, grant: &Grant<'_, UpdateSso>) -> Result<(), StorageError> {
        let name = ProviderName::of(grant.context().tenancy());
        self.forget(single(format!("provider#{name}"))).await
    }

    /// The listener behind a feed token's hash, if they may listen at `now`.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_feed_token(
        &self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<FeedTokenRecord>, StorageError> {
        let found: Option<FeedTokenRecord> = self.look_up(feed_token(hash)).await?;
        Ok(found.filter(|record| record.access.state(now) == ListenerState::Active))
    }

    /// Makes a feed token known, that nobody has yet. The same twice is once.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it is another listener's.
    pub(crate) async fn create_feed_token(
        &self,
        hash: &SecretHash,
        record: &FeedTokenRecord,
    ) -> Result<(), StorageError> {
        let values = [(":listener", string(record.listener_id.as_str()))];
        let condition = "attribute_not_exists(pk) OR listener_id = :listener";
        self.enter(feed_token(hash), record, condition, &values).await
    }

    /// Says anew whether a feed token works. One that was taken stays so, and what is known of a later version stays too.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn update_feed_token(
        &self,
        hash: &SecretHash,
        record: &FeedTokenRecord,
    ) -> Result<(), StorageError> {
        let values = [(":version", AttributeValue::N(record.listener_version.to_string()))];
        let is_older = "attribute_not_exists(listener_version) OR listener_version <= :version";
        let condition = format!("attribute_exists(pk) AND ({is_older})");
        match self.enter(feed_token(hash), record, &condition, &values).await {
            Err(StorageError::Conflict) => Ok(()),
            result => result,
        }
    }

    /// Makes a feed token stop working. One that does not exist has stopped already.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn delete_feed_token(&self, hash: &SecretHash) -> Result<(), StorageError> {
        self.forget(single(feed_token(hash))).await
    }

    /// Lists a tenancy among all, for whatever must be done for each. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn enter_tenancy(&self, tenancy: &TenancyId) -> Result<(), StorageError> {
        let entry = TenancyEntry { sealed_at: None, erased_at: None };
        self.put(item(TENANCIES, tenancy.as_str(), &entry)?, None, &[]).await
    }

    /// Lists the context's tenancy as one that is sealed, or, with `erased_at`, as one of which nothing is left.
    pub(crate) async fn mark_tenancy(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
        sealed_at: Timestamp,
        erased_at: Option<Timestamp>,
    ) -> Result<(), StorageError> {
        let entry = TenancyEntry { sealed_at: Some(sealed_at), erased_at };
        self.put(item(TENANCIES, grant.context().tenancy().as_str(), &entry)?, None, &[]).await
    }

    /// All tenancies there are: ids only. What was erased is not there; what is sealed, for its exit alone.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_tenancies(&self) -> Result<Vec<TenancyId>, StorageError> {
        let with_sealed = self.environment.number("SWEEPS_SEALED_TENANCIES", 0)? > 0;
        let mut ids = Vec::new();
        for item in self.look_up_all(TENANCIES.to_owned()).await? {
            let id = sort_key(&item).unwrap_or_default().parse().map_err(StorageError::corrupt)?;
            let entry: TenancyEntry = body(item)?;
            if entry.erased_at.is_none() && (with_sealed || entry.sealed_at.is_none()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    async fn look_up<T: DeserializeOwned>(&self, pk: String) -> Result<Option<T>, StorageError> {
        get(&self.own, self.environment.get("DIRECTORY_TABLE")?, single(pk)).await
    }

    /// Every item of a partition, as it is by now.
    async fn look_up_all(&self, pk: String) -> Result<Vec<Item>, StorageError> {
        let query = self
            .own
            .dynamodb()
            .query()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(pk))
            .consistent_read(true);
        let mut found = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = found.next().await {
            items.push(item.during("dynamodb:Query")?);
        }
        Ok(items)
    }

    /// Several items at once, by their sort keys, each as it is by now.
    async fn look_up_together(&self, keys: Vec<Item>) -> Result<HashMap<String, Item>, StorageError> {
        let table = self.environment.get("DIRECTORY_TABLE")?;
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let answer = self
            .own
            .dynamodb()
            .batch_get_item()
            .request_items(table, keys.map_err(StorageError::corrupt)?)
            .send()
            .await
            .during("dynamodb:BatchGetItem")?;
        if answer.unprocessed_keys.is_some_and(|keys| !keys.is_empty()) {
            return Err(StorageError::throttled("dynamodb:BatchGetItem"));
        }
        let items = answer.responses.unwrap_or_default().remove(table).unwrap_or_default();
        let by_sort = |item: Item| (sort_key(&item).unwrap_or_default(), item);
        Ok(items.into_iter().map(by_sort).collect())
    }

    pub(crate) async fn forget(&self, key: Item) -> Result<(), StorageError> {
        self.own
            .dynamodb()
            .delete_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_key(Some(key))
            .send()
            .await
            .during("dynamodb:DeleteItem")?;
        Ok(())
    }

    /// Forgets up to a hundred entries in one transaction. What is gone already is no matter.
    pub(crate) async fn forget_together(&self, keys: Vec<Item>) -> Result<(), StorageError> {
        if keys.is_empty() {
            return Ok(());
        }
        let table = self.environment.get("DIRECTORY_TABLE")?;
        let deletes = keys.into_iter().map(|key| {
            let delete = Delete::builder().table_name(table).set_key(Some(key)).build();
            Ok(TransactWriteItem::builder().delete(delete.map_err(StorageError::corrupt)?).build())
        });
        let deletes = deletes.collect::<Result<_, StorageError>>()?;
        let request = self.own.dynamodb().transact_write_items().set_transact_items(Some(deletes));
        request.send().await.during("dynamodb:TransactWriteItems")?;
        Ok(())
    }

    async fn enter(
        &self,
        pk: String,
        record: &impl Serialize,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<(), StorageError> {
        self.put(item(pk.clone(), pk, record)?, Some(condition), values).await
    }

    async fn put(
        &self,
        item: Item,
        condition: Option<&str>,
        values: &[(&str, AttributeValue)],
    ) -> Result<(), StorageError> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.own
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_values(Some(values).filter(|values: &Item| !values.is_empty()))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        Ok(())
    }
}

fn take<T: DeserializeOwned>(
    found: &mut HashMap<String, Item>,
    sort: &str,
) -> Result<Option<T>, StorageError> {
    found.remove(sort).map(body).transpose()
}

impl SignIn {
    /// The versions that a session starts at; see [`SessionRecord::started_at_versions`].
    pub fn versions(&self) -> (u64, u64) {
        (self.access.version, self.tenancy_version)
    }
}
