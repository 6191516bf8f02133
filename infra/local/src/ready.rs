//! What is said once everything runs: one line of JSON, or a page of things to try.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{Client, Stack};

/// Serialised it is the ready line; displayed it is the page.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    api: String,
    listener: String,
    feeds: Vec<String>,
    private_feeds: Vec<String>,
    clients: BTreeMap<String, Client>,
}

impl Ready {
    /// What there is to tell of this stack.
    pub fn new(stack: &Stack) -> Self {
        let demo = stack.demo().clone();
        let mut clients = demo.clients;
        clients.insert("operator".to_owned(), stack.operator().clone());
        Self {
            api: stack.api().to_owned(),
            listener: stack.listener().to_owned(),
            feeds: demo.feeds,
            private_feeds: demo.private_feeds,
            clients,
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, listener, .. } = self;
        writeln!(page, "\nCastkeep runs. Ctrl-C stops it; what you do is kept for the next run.\n")?;
        writeln!(page, "  Tenancy API   {api}\n  Listener API  {listener}\n")?;

        writeln!(page, "Subscribe to a feed in any podcast app on this machine:\n")?;
        for feed in &self.feeds {
            writeln!(page, "  {feed}")?;
        }
        for feed in &self.private_feeds {
            writeln!(page, "  {feed}  (private: this address is one listener's secret)")?;
        }

        writeln!(page, "\nClients:\n")?;
        for (name, client) in &self.clients {
            writeln!(page, "  {name:<20}{}  {}", client.client_id, client.client_secret)?;
        }

        let Some(editor) = self.clients.get("acme_editor") else { return Ok(()) };
        writeln!(page, "\nTry it as an editor of Acme:\n")?;
        writeln!(
            page,
            "  TOKEN=$(curl -s {api}/oauth/token -d grant_type=client_credentials -d client_id={} \\\n    \
             -d client_secret={} | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')",
            editor.client_id, editor.client_secret
        )?;
        writeln!(page, "  curl -H \"Authorization: Bearer $TOKEN\" {api}/v1/me")?;
        writeln!(page, "  curl -H \"Authorization: Bearer $TOKEN\" {api}/v1/shows")?;
        if let Some(feed) = self.feeds.first() {
            writeln!(page, "  curl -i {feed}")?;
        }
        Ok(())
    }
}
