//! The program `castkeep-verify`, as people call it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use certificate::{Item, SignedCertificate, Tree, Unsigned, prove};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openssl.json");
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openssl.jwks.json");

/// How the program ended, and what it said.
fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_castkeep-verify")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn items() -> Vec<Item> {
    let item = |number: u64| Item {
        store: "media_bucket".to_owned(),
        key: format!("media/{number}"),
        version: Some(format!("v{number}")),
        sha256: None,
        bytes: Some(number),
    };
    (0..5).map(item).collect()
}

/// A certificate of [`items`], and the keys that it is signed with.
fn signed() -> (String, String) {
    let mut tree = Tree::new();
    items().iter().for_each(|item| tree.append(item.line().unwrap().as_bytes()));
    let SignedCertificate { mut certificate, .. } =
        serde_json::from_str(&fs::read_to_string(CERTIFICATE).unwrap()).unwrap();
    (certificate.stores[0].leaves, certificate.stores[0].root) = (tree.leaves(), tree.root());

    let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let unsigned = Unsigned::new(certificate, "k1").unwrap();
    let der = pair.sign(&random, unsigned.signing_input()).unwrap();
    let signed = unsigned.sign_with(der.as_ref()).unwrap();

    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k1", "x": x, "y": y }] });
    (signed.to_json().unwrap(), keys.to_string())
}

#[test]
fn a_genuine_certificate_is_read_out() {
    let (code, said) = run(&[CERTIFICATE, "--keys", KEYS]);
    assert_eq!(code, 0, "{said}");
    for part in [
        "The certificate del_01ARZ3NDEKTSV4RRFFQ69G5FAV is genuine",
        "It says that everything was destroyed of tenancy ten_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "approved by usr_01ARZ3NDEKTSV4RRFFQ69G5FAB",
        "media_bucket: 5 items, 8 versions, 5000 bytes destroyed; 0 left when counted.",
        "The key key-1 is destroyed at 2026-02-08T10:30:01.000Z.",
        "The last backup expires at 2026-03-04T10:30:00.000Z.",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn a_changed_certificate_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(CERTIFICATE).unwrap();
    let changed = write(folder.path(), "changed.json", &text.replace("\"items\": 5", "\"items\": 4"));
    let (code, said) = run(&[&changed, "--keys", KEYS]);
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("Do not believe this certificate. The signature does not match"), "{said}");
}

#[test]
fn a_proof_is_held_against_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, keys) = signed();
    let certificate = write(folder.path(), "certificate.json", &certificate);
    let keys = write(folder.path(), "keys.json", &keys);
    let mut proof = prove(&items(), 3).unwrap().unwrap();
    let genuine = write(folder.path(), "proof.json", &serde_json::to_string(&proof).unwrap());
    proof.item.key = "media/9".to_owned();
    let forged = write(folder.path(), "forged.json", &serde_json::to_string(&proof).unwrap());

    let (code, said) = run(&[&certificate, "--keys", &keys, "--proof", &genuine]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("The proof holds: \"media/3\" of media_bucket is among what was destroyed."),
        "{said}"
    );
    let (code, said) = run(&[&certificate, "--keys", &keys, "--proof", &forged]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("The proof does not hold"), "{said}");
    assert_eq!(run(&[&certificate, "--keys", &keys, "--proof", &keys]).0, 1);
}

#[test]
fn a_proof_is_made_of_the_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, keys) = signed();
    let certificate = write(folder.path(), "certificate.json", &certificate);
    let keys = write(folder.path(), "keys.json", &keys);
    let leaves: Vec<_> = items().iter().map(|item| item.leaf().unwrap().to_string()).collect();
    let leaves = write(folder.path(), "leaves.txt", &leaves.join("\n"));
    let mut item = items()[3].clone();
    let destroyed = write(folder.path(), "item.json", &serde_json::to_string(&item).unwrap());
    item.key = "media/9".to_owned();
    let other = write(folder.path(), "other.json", &serde_json::to_string(&item).unwrap());
    let proof = folder.path().join("proof.json").to_str().unwrap().to_owned();
    let prove = |item: &str| {
        run(&[&certificate, "--keys", &keys, "--item", item, "--leaves", &leaves, "--proof", &proof])
    };

    let (code, said) = prove(&other);
    assert_eq!((code, said.trim()), (1, "The item is none of these leaves."));
    let (code, said) = prove(&destroyed);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("The proof holds: \"media/3\" of media_bucket"), "{said}");
    assert_eq!(run(&[&certificate, "--keys", &keys, "--proof", &proof]).0, 0, "anybody can check it again");
    assert_eq!(run(&[&certificate, "--keys", &keys, "--item", &destroyed]).0, 2);
    assert_eq!(
        run(&[&certificate, "--keys", &keys, "--item", &keys, "--leaves", &leaves, "--proof", &proof]).0,
        2
    );
}

#[test]
fn a_page_is_written_of_what_was_verified() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let (code, said) = run(&["--page", page.to_str().unwrap(), "--keys", KEYS, CERTIFICATE]);
    assert_eq!(code, 0, "{said}");
    assert!(fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
}

#[test]
fn what_cannot_be_told_is_not_called_wrong() {
    for arguments in [
        &[][..],
        &[CERTIFICATE],
        &[CERTIFICATE, "--keys"],
        &[CERTIFICATE, "--keys", "/nowhere"],
        &[CERTIFICATE, "--keys", CERTIFICATE],
        &["/nowhere", "--keys", KEYS],
        &[CERTIFICATE, CERTIFICATE, "--keys", KEYS],
        &[CERTIFICATE, "--key", KEYS],
        &[CERTIFICATE, "--keys", KEYS, "--proof", "/nowhere"],
    ] {
        let (code, said) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
    }
    let (code, said) = run(&["--help"]);
    assert_eq!((code, said.contains("Usage: castkeep-verify")), (0, true));
}
