//! What the documents on roles, buckets, queues, topics and keys allow and refuse by themselves: the callers' own documents allow
//! everything.

use local::{ACCOUNT, REGION, STACK_NAME};

use crate::{
    requests::{ACME, ASSUMING, FOREIGN_ACCOUNT, Request, Subject, Tags, USES_OF_KEYS, Usage, words},
    roles::{AssumedBy, Role},
    suite::{Caller, Suite},
    template::Stack,
};

/// Where uploads wait for their verdict, and who gives it.
const QUARANTINE: &str = "UploadBucket";
const SCANNER: &str = "UploadScanRole";
const VERDICT: &str = "s3:ExistingObjectTag/GuardDutyMalwareScanStatus";
/// Where the heads of audit logs are kept, and who writes them.
const ANCHORS: &str = "AuditBucket";
const ANCHORER: &str = "TenancySweepDataRole";

const SERVICES: [&str; 5] = [
    "cloudwatch.amazonaws.com",
    "ec2.amazonaws.com",
    "events.amazonaws.com",
    "s3.amazonaws.com",
    "sns.amazonaws.com",
];

/// Services that send to a queue: which, to which, for which rule.
const SENDERS: [(&str, &str, &str); 8] = [
    ("events.amazonaws.com", "ScanVerdictQueue", "ScanVerdictRule"),
    ("events.amazonaws.com", "ScanVerdictDlq", "ScanVerdictRule"),
    ("events.amazonaws.com", "ReleaseDlq", "ReleaseEveryMinute"),
    ("events.amazonaws.com", "DailySweepDlq", "DailySweepEveryDay"),
    ("events.amazonaws.com", "HourlySweepDlq", "HourlySweepEveryHour"),
    ("events.amazonaws.com", "DeletionSweepDlq", "DeletionSweepEveryHour"),
    ("events.amazonaws.com", "UploadSweepQueue", "UploadArrivedRule"),
    ("events.amazonaws.com", "UploadSweepDlq", "UploadArrivedRule"),
];

/// Services that use a key for themselves.
const KEY_USERS: [(&str, &str, &str); 2] = [
    ("events.amazonaws.com", "PlatformKey", "kms:Decrypt kms:GenerateDataKey"),
    ("cloudwatch.amazonaws.com", "PlatformKey", "kms:Decrypt kms:GenerateDataKey"),
];

/// Who may assume which role, and with which tags.
pub fn trust(suite: &mut Suite, stack: &Stack, roles: &[Role]) {
    let issuer = stack.arn("TokenIssuer");
    let other_issuer = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example");
    for role in roles {
        let mut callers = vec![
            (Caller::token_of(&issuer), role.assumed_by == AssumedBy::DataToken),
            (Caller::token_of(&other_issuer), false),
            (Caller::administrator(ACCOUNT), false),
            (Caller::administrator(FOREIGN_ACCOUNT), false),
        ];
        callers.extend(roles.iter().map(|caller| {
            let is_named = matches!(role.assumed_by, AssumedBy::Worker(worker) if worker == caller.name);
            (Caller::almighty(stack, &caller.name), is_named)
        }));
        callers.extend(roles.iter().filter_map(|other| match other.assumed_by {
            AssumedBy::Service(service) => {
                Some((Caller::service(service), other.assumed_by == role.assumed_by))
            }
            _ => None,
        }));
        callers.extend(SERVICES.map(|service| (Caller::service(service), false)));

        let how = match role.assumed_by {
            AssumedBy::DataToken => ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            AssumedBy::Worker(_) => ["sts:AssumeRole", "sts:TagSession"],
            AssumedBy::Service(_) => ["sts:AssumeRole", ""],
        };
        let document = Some(format!("{}/trust", role.name));
        for (caller, is_trusted) in callers {
            let caller = suite.caller(caller);
            let is_asked = |tags: &Tags| match role.assumed_by {
                AssumedBy::Service(_) => tags.are_none(),
                _ => is_trusted || !tags.are_forged(),
            };
            for tags in Tags::all().into_iter().filter(is_asked) {
                for action in words(ASSUMING) {
                    let allowed = is_trusted
                        && how.contains(&action.as_str())
                        && tags.are_a_tenancys() == role.is_a_tenancys();
                    let subject = Subject::Role { role: role.name.clone(), tags: tags.clone() };
                    let request =
                        Request { document: document.clone(), ..Request::new(stack, &action, subject) };
                    suite.expect(caller, request, allowed);
                }
            }
        }
    }
}

