//! The stack that tests share, and stacks that one test has for itself.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use futures::FutureExt;
use local::{Options, Stack};
use serde_json::json;
use tokio::{
    runtime::{Builder, Runtime},
    sync::OnceCell,
};

use crate::elsewhere;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static STACK: OnceCell<Stack> = OnceCell::const_new();
static NAMES: AtomicU32 = AtomicU32::new(0);

/// What the stack starts with: it imports feeds of the hosts that this process plays, too.
fn options() -> Options {
    Options { import_reach: elsewhere::addresses(), ..Options::for_tests().unwrap() }
}

/// Runs a test against the stack that all share, which the first one starts.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce(&'static Stack) -> F) {
    RUNTIME.block_on(async {
        let stack = STACK.get_or_init(start).await;
        if let Err(panic) = outcome(stack, Box::pin(test(stack))).await {
            resume_unwind(panic);
        }
    });
}

/// Runs a test against a stack that it has for itself, and that ends with it. There is one thread: nothing is answered between
/// sending and waiting, so each call is a place to be killed at.
pub fn run_alone<F: Future<Output = ()>>(test: impl FnOnce(&'static Stack) -> F) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stack: &'static Stack = Box::leak(Box::new(start().await));
        let result = outcome(stack, Box::pin(test(stack))).await;
        stack.discard().await;
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    });
}

/// A stack for tests.
pub async fn start() -> Stack {
    Stack::start(options()).await.unwrap_or_else(|failure| panic!("{failure}"))
}

/// How a test ends. It comes in a box: many are too large to be moved about on the stack of a thread. Of one that fails it is said
/// what the functions complained of.
async fn outcome(stack: &Stack, test: impl Future<Output = ()> + Unpin) -> thread::Result<()> {
    let result = AssertUnwindSafe(test).catch_unwind().await;
    if result.is_err() {
        println!("{}", complaints(stack).await);
    }
    result
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
