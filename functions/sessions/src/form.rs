//! Forms as OAuth sends them: `application/x-www-form-urlencoded`.

use lambda_kit::Request;
use url::form_urlencoded;

pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(request: &Request) -> Self {
        Self(form_urlencoded::parse(request.body()).into_owned().collect())
    }

    /// A field that is there once: RFC 6749 forbids repetition.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none()).cloned()
    }
}
