//! Deploys the template into the emulated CloudFormation, as `sam deploy` would on AWS: code to S3, then one stack.

use std::{collections::BTreeMap, fs, time::Duration};

use bytes::Bytes;
use http::Method;

use crate::{Failure, aws::Aws, functions::Bootstrap, progress::Step, template::Template};

/// The stack's name, with which the names of its functions and key aliases begin.
pub const STACK_NAME: &str = "castkeep";

const BUCKET: &str = "castkeep-artifacts";
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The stack's outputs by name.
pub(crate) type Outputs = BTreeMap<String, String>;

/// Creates the stack, or brings it to this template, these parameters and this code. Doing it again changes nothing.
pub(crate) async fn deploy(
    aws: &Aws,
    template: Template,
    bootstraps: &[Bootstrap],
    parameters: &[(&str, &str)],
    step: &Step,
) -> Result<Outputs, Failure> {
    put_bucket(aws).await?;
    let mut uris = BTreeMap::new();
    for bootstrap in bootstraps {
        step.doing(&bootstrap.binary);
        let key = put_code(aws, bootstrap).await?;
        uris.insert(bootstrap.binary.clone(), format!("s3://{BUCKET}/{key}"));
    }
    let template = template.with_code_at(&uris).to_json();
    put(aws, "template.json", template.into()).await?;

    step.doing("stack");
    let input = stack_input(parameters);
    let exists = find_stack(aws).await?.is_some_and(|stack| stack.status != "ROLLBACK_COMPLETE");
    let operation = if exists { "UpdateStack" } else { "CreateStack" };
    match aws.cloudformation(operation, &input).await {
        Ok(_) => {}
        Err(failure) if failure.to_string().contains("No updates are to be performed") => {}
        Err(failure) => return Err(failure),
    }
    let outputs = wait_until_complete(aws).await?;
    remove_old_code(aws, &uris).await?;
    Ok(outputs)
}

/// What the stack calls this resource of the template.
pub(crate) async fn find_physical_id(aws: &Aws, logical_id: &str) -> Result<String, Failure> {
    let [stack_name] = stack_name();
    let input = [stack_name, ("LogicalResourceId".to_owned(), logical_id.to_owned())];
    let xml = aws.cloudformation("DescribeStackResource", &input).await?;
    texts(&xml, "PhysicalResourceId").next().ok_or_else(|| {
        Failure::new(format!("The stack has no resource {logical_id}."), "Check its name in template.yaml.")
    })
}

fn stack_input(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut input = vec![
        ("StackName".to_owned(), STACK_NAME.to_owned()),
        // An inline template is limited to 51,200 bytes.
        ("TemplateURL".to_owned(), format!("https://s3.amazonaws.com/{BUCKET}/template.json")),
    ];
    for (number, capability) in [(1, "CAPABILITY_IAM"), (2, "CAPABILITY_AUTO_EXPAND")] {
        input.push((format!("Capabilities.member.{number}"), capability.to_owned()));
    }
    for (number, (name, value)) in (1..).zip(parameters) {
        input.push((format!("Parameters.member.{number}.ParameterKey"), (*name).to_owned()));
        input.push((format!("Parameters.member.{number}.ParameterValue"), (*value).to_owned()));
    }
    input
}

struct StackDescription {
    status: String,
    outputs: Outputs,
}

async fn wait_until_complete(aws: &Aws) -> Result<Outputs, Failure> {
    loop {
        match find_stack(aws).await? {
            Some(stack) if matches!(stack.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") => {
                return Ok(stack.outputs);
            }
            Some(stack) if stack.status.ends_with("_IN_PROGRESS") => tokio::time::sleep(LOOK_AGAIN).await,
            stack => {
                let status = stack.map_or_else(|| "gone".to_owned(), |stack| stack.status);
                let events = aws.cloudformation("DescribeStackEvents", &stack_name()).await?;
                let reason = first_failure(&events).unwrap_or_else(|| format!("the stack is {status}"));
                return Err(Failure::new(
                    format!("The template was not deployed: {reason}."),
                    "Mend it and start again, with --fresh where the state is what stands in the way.",
                ));
            }
        }
    }
}

