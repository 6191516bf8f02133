//! Calls to the emulated AWS with its root key, which may do everything.
//!
//! The emulator checks no signature of that key, so this needs no SDK. The product never holds the root key: its functions
//! have the credentials of their own roles, and those are checked.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    Failure,
    deploy::{STACK_NAME, texts},
    http::Http,
};

/// The region and the account of everything that is emulated.
pub const REGION: &str = "us-east-1";
/// The account's number.
pub const ACCOUNT: &str = "000000000000";

/// Looks into the stores, and does what on AWS an administrator would.
#[derive(Debug, Clone)]
pub struct Aws {
    endpoint: String,
    http: Http,
}

impl Aws {
    /// Where the emulated AWS answers.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn new(endpoint: String, http: Http) -> Self {
        Self { endpoint, http }
    }

    /// DynamoDB: `dynamodb("GetItem", &json!({"TableName": …, "Key": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn dynamodb(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("dynamodb", &format!("DynamoDB_20120810.{operation}"), "application/x-amz-json-1.0", input)
            .await
    }

    /// SQS: `sqs("SendMessage", &json!({"QueueUrl": …, "MessageBody": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn sqs(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("sqs", &format!("AmazonSQS.{operation}"), "application/x-amz-json-1.0", input).await
    }

    /// KMS: `kms("DescribeKey", &json!({"KeyId": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn kms(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("kms", &format!("TrentService.{operation}"), "application/x-amz-json-1.1", input).await
    }

    /// EventBridge: `events("PutEvents", &json!({"Entries": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn events(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("events", &format!("AWSEvents.{operation}"), "application/x-amz-json-1.1", input).await
    }

    /// Cognito user pools: `cognito("AdminGetUser", &json!({"UserPoolId": …, "Username": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn cognito(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        self.json("cognito-idp", &target, "application/x-amz-json-1.1", input).await
    }

    /// CloudWatch Logs: `logs("FilterLogEvents", &json!({"logGroupName": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn logs(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("logs", &format!("Logs_20140328.{operation}"), "application/x-amz-json-1.1", input).await
    }

    /// Has what is published to a topic sent to a queue, where the message's attributes fit the filter policy.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn subscribe(&self, topic: &str, queue_arn: &str, filter_policy: &str) -> Result<(), Failure> {
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let input = [
            text("TopicArn", topic),
            text("Protocol", "sqs"),
            text("Endpoint", queue_arn),
            text("Attributes.entry.1.key", "FilterPolicy"),
            text("Attributes.entry.1.value", filter_policy),
        ];
        self.query("sns", "2010-03-31", "Subscribe", &input).await.map(drop)
    }

    /// Has SES take mail from an address, and from all others of its domain.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn verify_mail_domain(&self, address: &str) -> Result<(), Failure> {
        let domain = address.rsplit('@').next().unwrap_or_default();
        let input = [("Domain".to_owned(), domain.to_owned())];
        self.query("ses", "2010-12-01", "VerifyDomainIdentity", &input).await.map(drop)
    }

    /// The mails that SES took so far, the oldest first; none of them went anywhere. Each has `Source`, `To`, `Subject` and `BodyText`.
    ///
    /// # Errors
    /// Where the emulator does not answer.
    pub async fn mails(&self) -> Result<Vec<Value>, Failure> {
        let request = self.request("ses", Method::GET, "/_ministack/ses/messages").body(Bytes::new());
        let answer = parse(&self.http.send(request.map_err(unsendable)?).await?)?;
        let mails = answer.pointer(&format!("/messages/{ACCOUNT}")).and_then(Value::as_array);
        Ok(mails.cloned().unwrap_or_default())
    }

    /// Invokes the function with this binary and waits for its answer: `invoke("release", &event)`.
    ///
    /// # Errors
    /// With the function's own error where it fails.
    pub async fn invoke(&self, binary: &str, event: &Value) -> Result<Value, Failure> {
        let path = format!("/2015-03-31/functions/{STACK_NAME}-{binary}/invocations");
        let request = self.request("lambda", Method::POST, &path).body(event.to_string().into());
        let answer = self.http.send(request.map_err(unsendable)?).await?;
        let failed = answer.headers().contains_key("x-amz-function-error") || !answer.status().is_success();
        if failed {
            return Err(refused(binary, &String::from_utf8_lossy(answer.body())));
        }
        parse(&answer)
    }

    /// The environment that the template gives to the function with this binary.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn function_environment(&self, binary: &str) -> Result<Value, Failure> {
        let path = format!("/2015-03-31/functions/{STACK_NAME}-{binary}/configuration");
        let configuration = self.lambda(Method::GET, &path, String::new()).await?;
        Ok(configuration.pointer("/Environment/Variables").cloned().unwrap_or_default())
    }

    /// The queue that feeds the function with this binary.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses, or where no queue feeds it.
    pub async fn queue_of(&self, binary: &str) -> Result<String, Failure> {
        let mapping = self.event_source(binary).await?;
        let arn = mapping.pointer("/EventSourceArn").and_then(Value::as_str).unwrap_or_default();
        let name = arn.rsplit(':').next().unwrap_or_default();
        Ok(format!("{}/{ACCOUNT}/{name}", self.endpoint))
    }

    /// Keeps messages from the function with this binary, until the stack ends.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses, or where no queue feeds it.
    pub async fn pause_queue(&self, binary: &str) -> Result<(), Failure> {
        let mapping = self.event_source(binary).await?;
        let id = mapping.pointer("/UUID").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        self.lambda(Method::PUT, &path, json!({ "Enabled": false }).to_string()).await.map(drop)
    }

    /// Credentials of the function's own role: key id, secret and session token. An administrator lets himself in by adding the
    /// account to the role's trust policy, so only a test's own stack should see this.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn assume_role_of(&self, binary: &str) -> Result<[String; 3], Failure> {
        let path = format!("/2015-03-31/functions/{STACK_NAME}-{binary}/configuration");
        let configuration = self.lambda(Method::GET, &path, String::new()).await?;
        let role = configuration.pointer("/Role").and_then(Value::as_str).unwrap_or_default();
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" } },
                { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": ACCOUNT } },
            ],
        });
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let name = role.rsplit('/').next().unwrap_or_default();
        let update = [text("RoleName", name), text("PolicyDocument", &trust.to_string())];
        self.query("iam", "2010-05-08", "UpdateAssumeRolePolicy", &update).await?;

        let assume = [text("RoleArn", role), text("RoleSessionName", binary)];
        let answer = self.query("sts", "2011-06-15", "AssumeRole", &assume).await?;
        let element = |name| texts(&answer, name).next();
        match (element("AccessKeyId"), element("SecretAccessKey"), element("SessionToken")) {
            (Some(id), Some(secret), Some(token)) => Ok([id, secret, token]),
            _ => Err(refused("AssumeRole", &answer)),
        }
    }

    async fn event_source(&self, binary: &str) -> Result<Value, Failure> {
        let path = format!("/2015-03-31/event-source-mappings/?FunctionName={STACK_NAME}-{binary}");
        let mappings = self.lambda(Method::GET, &path, String::new()).await?;
        mappings
            .pointer("/EventSourceMappings/0")
            .cloned()
            .ok_or_else(|| refused(binary, "no queue feeds it"))
    }

    /// S3, by path: `s3(Method::GET, "/bucket/key", Bytes::new())`. The answer is as S3 gives it, errors included.
    ///
    /// # Errors
    /// Only where no answer comes.
    pub async fn s3(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Bytes>, Failure> {
        let request = self.request("s3", method, path).body(body);
        self.http.send(request.map_err(unsendable)?).await
    }

    async fn lambda(&self, method: Method, path: &str, body: String) -> Result<Value, Failure> {
        let request = self.request("lambda", method, path).body(body.into());
        let answer = self.http.send(request.map_err(unsendable)?).await?;
        if answer.status().is_success() {
            parse(&answer)
        } else {
            Err(refused(path, &String::from_utf8_lossy(answer.body())))
        }
    }

    /// CloudFormation, in its query protocol, which answers in XML.
    pub(crate) async fn cloudformation(
        &self,
        operation: &str,
        input: &[(String, String)],
    ) -> Result<String, Failure> {
        self.query("cloudformation", "2010-05-15", operation, input).await
    }

    async fn query(
        &self,
        service: &str,
        version: &str,
        operation: &str,
        input: &[(String, String)],
    ) -> Result<String, Failure> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = [("Action", operation), ("Version", version)]
            .into_iter()
            .chain(input.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        let request = self
            .request(service, Method::POST, "/")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into());

        let answer = self.http.send(request.map_err(unsendable)?).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        if answer.status().is_success() { Ok(text) } else { Err(refused(operation, &text)) }
    }

    async fn json(
        &self,
        service: &str,
        target: &str,
        media_type: &str,
        input: &Value,
    ) -> Result<Value, Failure> {
        let request = self
            .request(service, Method::POST, "/")
            .header(header::CONTENT_TYPE, media_type)
            .header("x-amz-target", target)
            .body(input.to_string().into());

        let answer = self.http.send(request.map_err(unsendable)?).await?;
        if answer.status().is_success() {
            parse(&answer)
        } else {
            Err(refused(target, &String::from_utf8_lossy(answer.body())))
        }
    }

    fn request(&self, service: &str, method: Method, path: &str) -> http::request::Builder {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(header::AUTHORIZATION, authorization)
            .header("x-amz-date", HeaderValue::from_static("20260101T000000Z"))
    }
}

fn parse(answer: &Response<Bytes>) -> Result<Value, Failure> {
    if answer.body().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(answer.body()).map_err(|error| {
        Failure::new(format!("The emulator's answer is not JSON: {error}."), "Look into its log.")
    })
}

/// `answer` is a sentence, JSON, or XML, of which only the message is told.
fn refused(operation: &str, answer: &str) -> Failure {
    let message = texts(answer, "Message").next();
    let reason = message.as_deref().unwrap_or(answer).trim_end_matches('.');
    Failure::new(format!("{operation} was refused: {reason}."), "Look into the emulator's log.")
}

fn unsendable(error: http::Error) -> Failure {
    Failure::new(format!("A request cannot be written: {error}."), "Check the path it was made from.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_in_xml_only_the_message_is_told() {
        let answer = "<ErrorResponse><Error><Code>ValidationError</Code><Message>No &lt;key&gt; given.</Message>\
                      </Error></ErrorResponse>";

        assert_eq!(
            refused("CreateStack", answer).to_string(),
            "CreateStack was refused: No <key> given. Look into the emulator's log."
        );
        assert_eq!(
            refused("shows", "no queue feeds it").to_string(),
            "shows was refused: no queue feeds it. Look into the emulator's log."
        );
    }
}
