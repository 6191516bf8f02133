//! Threads that serve for as long as a stack lives, whatever becomes of the runtime that started it.

use std::time::Duration;

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::spawn_blocking,
};

use crate::Failure;

const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// A runtime that may be dropped anywhere.
#[derive(Debug)]
pub(crate) struct Background {
    handle: Handle,
    // Taken on drop only.
    runtime: Option<Runtime>,
}

impl Background {
    pub(crate) fn new() -> Result<Self, Failure> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
                Failure::new(
                    format!("No threads can be started: {error}."),
                    "Close some programs and start again.",
                )
            })?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns when nothing is served any more and the ports are free.
    pub(crate) async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            spawn_blocking(|| runtime.shutdown_timeout(STOPS_WITHIN)).await.ok();
        }
    }
}

impl Drop for Background {
    /// A plain drop would wait for its tasks, which is not allowed on a thread of another runtime.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
