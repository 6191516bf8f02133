//! What the stack has stored: to count it, and to look for what should not be there.

use bytes::Bytes;
use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::world::Outcome;

/// The buckets in which something of a tenancy may lie, apart from what outlives it.
pub const BUCKETS: [&str; 4] = ["UploadBucket", "MediaBucket", "FeedBucket", "ExportBucket"];
/// The tables.
pub const TABLES: [&str; 2] = ["TenantTable", "DirectoryTable"];

/// A version of an object, or the mark that it was deleted.
pub struct Version {
    pub key: String,
    pub id: String,
    pub has_bytes: bool,
}

/// Every item of a table.
///
/// # Errors
/// Where the emulator does not answer.
pub async fn items(stack: &Stack, table: &str) -> Outcome<Vec<Value>> {
    let name = stack.output(table).ok_or("no such table")?;
    let mut found = Vec::new();
    let mut from = Value::Null;
    loop {
        let mut scan = json!({ "TableName": name, "ConsistentRead": true });
        if let Some(scan) = scan.as_object_mut().filter(|_| !from.is_null()) {
            scan.insert("ExclusiveStartKey".to_owned(), from.take());
        }
        let mut page = stack.aws().dynamodb("Scan", &scan).await?;
        if let Some(Value::Array(items)) = page.get_mut("Items").map(Value::take) {
            found.extend(items);
        }
        from = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
        if from.is_null() {
            return Ok(found);
        }
    }
}

/// Where an item is: its table and its key.
pub fn place(table: &str, item: &Value) -> String {
    let key = |name: &str| item.pointer(&format!("/{name}/S")).and_then(Value::as_str).unwrap_or_default();
    format!("{table}/{}/{}", key("pk"), key("sk"))
}

/// Every version of what a bucket has under names that begin with `prefix`.
///
/// # Errors
/// Where the emulator does not answer.
pub async fn versions(stack: &Stack, bucket: &str, prefix: &str) -> Outcome<Vec<Version>> {
    let name = stack.output(bucket).ok_or("no such bucket")?;
    let mut found = Vec::new();
    let mut marker = String::new();
    loop {
        let path = format!("/{name}?versions&max-keys=1000&prefix={prefix}{marker}");
        let listing = stack.aws().s3(Method::GET, &path, Bytes::new()).await?;
        let listing = String::from_utf8_lossy(listing.body()).into_owned();
        for (tag, has_bytes) in [("<Version>", true), ("<DeleteMarker>", false)] {
            for entry in listing.split(tag).skip(1) {
                let of = |tag| element(entry, tag).ok_or("a version without a name");
                found.push(Version { key: of("Key")?, id: of("VersionId")?, has_bytes });
            }
        }
        let next = (element(&listing, "NextKeyMarker"), element(&listing, "NextVersionIdMarker"));
        marker = match next {
            (Some(key), Some(version)) if element(&listing, "IsTruncated").as_deref() == Some("true") => {
                format!("&key-marker={key}&version-id-marker={version}")
            }
            _ => return Ok(found),
        };
    }
}

/// Where one of these texts is, in any store, queue or log, or among the people of the user pool; and where a name has the tenancy's id
/// that is none of what outlives it.
///
/// # Errors
/// Where the emulator does not answer.
pub async fn search(stack: &Stack, tenancy: &str, texts: &[&str]) -> Outcome<Vec<String>> {
    let has_one = |text: &str| texts.iter().any(|wanted| text.contains(wanted));
    let mut found = Vec::new();
    for table in TABLES {
        for item in items(stack, table).await? {
            let (place, item) = (place(table, &item), item.to_string());
            let outlives = ["DirectoryTable/exit#", "DirectoryTable/tenancies/"];
            let outlives = outlives.iter().any(|kept| place.starts_with(kept));
            if has_one(&item) || (place.contains(tenancy) && !outlives) {
                found.push(place);
            }
        }
    }
    for bucket in BUCKETS.into_iter().chain(["AuditBucket"]) {
        let name = stack.output(bucket).ok_or("no such bucket")?;
        for version in versions(stack, bucket, "").await? {
            let object = match version.has_bytes {
                true => {
                    let path = format!("/{name}/{}?versionId={}", version.key, version.id);
                    stack.aws().s3(Method::GET, &path, Bytes::new()).await?.into_body()
                }
                false => Bytes::new(),
            };
            let is_left = version.key.contains(tenancy) && bucket != "AuditBucket";
            if is_left || has_one(&String::from_utf8_lossy(&object)) {
                found.push(format!("{bucket}/{}", version.key));
            }
        }
    }
    for (place, text) in elsewhere(stack).await? {
        found.extend(has_one(&text).then_some(place));
    }
    Ok(found)
}

/// Messages that wait or were given up, everybody at the user pool, and what functions have logged.
async fn elsewhere(stack: &Stack) -> Outcome<Vec<(String, String)>> {
    let mut found = Vec::new();
    let queues = stack.aws().sqs("ListQueues", &json!({})).await?;
    for queue in queues.get("QueueUrls").and_then(Value::as_array).into_iter().flatten() {
        // Looked at, not taken: they are visible again at once.
        let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        found.push((queue.to_string(), stack.aws().sqs("ReceiveMessage", &receive).await?.to_string()));
    }
    let mut list = json!({ "UserPoolId": stack.output("UserPoolId").unwrap_or_default(), "Limit": 60 });
    loop {
        let page = stack.aws().cognito("ListUsers", &list).await?;
        found.push(("the user pool".to_owned(), page.to_string()));
        match (page.get("PaginationToken"), list.as_object_mut()) {
            (Some(next), Some(list)) => list.insert("PaginationToken".to_owned(), next.clone()),
            _ => break,
        };
    }
    let groups = stack.aws().logs("DescribeLogGroups", &json!({})).await?;
    for group in groups.get("logGroups").and_then(Value::as_array).into_iter().flatten() {
        let name = group.get("logGroupName").cloned().unwrap_or_default();
        let events = stack.aws().logs("FilterLogEvents", &json!({ "logGroupName": name })).await;
        found.push((format!("the log {name}"), events.unwrap_or_default().to_string()));
    }
    Ok(found)
}

fn element(text: &str, tag: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    rest.split_once('<').map(|(value, _)| value.to_owned())
}
