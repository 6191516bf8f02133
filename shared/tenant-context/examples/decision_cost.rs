//! What a decision costs here: `cargo run --release -p tenant-context --example decision_cost`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement, not production code")]

use std::{hint::black_box, time::Instant};

use ring::{
    rand::SystemRandom,
    rsa,
    signature::{KeyPair, RSA_PKCS1_SHA256},
};
use tenant_context::{
    Action, Membership, ShowId, SystemGroup, TenantContext, Timestamp, Worker,
    permission::{CreateUpload, ProcessUpload},
    token::{Caller, Subject, Unsigned, VerificationKey, verify_data_token},
};

const ISSUER: &str = "https://api.example";

fn main() {
    let of = Membership::of_system_group;
    let shows: Vec<ShowId> = (0..50).map(|number| format!("shw_{number:026}").parse().unwrap()).collect();
    let in_shows = |group| Membership { shows: Some(shows.clone()), ..of(group) };
    let in_five = |shows: &[ShowId]| Membership { shows: Some(shows.to_vec()), ..of(SystemGroup::Editors) };
    let owner = member(vec![of(SystemGroup::Owners)]);
    let editor = member(vec![of(SystemGroup::Editors)]);
    let of_shows = member(vec![in_shows(SystemGroup::Editors)]);
    let of_ten_groups = member(shows.chunks(5).map(in_five).collect());
    let worker = TenantContext::from_queue(owner.tenancy().clone(), Worker::Media);

    let started = Instant::now();
    assert!(owner.may(Action::ReadTenancy));
    println!("{:8.1} µs  the first decision, which reads the page", started.elapsed().as_secs_f64() * 1e6);

    measure("an editor of the tenancy, which is remembered", || editor.ask::<CreateUpload>().is_ok());
    measure("an editor of fifty shows", || of_shows.ask::<CreateUpload>().is_ok());
    measure("all that an owner may do, which is remembered", || {
        Action::ALL.iter().filter(|action| owner.may(**action)).count() > 0
    });
    measure("a worker", || worker.grant::<ProcessUpload>().is_ok());
    measure("may_give: an owner, the tenancy", || owner.may_give(&of(SystemGroup::Owners)));
    measure("may_give: an owner, fifty shows", || owner.may_give(&in_shows(SystemGroup::Editors)));
    let given = in_shows(SystemGroup::Editors);
    measure("may_give: an editor of them, fifty shows", || of_shows.may_give(&given));
    measure("may_give: ten memberships of five each, fifty shows", || of_ten_groups.may_give(&given));
}

/// Prints the quickest of ten rounds: what else the machine did in the others is not the policy's cost.
fn measure(what: &str, is_allowed: impl Fn() -> bool) {
    let rounds = (0..10).map(|_| {
        let (started, mut times) = (Instant::now(), 0_u32);
        while started.elapsed().as_millis() < 50 {
            assert!(black_box(is_allowed()));
            times += 1;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    });
    println!("{:8.1} µs  {what}", rounds.fold(f64::INFINITY, f64::min));
}

fn member(memberships: Vec<Membership>) -> TenantContext {
    let pair = rsa::KeyPair::from_pkcs8(include_bytes!("../tests/signing_key.pkcs8")).unwrap();
    let public: rsa::PublicKeyComponents<Vec<u8>> = pair.public_key().into();
    let key = VerificationKey::from_components(&public.n, &public.e);
    let subject = Subject::Member {
        tenancy: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        member: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        memberships,
        mfa_at: Some(Timestamp::EPOCH),
        state: tenant_context::TenancyState::Active,
    };
    let session = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();

    let unsigned = Unsigned::data_token(ISSUER, key.id(), &subject, &session, Timestamp::EPOCH);
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.input(), &mut signature).unwrap();
    let token = unsigned.sign_with(&signature);
    match verify_data_token(&token, &[key], ISSUER, Timestamp::EPOCH).unwrap() {
        Caller::Tenant(context) => context,
        Caller::Operator(_) => panic!("not a member"),
    }
}
