//! A change of single sign-on killed anywhere, and asked for again. This has a stack of its own, whose roles let the test in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Method;
use identity::IdentityProviders;
use lambda_kit::{Api, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use tenancy::SingleSignOn;
use tenant_context::{Clock, Timestamp};

use crate::{
    actors::Tenant,
    instance::event,
    process::{Process, run_until},
    sso::{clients_in_cognito, provider_in_cognito, record, saml},
    walls::data_token,
    world::run_alone,
};

/// The real time, and as many seconds more as the test has let pass.
struct Moving(Arc<AtomicU64>);

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_secs(self.0.load(Ordering::Relaxed)))
    }
}

/// The function, and whose request it answers.
struct Function {
    process: Process,
    passed: Arc<AtomicU64>,
    data_token: String,
}

impl Function {
    async fn of(stack: &Stack, tenant: &Tenant) -> Self {
        Self {
            process: Process::of(stack, "sso").await,
            passed: Arc::default(),
            data_token: data_token(stack, &tenant.owner).await,
        }
    }

    fn start(&self) -> Arc<SingleSignOn> {
        let variable = |name: &str| self.process.variable(name);
        let storage = self.process.storage(Arc::new(Moving(Arc::clone(&self.passed))));
        let callback_urls = variable("SIGN_IN_CALLBACK_URLS").split(',').map(str::to_owned).collect();
        let sign_in_url = variable("SIGN_IN_URL").parse().unwrap();
        let providers =
            IdentityProviders::new(&storage, variable("USER_POOL_ID"), sign_in_url, callback_urls);
        Arc::new(SingleSignOn { providers, api: Api::new(storage, variable("API_URL")) })
    }

    /// The owner's request, as API Gateway hands it over.
    async fn answer(&self, method: Method, body: &Value) -> (u16, Value) {
        let request = event(&self.data_token, &method, "/v1/tenancy/sso", body);
        let reply = tenancy::sso_routes().answer(&self.start(), request).await;
        (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or_default())
    }

    /// What was cut off is taken for that after half a minute.
    fn let_pass(&self, seconds: u64) {
        self.passed.store(seconds, Ordering::Relaxed);
    }
}

async fn assert_there(stack: &Stack, tenancy: &str, wanted: &Value, when: &str) {
    let record = record(stack, tenancy).await.unwrap_or_else(|| panic!("no record, {when}"));
    let clients = clients_in_cognito(stack, tenancy).await;
    assert_eq!(clients.len(), 1, "{when}: {clients:?}");
    assert_eq!(record["client_id"]["S"], clients[0]["ClientId"], "{when}");
    assert_eq!(record["is_forced"]["BOOL"], wanted["is_forced"], "{when}");
    let provider = provider_in_cognito(stack, tenancy).await.unwrap();
    assert_eq!(provider["ProviderDetails"]["MetadataFile"], wanted["metadata_document"], "{when}");
}

async fn assert_gone(stack: &Stack, tenancy: &str, when: &str) {
    assert!(record(stack, tenancy).await.is_none(), "{when}");
    assert!(clients_in_cognito(stack, tenancy).await.is_empty(), "{when}");
    assert!(provider_in_cognito(stack, tenancy).await.is_none(), "{when}");
}

#[test]
fn a_change_killed_anywhere_and_asked_for_again_ends_right() {
    run_alone(async |stack| {
        let acme = Tenant::new(stack).await;
        let function = Function::of(stack, &acme).await;

        let (mut awaits, mut cut_off) = (0, 0);
        loop {
            let when = format!("killed after {awaits} awaits");
            let mut wanted = saml();
            wanted["is_forced"] = json!(awaits % 2 == 0);
            function.let_pass(0);
            let made = run_until(awaits, async {
                function.answer(Method::PUT, &wanted).await;
            })
            .await;
            let (status, at_once) = function.answer(Method::PUT, &wanted).await;
            cut_off += u32::from(status == 409);
            assert!(status == 200 || at_once["code"] == "sso_changing", "{when}: {status} {at_once}");
            function.let_pass(30);
            let (status, again) = function.answer(Method::PUT, &wanted).await;
            assert_eq!((status, &again["data"]["state"]), (200, &json!("active")), "{when}: {again}");
            assert_there(stack, &acme.id, &wanted, &when).await;

            let removed = run_until(awaits, async {
                function.answer(Method::DELETE, &json!({})).await;
            })
            .await;
            function.let_pass(60);
            let (status, again) = function.answer(Method::DELETE, &json!({})).await;
            assert!(matches!(status, 204 | 404), "{when}: {status} {again}");
            assert_gone(stack, &acme.id, &when).await;

            if made && removed {
                break;
            }
            awaits += 1;
        }
        assert!(awaits >= 8 && cut_off >= 2, "{awaits} places to be killed at, {cut_off} changes cut off");
    });
}
