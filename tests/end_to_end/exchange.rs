//! People: from an invitation or their tenancy's provider to a context token of the right tenancy, and of no other.

use http::Method;
use local::Stack;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    actors::{Actor, Answer, Tenant, send},
    federated::FederatedPerson,
    flow::id,
    people::Person,
    sso::{put, saml},
    world::{run, unique},
};

/// Exchanges an ID token; `more` are further members of the form.
async fn exchange(stack: &Stack, id_token: &str, more: &[(&str, &str)]) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
        .append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
        .append_pair("subject_token", id_token)
        .extend_pairs(more)
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(stack, Method::POST, &format!("{}/oauth/token", stack.api()), &headers, form).await
}

fn actor(stack: &'static Stack, answer: &Answer) -> Actor {
    let answer = answer.json();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    Actor::with_token(stack, token)
}

fn assert_refused(answer: &Answer, error: &str) {
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!(error)), "{answer:?}");
}

/// Invites somebody into `groups`, and answers the user with the invitation.
async fn invite(tenant: &Tenant, email: &str, groups: Value) -> Value {
    let user = json!({ "name": "Ada", "email": email, "groups": groups });
    tenant.owner.post("/v1/users", user).await.data()
}

fn secret(invited: &Value) -> &str {
    invited["invitation"]["secret"].as_str().unwrap()
}

/// Somebody who was invited into `groups` and accepted; and the user that they are.
pub async fn user(tenant: &Tenant, groups: Value) -> (Person, Value) {
    let email = format!("{}@people.example", unique("user"));
    let invited = invite(tenant, &email, groups).await;
    let person = Person::accept_invitation(tenant.stack, &email).await;
    let more = [("invitation", secret(&invited))];
    let accepted = exchange(tenant.stack, &person.sign_in().await, &more).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    (person, invited)
}

#[test]
fn who_was_invited_signs_in_as_the_user_that_the_invitation_is_for() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let email = format!("{}@people.example", unique("user"));
        let invited = invite(&acme, &email, json!(["owners"])).await;
        let person = Person::accept_invitation(stack, &email).await;
        let id_token = person.sign_in().await;

        let before = exchange(stack, &id_token, &[]).await;
        let accepted = exchange(stack, &id_token, &[("invitation", secret(&invited))]).await;
        let later = exchange(stack, &person.sign_in().await, &[]).await;

        assert_refused(&before, "invalid_target");
        for answer in [accepted, later] {
            let me = actor(stack, &answer).get("/v1/me").await.data();
            assert_eq!((&me["principal_id"], &me["tenancy_id"]), (&invited["id"], &json!(acme.id)));
            assert!(me["mfa_at"].is_string(), "the user pool asks for a second factor: {me}");
        }
        let owner = actor(stack, &exchange(stack, &person.sign_in().await, &[]).await);
        assert_eq!(owner.post("/v1/groups", json!({ "name": "Night desk" })).await.status, 201);
        let seen = acme.owner.get(&format!("/v1/users/{}", id(&invited))).await.data();
        assert_eq!(seen["state"], "active");
    });
}

#[test]
fn an_invitation_is_for_one_address_and_one_person() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let stranger = Person::new(stack).await;
        let (_, _) = user(&acme, json!(["editors"])).await;
        let invited = invite(&acme, &format!("{}@people.example", unique("user")), json!(["editors"])).await;

        let by_stranger =
            exchange(stack, &stranger.sign_in().await, &[("invitation", secret(&invited))]).await;
        let renewed = format!("/v1/users/{}/invitation", id(&invited));
        acme.owner.post(&renewed, json!({})).await.data();
        let person = Person::accept_invitation(stack, invited["email"].as_str().unwrap()).await;
        let by_old = exchange(stack, &person.sign_in().await, &[("invitation", secret(&invited))]).await;
        let made_up = exchange(stack, &person.sign_in().await, &[("invitation", "nonsense")]).await;

        for answer in [by_stranger, by_old, made_up] {
            assert_refused(&answer, "invalid_grant");
        }
        let seen = acme.owner.get(&format!("/v1/users/{}", id(&invited))).await.data();
        assert_eq!(seen["state"], "invited");
    });
}

