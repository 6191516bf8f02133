//! The schemas that are in every archive are those of the types.

use std::{fs, path::Path};

use domain::AuditEvent;
use export::records::{
    ClientRecord, EpisodeRecord, ListenerRecord, Manifest, MediaRecord, PersonEvent, PersonRecord,
    ShowRecord, TenancyRecord, UserRecord, VerificationRecord,
};
use schemars::schema_for;
use serde_json::json;

#[test]
fn the_schemas_are_what_the_types_say() {
    let made = json!({
        "manifest": schema_for!(Manifest),
        "tenancy": schema_for!(TenancyRecord),
        "users": schema_for!(Vec<UserRecord>),
        "clients": schema_for!(Vec<ClientRecord>),
        "show": schema_for!(ShowRecord),
        "episodes": schema_for!(Vec<EpisodeRecord>),
        "listeners": schema_for!(Vec<ListenerRecord>),
        "media": schema_for!(Vec<MediaRecord>),
        "audit-event": schema_for!(AuditEvent),
        "audit-verification": schema_for!(VerificationRecord),
        "person": schema_for!(PersonRecord),
        "person-event": schema_for!(PersonEvent),
    });
    let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas.json");
    if fs::read_to_string(&path).unwrap_or_default() != made {
        fs::write(&path, made).unwrap();
        panic!("schemas.json was not what the types say. It is now: read what changed and commit it.");
    }
}
