//! What every role is asked for, whether it may or not: each partition, prefix, key and queue that some role may use, the same of
//! another tenancy, and what nobody may.

use std::{collections::BTreeSet, fmt};

use local::{ACCOUNT, REGION, STACK_NAME};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    roles::Role,
    template::{MAIL_FROM, Stack},
};

/// The tenancy of every session.
pub const ACME: &str = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// Another one.
pub const GLOBEX: &str = "ten_01BX5ZZKBKACTAV9WEVGEMMVRY";
/// Nobody's id, which begins like Acme's.
pub const SIBLING: &str = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAVX";
/// What GuardDuty writes into a bucket to see whether it may scan it.
pub const SCAN_TEST_OBJECT: &str = "malware-protection-resource-validation-object";
/// The key policy that KMS gives a key made without one, as a tenancy's is.
pub const NEW_KEYS_POLICY: &str = "the key policy of a new key";
/// The account's own key for S3, which is used where a request for SSE-KMS names none.
pub const AWS_S3: &str = "aws/s3";
pub const GUARDDUTY: &str = "malware-protection-plan.guardduty.amazonaws.com";
pub const AWS_S3_POLICY: &str = "the key policy of aws/s3";
const UNTAGGED: &str = "(without a tenancy)";
/// A key of another account, which lets everyone in and says that it is Acme's.
const FOREIGN: &str = "(of another account)";
pub const FOREIGN_ACCOUNT: &str = "999999999999";
pub const FOREIGN_KEYS_POLICY: &str = "the key policy of a stranger's key";

/// How a role is assumed, by a role or a service, with a token, and with tags.
pub const ASSUMING: &str = "sts:AssumeRole sts:AssumeRoleWithWebIdentity sts:TagSession";
/// What the policy of the platform's key lets services do.
pub const USES_OF_KEYS: &str = "kms:Encrypt kms:Decrypt kms:ReEncryptFrom kms:ReEncryptTo kms:GenerateDataKey \
     kms:DescribeKey";
const ENCRYPTION: &str = "kms:Decrypt kms:GenerateDataKey";

// What is asked for beside what some role may.
const OTHER_ITEM_ACTIONS: &str = "dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:PartiQLSelect \
     dynamodb:PartiQLInsert dynamodb:PartiQLUpdate dynamodb:PartiQLDelete";
const OTHER_OBJECT_ACTIONS: &str = "s3:GetObjectAcl s3:GetObjectAttributes s3:PutObjectAcl s3:PutObjectRetention \
     s3:PutObjectLegalHold s3:BypassGovernanceRetention s3:DeleteObjectTagging s3:DeleteObjectVersionTagging \
     s3:RestoreObject s3:ReplicateObject";
const OTHER_KEY_ACTIONS: &str = "kms:Encrypt kms:ReEncryptFrom kms:ReEncryptTo kms:CreateGrant kms:DescribeKey \
     kms:PutKeyPolicy kms:ScheduleKeyDeletion kms:DisableKey kms:UpdateAlias kms:DeleteAlias kms:UntagResource \
     kms:ReplicateKey";
