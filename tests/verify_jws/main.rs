//! `verify-jws KEY TOKEN`: reads a JWK and a compact JWS, each from a file, and tells whether Castkeep's token verifier accepts the
//! signature: exit 0 if it does, 1 if it does not. RS256 is all that it understands. Point a corpus of test vectors at it.

use std::{env, fs, process::ExitCode};

use tenant_context::token::{VerificationKey, verify_signature};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [key, token] = arguments.as_slice() else {
        eprintln!("Usage: verify-jws KEY TOKEN\nReads a JWK (JSON) and a compact JWS, each from a file.");
        return ExitCode::from(2);
    };
    match verify(key, token) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn verify(key: &str, token: &str) -> Result<(), String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let key = serde_json::from_str(&read(key)?).map_err(|error| format!("not a JWK: {error}"))?;
    let key = VerificationKey::from_jwk(&key).map_err(|error| error.to_string())?;
    verify_signature(read(token)?.trim(), &[key]).map(drop).map_err(|error| error.to_string())
}
