//! What it costs on AWS, on paper: list prices, and the calls and times that were measured in this run.

use std::{collections::BTreeMap, time::Duration};

use crate::{lines::export::Exported, page::Section, stand_in::Calls};

/// US dollars, us-east-1, on demand, without free tiers, as listed at the end of 2025. Look them up again before you rely on them.
mod price {
    /// A million requests of Lambda.
    pub const LAMBDA_REQUESTS: f64 = 0.20;
    /// A gigabyte-second of Lambda on arm64.
    pub const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
    /// A million requests of an HTTP API, the listener API.
    pub const HTTP_API: f64 = 1.00;
    /// A million request units of DynamoDB on demand: reads of up to 4 KB, writes of up to 1 KB.
    pub const DYNAMODB_READS: f64 = 0.125;
    pub const DYNAMODB_WRITES: f64 = 0.625;
    /// A gigabyte-month of DynamoDB.
    pub const DYNAMODB_STORAGE: f64 = 0.25;
    /// A million requests of S3: GET and HEAD; PUT, COPY, POST and LIST.
    pub const S3_READS: f64 = 0.40;
    pub const S3_WRITES: f64 = 5.00;
    /// A gigabyte-month of S3 Standard.
    pub const S3_STORAGE: f64 = 0.023;
    /// A million requests of KMS with a symmetric key, and a key for a month.
    pub const KMS_REQUESTS: f64 = 3.00;
    pub const KMS_KEY: f64 = 1.00;
    /// A million requests of SQS.
    pub const SQS: f64 = 0.40;
    /// A gigabyte to the internet, in the first ten terabytes.
    pub const TRANSFER: f64 = 0.09;
}

/// Gigabytes of memory that the template gives to a function.
const MEMORY: f64 = 0.25;
/// Gigabytes that it gives to what prepares exports.
const EXPORT_MEMORY: f64 = 1.0;

/// What was measured and is paid for.
pub struct Measured {
    pub p50: BTreeMap<&'static str, Duration>,
    pub calls: BTreeMap<&'static str, Calls>,
    /// Events behind each of `calls`.
    pub events: BTreeMap<&'static str, usize>,
    /// What publishing one episode asks of AWS, its rendering included.
    pub publish: Calls,
    /// The feed of 1,000 episodes, compressed, in bytes.
    pub zipped_feed: usize,
    /// An export, where there was one.
    pub export: Option<Exported>,
}

/// Dollars, and how they and the limits grow.
pub fn section(measured: &Measured) -> Section {
    let mut section = Section::new(
        "Cost on paper",
        "List prices × what this run counted (prices and formulas: `tests/bench/src/cost.rs`). Lambda bills whole milliseconds. A \
         domain name, CloudWatch and WAF are not in it.",
    );
    let dollars = |amount: f64| format!("${amount:.2}");
    for (name, what) in [
        ("feed, 304", "a million feed fetches, 304"),
        (
            "feed of 1,000 episodes, 200 in gzip",
            "a million feed fetches, 200, 1,000 episodes in gzip, transfer apart",
        ),
    ] {
        section.line(what, dollars(million_fetches(measured, name)));
    }
    let transfer = measured.zipped_feed as f64 / 1e9 * 1e6 * price::TRANSFER;
    section.line("… and the transfer of a million of those feeds, without a CDN", dollars(transfer));

    let publish = calls_cost(&measured.publish) + invocation(Duration::from_millis(50)) * 2.0;
    section.line("1,000 episodes published and rendered", dollars(publish * 1e3));
    section.note(format!("Publishing and rendering one episode asked for: {}.", listed(&measured.publish)));

    // At rest: one key, and of items and rendered feeds so much that it does not matter.
    let at_rest = price::KMS_KEY + 0.002 * price::DYNAMODB_STORAGE + 0.005 * price::S3_STORAGE;
    section.line("1,000 tenancies at rest, a month, media apart", dollars(at_rest * 1e3));
    section.line("a terabyte of media at rest, a month", dollars(1e3 * price::S3_STORAGE));

    if let Some(export) = &measured.export {
        let exports = 100e9 / export.media_bytes as f64;
        let dear = calls_cost(&export.calls) + EXPORT_MEMORY / MEMORY * invocation(export.took);
        let kept = 100.0 * price::S3_STORAGE * 7.0 / 30.0;
        section.line("100 GB exported and kept for 7 days, transfer apart", dollars(exports * dear + kept));
        section.line("… and its transfer to the internet", dollars(100.0 * price::TRANSFER));
    }

    section.note(growth(measured));
    section
}

