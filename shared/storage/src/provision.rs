//! A new tenancy: its KMS key, its first items, its first owner.

use std::time::Duration;

use aws_sdk_kms::{
    primitives::Blob,
    types::{DataKeySpec, Tag},
};
use domain::{ClientName, EmailAddress, PersonName, TenancyName};
use serde::Serialize;
use tenant_context::{
    ClientId, Group, Operator, TenancyId, UserId, context::ProvisionGrant, permission::ProvisionTenancy,
};

use crate::{
    Client, ClientRecord, Secret, SecretHash, Storage, StorageError, Tenancy, User,
    error::During,
    keys::Collection,
    sealed::{DataKey, wrapped},
    tenancy::StoredUser,
    transaction::Change,
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
}

/// A tenancy that has just been made, with the only sight of its owner's secret.
#[derive(Debug)]
pub struct Provisioned {
    /// The tenancy.
    pub tenancy: Tenancy,
    /// Its first owner.
    pub owner: User,
    /// The owner's client.
    pub client: Client,
    /// The client's secret.
    pub secret: Secret,
}

#[derive(Serialize)]
struct StoredTenancy<'a> {
    #[serde(flatten)]
    tenancy: &'a Tenancy,
    wrapped_data_key: String,
}

impl Storage {
    /// Makes a tenancy. The client record comes last: until then nobody can sign in, and what was made is inert.
    ///
    /// # Errors
    /// [`StorageError`] when AWS does not answer.
    pub async fn provision(&self, operator: &Operator, new: NewTenancy) -> Result<Provisioned, StorageError> {
        let now = self.now();
        let tenancy = Tenancy { id: TenancyId::new(now, self.randomness()), name: new.name, created_at: now };
        let owner = User {
            id: UserId::new(now, self.randomness()),
            name: new.owner_name,
            email: new.owner_email,
            created_at: now,
        };
        let client = Client {
            id: ClientId::new(now, self.randomness()),
            name: ClientName::try_from("First owner".to_owned()).map_err(StorageError::corrupt)?,
            groups: vec![Group::Owners],
            user_id: Some(owner.id.clone()),
            created_at: now,
        };
        let secret = Secret::generate(self.randomness());

        self.create_tenancy_key(&tenancy.id).await?;
        let context = operator.provision(tenancy.id.clone());
        let grant = context.grant::<ProvisionTenancy>().map_err(StorageError::corrupt)?;
        self.write_first_items(&grant, &tenancy, &owner, &client).await?;
        self.create_client_record(&ClientRecord {
            client_id: client.id.clone(),
            tenancy_id: tenancy.id.clone(),
            secret_hash: SecretHash::of(secret.reveal()),
            groups: client.groups.clone(),
        })
        .await?;

        Ok(Provisioned { tenancy, owner, client, secret })
    }

    /// A KMS key of the tenancy's own: tagged, so that IAM knows whose it is, rotated every year, found by its alias.
    async fn create_tenancy_key(&self, tenancy: &TenancyId) -> Result<(), StorageError> {
        let tag = Tag::builder().tag_key("TenancyId").tag_value(tenancy.as_str()).build();
        let created = self
            .own
            .kms
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
        let kms = &self.own.kms;
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
        tenancy: &Tenancy,
        owner: &User,
        client: &Client,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let alias = self.tenancy_key(&tenancy.id)?;
        let data_key = patiently(|| {
            let request = tenant.clients.kms.generate_data_key().key_id(&alias).key_spec(DataKeySpec::Aes256);
            let request = request.encryption_context("TenancyId", tenancy.id.as_str());
            async { request.send().await.during("kms:GenerateDataKey") }
        })
        .await?;
        let bytes = |blob: Option<Blob>| blob.map(Blob::into_inner).unwrap_or_default();
        let key = DataKey::new(&bytes(data_key.plaintext))?;

        let mut change = Change::new(self, grant, tenancy.id.as_str())?;
        change
            .create(
                Collection::Tenancy,
                tenancy.id.as_str(),
                &StoredTenancy { tenancy, wrapped_data_key: wrapped(&bytes(data_key.ciphertext_blob)) },
            )?
            .create(Collection::Users, owner.id.as_str(), &StoredUser::seal(owner, context, &key, self)?)?
            .create(Collection::Clients, client.id.as_str(), client)?;
        change.commit().await
    }
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
