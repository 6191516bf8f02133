//! `POST /v1/tenancies`: the operator makes a customer's space, with its own key and its first owner.

use domain::{EmailAddress, PersonName, TenancyName};
use lambda_kit::{Problem, Reply, Request, created};
use serde::{Deserialize, Serialize};
use storage::{NewTenancy, Tenancy};

use crate::{
    App,
    view::{ClientWithSecret, InvitedUserView},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: TenancyName,
    owner: Owner,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    name: PersonName,
    email: EmailAddress,
}

#[derive(Serialize)]
struct TenancyWithOwner {
    #[serde(flatten)]
    tenancy: Tenancy,
    owner: InvitedUserView,
    client: ClientWithSecret,
}

pub(crate) async fn create_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let operator = app.operator(&request).await?;
    let Wire { name, owner } = request.json()?;

    let new = NewTenancy { name, owner_name: owner.name, owner_email: owner.email };
    let made = app.storage.provision(&operator, new).await?;
    app.invite(&made.owner.0).await?;

    let view = TenancyWithOwner {
        tenancy: made.tenancy,
        owner: InvitedUserView::new(made.owner, made.invitation),
        client: ClientWithSecret::new(made.client, &made.secret),
    };
    Ok(created(view, "/v1/tenancy", None))
}