#[test]
fn a_user_of_several_tenancies_picks_one_and_gets_no_other() {
    run(async |stack| {
        let (acme, globex, initech) =
            (Tenant::new(stack).await, Tenant::new(stack).await, Tenant::new(stack).await);
        let (person, _) = user(&acme, json!(["editors"])).await;
        let invited = invite(&globex, &person.email, json!(["analysts"])).await;
        let more = [("invitation", secret(&invited)), ("audience", globex.id.as_str())];
        assert_eq!(exchange(stack, &person.sign_in().await, &more).await.status, 200);
        let id_token = person.sign_in().await;

        let unsaid = exchange(stack, &id_token, &[]).await;
        assert_refused(&unsaid, "invalid_target");
        let mut both = vec![json!(acme.id), json!(globex.id)];
        both.sort_by_key(ToString::to_string);
        let mut offered = unsaid.json()["tenancies"].as_array().unwrap().clone();
        offered.sort_by_key(ToString::to_string);
        assert_eq!(offered, both);
        for (tenant, may_write) in [(&acme, true), (&globex, false)] {
            let signed_in = exchange(stack, &id_token, &[("audience", &tenant.id)]).await;
            let me = actor(stack, &signed_in).get("/v1/me").await.data();
            assert_eq!(me["tenancy_id"], tenant.id);
            let permissions = me["permissions"].as_array().unwrap();
            assert_eq!(permissions.contains(&json!("shows:create")), may_write, "{me}");
        }
        let foreign = exchange(stack, &id_token, &[("audience", &initech.id)]).await;
        let missing = exchange(stack, &id_token, &[("audience", "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV")]).await;
        assert_refused(&foreign, "invalid_target");
        assert_eq!(foreign.body, missing.body);
    });
}

#[test]
fn a_suspended_user_is_out_and_comes_back() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (person, user) = user(&acme, json!(["editors"])).await;
        let path = format!("/v1/users/{}", id(&user));
        let session = actor(stack, &exchange(stack, &person.sign_in().await, &[]).await);

        acme.owner.patch(&path, json!({ "state": "suspended" })).await.data();
        session.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_refused(&exchange(stack, &person.sign_in().await, &[]).await, "invalid_target");

        acme.owner.patch(&path, json!({ "state": "active" })).await.data();
        assert_eq!(exchange(stack, &person.sign_in().await, &[]).await.status, 200);
    });
}

#[test]
fn a_removed_user_is_out_for_good() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (person, user) = user(&acme, json!(["editors"])).await;
        let session = actor(stack, &exchange(stack, &person.sign_in().await, &[]).await);

        assert_eq!(acme.owner.delete(&format!("/v1/users/{}", id(&user))).await.status, 204);

        session.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_refused(&exchange(stack, &person.sign_in().await, &[]).await, "invalid_target");
        let again = invite(&acme, &person.email, json!(["analysts"])).await;
        let accepted = exchange(stack, &person.sign_in().await, &[("invitation", secret(&again))]).await;
        let me = actor(stack, &accepted).get("/v1/me").await.data();
        assert_eq!(me["principal_id"], again["id"], "invited again, they are somebody new");
    });
}

#[test]
fn what_is_no_id_token_is_exchanged_for_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (person, _) = user(&acme, json!(["editors"])).await;
        let tokens = person.tokens().await;
        let id_token = tokens["IdToken"].as_str().unwrap();
        let (signed, _) = id_token.rsplit_once('.').unwrap();

        for token in
            ["", "x", tokens["AccessToken"].as_str().unwrap(), &format!("{signed}.AAAA"), &acme.owner.token]
        {
            assert_refused(&exchange(stack, token, &[]).await, "invalid_request");
        }
        assert_eq!(exchange(stack, id_token, &[]).await.status, 200);
    });
}

const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";

