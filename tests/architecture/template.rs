//! The template: the same routes as the code, and IAM documents that keep to the rules.

use std::{collections::BTreeSet, fs};

use serde_norway::Value;

use crate::{openapi, project};

/// The template. Intrinsic functions read as their arguments.
fn template() -> Value {
    let text = fs::read_to_string(project().join("template.yaml")).unwrap();
    plain(serde_norway::from_str(&text).unwrap())
}

/// The template's resources, by their logical ids.
pub fn resources() -> Vec<(String, Value)> {
    let resources = template()["Resources"].as_mapping().unwrap().clone();
    resources.into_iter().map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource)).collect()
}

fn resource(name: &str) -> Value {
    resources().into_iter().find(|(known, _)| known == name).unwrap().1
}

fn plain(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => plain(tagged.value),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(plain).collect()),
        Value::Mapping(members) => {
            Value::Mapping(members.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        value => value,
    }
}

fn routes(api: &str) -> BTreeSet<String> {
    let body = &resource(api)["Properties"]["DefinitionBody"];
    let paths = body["paths"].as_mapping().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            let path = path.as_str().unwrap();
            let methods = methods.as_mapping().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.as_str().unwrap().to_uppercase()))
        })
        .collect()
}

/// Every statement of every policy of every role: the role's name, and the statement.
fn statements() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, resource) in resources() {
        let properties = &resource["Properties"];
        let inline = properties["Policies"].as_sequence().into_iter().flatten();
        let documents = inline.map(|policy| &policy["PolicyDocument"]).chain([&properties["PolicyDocument"]]);
        let is_policy = matches!(resource["Type"].as_str(), Some("AWS::IAM::Role" | "AWS::IAM::Policy"));
        for document in documents.filter(|_| is_policy) {
            let statements = document["Statement"].as_sequence().into_iter().flatten();
            found.extend(statements.map(|statement| (name.clone(), statement.clone())));
        }
    }
    assert!(found.len() > 40, "only {} statements were found", found.len());
    found
}

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        actions => {
            actions.as_sequence().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
        }
    }
}

#[test]
fn the_template_the_code_and_the_document_have_the_same_routes() {
    let tenancy_api = [
        sessions::routes().list(),
        tenancy::routes().list(),
        tenancy::provision_routes().list(),
        tenancy::sso_routes().list(),
        shows::routes().list(),
        uploads::routes().list(),
        export::routes().list(),
        deletion::routes().list(),
    ];
    let listener_api = feeds::listen::routes().list();
    for (api, code) in [("TenancyApi", tenancy_api.concat()), ("ListenerApi", listener_api)] {
        let code: BTreeSet<_> = code.into_iter().collect();
        assert_eq!(routes(api), code, "the template's and the code's");
        assert_eq!(openapi::routes(api), code, "the document's and the code's");
    }
}

#[test]
fn every_route_but_sign_in_asks_the_authorizer() {
    let open = [
        "/oauth/token",
        "/oauth/revoke",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/certificates/{deletion}",
        "/.well-known/certificate-keys.json",
    ];
    let body = &resource("TenancyApi")["Properties"]["DefinitionBody"];
    for (path, methods) in body["paths"].as_mapping().unwrap() {
        for (method, operation) in methods.as_mapping().unwrap() {
            let is_open = operation["security"].is_null();
            assert_eq!(is_open, open.contains(&path.as_str().unwrap()), "{method:?} {path:?}");
        }
    }
}

#[test]
fn every_use_of_a_table_names_its_leading_keys() {
    for (role, statement) in statements() {
        let touches_items = actions(&statement).iter().any(|action| action.starts_with("dynamodb:"));
        if touches_items && statement["Effect"] == "Allow" {
            let condition = &statement["Condition"];
            let leading = condition.as_mapping().into_iter().flatten().any(|(operator, keys)| {
                operator.as_str().unwrap().starts_with("ForAllValues:")
                    && !keys["dynamodb:LeadingKeys"].is_null()
            });
            assert!(leading, "{role}: {statement:?}");
            let null = &condition["Null"]["dynamodb:LeadingKeys"];
            assert!(*null == Value::Bool(false) || *null == "false", "{role} lacks Null: {statement:?}");
        }
    }
}

