//! A new tenancy: its KMS key, its first items, its first owner.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_kms::{
    primitives::Blob,
    types::{DataKeySpec, Tag},
};
use domain::{Access, AccessState, ClientName, EmailAddress, Limits, PersonName, Quota, TenancyName};
use serde::Serialize;
use tenant_context::{
    ClientId, MemberId, Operator, SystemGroup, TenancyId, TenancyState, Timestamp, UserId,
    context::ProvisionGrant, permission::ProvisionTenancy,
};

use crate::{
    Client, Invitation, Secret, Storage, StorageError, Tenancy, User,
    access::TenancyAccess,
    clients::client_record,
    error::During,
    keys::{Collection, TENANCY_ACCESS},
    quotas::Count,
    sealed::{DataKey, wrapped},
    tenancy::first_version,
    transaction::Change,
    users::ComesBy,
};

/// What a new tenancy needs.
#[derive(Debug)]
pub struct NewTenancy {
    /// What the customer calls it.
    pub name: TenancyName,
    /// Its first owner.
    pub owner_name: PersonName,
    /// Where to write to them.
    pub owner_email: EmailAddress,
    /// What was agreed with the customer, where it is not what everybody has.
    pub limits: Limits,
}

/// A tenancy that has just been made, with the only sight of its owner's secret.
#[derive(Debug)]
pub struct Provisioned {
    /// The tenancy.
    pub tenancy: Tenancy,
    /// Its first owner, who has yet to accept.
    pub owner: (User, Access),
    /// With what they sign in the first time.
    pub invitation: Invitation,
    /// The owner's client.
    pub client: (Client, Access),
    /// The client's secret.
    pub secret: Secret,
}

#[derive(Serialize)]
struct StoredTenancy<'a> {
    #[serde(flatten)]
    tenancy: &'a Tenancy,
    wrapped_data_key: String,
    #[serde(skip_serializing_if = "Limits::is_default")]
    limits: &'a Limits,
}

impl Storage {
    /// Makes a tenancy. The client record comes last: until then nobody can sign in, and what was made is inert.
    ///
    /// # Errors
    /// [`StorageError`] when AWS does not answer.
    pub async fn provision(&self, operator: &Operator, new: NewTenancy) -> Result<Provisioned, StorageError> {
        let now = self.now();
        let tenancy = Tenancy {
            id: TenancyId::new(now, self.randomness()),
            name: new.name,
            created_at: now,
            version: first_version(),
        };
        let owner = User {
            id: UserId::new(now, self.randomness()),
            name: new.owner_name,
            email: new.owner_email,
            created_at: now,
        };
        let secret = Secret::generate(self.randomness());
        let client = Client {
            id: ClientId::new(now, self.randomness()),
            name: ClientName::try_from("First owner".to_owned()).map_err(StorageError::corrupt)?,
            secret_prefix: secret.prefix(),
            user_id: Some(owner.id.clone()),
            created_at: now,
            rotated_at: now,
            version: 1,
        };

        let made = Provisioned {
            tenancy,
            owner: owned(owner.member_id(), AccessState::Invited, now).map(|access| (owner, access))?,
            invitation: Invitation::new(self),
            client: owned(client.member_id(), AccessState::Active, now).map(|access| (client, access))?,
            secret,
        };
        self.create_tenancy_key(&made.tenancy.id).await?;
        let context = operator.provision(made.tenancy.id.clone());
        let grant = context.grant::<ProvisionTenancy>().map_err(StorageError::corrupt)?;
        self.write_first_items(&grant, &made, &new.limits).await?;
        self.enter_tenancy(&made.tenancy.id).await?;
        self.remember_invitation(&context, &made.owner.0.id, &made.invitation).await?;
        self.create_client_record(&client_record(&context, &made.client.0, &made.secret)).await?;

        Ok(made)
    }