fn million_fetches(measured: &Measured, name: &str) -> f64 {
    let events = measured.events.get(name).copied().unwrap_or(1).max(1) as f64;
    let calls = measured.calls.get(name).map(calls_cost).unwrap_or_default() / events;
    let took = measured.p50.get(name).copied().unwrap_or_default();
    1e6 * (calls + invocation(took)) + price::HTTP_API
}

/// One invocation, its request included.
fn invocation(took: Duration) -> f64 {
    let billed = (took.as_secs_f64() * 1e3).ceil().max(1.0) / 1e3;
    price::LAMBDA_REQUESTS / 1e6 + billed * MEMORY * price::LAMBDA_GB_SECOND
}

/// Dollars for calls. A write in a transaction is two units, and each of ours is of about five items.
fn calls_cost(calls: &Calls) -> f64 {
    calls.iter().map(|(operation, count)| *count as f64 * million(operation) / 1e6).sum()
}

fn million(operation: &str) -> f64 {
    match operation {
        "dynamodb:TransactWriteItems" => 2.0 * 5.0 * price::DYNAMODB_WRITES,
        "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:DeleteItem" => price::DYNAMODB_WRITES,
        "s3:GetObject" | "s3:HeadObject" => price::S3_READS,
        // STS costs nothing.
        _ => match operation.split(':').next() {
            Some("dynamodb") => price::DYNAMODB_READS,
            Some("s3") => price::S3_WRITES,
            Some("kms") => price::KMS_REQUESTS,
            Some("sqs" | "sns") => price::SQS,
            _ => 0.0,
        },
    }
}

/// `2 s3:GetObject, 1 sqs:SendMessage`.
pub fn listed(calls: &Calls) -> String {
    calls.iter().map(|(operation, count)| format!("{count} {operation}")).collect::<Vec<_>>().join(", ")
}

/// The table of how it grows, and what ends it.
fn growth(measured: &Measured) -> String {
    const FETCHES_A_DAY: f64 = 24.0;
    let fetch = million_fetches(measured, "feed, 304") / 1e6;
    let mut table = String::from(
        "How it grows. Each listener's app asks 24 times a day; 100 listeners a tenancy.\n\n\
         | tenancies | listeners | feed fetches a second | Lambda at once | dollars a month |\n\
         |---|---|---|---|---|\n",
    );
    for tenancies in [1.0, 100.0, 1_000.0, 10_000.0, 100_000.0] {
        let listeners: f64 = tenancies * 100.0;
        let rate = listeners * FETCHES_A_DAY / 86_400.0;
        let took = measured.p50.get("feed, 304").copied().unwrap_or_default();
        let at_once = (rate * took.as_secs_f64()).ceil();
        let month = tenancies * price::KMS_KEY + listeners * FETCHES_A_DAY * 30.0 * fetch;
        table.push_str(&format!("| {tenancies} | {listeners} | {rate:.1} | {at_once} | {month:.0} |\n"));
    }
    table.push_str(
        "\nWhat ends where (default quotas, by calculation, never tried on AWS): KMS has 100,000 keys for an account and region, one of \
         which each tenancy takes: the hundred-thousandth is the last, and its key is most of what it costs at rest. KMS answers \
         some ten thousand requests a second; an instance asks once for each tenancy that it meets, so it is instances × tenancies \
         that count, not requests. One DynamoDB partition key takes 1,000 writes a second: a tenancy's audit head is one item that each change swaps, \
         so one tenancy changes tens of things a second, and tenancies do not wait for each other. A listener's last use is written once \
         a day: 10,000,000 listeners are 116 writes a second. STS is asked once for each session and instance. Cognito has 300 identity \
         providers for a pool, 1,000 on request: no more tenancies than that can have single sign-on of their own in one deployment. \
         API Gateway remembers an authorizer's answer for 60 seconds: somebody who sends a request a second costs a sixtieth of an \
         authorizer call each.",
    );
    table
}
