//! The environment, read here and nowhere else.

use std::sync::Arc;

use lambda_http::Error;
use storage::{Environment, Storage, SystemRandomness};

use crate::SystemClock;

/// A variable of the function's environment; none when it is missing or empty.
#[allow(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that the function cannot do without.
///
/// # Errors
/// A sentence naming the variable, when it is missing or empty.
pub fn required(name: &str) -> Result<String, Error> {
    variable(name).ok_or_else(|| format!("the environment variable {name} is missing").into())
}

/// The stores that the environment names.
///
/// # Errors
/// When region or credentials are missing.
pub fn open_storage() -> Result<Storage, Error> {
    let environment = Environment::read(variable);
    Ok(Storage::new(environment, Arc::new(SystemClock), Arc::new(SystemRandomness::new()))?)
}
