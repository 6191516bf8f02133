//! Weakened copies of a document: each is a mistake that somebody could make in the template, and some case must notice it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::template::{Document, Kind};

/// Mistakes that open nothing, and why.
pub const HARMLESS: [(&str, &str); 1] = [(
    "ProvisionRole/own, statement 6: kms:* allowed",
    "no other action brings tags but kms:CreateKey, which the role may in any case",
)];

/// A document with one statement that allows more, or refuses less, than it should.
#[derive(Debug, Serialize)]
pub struct Weakened {
    #[serde(skip)]
    pub name: String,
    document: String,
    /// As it was: all that allows, and where the mistake is in what refuses, that too. So each wall stands alone.
    sound: Value,
    /// With the mistake; of what allows, that statement alone.
    weaker: Value,
    /// What the mistake may open; `*` at the end is anything.
    actions: Vec<String>,
}

/// Every weakened copy of a document, one mistake each.
pub fn weakened_copies(name: &str, document: &Document) -> Vec<Weakened> {
    let all: Vec<_> = document.policy["Statement"].as_array().unwrap().iter().collect();
    let allowing: Vec<_> = all.iter().filter(|statement| statement["Effect"] == "Allow").copied().collect();
    let mut copies = Vec::new();
    for (index, statement) in all.iter().enumerate() {
        let label =
            statement["Sid"].as_str().map_or_else(|| format!("statement {}", index + 1), str::to_owned);
        let (sound, others) = match statement["Effect"].as_str().unwrap() {
            "Allow" => (allowing.clone(), Vec::new()),
            _ => (all.clone(), all.iter().filter(|other| *other != statement).copied().collect()),
        };
        for (mistake, weaker) in mistakes(statement, document.kind) {
            let now_allowed = weaker.as_ref().map_or(Vec::new(), |weaker| texts(&weaker["Action"]));
            copies.push(Weakened {
                name: format!("{name}, {label}: {mistake}"),
                document: name.to_owned(),
                sound: policy(sound.clone()),
                weaker: policy(others.iter().copied().chain(&weaker).collect()),
                actions: [texts(&statement["Action"]), now_allowed].concat(),
            });
        }
    }
    copies
}

fn policy(statements: Vec<&Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What each mistake is, and the statement with it; none where the statement is gone.
fn mistakes(statement: &Value, kind: Kind) -> Vec<(String, Option<Value>)> {
    let (gone, weaker) = match statement["Effect"].as_str().unwrap() {
        "Allow" => (None, [wider_allow(statement, kind), looser_conditions(statement)].concat()),
        _ => (Some(("without it".to_owned(), None)), narrower_deny(statement)),
    };
    let weaker = weaker.into_iter().map(|(mistake, weaker)| (mistake, Some(weaker)));
    gone.into_iter().chain(weaker).collect()
}

fn wider_allow(statement: &Value, kind: Kind) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut with = |mistake: String, member: &str, value: Value| {
        let mut weaker = statement.clone();
        weaker[member] = value;
        found.push((mistake, weaker));
    };

    let actions = texts(&statement["Action"]);
    let service = actions[0].split(':').next().unwrap();
    if statement["Action"] != format!("{service}:*") {
        with(format!("{service}:* allowed"), "Action", json!(format!("{service}:*")));
    }
    let resources = texts(&statement["Resource"]);
    if kind == Kind::Identity && statement["Resource"] != "*" {
        with("any resource".to_owned(), "Resource", json!("*"));
    }
    for (index, resource) in resources.iter().enumerate() {
        for looser in looser_patterns(resource) {
            let mut changed = resources.clone();
            changed[index].clone_from(&looser);
            with(format!("resource {looser}"), "Resource", json!(changed));
        }
    }
    let is_open = statement["Principal"] == "*" || statement["Principal"]["AWS"] == "*";
    if kind != Kind::Identity && !is_open {
        with("any principal".to_owned(), "Principal", json!("*"));
    }
    found
}

