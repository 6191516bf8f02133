//! The one stack that all tests share.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use futures::FutureExt;
use local::{Options, Stack};
use serde_json::json;
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::elsewhere;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static STACK: OnceCell<Stack> = OnceCell::const_new();
static NAMES: AtomicU32 = AtomicU32::new(0);

/// What the stack starts with: it imports feeds of the hosts that this process plays, too.
fn options() -> Options {
    Options { import_reach: elsewhere::addresses(), ..Options::for_tests().unwrap() }
}

/// Runs a test against the stack, which the first one starts.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce(&'static Stack) -> F) {
    RUNTIME.block_on(async {
        let stack = STACK
            .get_or_init(|| async {
                Stack::start(options()).await.unwrap_or_else(|failure| panic!("{failure}"))
            })
            .await;
        let result = AssertUnwindSafe(test(stack)).catch_unwind().await;
        if let Err(panic) = result {
            println!("{}", complaints(stack).await);
            resume_unwind(panic);
        }
    });
}

/// A stack that one test has for itself, until the process ends: the next one that is started clears up after it.
pub async fn start_alone(options: Options) -> &'static Stack {
    Box::leak(Box::new(Stack::start(options).await.unwrap_or_else(|failure| panic!("{failure}"))))
}

/// What the functions have logged as a warning or an error so far, and which ran out of time.
async fn complaints(stack: &Stack) -> String {
    let mut lines = vec!["What the functions complained of so far:".to_owned()];
    let groups = stack.aws().logs("DescribeLogGroups", &json!({})).await.unwrap_or_default();
    for group in groups["logGroups"].as_array().into_iter().flatten() {
        let name = &group["logGroupName"];
        let events =
            stack.aws().logs("FilterLogEvents", &json!({ "logGroupName": name })).await.unwrap_or_default();
        let messages =
            events["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
        let words = ["WARN", "ERROR", "panicked", "timed out", "exited"];
        let complaints = messages.filter(|text| words.iter().any(|word| text.contains(word)));
        lines.extend(complaints.map(|text| format!("{name}: {}", text.trim())));
    }
    lines.join("\n")
}

/// A name that no other test has.
pub fn unique(what: &str) -> String {
    format!("{what}-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}
