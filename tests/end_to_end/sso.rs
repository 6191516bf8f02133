//! Single sign-on: a tenancy's own identity provider, and the people who come through it.

use std::time::Duration;

use domain::{EmailAddress, ProviderName};
use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Answer, Tenant},
    federated::FederatedPerson,
    members::{Robot, group_of_ones_own},
    sign_in::id_tokens,
    world::run,
};

const SSO: &str = "/v1/tenancy/sso";

pub async fn put(owner: &Actor, settings: &Value) -> Answer {
    owner.send(Method::PUT, SSO, &[], settings.to_string()).await
}

pub fn saml() -> Value {
    json!({ "protocol": "saml", "metadata_document": FederatedPerson::metadata() })
}

fn oidc() -> Value {
    json!({
        "protocol": "oidc", "issuer": "https://idp.acme.example/tenant", "client_id": "castkeep",
        "client_secret": "do-not-tell-8f3a", "is_forced": true, "provider_enforces_mfa": true,
        "join_group": "editors",
    })
}

/// `ten-…` for `ten_…`.
pub fn provider_of(tenancy: &str) -> String {
    ProviderName::of(&tenancy.parse().unwrap()).as_str().to_owned()
}

/// What Cognito has of a tenancy's provider.
pub async fn provider_in_cognito(stack: &Stack, tenancy: &str) -> Option<Value> {
    let describe =
        json!({ "UserPoolId": stack.output("UserPoolId").unwrap(), "ProviderName": provider_of(tenancy) });
    let described = stack.aws().cognito("DescribeIdentityProvider", &describe).await;
    described.ok().map(|answer| answer["IdentityProvider"].clone())
}

/// The clients in Cognito that are named after a tenancy.
pub async fn clients_in_cognito(stack: &Stack, tenancy: &str) -> Vec<Value> {
    let mut clients = Vec::new();
    let mut list = json!({ "UserPoolId": stack.output("UserPoolId").unwrap(), "MaxResults": 60 });
    loop {
        let page = stack.aws().cognito("ListUserPoolClients", &list).await.unwrap();
        clients.extend(page["UserPoolClients"].as_array().unwrap().iter().cloned());
        match page.get("NextToken") {
            Some(next) => list["NextToken"] = next.clone(),
            None => break,
        }
    }
    clients.retain(|client| client["ClientName"] == provider_of(tenancy));
    clients
}

/// What the directory has of a tenancy's provider.
pub async fn record(stack: &Stack, tenancy: &str) -> Option<Value> {
    let key = json!({ "S": format!("provider#{}", provider_of(tenancy)) });
    let get = json!({
        "TableName": stack.output("DirectoryTable").unwrap(), "Key": { "pk": key.clone(), "sk": key },
        "ConsistentRead": true,
    });
    stack.aws().dynamodb("GetItem", &get).await.unwrap().get("Item").cloned()
}

#[test]
fn there_is_something_to_tell_the_provider_before_there_is_one() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let sso = acme.owner.get(SSO).await;

        let data = sso.data();
        let (sign_in, pool) = (stack.output("SignInUrl").unwrap(), stack.output("UserPoolId").unwrap());
        assert_eq!((&data["state"], &data["settings"]), (&json!("off"), &Value::Null));
        assert_eq!(data["saml"]["assertion_consumer_url"], format!("{sign_in}/saml2/idpresponse"));
        assert_eq!(data["saml"]["entity_id"], format!("urn:amazon:cognito:sp:{pool}"));
        assert_eq!(data["oidc"]["redirect_uri"], format!("{sign_in}/oauth2/idpresponse"));
        assert_eq!((&data["sign_in_url"], sso.header("etag")), (&Value::Null, "\"0\""));
        acme.owner.delete(SSO).await.assert_problem(404, "not_found");
    });
}