/// Transport, encryption and verdicts.
pub fn buckets(suite: &mut Suite, stack: &Stack) {
    let administrator = suite.caller(Caller::administrator(ACCOUNT));
    let foreign = suite.caller(Caller::administrator(FOREIGN_ACCOUNT));
    let anchorer = suite.caller(Caller::almighty(stack, ANCHORER));
    for bucket in stack.of_type("AWS::S3::Bucket") {
        let object = |action: &str| {
            let subject = Subject::Object { bucket: bucket.to_owned(), key: format!("{ACME}/1") };
            Request::new(stack, action, subject)
        };
        let whole = Subject::Resource { id: bucket.to_owned(), kind: "AWS::S3::Bucket".to_owned() };
        let whole = Request::new(stack, "s3:ListBucket", whole);
        let writer = if bucket == ANCHORS { anchorer } else { administrator };
        let all = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"].map(object).into_iter().chain([whole]);
        for request in all {
            let caller = if request.action == "s3:PutObject" { writer } else { administrator };
            suite.expect(caller, request.clone(), true);
            suite.expect(foreign, request.clone(), false);
            let plain = request.clone().without("s3:TlsVersion").with("aws:SecureTransport", "false");
            suite.expect(caller, plain, false);
            for (version, allowed) in [("1.0", false), ("1.1", false), ("1.2", true)] {
                suite.expect(caller, request.clone().with("s3:TlsVersion", version), allowed);
            }
        }

        let put = object("s3:PutObject");
        const ENCRYPTION: &str = "s3:x-amz-server-side-encryption";
        for other in ["AES256", "aws:kms:dsse", "aws:fsx"] {
            suite.expect(writer, put.clone().with(ENCRYPTION, other), false);
        }
        suite.expect(writer, put.clone().without(ENCRYPTION), true);
        let customers = put
            .clone()
            .without(ENCRYPTION)
            .with("s3:x-amz-server-side-encryption-customer-algorithm", "AES256");
        suite.expect(writer, customers, false);
        suite.expect(administrator, put, bucket != ANCHORS);
    }
    quarantine(suite, stack);
}

fn quarantine(suite: &mut Suite, stack: &Stack) {
    let administrator = suite.caller(Caller::administrator(ACCOUNT));
    let scanner = suite.caller(Caller::almighty(stack, SCANNER));
    let worker = suite.caller(Caller::almighty(stack, "MediaWorkerDataRole"));
    let others = ["TenantDataRole", "UploadSweepDataRole", "MediaWorkerRole", "UploadSweepRole"];
    let others = others.map(|role| suite.caller(Caller::almighty(stack, role)));
    let object = |action: &str| {
        let subject = Subject::Object { bucket: QUARANTINE.to_owned(), key: format!("{ACME}/1") };
        Request::new(stack, action, subject)
    };
    for read in ["s3:GetObject", "s3:GetObjectVersion"].map(object) {
        let unscanned = read.clone().without(VERDICT);
        let otherwise_tagged = unscanned.clone().with("s3:ExistingObjectTag/Verdict", "NO_THREATS_FOUND");
        let verdicts = ["THREATS_FOUND", "UNSUPPORTED", "ACCESS_DENIED", "FAILED", "no_threats_found", ""];
        let verdicts = verdicts.map(|verdict| read.clone().with(VERDICT, verdict));
        for unsafe_read in [unscanned, otherwise_tagged].into_iter().chain(verdicts) {
            suite.expect(administrator, unsafe_read.clone(), false);
            for reader in others.into_iter().chain([worker]) {
                suite.expect(reader, unsafe_read.clone(), false);
            }
            suite.expect(scanner, unsafe_read, true);
        }
        suite.expect(worker, read, true);
    }
    let tagging =
        "s3:PutObjectTagging s3:PutObjectVersionTagging s3:DeleteObjectTagging s3:DeleteObjectVersionTagging";
    for action in words(tagging) {
        suite.expect(administrator, object(&action), false);
        for writer in others.into_iter().chain([worker]) {
            suite.expect(writer, object(&action), false);
        }
        suite.expect(scanner, object(&action), true);
    }
}