async fn find_stack(aws: &Aws) -> Result<Option<StackDescription>, Failure> {
    match aws.cloudformation("DescribeStacks", &stack_name()).await {
        Ok(xml) => Ok(Some(StackDescription {
            status: texts(&xml, "StackStatus").next().unwrap_or_default(),
            outputs: texts(&xml, "OutputKey").zip(texts(&xml, "OutputValue")).collect(),
        })),
        Err(failure) if failure.to_string().contains("does not exist") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Events come newest first; the cause is the oldest failure of the newest operation.
fn first_failure(events: &str) -> Option<String> {
    texts(events, "ResourceStatus")
        .zip(texts(events, "LogicalResourceId"))
        .zip(texts(events, "ResourceStatusReason"))
        .take_while(|((_, _), reason)| reason != "User Initiated")
        .filter(|((status, _), reason)| status.ends_with("_FAILED") && !reason.contains("cancelled"))
        .last()
        .map(|((status, resource), reason)| {
            format!("{resource} is {status}: {}", reason.trim_end_matches('.'))
        })
}

async fn put_bucket(aws: &Aws) -> Result<(), Failure> {
    let exists = aws.s3(Method::HEAD, &format!("/{BUCKET}"), Bytes::new()).await?.status().is_success();
    if exists { Ok(()) } else { put(aws, "", Bytes::new()).await }
}

/// The key is the digest of the code, so a key that is there holds that code.
async fn put_code(aws: &Aws, bootstrap: &Bootstrap) -> Result<String, Failure> {
    let key = format!("{}-{}.zip", bootstrap.binary, bootstrap.digest);
    let is_there =
        aws.s3(Method::HEAD, &format!("/{BUCKET}/{key}"), Bytes::new()).await?.status().is_success();
    if !is_there {
        let archive =
            fs::read(&bootstrap.archive).map_err(|error| Failure::file(&bootstrap.archive, &error))?;
        put(aws, &key, archive.into()).await?;
    }
    Ok(key)
}

/// Each build of a function is some tens of megabytes.
async fn remove_old_code(aws: &Aws, uris: &BTreeMap<String, String>) -> Result<(), Failure> {
    let answer = aws.s3(Method::GET, &format!("/{BUCKET}?list-type=2"), Bytes::new()).await?;
    let is_in_use = |key: &str| uris.values().any(|uri| uri.ends_with(key));
    for key in texts(&String::from_utf8_lossy(answer.body()), "Key").filter(|key| key.ends_with(".zip")) {
        if !is_in_use(&key) {
            aws.s3(Method::DELETE, &format!("/{BUCKET}/{key}"), Bytes::new()).await?;
        }
    }
    Ok(())
}

async fn put(aws: &Aws, key: &str, body: Bytes) -> Result<(), Failure> {
    let answer = aws.s3(Method::PUT, &format!("/{BUCKET}/{key}"), body).await?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(Failure::new(
        format!("The emulator refused to store {key}: {}.", String::from_utf8_lossy(answer.body())),
        "Look into its log and start again with --fresh.",
    ))
}

fn stack_name() -> [(String, String); 1] {
    [("StackName".to_owned(), STACK_NAME.to_owned())]
}

/// The texts of all elements of this name, in their order. Enough for AWS's answers, which have neither attributes nor
/// nesting of equal names where this looks.
pub(crate) fn texts<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(unescape(text))
    })
}

fn unescape(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, status: &str, reason: &str) -> String {
        format!(
            "<member><LogicalResourceId>{resource}</LogicalResourceId><ResourceStatus>{status}</ResourceStatus>\
             <ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    }

    #[test]
    fn the_first_cause_of_the_newest_operation_is_told() {
        let events = [
            event("castkeep", "ROLLBACK_COMPLETE", ""),
            event("Queue", "CREATE_FAILED", "Resource creation cancelled"),
            event("Table", "CREATE_FAILED", "no &lt;key&gt; given."),
            event("castkeep", "CREATE_IN_PROGRESS", "User Initiated"),
            event("Old", "CREATE_FAILED", "long ago"),
        ]
        .concat();

        assert_eq!(first_failure(&events).as_deref(), Some("Table is CREATE_FAILED: no <key> given"));
    }

    #[test]
    fn parameters_are_numbered_from_one() {
        let input = stack_input(&[("Stage", "dev"), ("ApiUrl", "http://127.0.0.1:8400")]);

        assert!(input.contains(&("Parameters.member.1.ParameterKey".to_owned(), "Stage".to_owned())));
        assert!(input.contains(&(
            "Parameters.member.2.ParameterValue".to_owned(),
            "http://127.0.0.1:8400".to_owned()
        )));
    }
}