#[test]
fn people_come_in_through_the_tenancys_own_provider() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let set = put(&acme.owner, &saml()).await;
        let ada = FederatedPerson::of(&acme, "ada").await;

        let token = ada.sign_in(&[]).await;

        assert_eq!(set.data()["state"], "active");
        let token = id_tokens(stack, Duration::ZERO).verify(&token).await.unwrap();
        assert_eq!(token.provider().map(ProviderName::as_str), Some(provider_of(&acme.id).as_str()));
        let identity = token.for_audience(&[&ada.client_id]).unwrap();
        assert!(identity.authenticated_at.unix_seconds() > 0);
        let record = record(stack, &acme.id).await.unwrap();
        assert_eq!(record["tenancy_id"]["S"], acme.id);
        assert_eq!(record["client_id"]["S"], ada.client_id);
    });
}

#[test]
fn nothing_that_a_provider_says_leads_to_another_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        put(&acme.owner, &saml()).await.data();
        put(&globex.owner, &saml()).await.data();
        let theirs = provider_of(&globex.id);
        let eve = FederatedPerson::of(&acme, &format!("{theirs}_bob")).await;
        let identities = format!(r#"[{{"providerName":"{theirs}","userId":"bob","primary":true}}]"#);
        let username = format!("{theirs}_bob");
        let said = [
            ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "bob@globex.example"),
            ("email_verified", "true"),
            ("identities", identities.as_str()),
            ("cognito:username", username.as_str()),
            ("custom:tenancy_id", globex.id.as_str()),
            ("sub", "somebody"),
        ];
        let tokens = id_tokens(stack, Duration::ZERO);

        let first = tokens.verify(&eve.sign_in(&said).await).await.unwrap();
        let second = tokens.verify(&eve.sign_in(&said).await).await.unwrap();

        let first = first.for_audience(&[&eve.client_id]).unwrap();
        let second = second.for_audience(&[&eve.client_id]).unwrap();
        assert_eq!(first.provider.as_ref().map(ProviderName::as_str), Some(provider_of(&acme.id).as_str()));
        assert_eq!((&first.provider, &first.subject), (&second.provider, &second.subject));
        assert_eq!(first.email.as_ref().map(EmailAddress::as_str), Some("bob@globex.example"));
        assert!(!first.email_is_verified, "a provider's word proves nothing");
        let bob = FederatedPerson::of(&globex, "bob").await.sign_in(&[]).await;
        let bob = tokens.verify(&bob).await.unwrap();
        assert!(bob.for_audience(&[&eve.client_id]).is_err(), "each provider has a client of its own");
    });
}

#[test]
fn a_client_takes_no_other_tenancys_provider() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        put(&acme.owner, &saml()).await.data();
        put(&globex.owner, &saml()).await.data();
        let (ours, theirs) = (provider_of(&acme.id), provider_of(&globex.id));
        let ada = FederatedPerson::of(&acme, "ada").await;

        let swapped = ada
            .begin(|url| {
                let query = url.query().unwrap().replace(&ours, &theirs);
                url.set_query(Some(&query));
            })
            .await;
        let peoples_own = ada
            .begin(|url| {
                let own = stack.output("UserPoolClientId").unwrap();
                let query = url.query().unwrap().replace(&ada.client_id, own);
                url.set_query(Some(&query));
            })
            .await;

        assert_eq!((swapped.status.as_u16(), peoples_own.status.as_u16()), (400, 400));
        let describe =
            json!({ "UserPoolId": stack.output("UserPoolId").unwrap(), "ClientId": ada.client_id });
        let client = stack.aws().cognito("DescribeUserPoolClient", &describe).await.unwrap();
        let client = &client["UserPoolClient"];
        assert_eq!(client["SupportedIdentityProviders"], json!([ours]));
        assert_eq!(client["ExplicitAuthFlows"], json!(["ALLOW_REFRESH_TOKEN_AUTH"]), "no passwords here");
        assert!(client["ClientSecret"].is_null());
    });
}

#[test]
fn the_other_tenancy_sees_nothing_of_it() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        put(&acme.owner, &saml()).await.data();
        let before = acme.owner.get(SSO).await.data();

        let seen = globex.owner.get(SSO).await.data();
        globex.owner.delete(SSO).await.assert_problem(404, "not_found");
        put(&globex.owner, &oidc()).await.data();
        let after = acme.owner.get(SSO).await.data();
        let removed = globex.owner.delete(SSO).await;

        assert_eq!((&seen["state"], &seen["settings"]), (&json!("off"), &Value::Null));
        assert!(!seen.to_string().contains(&provider_of(&acme.id)), "{seen}");
        assert_eq!(before, after);
        assert_eq!(removed.status, 204);
        assert_eq!(acme.owner.get(SSO).await.data(), before);
        assert!(provider_in_cognito(stack, &acme.id).await.is_some());
    });
}