fn looser_conditions(statement: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (operator, key, values) in conditions(statement) {
        let base = without_condition(statement, &operator, &key);
        found.push((format!("without {operator} {key}"), base.clone()));

        let (set, comparison) =
            operator.split_once(':').map_or(("", operator.as_str()), |(set, rest)| (set, rest));
        let prefix = if set.is_empty() { String::new() } else { format!("{set}:") };
        let (like, anything) = match comparison {
            "StringEquals" | "StringLike" => ("StringLike", "*"),
            "ArnEquals" | "ArnLike" => ("ArnLike", "arn:*:*:*:*:*"),
            _ => continue,
        };
        let like = format!("{prefix}{like}");
        found.push((format!("any {key}"), with_condition(&base, &like, &key, json!(anything))));
        for (index, value) in values.iter().enumerate() {
            for looser in looser_patterns(value) {
                let mut changed = values.clone();
                changed[index].clone_from(&looser);
                found.push((format!("{key} {looser}"), with_condition(&base, &like, &key, json!(changed))));
            }
        }
        if set.is_empty() {
            let if_exists = with_condition(&base, &format!("{operator}IfExists"), &key, json!(values));
            found.push((format!("no {key} will do"), if_exists));
        }
    }
    found
}

fn narrower_deny(statement: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for member in ["Action", "Resource"] {
        let values = texts(&statement[member]);
        let fewer = values.iter().filter(|_| values.len() > 1);
        found.extend(fewer.map(|left_out| {
            let kept: Vec<_> = values.iter().filter(|value| *value != left_out).collect();
            let mut weaker = statement.clone();
            weaker[member] = json!(kept);
            (format!("without {left_out}"), weaker)
        }));
    }
    if let Some(service) = statement["Action"].as_str().and_then(|action| action.strip_suffix(":*")) {
        let mut weaker = statement.clone();
        weaker["Action"] = json!(format!("{service}:Get*"));
        found.push(("only for reading".to_owned(), weaker));
    }
    for (operator, key, values) in conditions(statement) {
        let base = without_condition(statement, &operator, &key);
        let mut with = |mistake: String, base: &Value, operator: &str, value: Value| {
            found.push((mistake, with_condition(base, operator, &key, value)));
        };
        // What is refused in several places must be refused in each.
        for left_out in values.iter().filter(|_| values.len() > 1 && !operator.contains("Not")) {
            let kept: Vec<_> = values.iter().filter(|value| *value != left_out).collect();
            with(format!("without {key} {left_out}"), &base, &operator, json!(kept));
        }
        // Every signed request has a principal, and no other is allowed anything.
        let is_optional = key != "aws:PrincipalArn" && statement["Condition"]["Null"][&key].is_null();
        if operator.contains("Not") && is_optional {
            with(format!("not where {key} is missing"), statement, "Null", json!("false"));
        }
        match operator.as_str() {
            "ArnNotEquals" => {
                with("not for any role".to_owned(), &base, "ArnNotLike", json!("arn:aws:iam::*:role/*"))
            }
            "NumericLessThan" => {
                let less: f64 = values[0].parse::<f64>().unwrap() - 0.1;
                with(format!("only below {less:.1}"), &base, &operator, json!(format!("{less:.1}")));
            }
            _ => {}
        }
    }
    found
}

/// A pattern that ends with the tenancy, one that does not care for it, one that does not count an id's characters.
fn looser_patterns(pattern: &str) -> Vec<String> {
    const TENANCY: &str = "${aws:PrincipalTag/TenancyId}";
    let mut looser = Vec::new();
    if let Some((before, after)) = pattern.split_once(TENANCY) {
        looser.push(format!("{before}{TENANCY}*"));
        looser.push(format!("{before}*{after}"));
    }
    if let Some((before, _)) = pattern.split_once('?') {
        looser.push(format!("{before}*"));
    }
    looser
}

/// Operator, key and values of each condition.
fn conditions(statement: &Value) -> Vec<(String, String, Vec<String>)> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let all = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().unwrap().iter();
        keys.map(move |(key, values)| (operator.clone(), key.clone(), texts(values)))
    });
    all.collect()
}

fn without_condition(statement: &Value, operator: &str, key: &str) -> Value {
    let mut weaker = statement.clone();
    let operators = weaker["Condition"].as_object_mut().unwrap();
    let keys = operators[operator].as_object_mut().unwrap();
    keys.remove(key);
    if keys.is_empty() {
        operators.remove(operator);
    }
    weaker
}

fn with_condition(statement: &Value, operator: &str, key: &str, value: Value) -> Value {
    let mut changed = statement.clone();
    let operators = changed["Condition"].as_object_mut().unwrap();
    let keys = operators.entry(operator).or_insert_with(|| Value::Object(Map::new()));
    keys[key] = value;
    changed
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        values => {
            values.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        }
    }
}
