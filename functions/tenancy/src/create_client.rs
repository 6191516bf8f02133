//! `POST /v1/clients`: a machine client, whose secret is in this one answer and nowhere else.

use domain::ClientName;
use lambda_kit::{Problem, Reply, Request, created};
use serde::{Deserialize, Serialize};
use storage::{Client, Secret};
use tenant_context::{ClientId, Group, permission::CreateClient};

use crate::{App, list_clients::ClientView};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClient {
    name: ClientName,
    groups: Vec<Group>,
}

#[derive(Serialize)]
pub(crate) struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientView,
    client_secret: String,
}

impl ClientWithSecret {
    pub(crate) fn new(client: Client, secret: &Secret) -> Self {
        Self { client: client.into(), client_secret: secret.reveal().to_owned() }
    }
}

pub(crate) async fn create_client(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewClient { name, mut groups } = request.json()?;
    groups.sort();
    groups.dedup();
    if groups.is_empty() {
        return Err(Problem::invalid_field(
            "/groups",
            "Name at least one group: without, a client may do nothing.",
        ));
    }

    let grant = context.grant::<CreateClient>()?;

    let now = app.storage.now();
    let id = ClientId::new(now, app.storage.randomness());
    let client = Client { id, name, groups, user_id: None, created_at: now };
    let secret = Secret::generate(app.storage.randomness());
    app.storage.create_client(&grant, &client, &secret).await?;

    Ok(created(ClientWithSecret::new(client, &secret), "/v1/clients", None))
}
