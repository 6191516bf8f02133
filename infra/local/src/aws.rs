//! Calls to the emulated AWS with its root key, which may do everything.
//!
//! The emulator checks no signature of that key, so this needs no SDK. The product never holds the root key: its functions
//! have the credentials of their own roles, and those are checked.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{Failure, deploy::STACK_NAME, http::Http};

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

    /// CloudWatch Logs: `logs("FilterLogEvents", &json!({"logGroupName": …}))`.
    ///
    /// # Errors
    /// With AWS's own code and message where it refuses.
    pub async fn logs(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        self.json("logs", &format!("Logs_20140328.{operation}"), "application/x-amz-json-1.1", input).await
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
        let request = self.request("lambda", Method::GET, &path).body(Bytes::new());
        let answer = self.http.send(request.map_err(unsendable)?).await?;
        if !answer.status().is_success() {
            return Err(refused(binary, &String::from_utf8_lossy(answer.body())));
        }
        let configuration = parse(&answer)?;
        Ok(configuration.pointer("/Environment/Variables").cloned().unwrap_or_default())
    }

    /// S3, by path: `s3(Method::GET, "/bucket/key", Bytes::new())`. The answer is as S3 gives it, errors included.
    ///
    /// # Errors
    /// Only where no answer comes.
    pub async fn s3(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Bytes>, Failure> {
        let request = self.request("s3", method, path).body(body);
        self.http.send(request.map_err(unsendable)?).await
    }

    /// CloudFormation, in its query protocol, which answers in XML.
    pub(crate) async fn cloudformation(
        &self,
        operation: &str,
        input: &[(String, String)],
    ) -> Result<String, Failure> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = [("Action", operation), ("Version", "2010-05-15")]
            .into_iter()
            .chain(input.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        let request = self
            .request("cloudformation", Method::POST, "/")
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

fn refused(operation: &str, reason: &str) -> Failure {
    Failure::new(format!("{operation} was refused: {reason}"), "Look into the emulator's log.")
}

fn unsendable(error: http::Error) -> Failure {
    Failure::new(format!("A request cannot be written: {error}."), "Check the path it was made from.")
}