#[test]
fn no_data_role_updates_or_deletes_an_audit_event() {
    let roles = resources().into_iter().filter(|(_, resource)| resource["Type"] == "AWS::IAM::Role");
    let data_roles: BTreeSet<_> =
        roles.map(|(name, _)| name).filter(|name| name.ends_with("DataRole")).collect();
    let policy = &resource("AuditLogIsAppendOnly")["Properties"];
    let held: BTreeSet<_> =
        policy["Roles"].as_sequence().unwrap().iter().map(|role| role.as_str().unwrap().to_owned()).collect();
    let statement = &policy["PolicyDocument"]["Statement"][0];

    // With a tenancy that leaves goes its log, by a role that is for nothing else.
    let data_roles: BTreeSet<_> = data_roles.into_iter().filter(|name| name != "ExitDataRole").collect();
    assert_eq!(held, data_roles);
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(actions(statement), ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]);
    let keys = &statement["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(keys.as_sequence().unwrap(), &["*#audit", "*#audit-head"]);
}

#[test]
fn nobody_scans_and_nobody_has_a_wildcard() {
    for (role, statement) in statements() {
        for action in actions(&statement) {
            if statement["Effect"] == "Allow" {
                assert!(!action.contains("Scan") && !action.contains("PartiQL"), "{role}: {action}");
                assert!(!action.contains('*'), "{role}: {action}");
            }
        }
    }
}

#[test]
fn no_function_has_a_managed_policy() {
    for (name, resource) in resources() {
        assert!(resource["Properties"]["ManagedPolicyArns"].is_null(), "{name}");
    }
}

#[test]
fn every_function_has_a_role_and_a_log_of_its_own() {
    let functions: Vec<_> = resources()
        .into_iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .collect();
    let of = |member: &str| -> BTreeSet<String> {
        functions.iter().map(|(_, function)| format!("{:?}", function["Properties"][member])).collect()
    };
    assert_eq!(functions.len(), 23);
    assert_eq!(of("Role").len(), functions.len());
    assert_eq!(of("LoggingConfig").len(), functions.len());
}

#[test]
fn the_template_and_the_code_have_the_same_rate_limits() {
    let common = domain::RateLimits::default();
    for (parameter, default) in
        [("RequestsPerMinute", common.per_tenancy), ("RequestsPerMinutePerPrincipal", common.per_principal)]
    {
        assert_eq!(
            template()["Parameters"][parameter]["Default"].as_u64(),
            Some(default.into()),
            "{parameter}"
        );
    }
    for (name, function) in resources() {
        let variables = &function["Properties"]["Environment"]["Variables"];
        // Who signs in is nobody yet.
        let asks_who_calls =
            !variables["API_URL"].is_null() && !variables["DATA_ROLE"].is_null() && name != "Sessions";
        for variable in ["REQUESTS_PER_MINUTE", "REQUESTS_PER_MINUTE_PER_PRINCIPAL"] {
            assert_eq!(asks_who_calls, !variables[variable].is_null(), "{name}: {variable}");
        }
    }
}

#[test]
fn the_media_worker_updates_counts_and_deletes_entries_and_nothing_else() {
    let mut rights = Vec::new();
    for (role, statement) in statements() {
        let actions = actions(&statement);
        if role == "MediaWorkerDataRole" && statement["Effect"] == "Allow" {
            let leading = &statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
            for action in ["dynamodb:UpdateItem", "dynamodb:DeleteItem"] {
                if actions.iter().any(|known| known == action) {
                    let leading = leading.as_sequence().cloned().unwrap_or_else(|| vec![leading.clone()]);
                    rights.extend(leading.iter().map(|key| (action, key.as_str().unwrap().to_owned())));
                }
            }
        }
    }
    let own = |collection: &str| format!("${{aws:PrincipalTag/TenancyId}}#{collection}");
    assert_eq!(
        rights,
        [
            ("dynamodb:UpdateItem", own("quotas")),
            ("dynamodb:DeleteItem", own("unfinished-uploads")),
            ("dynamodb:DeleteItem", own("notices")),
        ]
    );
}

#[test]
fn every_queue_that_feeds_a_function_has_a_dead_letter_queue_and_an_alarm() {
    let resources = resources();
    let alarms: String = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm")
        .map(|(_, alarm)| format!("{alarm:?}"))
        .collect();
    for (name, resource) in resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::SQS::Queue") {
        if name.ends_with("Dlq") {
            assert!(alarms.contains(name.as_str()), "{name} has no alarm");
        } else {
            assert!(!resource["Properties"]["RedrivePolicy"].is_null(), "{name}");
        }
    }
}