#[test]
fn settings_are_replaced_and_removed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let first = put(&acme.owner, &saml()).await;
        let mut changed = saml();
        changed["is_forced"] = json!(true);
        changed["join_group"] = json!("analysts");
        let condition = [("if-match", first.header("etag"))];
        let update = async |settings: &Value| {
            acme.owner.send(Method::PUT, SSO, &condition, settings.to_string()).await
        };

        let second = update(&changed).await;
        let third = update(&saml()).await;

        let settings = &second.data()["settings"];
        assert_eq!((&settings["is_forced"], &settings["join_group"]), (&json!(true), &json!("analysts")));
        assert_eq!(settings["metadata_document"], changed["metadata_document"]);
        assert_eq!(second.data()["sign_in_client_id"], first.data()["sign_in_client_id"], "the client stays");
        third.assert_problem(412, "precondition_failed");
        let record_of = record(stack, &acme.id).await.unwrap();
        assert_eq!(
            (&record_of["is_forced"]["BOOL"], &record_of["join_group"]["S"]),
            (&json!(true), &json!("analysts"))
        );
        assert_eq!(clients_in_cognito(stack, &acme.id).await.len(), 1);

        let old = [("if-match", first.header("etag"))];
        acme.owner.send(Method::DELETE, SSO, &old, "").await.assert_problem(412, "precondition_failed");
        assert_eq!(acme.owner.delete(SSO).await.status, 204);

        let off = acme.owner.get(SSO).await.data();
        assert_eq!(
            (&off["state"], &off["settings"], &off["sign_in_url"]),
            (&json!("off"), &Value::Null, &Value::Null)
        );
        assert!(provider_in_cognito(stack, &acme.id).await.is_none());
        assert!(clients_in_cognito(stack, &acme.id).await.is_empty());
        assert!(record(stack, &acme.id).await.is_none());
        acme.owner.delete(SSO).await.assert_problem(404, "not_found");
        assert_eq!(put(&acme.owner, &saml()).await.data()["state"], "active");
    });
}

#[test]
fn what_cognito_cannot_use_changes_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let unusable = json!({
            "protocol": "saml", "metadata_document": "<EntityDescriptor/>", "is_forced": true,
            "join_group": "editors",
        });

        let first = put(&acme.owner, &unusable).await;
        let off = acme.owner.get(SSO).await.data();
        put(&acme.owner, &saml()).await.data();
        let before = (record(stack, &acme.id).await.unwrap(), provider_in_cognito(stack, &acme.id).await);
        let second = put(&acme.owner, &unusable).await;
        let after = acme.owner.get(SSO).await.data();

        for refused in [first, second] {
            refused.assert_problem(422, "invalid_request");
            let error = &refused.json()["errors"][0];
            assert_eq!(error["pointer"], "/metadata_document");
            assert!(error["detail"].as_str().unwrap().contains("metadata"), "{error}");
        }
        assert_eq!((&off["state"], &off["settings"]), (&json!("off"), &Value::Null));
        assert_eq!((&after["state"], &after["settings"]["is_forced"]), (&json!("active"), &json!(false)));
        let mut record = record(stack, &acme.id).await.unwrap();
        record["settings_version"] = before.0["settings_version"].clone();
        assert_eq!((record, provider_in_cognito(stack, &acme.id).await), before);
    });
}

