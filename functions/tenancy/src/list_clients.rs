//! `GET /v1/clients`: the machine clients of the tenancy, without their secrets.

use domain::ClientName;
use lambda_kit::{Problem, Reply, Request};
use serde::Serialize;
use storage::Client;
use tenant_context::{ClientId, Group, Timestamp, UserId, permission::ReadClients};

use crate::App;

#[derive(Serialize)]
pub(crate) struct ClientView {
    client_id: ClientId,
    name: ClientName,
    groups: Vec<Group>,
    user_id: Option<UserId>,
    created_at: Timestamp,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        let Client { id, name, groups, user_id, created_at } = client;
        Self { client_id: id, name, groups, user_id, created_at }
    }
}

pub(crate) async fn list_clients(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "clients")?;
    let grant = context.grant::<ReadClients>()?;

    let page = app.storage.list_clients(&grant, &page).await?;

    Ok(request.listed(&context, "clients", page, ClientView::from))
}
