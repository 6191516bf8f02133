//! Accounts at the user pool: the one thing of people that the stores know nothing of. And the provider of a tenancy that leaves.

use domain::{Count, DeletionSubject, Destroyed, Store};
use identity::{IdentityProviders, People, ProviderError};
use lambda_kit::Failure;
use storage::{SecretHash, Storage, Work};
use tenant_context::UserId;
use url::Url;

/// What a worker knows of the user pool, and who runs it.
pub struct Accounts {
    people: People,
    providers: IdentityProviders,
    pub(crate) operator: String,
}

impl Accounts {
    /// Of the pool of that id. `api_url` is where the tenancy API answers: by that name a certificate says who destroyed.
    pub fn new(storage: &Storage, user_pool_id: &str, api_url: &Url) -> Self {
        Self {
            people: People::new(storage, user_pool_id.to_owned()),
            // Nobody signs in through what is only deleted: where they would is of no matter.
            providers: IdentityProviders::new(storage, user_pool_id.to_owned(), api_url.clone(), Vec::new()),
            operator: format!("Castkeep at {api_url}"),
        }
    }
}

/// Deletes the account of the user who is erased, unless the same person is somebody in another tenancy. Answers how much that was.
///
/// # Errors
/// [`Failure`] when Cognito or a store does not do its part; running again goes on from there.
pub(crate) async fn erase_account(
    storage: &Storage,
    accounts: &Accounts,
    work: &Work<'_>,
) -> Result<Destroyed, Failure> {
    storage.check_clear(work).await?;
    if let DeletionSubject::Tenancy { .. } = &work.deletion.subject {
        erase_all_accounts(storage, accounts, work).await?;
    }
    if let DeletionSubject::User { user_id } = &work.deletion.subject {
        let found = accounts_of(storage, accounts, work, user_id).await?;
        let items = u64::try_from(found.len()).unwrap_or(u64::MAX);
        if items > 0 {
            let destroyed = Destroyed { items, ..Destroyed::default() };
            storage.note_destroyed(work, Store::UserPool, "accounts", destroyed).await?;
        }
        for account in found {
            storage.check_clear(work).await?;
            accounts.people.delete(&account).await.map_err(failed)?;
        }
    }
    Ok(storage.destroyed_so_far(work, Store::UserPool).await?)
}

/// Every account that is some user's of the tenancy and nobody's elsewhere, and then what its people signed in through.
async fn erase_all_accounts(storage: &Storage, accounts: &Accounts, work: &Work<'_>) -> Result<(), Failure> {
    if is_beyond_key(work) {
        return Ok(());
    }
    for user in storage.list_user_ids(work).await? {
        for account in accounts_of(storage, accounts, work, &user).await? {
            storage.check_clear(work).await?;
            storage.note_account(work, user.as_str()).await?;
            accounts.people.delete(&account).await.map_err(failed)?;
        }
    }
    storage.check_clear(work).await?;
    accounts.providers.delete(work.grant).await.map_err(failed)
}

/// Counts the accounts that are left.
///
/// # Errors
/// [`Failure`] when Cognito or a store does not do its part.
pub(crate) async fn count_accounts(
    storage: &Storage,
    accounts: &Accounts,
    work: &Work<'_>,
) -> Result<Count, Failure> {
    let (remaining, counted_by) = match &work.deletion.subject {
        DeletionSubject::User { user_id } => {
            let left = accounts_of(storage, accounts, work, user_id).await?.len();
            (
                u64::try_from(left).unwrap_or(u64::MAX),
                "ListUsers, by the user's address for as long as it is known",
            )
        }
        DeletionSubject::Tenancy { .. } if is_beyond_key(work) => {
            (0, "ListUsers, before the key was given up under which the addresses were sealed")
        }
        DeletionSubject::Tenancy { .. } => {
            let mut left = 0;
            for user in storage.list_user_ids(work).await? {
                left += accounts_of(storage, accounts, work, &user).await?.len();
            }
            let counted_by = "ListUsers, by the address that each user had before it was deleted";
            (u64::try_from(left).unwrap_or(u64::MAX), counted_by)
        }
        _ => (0, "nothing of it is kept there"),
    };
    Ok(Count { store: Store::UserPool, remaining, counted_by: counted_by.to_owned() })
}

/// Whether nobody's address can be read any more. The accounts went before the key did, and no restore of a table brings them back.
fn is_beyond_key(work: &Work<'_>) -> bool {
    work.deletion.key_begun_at.is_some()
}

/// The user names of the accounts that are this user's alone: of whoever has signed in, the account that they did so with; of whoever
/// has not, the one that still waits for its first password.
async fn accounts_of(
    storage: &Storage,
    accounts: &Accounts,
    work: &Work<'_>,
    user: &UserId,
) -> Result<Vec<String>, Failure> {
    let Some(person) = storage.find_person_at_pool(work, user).await? else { return Ok(Vec::new()) };
    if person.is_elsewhere {
        return Ok(Vec::new());
    }
    let found = accounts.people.find(&person.email).await.map_err(failed)?;
    let theirs = found.into_iter().filter(|account| match &person.identity {
        Some(identity) => SecretHash::of(&account.subject) == *identity,
        None => account.is_unused,
    });
    Ok(theirs.map(|account| account.name).collect())
}

fn failed(error: ProviderError) -> Failure {
    Failure::Elsewhere(error.to_string())
}
