//! A person's account at the user pool: the one thing of theirs that the stores know nothing of.

use domain::{Count, DeletionSubject, Destroyed, Store};
use identity::{People, ProviderError};
use lambda_kit::Failure;
use storage::{SecretHash, Storage, Work};
use tenant_context::UserId;

/// Deletes the account of the user who is erased, unless the same person is somebody in another tenancy. Answers how much that was.
///
/// # Errors
/// [`Failure`] when Cognito or a store does not do its part; running again goes on from there.
pub(crate) async fn erase_account(
    storage: &Storage,
    people: &People,
    work: &Work<'_>,
) -> Result<Destroyed, Failure> {
    storage.check_clear(work).await?;
    if let DeletionSubject::User { user_id } = &work.deletion.subject {
        let accounts = accounts_of(storage, people, work, user_id).await?;
        let items = u64::try_from(accounts.len()).unwrap_or(u64::MAX);
        if items > 0 {
            let destroyed = Destroyed { items, ..Destroyed::default() };
            storage.note_destroyed(work, Store::UserPool, "accounts", destroyed).await?;
        }
        for account in accounts {
            storage.check_clear(work).await?;
            people.delete(&account).await.map_err(failed)?;
        }
    }
    Ok(storage.destroyed_so_far(work, Store::UserPool).await?)
}

/// Counts the accounts that are left.
///
/// # Errors
/// [`Failure`] when Cognito or a store does not do its part.
pub(crate) async fn count_accounts(
    storage: &Storage,
    people: &People,
    work: &Work<'_>,
) -> Result<Count, Failure> {
    let accounts = match &work.deletion.subject {
        DeletionSubject::User { user_id } => accounts_of(storage, people, work, user_id).await?,
        _ => Vec::new(),
    };
    let remaining = u64::try_from(accounts.len()).unwrap_or(u64::MAX);
    // Once the user's address is gone, nothing leads to an account any more.
    let counted_by = "ListUsers, by the user's address for as long as it is known";
    Ok(Count { store: Store::UserPool, remaining, counted_by: counted_by.to_owned() })
}

/// The user names of the accounts that are this user's alone: of whoever has signed in, the account that they did so with; of whoever
/// has not, the one that still waits for its first password.
async fn accounts_of(
    storage: &Storage,
    people: &People,
    work: &Work<'_>,
    user: &UserId,
) -> Result<Vec<String>, Failure> {
    let Some(person) = storage.find_person_at_pool(work, user).await? else { return Ok(Vec::new()) };
    if person.is_elsewhere {
        return Ok(Vec::new());
    }
    let accounts = people.find(&person.email).await.map_err(failed)?;
    let theirs = accounts.into_iter().filter(|account| match &person.identity {
        Some(identity) => SecretHash::of(&account.subject) == *identity,
        None => account.is_unused,
    });
    Ok(theirs.map(|account| account.name).collect())
}

fn failed(error: ProviderError) -> Failure {
    Failure::Elsewhere(error.to_string())
}
