//! All cases: who asks for what, and whether it should be allowed.

use std::collections::BTreeMap;

use local::{ACCOUNT, REGION};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    guards,
    requests::{
        ACME, AWS_S3, AWS_S3_POLICY, FOREIGN_KEYS_POLICY, GLOBEX, NEW_KEYS_POLICY, Request, Subject,
        USES_OF_KEYS, Usage, universe, words,
    },
    roles::{AssumedBy, Role},
    template::{Document, Kind, Stack},
    weakened::{Weakened, weakened_copies},
};

const EVERYTHING: &str = "an administrator's policy";

/// What the simulator is given, and what it should find.
#[derive(Debug, Serialize)]
pub struct Suite {
    pub documents: BTreeMap<String, Document>,
    pub callers: Vec<Caller>,
    pub requests: Vec<Request>,
    pub cases: Vec<Case>,
    pub weakened: Vec<Weakened>,
}

/// Who makes a request.
#[derive(Debug, Clone, Serialize)]
pub struct Caller {
    #[serde(skip)]
    pub name: String,
    arn: String,
    account: Option<&'static str>,
    context: Map<String, Value>,
    documents: Vec<String>,
}

/// A caller and a request by their places in the suite.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Case {
    pub caller: usize,
    pub request: usize,
    pub allowed: bool,
}

impl Suite {
    /// Every case for the template as it is, and its weakened copies.
    pub fn new(stack: &Stack, roles: &[Role]) -> Self {
        let documents = stack.documents();
        let weakened =
            documents.iter().flat_map(|(name, document)| weakened_copies(name, document)).collect();
        let mut suite = Self { documents, callers: vec![], requests: vec![], cases: vec![], weakened };
        suite.documents.extend(documents_of_aws());

        // The few before the many: a weakened copy is mostly noticed by these.
        guards::trust(&mut suite, stack, roles);
        guards::buckets(&mut suite, stack);
        guards::queues_and_topics(&mut suite, stack);
        guards::keys(&mut suite, stack);
        suite.ask_roles(stack, roles);
        suite
    }

    /// A case for a reader: role, action, resource, and what else AWS sees of the request.
    pub fn describe(&self, case: &Case) -> String {
        let (caller, request) = (&self.callers[case.caller], &self.requests[case.request]);
        let context = Value::Object(request.context.clone());
        format!("{}: {} on {} {context}", caller.name, request.action, request.subject)
    }

    pub fn caller(&mut self, caller: Caller) -> usize {
        self.callers.push(caller);
        self.callers.len() - 1
    }

    /// Adds a case for a request of its own.
    pub fn expect(&mut self, caller: usize, request: Request, allowed: bool) {
        self.requests.push(request);
        self.cases.push(Case { caller, request: self.requests.len() - 1, allowed });
    }

    /// Asks every role for everything, with Acme's tag where the role is a tenancy's. A session without a tag, or with one that
    /// is no tenancy's, is asked for what the role may for Acme and Globex.
    fn ask_roles(&mut self, stack: &Stack, roles: &[Role]) {
        let universe = universe(stack, roles);
        let first = self.requests.len();
        self.requests.extend(universe.iter().cloned());
        let by_s3 =
            Usage::Object { by: Some("s3"), bucket: "UploadBucket".to_owned(), key: format!("{ACME}/1") };
        let by_s3 = Subject::Key { key: AWS_S3.to_owned(), usage: by_s3 };

        for role in roles {
            let tenancy = role.is_a_tenancys().then_some(ACME);
            let caller = self.caller(Caller::session(stack, role, tenancy));
            for (index, request) in universe.iter().enumerate() {
                let allowed = may(roles, role, tenancy, request);
                self.cases.push(Case { caller, request: first + index, allowed });
            }
            if tenancy.is_none() {
                continue;
            }
            self.expect(caller, Request::new(stack, "kms:GenerateDataKey", by_s3.clone()), false);
            for tag in [None, Some("*"), Some("ten_*")] {
                let caller = self.caller(Caller::session(stack, role, tag));
                let of_a_tenancy = |request: &Request| {
                    let may = |tenancy| may(roles, role, tenancy, request);
                    (may(Some(ACME)) || may(Some(GLOBEX))) && !may(None)
                };
                let asked = universe.iter().enumerate().filter(|(_, request)| of_a_tenancy(request));
                self.cases.extend(asked.map(|(index, _)| Case {
                    caller,
                    request: first + index,
                    allowed: false,
                }));
            }
        }
    }
}