#[test]
fn the_provider_decides_the_tenancy_whatever_it_says_of_somebody() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let mut settings = saml();
        settings["join_group"] = json!("contributors");
        put(&acme.owner, &settings).await.data();
        let (victim, _) = user(&globex, json!(["owners"])).await;
        let attacker = FederatedPerson::of(&acme, "mallory").await;
        let said = [
            (EMAIL, victim.email.as_str()),
            ("custom:tenancy_id", globex.id.as_str()),
            ("identities", globex.id.as_str()),
            ("sub", "somebody-else"),
        ];
        let id_token = attacker.sign_in(&said).await;

        let signed_in = exchange(stack, &id_token, &[]).await;
        let for_globex = exchange(stack, &id_token, &[("audience", &globex.id)]).await;

        let me = actor(stack, &signed_in).get("/v1/me").await.data();
        assert_eq!(me["tenancy_id"], acme.id);
        assert_eq!(me["mfa_at"], Value::Null, "the provider is not known to ask for a second factor");
        assert_refused(&for_globex, "invalid_target");
        let again = exchange(stack, &attacker.sign_in(&said).await, &[]).await;
        assert_eq!(actor(stack, &again).get("/v1/me").await.data()["principal_id"], me["principal_id"]);
        let members = acme.owner.get("/v1/groups/contributors/members").await.data();
        assert_eq!(members[0]["member_id"], me["principal_id"]);
        assert_eq!(members[0]["granted_by"], "sso");
    });
}

#[test]
fn without_a_group_to_join_nobody_new_comes_in() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        put(&acme.owner, &saml()).await.data();
        let email = format!("{}@people.example", unique("user"));
        let somebody = FederatedPerson::of(&acme, &unique("name")).await;

        let uninvited = exchange(stack, &somebody.sign_in(&[(EMAIL, &email)]).await, &[]).await;
        let invited = invite(&acme, &email, json!(["editors"])).await;
        let more = [("invitation", secret(&invited))];
        let accepted = exchange(stack, &somebody.sign_in(&[(EMAIL, &email)]).await, &more).await;

        assert_refused(&uninvited, "invalid_target");
        let me = actor(stack, &accepted).get("/v1/me").await.data();
        assert_eq!(me["principal_id"], invited["id"]);
    });
}

#[test]
fn where_there_is_no_place_nobody_new_comes_in() {
    run(async |stack| {
        // The first owner has a place.
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "users": 2 } })).await;
        let mut settings = saml();
        settings["join_group"] = json!("editors");
        put(&acme.owner, &settings).await.data();
        let arrive = async || {
            let somebody = FederatedPerson::of(&acme, &unique("name")).await;
            let email = format!("{}@people.example", unique("user"));
            exchange(stack, &somebody.sign_in(&[(EMAIL, &email)]).await, &[]).await
        };

        let first = arrive().await;
        let second = arrive().await;
        let me = actor(stack, &first).get("/v1/me").await.data();
        let removed = format!("/v1/users/{}", me["principal_id"].as_str().unwrap());
        assert_eq!(acme.owner.delete(&removed).await.status, 204);
        let third = arrive().await;

        assert_refused(&second, "invalid_grant");
        assert_eq!(third.status, 200, "{third:?}");
    });
}

#[test]
fn an_invitation_of_one_tenancy_is_nothing_to_anothers_provider() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        put(&acme.owner, &saml()).await.data();
        let email = format!("{}@people.example", unique("user"));
        let invited = invite(&globex, &email, json!(["owners"])).await;
        let somebody = FederatedPerson::of(&acme, &unique("name")).await;

        let more = [("invitation", secret(&invited))];
        let answer = exchange(stack, &somebody.sign_in(&[(EMAIL, &email)]).await, &more).await;

        assert_refused(&answer, "invalid_grant");
    });
}

#[test]
fn forced_single_sign_on_takes_no_passwords() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (person, _) = user(&acme, json!(["editors"])).await;
        let mut settings = saml();
        settings["join_group"] = json!("editors");
        settings["provider_enforces_mfa"] = json!(true);
        assert_eq!(exchange(stack, &person.sign_in().await, &[]).await.status, 200);

        settings["is_forced"] = json!(true);
        put(&acme.owner, &settings).await.data();
        let by_password = exchange(stack, &person.sign_in().await, &[]).await;
        let somebody = FederatedPerson::of(&acme, &unique("name")).await;
        let email = format!("{}@people.example", unique("user"));
        let by_provider = exchange(stack, &somebody.sign_in(&[(EMAIL, &email)]).await, &[]).await;

        assert_refused(&by_password, "invalid_target");
        let me = actor(stack, &by_provider).get("/v1/me").await.data();
        assert!(me["mfa_at"].is_string(), "the tenancy says that its provider asks for one: {me}");
    });
}