const OTHER_RESOURCE_ACTIONS: [(&str, &str); 8] = [
    (
        "AWS::DynamoDB::Table",
        "dynamodb:DescribeTable dynamodb:UpdateTable dynamodb:DeleteTable dynamodb:ExportTableToPointInTime \
         dynamodb:CreateBackup dynamodb:UpdateContinuousBackups dynamodb:UpdateTimeToLive dynamodb:PutResourcePolicy",
    ),
    (
        "AWS::S3::Bucket",
        "s3:ListBucket s3:ListBucketVersions s3:DeleteBucket s3:PutBucketPolicy s3:DeleteBucketPolicy \
         s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration s3:PutBucketVersioning",
    ),
    ("AWS::SQS::Queue", "sqs:PurgeQueue sqs:SetQueueAttributes sqs:DeleteQueue"),
    ("AWS::SNS::Topic", "sns:Publish sns:Subscribe sns:SetTopicAttributes"),
    (
        "AWS::Serverless::Function",
        "lambda:InvokeFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:AddPermission",
    ),
    (
        "AWS::IAM::Role",
        "iam:PassRole iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy iam:TagRole",
    ),
    ("AWS::IAM::OIDCProvider", "iam:AddClientIDToOpenIDConnectProvider"),
    ("AWS::Logs::LogGroup", "logs:GetLogEvents logs:DeleteLogGroup logs:DeleteLogStream"),
];

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Items in these partitions of a table or index; in none where the request names none, as a scan does.
    Items {
        place: String,
        partitions: Vec<String>,
    },
    Object {
        bucket: String,
        key: String,
    },
    /// A key by its logical id, or by the tenancy that it is tagged with.
    Key {
        key: String,
        usage: Usage,
    },
    /// A whole resource by its logical id.
    Resource {
        id: String,
        kind: String,
    },
    /// A role that is assumed with session tags.
    Role {
        role: String,
        tags: Tags,
    },
    Special(&'static str),
}

/// A user pool of the account that is none of the template's, which has one alone.
const OTHER_POOL: &str = "somebody else's pool";

/// How a key is used, as KMS sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    Alone,
    /// For the data key of a tenancy, by the encryption context.
    DataKey(String),
    /// For an object, by the encryption context, as a service of AWS asks for it, or whoever only says so.
    Object {
        by: Option<&'static str>,
        bucket: String,
        key: String,
    },
    /// By a service of AWS, for something else.
    By(&'static str),
    Signature(&'static str),
}

/// Session tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(Vec<(&'static str, &'static str)>);

/// A request as AWS sees it, but for who makes it.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub action: String,
    pub resource: String,
    pub account: &'static str,
    /// The resource's own document.
    pub document: Option<String>,
    pub context: Map<String, Value>,
    #[serde(skip)]
    pub subject: Subject,
}

/// Everything that every role is asked for.
pub fn universe(stack: &Stack, roles: &[Role]) -> Vec<Request> {
    let asked = [
        items(stack, roles),
        objects(stack, roles),
        keys(stack, roles),
        resources(stack, roles),
        assumptions(roles),
    ];
    let asked = asked.into_iter().flatten();
    asked.map(|(action, subject)| Request::new(stack, &action, subject)).chain(specials(stack)).collect()
}

impl Request {
    pub fn new(stack: &Stack, action: &str, subject: Subject) -> Self {
        let mut request = Self {
            action: action.to_owned(),
            resource: String::new(),
            account: ACCOUNT,
            document: None,
            context: Map::new(),
            subject: subject.clone(),
        };
        match subject {
            Subject::Items { place, partitions } => {
                let (table, index) = place.split_at(place.find('/').unwrap_or(place.len()));
                request.resource = stack.arn(table) + index;
                if !partitions.is_empty() {
                    request = request.with("dynamodb:LeadingKeys", partitions);
                }
                request
            }
            Subject::Object { bucket, key } => {
                request.resource = format!("{}/{key}", stack.arn(&bucket));
                request.on_bucket(stack, &bucket)
            }
            Subject::Key { key, usage } => request.on_key(stack, &key, &usage),
            Subject::Resource { id, kind } => {
                request.resource = match kind.as_str() {
                    "AWS::Cognito::UserPool" if id == OTHER_POOL => {
                        return Self { resource: format!("{}-of-others", stack.arn("UserPool")), ..request };
                    }
                    "AWS::Logs::LogGroup" => log_arn(action, &stack.arn(&id)),
                    _ => stack.arn(&id),
                };
                match kind.as_str() {
                    "AWS::S3::Bucket" => request.on_bucket(stack, &id),
                    _ => Self { document: stack.document_on(&id), ..request },
                }
            }
            Subject::Role { role, tags } => {
                request.resource = stack.arn(&role);
                request.tagged(&tags)
            }
            Subject::Special(_) => request,
        }
    }

