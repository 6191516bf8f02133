//! `POST /v1/tenancies`: makes a customer's space, with its own key and its first owner. For the operator alone.

use std::{collections::BTreeMap, num::NonZeroU32};

use domain::{EmailAddress, Limits, PersonName, Quota, TenancyName};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::NewTenancy;

use crate::{
    App,
    view::{ClientWithSecret, InvitedUserView, TenancyView},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewTenancy")]
struct Wire {
    name: TenancyName,
    owner: Owner,
    #[serde(default)]
    limits: AgreedLimits,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOwner")]
struct Owner {
    name: PersonName,
    email: EmailAddress,
}

/// What is left out is as for everybody.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct AgreedLimits {
    requests_per_minute: Option<NonZeroU32>,
    requests_per_minute_per_principal: Option<NonZeroU32>,
    quotas: BTreeMap<Quota, u64>,
}

impl From<AgreedLimits> for Limits {
    fn from(agreed: AgreedLimits) -> Self {
        let mut limits = Self::default().with_quotas(agreed.quotas);
        limits.requests_per_minute = agreed.requests_per_minute.map(NonZeroU32::get);
        limits.requests_per_minute_per_principal =
            agreed.requests_per_minute_per_principal.map(NonZeroU32::get);
        limits
    }
}

#[derive(Serialize, JsonSchema)]
struct TenancyWithOwner {
    #[serde(flatten)]
    tenancy: TenancyView,
    owner: InvitedUserView,
    client: ClientWithSecret,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.signed_in().takes::<Wire>().created::<TenancyWithOwner>()
}

pub(crate) async fn create_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let operator = app.operator(&request).await?;
    let Wire { name, owner, limits } = request.json()?;

    let new = NewTenancy { name, owner_name: owner.name, owner_email: owner.email, limits: limits.into() };
    let made = app.storage.provision(&operator, new).await?;
    app.invite(&made.owner.0).await?;

    let view = TenancyWithOwner {
        tenancy: made.tenancy.into(),
        owner: InvitedUserView::new(made.owner, made.invitation),
        client: ClientWithSecret::new(made.client, &made.secret),
    };
    Ok(created(view, "/v1/tenancy", None))
}
