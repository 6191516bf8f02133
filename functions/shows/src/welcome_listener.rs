//! Somebody who asks for a feed with an e-mail address: where the show admits its domain, a mail with a feed URL goes there. Whoever
//! reads the mail listens, and an earlier URL of the same address stops working.
//!
//! Where feeds are served nobody may change a listener, so the message decides nothing: what the show says is read again here.

use domain::{Addresses, Listener, NewListener};
use lambda_kit::Failure;
use storage::{Storage, WelcomeRequest};
use tenant_context::{TenantContext, Worker, permission::WelcomeListener};

use crate::mail::Mail;

/// Sends the mail that `request` asks for, unless that was done.
///
/// # Errors
/// [`Failure`] when a store does not do its part, or the mail is not taken; running again goes on from there.
pub async fn welcome_listener(
    storage: &Storage,
    mail: &Mail,
    addresses: &Addresses,
    request: &WelcomeRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::ListenerWelcome);

    let grant = context.grant::<WelcomeListener>().map_err(poison)?;

    let Some(show) = storage.find_show(&context, &request.show_id).await? else { return Ok(()) };
    let is_admitted = show.admitted_domains().iter().any(|domain| request.email.is_in(domain));
    if !is_admitted || !storage.count_welcome(&grant, request).await? {
        return Ok(());
    }
    let label = request.email.as_str().parse().map_err(poison)?;
    let new = NewListener { label, email: Some(request.email.clone()), expires_at: None };
    let new = Listener::new(request.listener_id.clone(), &show, new, storage.now()).map_err(poison)?;
    if let Some(token) = storage.welcome_listener(&grant, request, &new).await? {
        let feed_url = addresses.with_token(token).feed(&show.slug);
        mail.send_feed_url(&request.email, &show.title, &feed_url).await?;
        storage.finish_welcome(&grant, request).await?;
    }
    Ok(())
}

fn poison(error: impl std::fmt::Display) -> Failure {
    Failure::Poison(error.to_string())
}
