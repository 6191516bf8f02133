//! Mail to listeners, by SES.

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata},
    types::{Body, Content, Destination, EmailContent, Message},
};
use aws_types::SdkConfig;
use domain::{EmailAddress, ShowTitle};
use lambda_kit::Failure;
use url::Url;

/// Sends mail from one address.
pub struct Mail {
    client: Client,
    from: EmailAddress,
}

impl Mail {
    /// With the function's own credentials, from `from`.
    pub fn new(config: &SdkConfig, from: EmailAddress) -> Self {
        Self { client: Client::new(config), from }
    }

    /// Sends a listener their feed URL.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`] when SES does not take it. It says no address.
    pub async fn send_feed_url(
        &self,
        to: &EmailAddress,
        title: &ShowTitle,
        feed_url: &Url,
    ) -> Result<(), Failure> {
        let content = welcome(title, feed_url).map_err(|error| Failure::Poison(error.to_string()))?;
        self.client
            .send_email()
            .from_email_address(self.from.as_str())
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(content)
            .send()
            .await
            .map_err(|error| {
                let code = error.code().unwrap_or("no answer");
                Failure::Elsewhere(format!("SES did not take a mail: {code}"))
            })?;
        Ok(())
    }
}

fn welcome(title: &ShowTitle, feed_url: &Url) -> Result<EmailContent, BuildError> {
    let text = format!(
        "Your own address of the podcast \"{title}\" is:\n\n\
         {feed_url}\n\n\
         Add it to your podcast app by this URL. It is for you alone: please do not pass it on.\n\n\
         If an earlier mail brought you another address of this podcast, that one has stopped working.\n\n\
         You get this because somebody asked for the podcast with your e-mail address.\n"
    );
    let body = Body::builder().text(in_utf8(text)?).build();
    let subject = in_utf8(format!("Your feed of {title}"))?;
    Ok(EmailContent::builder().simple(Message::builder().subject(subject).body(body).build()).build())
}

fn in_utf8(text: String) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}
