//! Everything that a stack has stored, to look for what should not be there.

use bytes::Bytes;
use http::Method;
use local::Stack;
use memchr::memmem;
use serde_json::{Value, json};

use crate::actors::Tenant;

const BUCKETS: [&str; 5] = ["UploadBucket", "MediaBucket", "FeedBucket", "ExportBucket", "AuditBucket"];
pub const TABLES: [&str; 2] = ["TenantTable", "DirectoryTable"];

/// Every item of every table, every version of every object of the tenancy, every message that waits or was given up, everybody at the
/// user pool, and what the functions have logged: each with where it is.
pub async fn everything(tenant: &Tenant) -> Vec<(String, Vec<u8>)> {
    let stack = tenant.stack;
    let mut found = Vec::new();
    for table in TABLES {
        found.extend(items(stack, table).await);
    }
    for bucket in BUCKETS {
        found.extend(versions(stack, bucket, &format!("{}/", tenant.id)).await);
    }
    found.extend(messages(stack).await);
    found.push(("the user pool".to_owned(), people(stack).await));
    found.extend(logs(stack).await);
    found
}

/// Everybody at the user pool, page by page.
async fn people(stack: &Stack) -> Vec<u8> {
    let mut all = Vec::new();
    let mut request = json!({ "UserPoolId": stack.output("UserPoolId").unwrap(), "Limit": 60 });
    loop {
        let page = stack.aws().cognito("ListUsers", &request).await.unwrap();
        all.extend(page.to_string().into_bytes());
        match page["PaginationToken"].as_str() {
            Some(next) => request["PaginationToken"] = json!(next),
            None => return all,
        }
    }
}

/// Where one of these texts is.
pub async fn search(tenant: &Tenant, texts: &[&str]) -> Vec<String> {
    let everything = everything(tenant).await;
    let has_one = |bytes: &[u8]| texts.iter().any(|text| memmem::find(bytes, text.as_bytes()).is_some());
    everything.into_iter().filter(|(_, bytes)| has_one(bytes)).map(|(place, _)| place).collect()
}

/// Every version of what a bucket has under names that begin with `prefix`.
pub async fn versions(stack: &Stack, bucket: &str, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let bucket_name = stack.output(bucket).unwrap();
    let path = format!("/{bucket_name}?versions&max-keys=1000&prefix={prefix}");
    let listing = stack.aws().s3(Method::GET, &path, Bytes::new()).await.unwrap();
    let listing = String::from_utf8_lossy(listing.body()).into_owned();
    assert!(listing.contains("<IsTruncated>false"), "{listing}");
    let between = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let mut found = Vec::new();
    for version in listing.split("<Version>").skip(1) {
        let (key, id) = (between(version, "Key"), between(version, "VersionId"));
        let path = format!("/{bucket_name}/{key}?versionId={id}");
        let object = stack.aws().s3(Method::GET, &path, Bytes::new()).await.unwrap();
        found.push((format!("{bucket}/{key}"), object.body().to_vec()));
    }
    let marks = listing.split("<DeleteMarker>").skip(1);
    found.extend(marks.map(|mark| (format!("{bucket}/{} (deleted)", between(mark, "Key")), Vec::new())));
    found
}

async fn items(stack: &Stack, table: &str) -> Vec<(String, Vec<u8>)> {
    let place = |item: &Value| format!("{table}/{}/{}", item["pk"]["S"], item["sk"]["S"]);
    let found = raw_items(stack, table).await.into_iter();
    found.map(|item| (place(&item), item.to_string().into_bytes())).collect()
}

/// Every item of a table, as it is stored.
pub async fn raw_items(stack: &Stack, table: &str) -> Vec<Value> {
    let mut scan = json!({ "TableName": stack.output(table).unwrap(), "ConsistentRead": true });
    let mut found = Vec::new();
    loop {
        let page = stack.aws().dynamodb("Scan", &scan).await.unwrap();
        found.extend(page["Items"].as_array().unwrap().iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            return found;
        }
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

/// Looked at, not taken: they are visible again at once.
async fn messages(stack: &Stack) -> Vec<(String, Vec<u8>)> {
    let queues = stack.aws().sqs("ListQueues", &json!({})).await.unwrap();
    let mut found = Vec::new();
    for queue in queues["QueueUrls"].as_array().into_iter().flatten() {
        let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        let received = stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
        let bodies = received["Messages"].as_array().into_iter().flatten();
        found.extend(bodies.map(|message| (queue.to_string(), message["Body"].to_string().into_bytes())));
    }
    found
}

async fn logs(stack: &Stack) -> Vec<(String, Vec<u8>)> {
    let groups = stack.aws().logs("DescribeLogGroups", &json!({})).await.unwrap();
    let mut found = Vec::new();
    for group in groups["logGroups"].as_array().into_iter().flatten() {
        let name = &group["logGroupName"];
        let events: Value =
            stack.aws().logs("FilterLogEvents", &json!({ "logGroupName": name })).await.unwrap_or_default();
        found.push((format!("the log {name}"), events.to_string().into_bytes()));
    }
    found
}