#[test]
fn the_providers_secret_is_with_cognito_alone() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let set = put(&acme.owner, &oidc()).await;
        let read = acme.owner.get(SSO).await;
        let query = json!({
            "TableName": stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("{}#sso", acme.id) } },
        });
        let stored = stack.aws().dynamodb("Query", &query).await.unwrap().to_string();

        assert_eq!(read.data()["settings"]["issuer"], "https://idp.acme.example/tenant");
        assert_eq!(read.data()["settings"]["client_id"], "castkeep");
        for (what, text) in [
            ("the answer", set.data().to_string()),
            ("a later answer", read.data().to_string()),
            ("the table", stored.clone()),
            ("the directory", record(stack, &acme.id).await.unwrap().to_string()),
        ] {
            assert!(!text.contains("do-not-tell"), "{what}: {text}");
        }
        assert!(stored.contains("sealed_settings") && !stored.contains("idp.acme.example"), "{stored}");
        let cognito = provider_in_cognito(stack, &acme.id).await.unwrap();
        assert_eq!(cognito["ProviderType"], "OIDC");
        assert_eq!(cognito["ProviderDetails"]["client_secret"], "do-not-tell-8f3a");
        assert_eq!(cognito["AttributeMapping"], json!({ "email": "email", "name": "name" }));
    });
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        for url in [
            "http://idp.acme.example/",
            "https://localhost/metadata",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://10.0.0.1/",
            "https://2130706433/",
            "https://vault.internal/",
            "https://acme/",
        ] {
            let answer = put(&acme.owner, &json!({ "protocol": "saml", "metadata_url": url })).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/metadata_url", "{url}");
            let mut settings = oidc();
            settings["issuer"] = json!(url);
            let answer = put(&acme.owner, &settings).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/issuer", "{url}");
        }
        assert_eq!(acme.owner.get(SSO).await.data()["state"], "off");
    });
}

#[test]
fn the_protocols_do_not_mix() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let with = |mut settings: Value, name: &str, value: Value| {
            settings[name] = value;
            settings
        };
        for (settings, pointer) in [
            (json!({}), ""),
            (json!({ "protocol": "ldap" }), "/protocol"),
            (json!({ "protocol": "saml" }), "/metadata_url"),
            (with(saml(), "metadata_url", json!("https://idp.acme.example/")), "/metadata_url"),
            (with(saml(), "client_secret", json!("x")), "/client_secret"),
            (with(oidc(), "metadata_url", json!("https://idp.acme.example/")), "/metadata_url"),
            (with(oidc(), "client_secret", Value::Null), "/client_secret"),
            (with(oidc(), "join_group", json!("nobody")), "/join_group"),
            (with(oidc(), "tenancy_id", json!("ten_01ARZ3NDEKTSV4RRFFQ69G5FAV")), "/tenancy_id"),
        ] {
            let answer = put(&acme.owner, &settings).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{settings}");
        }
        put(&acme.owner, &saml()).await.data();
        put(&acme.owner, &oidc()).await.assert_problem(409, "sso_protocol");
        assert_eq!(acme.owner.get(SSO).await.data()["settings"]["protocol"], "saml");
    });
}

/// Whoever chooses the provider chooses who everybody is, owners too.
#[test]
fn who_changes_the_provider_has_all_that_an_owner_has() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let group = group_of_ones_own(&acme, json!(["sso:read", "sso:update"])).await;
        let helper = Robot::new(&acme, json!([group]), true).await.sign_in().await;
        let unvouched = Robot::new(&acme, json!(["owners"]), false).await.sign_in().await;

        assert_eq!(helper.get(SSO).await.data()["state"], "off");
        put(&helper, &saml()).await.assert_problem(403, "permission_denied");
        put(&unvouched, &saml()).await.assert_problem(403, "mfa_required");

        let mut settings = saml();
        settings["join_group"] = json!("grp_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let nowhere = put(&acme.owner, &settings).await;
        nowhere.assert_problem(422, "invalid_request");
        assert_eq!(nowhere.json()["errors"][0]["pointer"], "/join_group");
        settings["join_group"] = json!(group);
        assert_eq!(put(&acme.owner, &settings).await.data()["settings"]["join_group"], json!(group));
    });
}

#[test]
fn an_editor_neither_sees_nor_changes_it() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        acme.editor.get(SSO).await.assert_problem(403, "permission_denied");
        put(&acme.editor, &saml()).await.assert_problem(403, "permission_denied");
        acme.editor.delete(SSO).await.assert_problem(403, "permission_denied");
        assert_eq!(acme.owner.get(SSO).await.data()["state"], "off");
    });
}
