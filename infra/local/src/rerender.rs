//! Renders every feed anew, for a state that moved to another port: feeds and enclosures carry the listener API's address.
//!
//! On AWS this has no counterpart. There a published address never changes.

use serde_json::{Map, Value, json};

use crate::{Failure, aws::Aws};

/// Asks the renderer for each show of each tenancy.
pub(crate) async fn rerender_all(aws: &Aws, tenant_table: &str, render_queue: &str) -> Result<(), Failure> {
    let mut start = Map::new();
    loop {
        let mut scan = json!({
            "TableName": tenant_table,
            "ProjectionExpression": "pk, sk",
            "FilterExpression": "begins_with(sk, :show)",
            "ExpressionAttributeValues": { ":show": { "S": "shw_" } },
        });
        if let Some(scan) = scan.as_object_mut() {
            scan.append(&mut start);
        }
        let page = aws.dynamodb("Scan", &scan).await?;

        for request in
            page.get("Items").and_then(Value::as_array).into_iter().flatten().filter_map(render_request)
        {
            let message = json!({ "QueueUrl": render_queue, "MessageBody": request.to_string() });
            aws.sqs("SendMessage", &message).await?;
        }
        match page.get("LastEvaluatedKey") {
            Some(key) => start.insert("ExclusiveStartKey".to_owned(), key.clone()),
            None => return Ok(()),
        };
    }
}

fn render_request(item: &Value) -> Option<Value> {
    let text = |pointer| item.pointer(pointer).and_then(Value::as_str);
    let tenancy_id = text("/pk/S")?.strip_suffix("#shows")?;
    // As of now, whenever that is: the renderer takes the later of this moment and its own.
    Some(json!({ "tenancy_id": tenancy_id, "show_id": text("/sk/S")?, "as_of": "1970-01-01T00:00:00Z" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shows_are_rendered() {
        let item = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "shw_1" } });

        assert_eq!(
            render_request(&item("ten_1#shows")),
            Some(json!({ "tenancy_id": "ten_1", "show_id": "shw_1", "as_of": "1970-01-01T00:00:00Z" }))
        );
        assert_eq!(render_request(&item("ten_1#something-else")), None);
    }
}