    /// With a condition key; in the place of the one that was there.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.context.remove(name);
        self
    }

    /// A good request in every respect that a bucket policy asks about.
    fn on_bucket(self, stack: &Stack, bucket: &str) -> Self {
        let request = Self { document: stack.document_on(bucket), ..self };
        let request = request.with("aws:SecureTransport", "true").with("s3:TlsVersion", "1.3");
        match request.action.as_str() {
            "s3:GetObject" | "s3:GetObjectVersion" => {
                request.with("s3:ExistingObjectTag/GuardDutyMalwareScanStatus", "NO_THREATS_FOUND")
            }
            "s3:PutObject" => request.with("s3:x-amz-server-side-encryption", "aws:kms"),
            _ => request,
        }
    }

    fn on_key(mut self, stack: &Stack, key: &str, usage: &Usage) -> Self {
        let arn = |account: &str, name: &str| format!("arn:aws:kms:{REGION}:{account}:key/{name}");
        let (resource, document, tenancy) = match key {
            UNTAGGED => (arn(ACCOUNT, "untagged"), NEW_KEYS_POLICY.to_owned(), None),
            AWS_S3 => (arn(ACCOUNT, "aws-s3"), AWS_S3_POLICY.to_owned(), None),
            FOREIGN => (arn(FOREIGN_ACCOUNT, "strange"), FOREIGN_KEYS_POLICY.to_owned(), Some(ACME)),
            _ if key.starts_with("ten_") => (arn(ACCOUNT, key), NEW_KEYS_POLICY.to_owned(), Some(key)),
            _ => (stack.arn(key), stack.document_on(key).unwrap(), None),
        };
        (self.resource, self.document) = (resource, Some(document));
        if key == FOREIGN {
            self.account = FOREIGN_ACCOUNT;
        }
        if let Some(tenancy) = tenancy {
            self = self.with("aws:ResourceTag/TenancyId", tenancy);
        }

        let service = |service: &str| format!("{service}.{REGION}.amazonaws.com");
        match usage {
            Usage::Alone => self,
            Usage::DataKey(tenancy) => self.with("kms:EncryptionContext:TenancyId", tenancy.as_str()),
            Usage::Object { by, bucket, key } => {
                let object = format!("{}/{key}", stack.arn(bucket));
                let request = self.with("kms:EncryptionContext:aws:s3:arn", object);
                by.iter().fold(request, |request, by| request.with("kms:ViaService", service(by)))
            }
            Usage::By(by) => self.with("kms:ViaService", service(by)),
            Usage::Signature(algorithm) => self.with("kms:SigningAlgorithm", *algorithm),
        }
    }

    fn tagged(self, tags: &Tags) -> Self {
        let names: Vec<_> = tags.0.iter().map(|(name, _)| *name).collect();
        let request = if names.is_empty() { self } else { self.with("aws:TagKeys", names) };
        tags.0
            .iter()
            .fold(request, |request, (name, value)| request.with(&format!("aws:RequestTag/{name}"), *value))
    }
}

impl Tags {
    /// None, a tenancy's, and forged ones.
    pub fn all() -> Vec<Self> {
        let alone = [
            ACME,
            SIBLING,
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FA",
            "ten_*",
            "*",
            "",
            "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ];
        let mut all: Vec<_> = alone.into_iter().map(|value| Self(vec![("TenancyId", value)])).collect();
        all.push(Self(Vec::new()));
        all.push(Self(vec![("tenancyid", ACME)]));
        all.push(Self(vec![("Tenancy", ACME)]));
        all.push(Self(vec![("TenancyId", ACME), ("Role", "owner")]));
        all
    }

    /// One tag, and it names a tenancy.
    pub fn are_a_tenancys(&self) -> bool {
        self.0 == [("TenancyId", ACME)]
    }

    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// There are some, and they are not that.
    pub fn are_forged(&self) -> bool {
        !self.are_none() && !self.are_a_tenancys()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items { place, .. } => write!(formatter, "{place}"),
            Self::Object { bucket, key } => write!(formatter, "{bucket}/{key}"),
            Self::Key { key, .. } => write!(formatter, "the key {key}"),
            Self::Resource { id, .. } => write!(formatter, "{id}"),
            Self::Role { role, .. } => write!(formatter, "{role}"),
            Self::Special(name) => write!(formatter, "{name}"),
        }
    }
}

