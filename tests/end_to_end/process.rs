//! A function's process, inside of this one, where it can be killed anywhere.

use std::{
    env,
    future::Future,
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use lambda_kit::Failure;
use local::Stack;
use serde_json::{Value, json};
use storage::{Environment, Storage, SystemRandomness};
use tenant_context::Clock;
use uploads::sandbox::Sandbox;

/// The environment that the template gives it, and credentials of its role.
pub struct Process {
    environment: Value,
    credentials: [String; 3],
}

impl Process {
    /// Of the function with this binary, in a stack whose roles let the test in.
    pub async fn of(stack: &Stack, binary: &str) -> Self {
        let mut environment = stack.aws().function_environment(binary).await.unwrap();
        environment["AWS_ENDPOINT_URL"] = json!(stack.aws().endpoint());
        Self { environment, credentials: stack.aws().assume_role_of(binary).await.unwrap() }
    }

    /// The same, but for `changes` to its environment.
    pub fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut environment = self.environment.clone();
        for (name, value) in changes {
            environment[*name] = json!(value);
        }
        Self { environment, credentials: self.credentials.clone() }
    }

    pub fn variable(&self, name: &str) -> String {
        self.environment[name].as_str().unwrap().to_owned()
    }

    pub fn storage(&self, clock: Arc<dyn Clock>) -> Storage {
        let [id, secret, token] = &self.credentials;
        let lookup = |name: &str| match name {
            "AWS_REGION" => Some(local::REGION.to_owned()),
            "AWS_ACCESS_KEY_ID" => Some(id.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(secret.clone()),
            "AWS_SESSION_TOKEN" => Some(token.clone()),
            name => self.environment[name].as_str().map(str::to_owned),
        };
        Storage::new(Environment::read(lookup), clock, Arc::new(SystemRandomness::new())).unwrap()
    }
}

/// Where the media worker has files looked into: its own program, which the stack has built beside this test.
pub fn sandbox() -> Sandbox {
    let test = env::current_exe().unwrap();
    Sandbox::new(test.parent().and_then(Path::parent).unwrap().join("media-worker"))
}

/// Runs `work` until it has waited `awaits` times, and drops it there, as a kill would. Answers whether it came to its end.
pub async fn run_until(awaits: usize, work: impl Future<Output = ()>) -> bool {
    run_counting(awaits, work).await.is_some()
}

/// The same for what works several times: answers how often it might have waited on where it came to its end.
pub async fn run_counting(awaits: usize, work: impl Future<Output = ()>) -> Option<usize> {
    let mut work = pin!(work);
    let mut waited = 0;
    std::future::poll_fn(|context: &mut Context<'_>| match work.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(Some(awaits - waited)),
        Poll::Pending if waited == awaits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// Does a worker's work again until it comes to its end, as its queue would: somebody else may be at it, too.
pub async fn until_done(work: impl AsyncFn() -> Result<(), Failure>) {
    for _ in 0..20 {
        if work().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    work().await.unwrap();
}
