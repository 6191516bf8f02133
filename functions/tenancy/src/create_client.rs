//! `POST /v1/clients`: makes a machine client, whose secret is in this one answer and nowhere else.

use domain::{Access, AccessState, ClientName, Quota};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::{Client, Secret};
use tenant_context::{ClientId, GroupRef, permission::CreateClient};

use crate::{App, giving, view::ClientWithSecret};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewClient {
    name: ClientName,
    /// Groups in the whole tenancy; `PUT /v1/groups/{group}/members/{member}` knows shows too.
    #[serde(default)]
    groups: Vec<GroupRef>,
    /// Whether its sign-in counts as one with a second factor.
    #[serde(default)]
    is_vouched_for: bool,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateClient>()
        .takes::<NewClient>()
        .counted(Quota::Clients)
        .created::<ClientWithSecret>()
}

pub(crate) async fn create_client(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewClient { name, groups, is_vouched_for } = request.json()?;

    let grant = context.grant::<CreateClient>()?;
    let now = app.storage.now();
    let secret = Secret::generate(app.storage.randomness());
    let client = Client {
        id: ClientId::new(now, app.storage.randomness()),
        name,
        secret_prefix: secret.prefix(),
        user_id: None,
        created_at: now,
        rotated_at: now,
        version: 1,
    };
    let mut access = Access::new(client.member_id(), AccessState::Active, is_vouched_for);
    giving::join_all(&app, &context, &mut access, &groups).await?;

    app.storage.create_client(&grant, &client, &access, &secret).await?;

    Ok(created(ClientWithSecret::new((client, access), &secret), "/v1/clients", None))
}
