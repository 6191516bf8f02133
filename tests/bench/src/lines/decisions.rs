//! What every request of the tenancy API does before its work: a token becomes a context, and the policy decides.

use std::hint::black_box;

use serde_json::Value;
use tenant_context::{
    Timestamp,
    permission::{InviteUser, UpdateShow},
    token::{Caller, VerificationKey, verify_data_token},
};

use super::{fastest, readable};
use crate::{
    page::Section,
    world::{Outcome, World},
};

/// How many of a thing one round does, so that looking at the clock does not count.
const ROUND: u32 = 100;

/// A verified token, and decisions of the policy, inside this process.
///
/// # Errors
/// Where the token is not one of the stack's.
pub async fn measure(world: &World, data_token: &str) -> Outcome<Section> {
    let mut section = Section::new(
        "Decisions",
        "Inside one process, the quickest round of many, for each. What the page says of an owner of the whole tenancy is remembered; \
         what it takes to ask it, `cargo run --release -p tenant-context --example decision_cost` prints.",
    );
    let jwks = world.get("", "/.well-known/jwks.json").await?;
    let keys = jwks.pointer("/keys").and_then(Value::as_array).ok_or("no keys published")?;
    let keys = keys.iter().map(VerificationKey::from_jwk).collect::<Result<Vec<_>, _>>()?;
    let now = Timestamp::from_unix_seconds(std::time::UNIX_EPOCH.elapsed()?.as_secs());
    let issuer = world.stack.api();
    let Caller::Tenant(context) = verify_data_token(data_token, &keys, issuer, now)? else {
        return Err("the token is an operator's".into());
    };

    let verified = fastest(|| {
        for _ in 0..ROUND {
            black_box(verify_data_token(black_box(data_token), &keys, issuer, now).is_ok());
        }
    });
    section.line("context from a data token: RS256 verified, claims parsed", readable(verified / ROUND));
    let decided = fastest(|| {
        for _ in 0..ROUND {
            black_box(black_box(&context).ask::<UpdateShow>().is_ok());
        }
    });
    section.line("policy decision, remembered: shows:update by an owner", readable(decided / ROUND));
    let with_factor = fastest(|| {
        for _ in 0..ROUND {
            black_box(black_box(&context).grant::<InviteUser>().is_ok());
        }
    });
    section.line(
        "policy decision, remembered: users:invite, which looks at the second factor",
        readable(with_factor / ROUND),
    );
    Ok(section)
}
