//! The template as AWS would have it after a deployment, as far as IAM documents go: every reference is a fixed name or ARN.

use std::{collections::BTreeMap, fs};

use local::{ACCOUNT, REGION, STACK_NAME, Template};
use serde::Serialize;
use serde_json::{Map, Value};

/// Which rules a document is written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Identity,
    Resource,
    Trust,
}

/// An IAM document.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    pub kind: Kind,
    pub policy: Value,
}

/// The resources of the template, and what its parameters' defaults make of them.
#[derive(Debug)]
pub struct Stack {
    document: Value,
}

/// What sends mail where the deployment sends any. By default none does, and then no document says from where.
pub const MAIL_FROM: &str = "podcasts@castkeep.example";

impl Stack {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let template = Template::parse(&fs::read_to_string(path).unwrap()).unwrap();
        let mut document = template.document().clone();
        document["Parameters"]["MailFrom"]["Default"] = MAIL_FROM.into();
        Self { document }
    }

    /// The logical ids of all resources of a type; `AWS::IAM::` names the types of a service.
    pub fn of_type(&self, wanted: &str) -> Vec<&str> {
        let all = self.document["Resources"].as_object().unwrap().iter();
        let matching = all.filter(|(_, resource)| {
            let kind = resource["Type"].as_str().unwrap();
            kind == wanted || wanted.ends_with("::") && kind.starts_with(wanted)
        });
        matching.map(|(id, _)| id.as_str()).collect()
    }

    pub fn type_of(&self, id: &str) -> &str {
        match self.document["Resources"][id]["Type"].as_str() {
            Some(kind) => kind,
            None if self.is_schedule_of_a_function(id) => "AWS::Events::Rule",
            None => panic!("the template has no {id}"),
        }
    }

    /// A resource's properties, resolved.
    pub fn properties(&self, id: &str) -> Value {
        self.resolve(&self.document["Resources"][id]["Properties"])
    }

    /// The document that a bucket, queue, topic or key has, by its name among [`Stack::documents`].
    pub fn document_on(&self, id: &str) -> Option<String> {
        let (policies, member) = match self.type_of(id) {
            "AWS::S3::Bucket" => ("AWS::S3::BucketPolicy", "Bucket"),
            "AWS::SQS::Queue" => ("AWS::SQS::QueuePolicy", "Queues"),
            "AWS::SNS::Topic" => ("AWS::SNS::TopicPolicy", "Topics"),
            "AWS::KMS::Key" => return Some(format!("{id}/key policy")),
            _ => return None,
        };
        let reference = self.reference(id);
        let names_it = |policy: &&str| {
            let named = &self.properties(policy)[member];
            *named == reference || named.as_array().is_some_and(|all| all.contains(&reference))
        };
        self.of_type(policies).into_iter().find(names_it).map(str::to_owned)
    }

    /// The documents that come with a role: its own, and those attached to it.
    pub fn documents_of_role(&self, role: &str) -> Vec<String> {
        let own = self.properties(role);
        let own = own["Policies"].as_array().into_iter().flatten();
        let own = own.map(|policy| format!("{role}/{}", policy["PolicyName"].as_str().unwrap()));
        let name = self.reference(role);
        let attached = self.of_type("AWS::IAM::Policy").into_iter();
        let attached = attached.filter(|id| self.properties(id)["Roles"].as_array().unwrap().contains(&name));
        own.chain(attached.map(str::to_owned)).collect()
    }

    /// Every IAM document of the template.
    pub fn documents(&self) -> BTreeMap<String, Document> {
        let mut found = BTreeMap::new();
        let mut add = |name: String, kind: Kind, policy: &Value| {
            found.insert(name, Document { kind, policy: with_texts(policy) });
        };
        for role in self.of_type("AWS::IAM::Role") {
            let properties = self.properties(role);
            add(format!("{role}/trust"), Kind::Trust, &properties["AssumeRolePolicyDocument"]);
            for policy in properties["Policies"].as_array().into_iter().flatten() {
                let name = policy["PolicyName"].as_str().unwrap();
                add(format!("{role}/{name}"), Kind::Identity, &policy["PolicyDocument"]);
            }
        }
        for policy in self.of_type("AWS::IAM::Policy") {
            add(policy.to_owned(), Kind::Identity, &self.properties(policy)["PolicyDocument"]);
        }
        for kind in ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"] {
            for policy in self.of_type(kind) {
                add(policy.to_owned(), Kind::Resource, &self.properties(policy)["PolicyDocument"]);
            }
        }
        for key in self.of_type("AWS::KMS::Key") {
            add(format!("{key}/key policy"), Kind::Resource, &self.properties(key)["KeyPolicy"]);
        }
        found
    }

    /// How often a member of this name occurs among the resources.
    pub fn count_of(&self, name: &str) -> usize {
        count(&self.document["Resources"], name)
    }

    pub fn arn(&self, id: &str) -> String {
        let name = self.name(id);
        let regional = |service: &str, what: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{what}");
        match self.type_of(id) {
            "AWS::Cognito::UserPool" => regional("cognito-idp", &format!("userpool/{name}")),
            "AWS::DynamoDB::Table" => regional("dynamodb", &format!("table/{name}")),
            "AWS::Events::Rule" => regional("events", &format!("rule/{name}")),
            "AWS::IAM::OIDCProvider" => {
                let url = self.properties(id)["Url"].as_str().unwrap().replacen("https://", "", 1);
                format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{url}")
            }
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            "AWS::KMS::Key" => regional("kms", &format!("key/{name}")),
            "AWS::Logs::LogGroup" => regional("logs", &format!("log-group:{name}:*")),
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{name}"),
            "AWS::SNS::Topic" => regional("sns", &name),
            "AWS::SQS::Queue" => regional("sqs", &name),
            "AWS::Serverless::Function" => regional("lambda", &format!("function:{name}")),
            kind => panic!("say here what the ARN of {id}, {kind}, looks like"),
        }
    }

    fn name(&self, id: &str) -> String {
        let properties = &self.document["Resources"][id]["Properties"];
        let given = match self.type_of(id) {
            "AWS::Logs::LogGroup" => &properties["LogGroupName"],
            "AWS::Serverless::Function" => &properties["FunctionName"],
            _ => &Value::Null,
        };
        match self.resolve(given) {
            Value::String(name) => name,
            _ => format!("{STACK_NAME}-{}", id.to_lowercase()),
        }
    }

    fn reference(&self, name: &str) -> Value {
        let parameter = &self.document["Parameters"][name]["Default"];
        let text = match name {
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::StackName" => STACK_NAME.to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            _ if !parameter.is_null() => return parameter.clone(),
            _ => match self.type_of(name) {
                "AWS::IAM::OIDCProvider" | "AWS::SNS::Topic" => self.arn(name),
                _ => self.name(name),
            },
        };
        Value::String(text)
    }

    fn attribute(&self, path: &str) -> Value {
        match path.rsplit_once('.') {
            Some((id, "Arn")) => Value::String(self.arn(id)),
            _ => panic!("say here what {path} is"),
        }
    }

    fn resolve(&self, value: &Value) -> Value {
        let object = match value {
            Value::Array(items) => return items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(object) => object,
            scalar => return scalar.clone(),
        };
        match only_member(object) {
            Some(("Ref", Value::String(name))) => self.reference(name),
            Some(("Fn::GetAtt", path)) => self.attribute(&path_of(path)),
            Some(("Fn::Sub", Value::String(text))) => Value::String(self.substitute(text)),
            Some(("Fn::If", branches)) => {
                let is_true = self.condition(&self.document["Conditions"][branches[0].as_str().unwrap()]);
                self.resolve(&branches[if is_true { 1 } else { 2 }])
            }
            Some((function, _)) if function.starts_with("Fn::") => panic!("say here what {value} is"),
            _ => object.iter().map(|(name, member)| (name.clone(), self.resolve(member))).collect(),
        }
    }

    fn condition(&self, condition: &Value) -> bool {
        match only_member(condition.as_object().unwrap()).unwrap() {
            ("Fn::Equals", sides) => self.resolve(&sides[0]) == self.resolve(&sides[1]),
            ("Fn::Not", inner) => !self.condition(&inner[0]),
            ("Fn::And", all) => all.as_array().unwrap().iter().all(|one| self.condition(one)),
            ("Fn::Or", all) => all.as_array().unwrap().iter().any(|one| self.condition(one)),
            ("Condition", name) => self.condition(&self.document["Conditions"][name.as_str().unwrap()]),
            (function, _) => panic!("say here what {function} is"),
        }
    }

    /// `${Name}` and `${Name.Attribute}` become what they refer to, `${!text}` becomes `${text}`.
    fn substitute(&self, text: &str) -> String {
        let mut pieces = text.split("${");
        let mut result = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap();
            match name.strip_prefix('!') {
                Some(literal) => result.push_str(&format!("${{{literal}}}")),
                None if name.contains('.') => result.push_str(self.attribute(name).as_str().unwrap()),
                None => result.push_str(self.reference(name).as_str().unwrap()),
            }
            result.push_str(rest);
        }
        result
    }

    /// SAM makes a rule of each of a function's schedules and names it after both.
    fn is_schedule_of_a_function(&self, id: &str) -> bool {
        self.of_type("AWS::Serverless::Function").iter().any(|function| {
            id.strip_prefix(function).is_some_and(|event| {
                let events = &self.document["Resources"][function]["Properties"]["Events"];
                events[event]["Type"] == "Schedule"
            })
        })
    }
}

fn only_member(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = object.iter().map(|(name, value)| (name.as_str(), value));
    members.next().filter(|_| object.len() == 1)
}

fn path_of(path: &Value) -> String {
    let parts = path.as_array().unwrap().iter().map(|part| part.as_str().unwrap());
    parts.collect::<Vec<_>>().join(".")
}

fn count(value: &Value, name: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count(item, name)).sum(),
        Value::Object(members) => {
            members.iter().map(|(known, member)| usize::from(known == name) + count(member, name)).sum()
        }
        _ => 0,
    }
}

/// IAM reads `false` and `1.2` as texts.
fn with_texts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(with_texts).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), with_texts(member))).collect()
        }
        Value::String(text) => Value::String(text.clone()),
        scalar => Value::String(scalar.to_string()),
    }
}