fn items(stack: &Stack, roles: &[Role]) -> Vec<(String, Subject)> {
    let partitions = partitions(roles);
    let is_short = |named: &&Vec<String>| named.len() < 2 && !named.concat().contains(SIBLING);
    let few: Vec<_> = partitions.iter().filter(is_short).collect();
    let mut asked = Vec::new();
    for table in stack.of_type("AWS::DynamoDB::Table") {
        let properties = stack.properties(table);
        let indexes = properties["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
        let indexes = indexes.map(|index| format!("{table}/index/{}", index["IndexName"].as_str().unwrap()));
        for place in indexes.chain([table.to_owned()]) {
            let of = |partitions: &Vec<String>| Subject::Items {
                place: place.clone(),
                partitions: partitions.clone(),
            };
            for action in
                actions(roles, "items").filter(|action| place == table || action == "dynamodb:Query")
            {
                asked.extend(partitions.iter().map(|partitions| (action.clone(), of(partitions))));
            }
            for action in
                words(OTHER_ITEM_ACTIONS).filter(|action| place == table || action.ends_with("Select"))
            {
                asked.extend(few.iter().map(|partitions| (action.clone(), of(partitions))));
            }
            asked.push(("dynamodb:Scan".to_owned(), of(&Vec::new())));
        }
    }
    asked
}

/// What one request may name: partitions of Acme, of Globex, of what only begins like Acme, odd ones, several, none.
fn partitions(roles: &[Role]) -> Vec<Vec<String>> {
    let patterns: BTreeSet<_> = roles.iter().flat_map(Role::partitions).collect();
    let of = |tenancy: &str| -> Vec<String> {
        let filled = patterns.iter().map(|pattern| pattern.replace("{tenancy}", tenancy).replace('*', "1"));
        filled.collect()
    };
    let (acme, globex, sibling) = (of(ACME), of(GLOBEX), of(SIBLING));
    let odd = ["ten_*#1", "*", "#1", ""].map(str::to_owned);
    let lower = acme.iter().map(|partition| partition.to_lowercase());

    let one = acme.iter().chain(&globex).chain(&sibling).chain(&odd).cloned().chain(lower);
    let one: BTreeSet<_> = one.collect();
    let mut asked: Vec<_> = one.into_iter().map(|partition| vec![partition]).collect();
    for (index, own) in acme.iter().enumerate() {
        let next = &acme[(index + 1) % acme.len()];
        let others = [next, &globex[index], &sibling[index]].into_iter().filter(|other| *other != own);
        asked.extend(others.map(|other| vec![own.clone(), other.clone()]));
    }
    asked.push(Vec::new());
    asked
}

fn objects(stack: &Stack, roles: &[Role]) -> Vec<(String, Subject)> {
    let folders = [ACME, GLOBEX, SIBLING, "ten_*", "slugs", "certificates", "tombstones"]
        .map(|folder| format!("{folder}/1"));
    let imports = [ACME, GLOBEX].map(|folder| format!("{folder}/imp_1"));
    let keys: Vec<_> =
        folders.into_iter().chain(imports).chain([ACME, SCAN_TEST_OBJECT].map(str::to_owned)).collect();
    let mut asked = Vec::new();
    for bucket in stack.of_type("AWS::S3::Bucket") {
        let of = |key: &String| Subject::Object { bucket: bucket.to_owned(), key: key.clone() };
        for action in actions(roles, "objects").chain(words(OTHER_OBJECT_ACTIONS)) {
            asked.extend(keys.iter().map(|key| (action.clone(), of(key))));
        }
    }
    asked
}

fn keys(stack: &Stack, roles: &[Role]) -> Vec<(String, Subject)> {
    let mut usages = vec![Usage::Alone];
    usages.extend([ACME, GLOBEX, SIBLING].map(|tenancy| Usage::DataKey(tenancy.to_owned())));
    usages.extend(["dynamodb", "sqs", "sns", "s3"].map(Usage::By));
    for bucket in stack.of_type("AWS::S3::Bucket") {
        let of = |by, folder| Usage::Object { by, bucket: bucket.to_owned(), key: format!("{folder}/1") };
        let imports = [ACME, GLOBEX].into_iter().filter(|_| bucket == "ExportBucket");
        usages.extend(imports.map(|folder| Usage::Object {
            by: Some("s3"),
            bucket: bucket.to_owned(),
            key: format!("{folder}/imp_1"),
        }));
        usages.extend(
            [ACME, GLOBEX, SIBLING, "slugs", "certificates", "tombstones"]
                .map(|folder| of(Some("s3"), folder)),
        );
        usages.extend(
            [ACME, "slugs", "certificates", "tombstones"]
                .into_iter()
                .flat_map(|folder| [of(Some("lambda"), folder), of(None, folder)]),
        );
    }
    let is_an_object = |usage: &&Usage| matches!(usage, Usage::Object { by: Some("s3"), .. });
    let objects: Vec<_> = usages.iter().filter(is_an_object).cloned().collect();
    let algorithms =
        ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256", "ECDSA_SHA_256"].map(Usage::Signature);
    let signatures = [vec![Usage::Alone], algorithms.to_vec()].concat();
    let is_other = |action: &String| !ENCRYPTION.contains(action.as_str()) && action != "kms:Sign";
    let others: Vec<_> = actions(roles, "keys").filter(is_other).chain(words(OTHER_KEY_ACTIONS)).collect();

    let mut asked = Vec::new();
    let named = stack.of_type("AWS::KMS::Key").into_iter();
    for key in [ACME, GLOBEX, SIBLING, UNTAGGED, FOREIGN].into_iter().chain(named) {
        let of = |usage: &Usage| Subject::Key { key: key.to_owned(), usage: usage.clone() };
        let mut ask = |action: &str, usages: &[Usage]| {
            asked.extend(usages.iter().map(|usage| (action.to_owned(), of(usage))));
        };
        words(ENCRYPTION).for_each(|action| ask(&action, &usages));
        words("kms:Sign kms:Verify").for_each(|action| ask(&action, &signatures));
        others.iter().for_each(|action| ask(action, &[Usage::Alone]));
        words(OTHER_KEY_ACTIONS).for_each(|action| ask(&action, &[Usage::By("dynamodb")]));
        ask("kms:Encrypt", &objects);
    }
    asked
}

fn resources(stack: &Stack, roles: &[Role]) -> Vec<(String, Subject)> {
    let mut wanted = BTreeSet::new();
    for (action, id_or_type) in roles.iter().flat_map(Role::actions_on_resources) {
        let kind = if id_or_type.contains("::") { id_or_type } else { stack.type_of(id_or_type) };
        wanted.insert((action.to_owned(), kind.to_owned()));
    }
    for (kind, others) in OTHER_RESOURCE_ACTIONS {
        wanted.extend(words(others).map(|action| (action, kind.to_owned())));
    }
    let mut asked = Vec::new();
    for (action, kind) in wanted {
        let of = |id: &str| Subject::Resource { id: id.to_owned(), kind: kind.clone() };
        asked.extend(stack.of_type(&kind).into_iter().map(|id| (action.clone(), of(id))));
        if kind == "AWS::Cognito::UserPool" {
            asked.push((action.clone(), of(OTHER_POOL)));
        }
    }
    asked
}

/// What STS asks of the documents of whoever assumes a role. What it asks of the role is in `guards.rs`.
fn assumptions(roles: &[Role]) -> Vec<(String, Subject)> {
    let mut asked = Vec::new();
    for role in roles {
        for tags in Tags::all().into_iter().filter(|tags| role.is_a_tenancys() || !tags.are_forged()) {
            let subject = Subject::Role { role: role.name.clone(), tags };
            asked.extend(words(ASSUMING).map(|action| (action, subject.clone())));
        }
    }
    asked
}

fn specials(stack: &Stack) -> Vec<Request> {
    let special = |name, action: &str, resource: &str| Request {
        resource: resource.to_owned(),
        ..Request::new(stack, action, Subject::Special(name))
    };
    let key = |name, action: &str, key: &str| Request {
        subject: Subject::Special(name),
        ..Request::new(stack, action, Subject::Key { key: key.to_owned(), usage: Usage::Alone })
    };
    let mut asked = vec![special("the list of log groups", "logs:DescribeLogGroups", "*")];

    for tags in Tags::all() {
        let name = if tags.are_a_tenancys() { "a new key for a tenancy" } else { "a new key for nobody" };
        asked.push(special(name, "kms:CreateKey", "*").tagged(&tags));
        asked.push(key(name, "kms:TagResource", UNTAGGED).tagged(&tags));
    }
    let acmes = Tags(vec![("TenancyId", ACME)]);
    asked.push(key("a new key for a tenancy", "kms:TagResource", ACME).tagged(&acmes));
    for taken in [GLOBEX, SIBLING].into_iter().chain(stack.of_type("AWS::KMS::Key")) {
        asked.push(key("a key taken from another", "kms:TagResource", taken).tagged(&acmes));
    }

    let alias = |name: &str| format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/{name}");
    let tenancys = alias(&format!("{STACK_NAME}/{ACME}"));
    asked.push(special("the alias of a tenancy's key", "kms:CreateAlias", &tenancys));
    asked.extend(
        ["kms:UpdateAlias", "kms:DeleteAlias"].map(|action| special("an alias moved", action, &tenancys)),
    );
    for other in [&format!("{STACK_NAME}/signing"), &format!("other/{ACME}"), "other"] {
        asked.push(special("another alias", "kms:CreateAlias", &alias(other)));
    }

    let identity = |name: &str| format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{name}");
    let foreign = format!("arn:aws:ses:{REGION}:{FOREIGN_ACCOUNT}:identity/castkeep.example");
    for (vouches, from, name) in [
        (identity("castkeep.example"), MAIL_FROM, "mail from the deployment's own address"),
        (identity(MAIL_FROM), MAIL_FROM, "mail from the deployment's own address"),
        (identity("castkeep.example"), "owner@castkeep.example", "mail from another address"),
        (identity("other.example"), "podcasts@other.example", "mail from another address"),
        (foreign, MAIL_FROM, "mail that another account vouches for"),
    ] {
        asked.push(special(name, "ses:SendEmail", &vouches).with("ses:FromAddress", from));
        let raw = special("mail in another way", "ses:SendRawEmail", &vouches);
        asked.push(raw.with("ses:FromAddress", from));
        let others =
            words("ses:SendBulkEmail ses:DeleteEmailIdentity ses:PutEmailIdentityMailFromAttributes");
        asked.extend(others.map(|action| special("mail in another way", &action, &vouches)));
    }
    asked.push(special("mail from nobody", "ses:SendEmail", &identity("castkeep.example")));

    let rule = |name: &str| format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}");
    let own = rule("DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS31");
    for (rule, manager, name) in [
        (&own, GUARDDUTY, "the scan's own rule"),
        (&own, "ecs.amazonaws.com", "a rule of another service"),
        (&rule("castkeep-other"), GUARDDUTY, "another rule"),
    ] {
        let managed = words("events:PutRule events:DeleteRule events:PutTargets events:RemoveTargets");
        asked.extend(managed.map(|action| special(name, &action, rule).with("events:ManagedBy", manager)));
    }
    for (rule, name) in [(&own, "the scan's own rule"), (&rule("castkeep-other"), "another rule")] {
        let seen = words("events:DescribeRule events:ListTargetsByRule");
        asked.extend(seen.map(|action| special(name, &action, rule)));
    }
    for bucket in stack.of_type("AWS::S3::Bucket") {
        let whole = || Subject::Resource { id: bucket.to_owned(), kind: "AWS::S3::Bucket".to_owned() };
        let folders = [ACME, GLOBEX, SIBLING, ""].map(|folder| format!("{folder}/"));
        let imports = [ACME, GLOBEX].map(|folder| format!("{folder}/imp_01ARZ3NDEKTSV4RRFFQ69G5FAV/"));
        let others = [ACME.to_owned(), format!("{ACME}/1"), format!("{GLOBEX}/1")];
        let kept = ["tombstones/", "certificates/", "leaves/"].map(str::to_owned);
        for prefix in folders.iter().chain(&others).chain(&imports).chain(&kept) {
            for action in ["s3:ListBucketVersions", "s3:ListBucket"] {
                let own = (prefix == &format!("{ACME}/")).then_some(action);
                let is_import = prefix.starts_with(&format!("{ACME}/imp_"));
                let one = (is_import || prefix == &format!("{ACME}/1")).then_some(action);
                let name = match (bucket, own, one) {
                    ("AuditBucket", Some("s3:ListBucketVersions"), _) => {
                        "the list of a tenancy's own anchors"
                    }
                    ("UploadBucket", Some("s3:ListBucketVersions"), _) => {
                        "the list of a tenancy's own quarantine"
                    }
                    ("MediaBucket", Some("s3:ListBucket"), _) => "the list of a tenancy's own media",
                    ("ExportBucket", _, Some("s3:ListBucket")) if is_import => {
                        "the list of a tenancy's own imports"
                    }
                    ("ExportBucket", Some("s3:ListBucket"), _)
                    | ("ExportBucket", _, Some("s3:ListBucket")) => "the list of a tenancy's own exports",
                    ("MediaBucket" | "FeedBucket", Some("s3:ListBucketVersions"), _) => {
                        "the list of a tenancy's own files"
                    }
                    // What is named by a hash or an id, and by what is below a show.
                    ("UploadBucket" | "MediaBucket" | "FeedBucket", _, Some("s3:ListBucketVersions")) => {
                        "the list of a tenancy's own files"
                    }
                    ("ExportBucket", Some("s3:ListBucketVersions"), _)
                    | ("ExportBucket", _, Some("s3:ListBucketVersions")) => {
                        "the list of a tenancy's own archives"
                    }
                    // What the scan may list it may list whole, and so by folders.
                    ("UploadBucket", ..) if action == "s3:ListBucket" => "a list of what is to be scanned",
                    ("TombstoneBucket", ..) if action == "s3:ListBucket" && prefix == "tombstones/" => {
                        "the list of tombstones"
                    }
                    _ => "the list of other objects",
                };
                let request = Request::new(stack, action, whole()).with("s3:prefix", prefix.as_str());
                asked.push(Request { subject: Subject::Special(name), ..request });
            }
        }
    }
    asked.push(special("a rule of nobody's", "events:PutRule", &own));
    asked.push(special("the scan stopped", "events:DisableRule", &own).with("events:ManagedBy", GUARDDUTY));
    asked
}

/// The actions of one kind of subject that some role may.
fn actions(roles: &[Role], kind: &str) -> impl Iterator<Item = String> {
    let all: BTreeSet<_> = roles.iter().flat_map(|role| role.actions_on(kind)).cloned().collect();
    all.into_iter()
}

pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_owned)
}

/// CloudFormation's ARN of a log group ends with `:*`; a request is about the group or one of its streams.
fn log_arn(action: &str, group: &str) -> String {
    let group = group.strip_suffix(":*").unwrap();
    let of_groups =
        ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DescribeLogStreams", "logs:FilterLogEvents"];
    if of_groups.contains(&action) { group.to_owned() } else { format!("{group}:log-stream:1") }
}