impl Caller {
    /// A session of a role, with the role's own documents.
    pub fn session(stack: &Stack, role: &Role, tag: Option<&str>) -> Self {
        let caller =
            Self { documents: stack.documents_of_role(&role.name), ..Self::almighty(stack, &role.name) };
        match tag {
            Some(tag) => Self { name: format!("{} of {tag}", role.name), ..caller }
                .with("aws:PrincipalTag/TenancyId", tag),
            None => caller,
        }
    }

    /// A session of a role whose own documents allow everything: what is refused, the other side refuses.
    pub fn almighty(stack: &Stack, role: &str) -> Self {
        let arn = stack.arn(role);
        let session = arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
        let caller = Self::new(role, &format!("{session}/session"), Some(ACCOUNT));
        Self { documents: vec![EVERYTHING.to_owned()], ..caller }.with("aws:PrincipalArn", &arn)
    }

    /// Somebody who may do everything in an account.
    pub fn administrator(account: &'static str) -> Self {
        let name = format!("an administrator of account {account}");
        let caller =
            Self::new(&name, &format!("arn:aws:sts::{account}:assumed-role/admin/session"), Some(account));
        let caller = caller.with("aws:PrincipalArn", &format!("arn:aws:iam::{account}:role/admin"));
        Self { documents: vec![EVERYTHING.to_owned()], ..caller }
    }

    pub fn service(name: &str) -> Self {
        Self::new(name, name, None)
    }

    /// Whoever brings a token of this identity provider.
    pub fn token_of(provider: &str) -> Self {
        Self::new(&format!("a token of {provider}"), provider, None)
    }

    fn new(name: &str, arn: &str, account: Option<&'static str>) -> Self {
        Self { name: name.to_owned(), arn: arn.to_owned(), account, context: Map::new(), documents: vec![] }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }
}

/// What the table says of a request, and what follows from it.
fn may(roles: &[Role], role: &Role, tenancy: Option<&str>, request: &Request) -> bool {
    let action = request.action.as_str();
    let is_worker_of = |assumed: &str| {
        let assumed = roles.iter().find(|role| role.name == assumed);
        assumed.is_some_and(
            |assumed| matches!(assumed.assumed_by, AssumedBy::Worker(worker) if worker == role.name),
        )
    };
    match &request.subject {
        // The platform's key policy lets everyone in the account use it through tables, queues and topics.
        Subject::Key { key, usage: Usage::By("dynamodb" | "sqs" | "sns") } if key == "PlatformKey" => {
            words(USES_OF_KEYS).any(|known| known == action)
        }
        Subject::Role { role: assumed, tags } => {
            action != "sts:AssumeRoleWithWebIdentity" && tags.are_a_tenancys() && is_worker_of(assumed)
        }
        subject => role.may(tenancy, action, subject),
    }
}

fn documents_of_aws() -> [(String, Document); 4] {
    let document = |name: &str, kind, statement: Value| {
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        (name.to_owned(), Document { kind, policy })
    };
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    [
        document(EVERYTHING, Kind::Identity, json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })),
        document(
            NEW_KEYS_POLICY,
            Kind::Resource,
            json!({ "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*" }),
        ),
        document(
            FOREIGN_KEYS_POLICY,
            Kind::Resource,
            json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*" }),
        ),
        document(
            AWS_S3_POLICY,
            Kind::Resource,
            json!({
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": { "StringEquals": {
                    "kms:CallerAccount": ACCOUNT,
                    "kms:ViaService": format!("s3.{REGION}.amazonaws.com"),
                } },
            }),
        ),
    ]
}