/// Transport, and which services send on whose behalf.
pub fn queues_and_topics(suite: &mut Suite, stack: &Stack) {
    let administrator = suite.caller(Caller::administrator(ACCOUNT));
    let foreign = suite.caller(Caller::administrator(FOREIGN_ACCOUNT));
    let services = SERVICES.map(|service| (service, suite.caller(Caller::service(service))));
    let rules = stack.of_type("AWS::Events::Rule").into_iter().chain(SENDERS.map(|(_, _, rule)| rule));
    let mut sources: Vec<_> = rules.map(|rule| stack.arn(rule)).collect();
    sources.push(format!("arn:aws:events:{REGION}:{FOREIGN_ACCOUNT}:rule/castkeep-other"));
    let alarm = |account: &str, name: &str| format!("arn:aws:cloudwatch:{REGION}:{account}:alarm:{name}");
    let own_alarm = alarm(ACCOUNT, &format!("{STACK_NAME}-1"));
    sources.extend([
        String::new(),
        own_alarm.clone(),
        alarm(ACCOUNT, "other"),
        alarm(FOREIGN_ACCOUNT, &format!("{STACK_NAME}-1")),
    ]);

    for id in [stack.of_type("AWS::SQS::Queue"), stack.of_type("AWS::SNS::Topic")].concat() {
        let of = |action: &str| {
            let subject = Subject::Resource { id: id.to_owned(), kind: stack.type_of(id).to_owned() };
            Request::new(stack, action, subject)
        };
        let (send, other) = match stack.type_of(id) {
            "AWS::SQS::Queue" => ("sqs:SendMessage", "sqs:ReceiveMessage"),
            _ => ("sns:Publish", "sns:Subscribe"),
        };
        suite.expect(administrator, of(send).with("aws:SecureTransport", "true"), true);
        suite.expect(administrator, of(send).with("aws:SecureTransport", "false"), false);
        suite.expect(foreign, of(send), false);
        for (service, caller) in services {
            for source in &sources {
                let is_sender = |(sender, to, rule): &(&str, &str, &str)| {
                    (*sender, *to) == (service, id) && stack.arn(rule) == *source
                };
                let is_alarm =
                    id == "AlarmTopic" && service == "cloudwatch.amazonaws.com" && *source == own_alarm;
                for action in [send, other] {
                    let allowed = action == send && (is_alarm || SENDERS.iter().any(is_sender));
                    let request = of(action).with("aws:SecureTransport", "true");
                    let request = match source.as_str() {
                        "" => request,
                        source => request.with("aws:SourceArn", source),
                    };
                    suite.expect(caller, request, allowed);
                }
            }
        }
    }
}

/// Other accounts, and services that use a key for themselves.
pub fn keys(suite: &mut Suite, stack: &Stack) {
    let foreign = suite.caller(Caller::administrator(FOREIGN_ACCOUNT));
    let services = SERVICES.map(|service| (service, suite.caller(Caller::service(service))));
    let logs = suite.caller(Caller::service(&format!("logs.{REGION}.amazonaws.com")));
    let log = |account: &str, name: &str| format!("arn:aws:logs:{REGION}:{account}:log-group:{name}");
    let own_log = format!("/aws/lambda/{STACK_NAME}-shows");
    for key in stack.of_type("AWS::KMS::Key") {
        for action in words(USES_OF_KEYS).chain(["kms:CreateGrant".to_owned()]) {
            let used = |usage| Request::new(stack, &action, Subject::Key { key: key.to_owned(), usage });
            let for_log = |log: String| used(Usage::Alone).with("kms:EncryptionContext:aws:logs:arn", log);
            suite.expect(foreign, used(Usage::Alone), false);
            suite.expect(foreign, used(Usage::By("dynamodb")), false);
            for (service, caller) in services {
                let is_user = KEY_USERS.iter().any(|(user, used, actions)| {
                    (*user, *used) == (service, key) && words(actions).any(|known| known == action)
                });
                suite.expect(caller, used(Usage::Alone), is_user);
                suite.expect(caller, used(Usage::By("dynamodb")), is_user);
                suite.expect(caller, for_log(log(ACCOUNT, &own_log)), is_user);
            }
            let is_for_logs = key == "PlatformKey" && words(USES_OF_KEYS).any(|known| known == action);
            suite.expect(logs, for_log(log(ACCOUNT, &own_log)), is_for_logs);
            suite.expect(logs, for_log(log(FOREIGN_ACCOUNT, &own_log)), false);
            suite.expect(logs, for_log(log(ACCOUNT, "/aws/lambda/other")), false);
            suite.expect(logs, used(Usage::Alone), false);
        }
    }
}
