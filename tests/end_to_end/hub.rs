//! A WebSub hub, played by this process: it hears of what is new in public shows, once, and nothing else.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use domain::Addresses;
use feeds::{
    announce_feed::announce_feed, herald::Heralds, hub::Hub, listen::Listen, podping::Podping,
    render_feed::render_feed,
};
use http::Method;
use lambda_kit::{Failure, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use storage::{AnnounceRequest, RenderRequest, Storage};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::{
    actors::Tenant,
    flow::{id, wait_for_feed},
    process::Process,
    world::{run, unique},
};

/// Answers everything with one status and remembers what it was told.
struct LocalHub {
    url: String,
    status: Arc<AtomicU16>,
    told: Arc<Mutex<Vec<String>>>,
}

impl LocalHub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hub", listener.local_addr().unwrap());
        let (status, told) = (Arc::new(AtomicU16::new(202)), Arc::new(Mutex::new(Vec::new())));
        let hub = Self { url, status: status.clone(), told: told.clone() };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let (mut head, mut length) = (String::new(), 0);
                while !head.ends_with("\r\n\r\n") {
                    let start = head.len();
                    stream.read_line(&mut head).await.unwrap();
                    if let Some(value) = head[start..].to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let line = head.lines().next().unwrap();
                told.lock().unwrap().push(format!("{line} {}", String::from_utf8(body).unwrap()));
                let status = status.load(Ordering::Relaxed);
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        hub
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

/// The renderer in this process, with a hub and a queue of its own.
struct Renderer {
    stack: &'static Stack,
    storage: Storage,
    addresses: Addresses,
    heralds: Heralds,
    queue: Value,
}

impl Renderer {
    async fn start(stack: &'static Stack, hub: &LocalHub) -> Self {
        let hub = Some(Hub::new(hub.url.parse().unwrap()));
        Self::with(stack, Heralds { hub, podping: None }).await
    }

    async fn with(stack: &'static Stack, heralds: Heralds) -> Self {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*" }],
        });
        let queue = json!({ "QueueName": unique("renders"), "Attributes": { "Policy": policy.to_string() } });
        let queue = stack.aws().sqs("CreateQueue", &queue).await.unwrap()["QueueUrl"].clone();
        let changes = [("RENDER_QUEUE_URL", queue.as_str().unwrap())];
        let storage = Process::of(stack, "renderer").await.with(&changes).storage(Arc::new(SystemClock));
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        Self { stack, storage, addresses, heralds, queue }
    }

    async fn render(&self, tenant: &Tenant, show: &Value) {
        let request = RenderRequest {
            tenancy_id: tenant.id.parse().unwrap(),
            show_id: id(show).parse().unwrap(),
            as_of: self.storage.now(),
        };
        render_feed(&self.storage, &self.addresses, &self.heralds, &request).await.unwrap();
    }

    /// What it has queued for itself since last time.
    async fn announcement(&self) -> Option<AnnounceRequest> {
        let receive = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
        let received = self.stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        assert!(messages.len() <= 1, "{messages:?}");
        let message = messages.first()?;
        let delete = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
        self.stack.aws().sqs("DeleteMessage", &delete).await.unwrap();
        Some(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
    }

    async fn announce(&self, request: &AnnounceRequest) -> Result<(), Failure> {
        announce_feed(&self.storage, &self.addresses, &self.heralds, request).await
    }

    async fn pointer(&self, tenant: &Tenant, show: &Value) -> Value {
        let bucket = self.stack.output("FeedBucket").unwrap();
        let path = format!("/{bucket}/{}/{}/current.json", tenant.id, id(show));
        let object = self.stack.aws().s3(Method::GET, &path, bytes::Bytes::new()).await.unwrap();
        serde_json::from_slice(object.body()).unwrap()
    }
}

/// As a change through the API would, but that the stack's own renderer does not hear of it.
async fn rename(stack: &Stack, tenant: &Tenant, show: &Value, title: &str) {
    let table = stack.output("TenantTable").unwrap();
    for (collection, update, values) in [
        ("shows", "SET title = :value", json!({ ":value": { "S": title } })),
        ("feed-versions", "ADD #c :value", json!({ ":value": { "N": "1" } })),
    ] {
        let mut change = json!({
            "TableName": table, "UpdateExpression": update, "ExpressionAttributeValues": values,
            "Key": { "pk": { "S": format!("{}#{collection}", tenant.id) }, "sk": { "S": id(show) } },
        });
        if update.contains("#c") {
            change["ExpressionAttributeNames"] = json!({ "#c": "counter" });
        }
        stack.aws().dynamodb("UpdateItem", &change).await.unwrap();
    }
}

#[test]
fn a_hub_hears_once_of_each_change_and_of_nothing_else() {
    run(async |stack| {
        let (acme, hub) = (Tenant::new(stack).await, LocalHub::start().await);
        let renderer = Renderer::start(stack, &hub).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |_| true).await;

        renderer.render(&acme, &show).await;
        assert_eq!(renderer.announcement().await, None, "nothing has changed");

        rename(stack, &acme, &show, "Renamed").await;
        renderer.render(&acme, &show).await;
        let announcement = renderer.announcement().await.expect("a change is announced");
        assert_eq!(hub.told(), [""; 0], "not before its message comes");
        renderer.announce(&announcement).await.unwrap();
        let encoded = url.replace(':', "%3A").replace('/', "%2F");
        let told = format!("POST /hub HTTP/1.1 hub.mode=publish&hub.url={encoded}");
        assert_eq!(hub.told(), [told.as_str()]);

        renderer.announce(&announcement).await.unwrap();
        renderer.render(&acme, &show).await;
        assert_eq!(renderer.announcement().await, None);
        assert_eq!(hub.told().len(), 1, "once");

        rename(stack, &acme, &show, "Renamed again").await;
        renderer.render(&acme, &show).await;
        renderer.announce(&announcement).await.unwrap();
        assert_eq!(hub.told().len(), 1, "what is old news by now is not told");
    });
}