    /// A KMS key of the tenancy's own: tagged, so that IAM knows whose it is, rotated every year, found by its alias.
    async fn create_tenancy_key(&self, tenancy: &TenancyId) -> Result<(), StorageError> {
        let tag = Tag::builder().tag_key("TenancyId").tag_value(tenancy.as_str()).build();
        let created = self
            .own
            .kms()
            .create_key()
            .description(format!("Everything of {tenancy}"))
            .tags(tag.map_err(StorageError::corrupt)?)
            .send()
            .await
            .during("kms:CreateKey")?;
        let key_id = created
            .key_metadata
            .map(|metadata| metadata.key_id)
            .ok_or_else(|| StorageError::corrupt("KMS answered no key"))?;

        // IAM judges these by the key's tag, which takes a moment to be known everywhere.
        let kms = self.own.kms();
        patiently(|| {
            let request = kms.enable_key_rotation().key_id(&key_id);
            async { request.send().await.during("kms:EnableKeyRotation") }
        })
        .await?;
        let alias = self.tenancy_key(tenancy)?;
        patiently(|| {
            let request = kms.create_alias().alias_name(&alias).target_key_id(&key_id);
            async { request.send().await.during("kms:CreateAlias") }
        })
        .await?;
        Ok(())
    }

    async fn write_first_items(
        &self,
        grant: &ProvisionGrant<'_>,
        made: &Provisioned,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let (tenancy, (client, client_access)) = (&made.tenancy, &made.client);
        let tenant = self.tenant(context).await?;
        let alias = self.tenancy_key(&tenancy.id)?;
        let data_key = patiently(|| {
            let request =
                tenant.clients.kms().generate_data_key().key_id(&alias).key_spec(DataKeySpec::Aes256);
            let request = request.encryption_context("TenancyId", tenancy.id.as_str());
            async { request.send().await.during("kms:GenerateDataKey") }
        })
        .await?;
        let bytes = |blob: Option<Blob>| blob.map(Blob::into_inner).unwrap_or_default();
        let key = DataKey::new(&bytes(data_key.plaintext))?;

        let owners = BTreeSet::from([client.id.to_string()]);

        let mut change = Change::new(self, grant, tenancy.id.as_str())?;
        change
            .create(
                Collection::Tenancy,
                tenancy.id.as_str(),
                &StoredTenancy {
                    tenancy,
                    wrapped_data_key: wrapped(&bytes(data_key.ciphertext_blob)),
                    limits,
                },
            )?
            .create(Collection::Clients, client.id.as_str(), client)?
            // Not counted up: this role may only put items.
            .create(Collection::Quotas, Quota::Users.as_str(), &Count { used: 1 })?
            .create(Collection::Quotas, Quota::Clients.as_str(), &Count { used: 1 })?
            .create(Collection::Access, client.id.as_str(), client_access)?
            .create(
                Collection::Access,
                TENANCY_ACCESS,
                &TenancyAccess { version: 1, owners, state: TenancyState::Active },
            )?
            .create_user(
                self,
                context,
                &key,
                (&made.owner.0, &made.owner.1),
                ComesBy::Invitation(&made.invitation),
            )?;
        change.commit().await
    }
}

/// An owner's access. For the first client, the operator who makes the tenancy vouches.
fn owned(member: MemberId, state: AccessState, now: Timestamp) -> Result<Access, StorageError> {
    let is_vouched_for = matches!(member, MemberId::Client(_));
    let mut access = Access::new(member, state, is_vouched_for);
    access.join(&SystemGroup::Owners.into(), None, "operator", now).map_err(StorageError::corrupt)?;
    Ok(access)
}

/// Tries again while a new key's tag is not known everywhere yet: 15 seconds at most, of the 29 that API Gateway waits.
async fn patiently<T, F>(attempt: impl Fn() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    for pause in [1, 2, 4, 8] {
        match attempt().await {
            Err(StorageError::Denied { .. }) => tokio::time::sleep(Duration::from_secs(pause)).await,
            result => return result,
        }
    }
    attempt().await
}
