//! Who hears what a tenancy is told.

use local::Stack;
use serde_json::{Value, json};

use crate::{actors::Tenant, world::unique};

/// A queue that hears what one tenancy is told.
pub struct Ear {
    stack: &'static Stack,
    queue: String,
}

impl Ear {
    pub async fn of(tenant: &Tenant) -> Self {
        let stack = tenant.stack;
        let name = unique("ear");
        let topic = stack.output("NoticeTopic").unwrap();
        let queue_arn = format!("arn:aws:sqs:{}:{}:{name}", local::REGION, local::ACCOUNT);
        let from_topic = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
                "Resource": queue_arn, "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
            }],
        });
        let queue = json!({ "QueueName": name, "Attributes": { "Policy": from_topic.to_string() } });
        let made = stack.aws().sqs("CreateQueue", &queue).await.unwrap();
        let filter = json!({ "TenancyId": [tenant.id] }).to_string();
        stack.aws().subscribe(topic, &queue_arn, &filter).await.unwrap();
        Self { stack, queue: made["QueueUrl"].as_str().unwrap().to_owned() }
    }

    /// What has been told so far, and was not heard before.
    pub async fn hear(&self) -> Vec<Value> {
        let receive = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let received = self.stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        let notice = |message: &Value| {
            let envelope: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
            serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap()
        };
        for message in &messages {
            let delete = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
            self.stack.aws().sqs("DeleteMessage", &delete).await.unwrap();
        }
        messages.iter().map(notice).collect()
    }
}