#[test]
fn podping_hears_of_each_change_with_the_hub() {
    run(async |stack| {
        let (acme, hub, gateway) =
            (Tenant::new(stack).await, LocalHub::start().await, LocalHub::start().await);
        let podping = Podping::new(gateway.url.parse().unwrap(), "a-token".to_owned());
        let hub_of_renderer = Hub::new(hub.url.parse().unwrap());
        let heralds = Heralds { hub: Some(hub_of_renderer), podping: Some(podping) };
        let renderer = Renderer::with(stack, heralds).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |_| true).await;
        rename(stack, &acme, &show, "Renamed").await;
        renderer.render(&acme, &show).await;
        let announcement = renderer.announcement().await.unwrap();

        gateway.status.store(503, Ordering::Relaxed);
        let failure = renderer.announce(&announcement).await.unwrap_err();
        assert!(matches!(failure, Failure::Elsewhere(_)), "{failure:?}");
        gateway.status.store(200, Ordering::Relaxed);
        renderer.announce(&announcement).await.unwrap();
        renderer.announce(&announcement).await.unwrap();

        let encoded = url.replace(':', "%3A").replace('/', "%2F");
        let told = format!("GET /hub?url={encoded}&reason=update&medium=podcast HTTP/1.1 ");
        assert_eq!(gateway.told(), [told.as_str(), told.as_str()], "until it understood, and not again");
        assert_eq!(hub.told().len(), 2);
    });
}

#[test]
fn a_hub_that_does_not_answer_is_asked_again_and_nothing_is_rendered_again() {
    run(async |stack| {
        let (acme, hub) = (Tenant::new(stack).await, LocalHub::start().await);
        let renderer = Renderer::start(stack, &hub).await;
        let show = acme.show("public").await;
        wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |_| true).await;
        rename(stack, &acme, &show, "Renamed").await;
        renderer.render(&acme, &show).await;
        let announcement = renderer.announcement().await.unwrap();
        let before = renderer.pointer(&acme, &show).await;

        hub.status.store(503, Ordering::Relaxed);
        let failure = renderer.announce(&announcement).await.unwrap_err();
        assert!(matches!(failure, Failure::Elsewhere(_)), "{failure:?}");
        assert_eq!(renderer.pointer(&acme, &show).await, before);
        hub.status.store(204, Ordering::Relaxed);
        renderer.announce(&announcement).await.unwrap();

        assert_eq!(hub.told().len(), 2);
        let after = renderer.pointer(&acme, &show).await;
        assert_eq!((&before["is_unannounced"], &after["is_unannounced"]), (&json!(true), &json!(false)));
        assert_eq!((&before["as_of"], &before["public"]), (&after["as_of"], &after["public"]));
    });
}

#[test]
fn a_hub_never_hears_of_a_private_show() {
    run(async |stack| {
        let (acme, hub) = (Tenant::new(stack).await, LocalHub::start().await);
        let renderer = Renderer::start(stack, &hub).await;
        let show = acme.show("private").await;
        let listeners = format!("/v1/shows/{}/listeners", id(&show));
        let listener = acme.editor.post(&listeners, json!({ "label": "A phone" })).await.data();
        wait_for_feed(stack, listener["feed_url"].as_str().unwrap(), |_| true).await;

        rename(stack, &acme, &show, "Renamed").await;
        renderer.render(&acme, &show).await;

        assert_eq!(renderer.announcement().await, None);
        let pointer = renderer.pointer(&acme, &show).await;
        let document = pointer["listeners"]["feed"]["hash"].as_str().unwrap().parse().unwrap();
        let (tenancy_id, show_id) = (acme.id.parse().unwrap(), id(&show).parse().unwrap());
        renderer.announce(&AnnounceRequest { tenancy_id, show_id, document }).await.unwrap();
        assert_eq!(hub.told(), [""; 0]);
    });
}

#[test]
fn a_public_feed_says_where_its_hub_is_and_a_private_one_does_not() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (public, private) = (acme.show("public").await, acme.show("private").await);
        let listeners = format!("/v1/shows/{}/listeners", id(&private));
        let listener = acme.editor.post(&listeners, json!({ "label": "A phone" })).await.data();
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        let storage = Process::of(stack, "feeds").await.storage(Arc::new(SystemClock));
        let hub = Hub::new("https://hub.example/".parse().unwrap());
        let app = Arc::new(Listen::new(storage, addresses, Some(hub)));
        let router = feeds::listen::routes();

        for (url, is_public) in [(&public["feed_url"], true), (&listener["feed_url"], false)] {
            let url = url.as_str().unwrap();
            let without = wait_for_feed(stack, url, |_| true).await;
            assert_eq!(without.header("link"), "", "no hub is configured");
            let path = url.strip_prefix(stack.listener()).unwrap();
            let answer = router.answer(&app, crate::serving::event(path, "*/*")).await;
            let expected = format!("<https://hub.example/>; rel=\"hub\", <{url}>; rel=\"self\"");
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            assert_eq!(link, is_public.then_some(expected));
        }
    });
}
