//! Listeners who come by themselves: whoever reads the mail of an address that a show admits has a feed URL there.
//!
//! The token that a request gives is derived from it. So a request that is worked through again, after it was cut off, finds what it
//! did before, and a second mail of it would have the same URL.

use aws_sdk_dynamodb::{error::ProvideErrorMetadata, types::AttributeValue};
use domain::{FeedToken, Listener, ListenerState, ListeningHour, Quota};
use tenant_context::{Grant, TenantContext, permission::WelcomeListener};

use crate::{
    SecretHash, Storage, StorageError, WelcomeRequest,
    error::During,
    item::{key, string},
    keys::{Collection, partition},
    listeners::email_index,
    repeatable::Repeatable,
    transaction::{Change, number},
};

/// So many mails go to one address in an hour of the clock, for all shows of a tenancy together.
pub const MAILS_AN_HOUR_TO_AN_ADDRESS: usize = 3;
/// So many mails go out for one show in an hour of the clock.
pub const MAILS_AN_HOUR_OF_A_SHOW: usize = 100;

/// An hour, and an address's blind index or the show's id, as a sort key.
fn place(hour: ListeningHour, of: &str) -> String {
    format!("{}#{of}", hour.starts_at())
}

impl Storage {
    /// Counts the mail that `request` asks for, once however often it is asked, and answers whether it is still to be sent: not when it
    /// was, and not when too many were asked for in the same hour.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn count_welcome(
        &self,
        grant: &Grant<'_, WelcomeListener>,
        request: &WelcomeRequest,
    ) -> Result<bool, StorageError> {
        let context = grant.context();
        let hour = ListeningHour::of(request.as_of);
        let address = place(hour, &self.index_of(context, request).await?);
        let show = place(hour, request.show_id.as_str());
        Ok(self.count_mail(context, &address, request, MAILS_AN_HOUR_TO_AN_ADDRESS).await?
            && self.count_mail(context, &show, request, MAILS_AN_HOUR_OF_A_SHOW).await?)
    }

    /// Remembers that the mail of `request` was sent.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; the mail may be sent again then.
    pub async fn finish_welcome(
        &self,
        grant: &Grant<'_, WelcomeListener>,
        request: &WelcomeRequest,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let address = place(ListeningHour::of(request.as_of), &self.index_of(context, request).await?);
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .dynamodb()
            .update_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_key(Some(key(partition(context, Collection::Welcomes), address)))
            .update_expression("ADD sent :request")
            .expression_attribute_values(":request", only(request))
            .send()
            .await
            .during("dynamodb:UpdateItem")?;
        Ok(())
    }

    /// Gives a token of their own to the listener of the show who has the address of `request`, and ends the one before; `new` is who
    /// they are if there is none yet. None when somebody with this address is suspended or has expired, and when the tenancy may have
    /// no more listeners: then nobody is given anything.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there. [`StorageError::Conflict`] when the listener
    /// changed at the same moment.
    pub async fn welcome_listener(
        &self,
        grant: &Grant<'_, WelcomeListener>,
        request: &WelcomeRequest,
        new: &Listener,
    ) -> Result<Option<FeedToken>, StorageError> {
        let context = grant.context();
        let index = self.index_of(context, request).await?;
        let id = request.listener_id.as_str();
        let draw = |key: &_| Ok(Repeatable::new(context, key, "welcome", id).draw("token"));
        let token = FeedToken::new(&self.with_data_key(context, draw).await?);

        let known = self.find_listeners_by_email(context, &request.show_id, &index).await?;
        let now = self.now();
        if known.iter().any(|listener| listener.access.state(now) != ListenerState::Active) {
            return Ok(None);
        }
        let given = match known.into_iter().next() {
            // Given by an earlier run, which was cut off.
            Some(before) if before.token_hash == SecretHash::of(token.as_str()) => Ok(()),
            Some(before) => self.replace_token(grant, before, &token).await,
            None => self.admit(grant, new, index, &token).await,
        };
        match given {
            Err(StorageError::QuotaExceeded { .. }) => {
                tracing::warn!(show = %request.show_id, "the tenancy may have no more listeners");
                Ok(None)
            }
            given => given.map(|()| Some(token)),
        }
    }

    /// A listener who is new. Two at once with the same address would have the same place in the index, and one comes to be.
    async fn admit(
        &self,
        grant: &Grant<'_, WelcomeListener>,
        new: &Listener,
        index: String,
        token: &FeedToken,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let mut stored =
            self.with_data_key(context, |key| self.seal_listener(context, key, new, token)).await?;
        stored.email_place = Some(index);
        let mut change = Change::new(self, grant, new.id.as_str())?;
        change
            .check_exists(Collection::Shows, new.show_id.as_str())?
            .create_listener(&stored)?
            .count(Quota::Listeners, 1);
        self.commit_with_new_token(change, &stored).await
    }

    async fn index_of(
        &self,
        context: &TenantContext,
        request: &WelcomeRequest,
    ) -> Result<String, StorageError> {
        self.with_data_key(context, |key| Ok(email_index(context, key, &request.email))).await
    }

    /// Counts a mail at `place`, of `most`, unless it was sent. One that was counted before is no other.
    async fn count_mail(
        &self,
        context: &TenantContext,
        place: &str,
        request: &WelcomeRequest,
        most: usize,
    ) -> Result<bool, StorageError> {
        const IS_COUNTED: &str = "attribute_not_exists(asked) OR contains(asked, :id) OR size(asked) < :most";
        const WAS_NOT_SENT: &str = "attribute_not_exists(sent) OR NOT contains(sent, :id)";
        let forgotten_at = ListeningHour::of(request.as_of).is_forgotten_at();
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .dynamodb()
            .update_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_key(Some(key(partition(context, Collection::Welcomes), place)))
            .update_expression("ADD asked :request SET expires_at = :expires_at")
            .condition_expression(format!("({IS_COUNTED}) AND ({WAS_NOT_SENT})"))
            .expression_attribute_values(":request", only(request))
            .expression_attribute_values(":id", string(request.listener_id.as_str()))
            .expression_attribute_values(":most", AttributeValue::N(most.to_string()))
            .expression_attribute_values(":expires_at", number(forgotten_at.unix_seconds()))
            .send()
            .await;
        match written {
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            result => result.during("dynamodb:UpdateItem").map(|_| true),
        }
    }
}

/// The request as the one entry of a set.
fn only(request: &WelcomeRequest) -> AttributeValue {
    AttributeValue::Ss(vec![request.listener_id.to_string()])
}
