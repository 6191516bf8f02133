//! The walls below the code: what STS, IAM and KMS refuse to somebody who holds a token and goes to AWS directly. The policies
//! are the template's own.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{error::ProvideErrorMetadata, types::AttributeValue};
use aws_sdk_kms::primitives::Blob;
use aws_smithy_http_client::{Builder, tls};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use local::{REGION, Stack};
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Tenant},
    world::run,
};

macro_rules! client {
    ($sdk:ident, $stack:expr, $credentials:expr) => {{
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(REGION))
            .endpoint_url($stack.aws().endpoint())
            .credentials_provider($credentials.clone())
            .http_client(http);
        $sdk::Client::from_conf(config.build())
    }};
}

/// The data token of an actor's session, which only the authorizer may read.
pub async fn data_token(stack: &Stack, actor: &Actor) -> String {
    let payload = URL_SAFE_NO_PAD.decode(actor.token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let key = json!({ "S": format!("session#{}", claims["sid"].as_str().unwrap()) });
    let get = json!({
        "TableName": stack.output("DirectoryTable").unwrap(), "Key": { "pk": key.clone(), "sk": key },
    });
    let item = stack.aws().dynamodb("GetItem", &get).await.unwrap();
    item["Item"]["data_token"]["S"].as_str().unwrap().to_owned()
}

async fn role(stack: &Stack, binary: &str) -> String {
    let environment = stack.aws().function_environment(binary).await.unwrap();
    environment["DATA_ROLE"].as_str().unwrap().to_owned()
}

/// Goes to STS with a token, as a function does, or as whoever stole it might.
async fn exchange(stack: &Stack, role: &str, token: &str) -> Result<Credentials, String> {
    let anonymous = Credentials::new("anonymous", "anonymous", None, None, "test");
    let sts = client!(aws_sdk_sts, stack, anonymous);
    let request = sts.assume_role_with_web_identity().role_arn(role).role_session_name("test");
    match request.web_identity_token(token).send().await {
        Ok(answer) => {
            let issued = answer.credentials.unwrap();
            let (id, secret) = (issued.access_key_id, issued.secret_access_key);
            Ok(Credentials::new(id, secret, Some(issued.session_token), None, "test"))
        }
        Err(error) => Err(error.code().unwrap_or("no code").to_owned()),
    }
}

async fn credentials(stack: &Stack, tenant: &Tenant) -> Credentials {
    let token = data_token(stack, &tenant.owner).await;
    exchange(stack, &role(stack, "shows").await, &token).await.unwrap()
}

/// S3 with the credentials that a tenancy's own token opens.
pub async fn s3_of(tenant: &Tenant) -> aws_sdk_s3::Client {
    client!(aws_sdk_s3, tenant.stack, credentials(tenant.stack, tenant).await)
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[test]
fn a_clients_token_is_nothing_to_sts() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let role = role(stack, "shows").await;
        let data_token = data_token(stack, &acme.viewer).await;

        assert_eq!(exchange(stack, &role, &acme.owner.token).await.unwrap_err(), "InvalidIdentityToken");
        assert!(exchange(stack, &role, &data_token).await.is_ok());
        let (input, _) = data_token.rsplit_once('.').unwrap();
        let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 256]));
        assert_eq!(exchange(stack, &role, &forged).await.unwrap_err(), "InvalidIdentityToken");
    });
}

#[test]
fn a_data_token_opens_no_workers_role() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let token = data_token(stack, &acme.owner).await;
        for worker in [
            "media-worker",
            "renderer",
            "feeds",
            "listener-watch",
            "provision",
            "tenancy-sweep",
            "upload-sweep",
        ] {
            let role = role(stack, worker).await;
            assert_eq!(exchange(stack, &role, &token).await.unwrap_err(), "AccessDenied", "{worker}");
        }
    });
}

#[test]
fn credentials_reach_one_tenancys_items() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let dynamodb = client!(aws_sdk_dynamodb, stack, credentials(stack, &acme).await);
        let (tenants, directory) =
            (stack.output("TenantTable").unwrap(), stack.output("DirectoryTable").unwrap());
        let get = async |table: &str, pk: String| {
            let request =
                dynamodb.get_item().table_name(table).key("pk", text(pk.clone())).key("sk", text(pk));
            request.send().await.map_err(|error| error.code().unwrap_or("no code").to_owned())
        };

        assert!(get(tenants, format!("{}#tenancy", acme.id)).await.is_ok());
        for pk in [
            format!("{}#tenancy", globex.id),
            format!("{}#shows", globex.id),
            format!("{}x#tenancy", acme.id),
            "ten_*#tenancy".to_owned(),
            "#tenancy".to_owned(),
        ] {
            assert_eq!(get(tenants, pk.clone()).await.unwrap_err(), "AccessDeniedException", "{pk}");
        }
        for pk in
            [format!("due#{}", globex.id), "client#x".to_owned(), "session#x".to_owned(), "slug#x".to_owned()]
        {
            assert_eq!(get(directory, pk.clone()).await.unwrap_err(), "AccessDeniedException", "{pk}");
        }
    });
}

#[test]
fn credentials_count_for_one_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let dynamodb = client!(aws_sdk_dynamodb, stack, credentials(stack, &acme).await);
        let count = async |pk: String| {
            let update =
                dynamodb.update_item().table_name(stack.output("TenantTable").unwrap()).key("pk", text(pk));
            let update = update.key("sk", text("x")).update_expression("ADD tenancy :one");
            let update = update.expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
            update.send().await.map(|_| ()).map_err(|error| error.code().unwrap_or("no code").to_owned())
        };

        for collection in ["rate", "quotas"] {
            assert_eq!(count(format!("{}#{collection}", acme.id)).await, Ok(()));
            let foreign = count(format!("{}#{collection}", globex.id)).await;
            assert_eq!(foreign, Err("AccessDeniedException".to_owned()), "{collection}");
        }
    });
}

#[test]
fn credentials_cannot_scan_nor_slip_into_a_transaction() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let dynamodb = client!(aws_sdk_dynamodb, stack, credentials(stack, &acme).await);
        let table = stack.output("TenantTable").unwrap();
        let put = |tenant: &Tenant| {
            let put = aws_sdk_dynamodb::types::Put::builder()
                .table_name(table)
                .item("pk", text(format!("{}#shows", tenant.id)))
                .item("sk", text("shw_x"));
            aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put.build().unwrap()).build()
        };

        let scan = dynamodb.scan().table_name(table).send().await;
        let statement = format!("SELECT * FROM \"{table}\" WHERE pk = '{}#tenancy'", acme.id);
        let partiql = dynamodb.execute_statement().statement(statement).send().await;
        let own = dynamodb.transact_write_items().transact_items(put(&acme)).send().await;
        let mixed = dynamodb.transact_write_items().transact_items(put(&acme)).transact_items(put(&globex));
        let mixed = mixed.send().await;

        assert_eq!(scan.unwrap_err().code(), Some("AccessDeniedException"));
        assert_eq!(partiql.unwrap_err().code(), Some("AccessDeniedException"));
        assert!(own.is_ok());
        assert_eq!(mixed.unwrap_err().code(), Some("AccessDeniedException"));
    });
}

#[test]
fn credentials_cannot_update_or_delete_an_audit_event() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let dynamodb = client!(aws_sdk_dynamodb, stack, credentials(stack, &acme).await);
        let table = stack.output("TenantTable").unwrap();
        let (log, head) = (format!("{}#audit", acme.id), format!("{}#audit-head", acme.id));
        let code = |error: Option<&str>| error.unwrap_or("no code").to_owned();

        for (pk, sk) in [(&log, "000000000001"), (&head, acme.id.as_str())] {
            let delete = dynamodb.delete_item().table_name(table).key("pk", text(pk)).key("sk", text(sk));
            let update = dynamodb.update_item().table_name(table).key("pk", text(pk)).key("sk", text(sk));
            let update =
                update.update_expression("SET subject = :x").expression_attribute_values(":x", text("x"));
            let in_transaction = aws_sdk_dynamodb::types::Delete::builder().table_name(table);
            let in_transaction = in_transaction.key("pk", text(pk)).key("sk", text(sk)).build().unwrap();
            let in_transaction =
                aws_sdk_dynamodb::types::TransactWriteItem::builder().delete(in_transaction).build();
            let transaction = dynamodb.transact_write_items().transact_items(in_transaction);

            let denied = "AccessDeniedException";
            assert_eq!(code(delete.send().await.unwrap_err().code()), denied, "{pk}");
            assert_eq!(code(update.send().await.unwrap_err().code()), denied, "{pk}");
            assert_eq!(code(transaction.send().await.unwrap_err().code()), denied, "{pk}");
        }
        let shows = format!("{}#shows", acme.id);
        let other = dynamodb.delete_item().table_name(table).key("pk", text(&shows)).key("sk", text("x"));
        assert!(other.send().await.is_ok(), "elsewhere they may");
    });
}

#[test]
fn credentials_read_one_tenancys_anchors_and_write_none() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let s3 = s3_of(&acme).await;
        let bucket = stack.output("AuditBucket").unwrap();
        let list = async |prefix: &str| {
            let listing = s3.list_object_versions().bucket(bucket).prefix(prefix).send().await;
            listing.map(|_| ()).map_err(|error| error.code().unwrap_or("no code").to_owned())
        };
        let put = s3.put_object().bucket(bucket).key(format!("{}/2099-01-01.json", acme.id));
        let put = put.server_side_encryption("aws:kms".into());
        let put = put.ssekms_key_id(format!("alias/{}/{}", local::STACK_NAME, acme.id)).send().await;

        assert_eq!(list(&format!("{}/", acme.id)).await, Ok(()));
        for prefix in [format!("{}/", globex.id), acme.id.clone(), "ten_".to_owned(), String::new()] {
            assert_eq!(list(&prefix).await, Err("AccessDenied".to_owned()), "{prefix}");
        }
        assert_eq!(put.unwrap_err().code(), Some("AccessDenied"));
    });
}

#[test]
fn credentials_reach_one_tenancys_objects() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let s3 = s3_of(&acme).await;
        let key_of = |tenant: &Tenant| format!("alias/{}/{}", local::STACK_NAME, tenant.id);
        let open = async |tenant: &Tenant, bucket: &str, key: String| {
            let request = s3.create_multipart_upload().bucket(stack.output(bucket).unwrap()).key(key);
            let request = request.server_side_encryption("aws:kms".into()).ssekms_key_id(key_of(tenant));
            request.send().await.map(|_| ()).map_err(|error| error.code().unwrap_or("no code").to_owned())
        };

        assert_eq!(open(&acme, "UploadBucket", format!("{}/upl_x", acme.id)).await, Ok(()));
        let denied = Err("AccessDenied".to_owned());
        assert_eq!(open(&acme, "UploadBucket", format!("{}/upl_x", globex.id)).await, denied);
        assert_eq!(open(&acme, "MediaBucket", format!("{}/x", acme.id)).await, denied);
        assert_eq!(open(&acme, "FeedBucket", format!("{}/x", acme.id)).await, denied);
        let unscanned = s3.get_object().bucket(stack.output("UploadBucket").unwrap());
        let unscanned = unscanned.key(format!("{}/upl_x", acme.id)).send().await;
        assert_eq!(unscanned.unwrap_err().code(), Some("AccessDenied"));
    });
}

#[test]
fn credentials_open_one_tenancys_key() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let kms = client!(aws_sdk_kms, stack, credentials(stack, &acme).await);
        let wrapped = async |tenant: &Tenant| {
            let get = json!({
                "TableName": stack.output("TenantTable").unwrap(),
                "Key": { "pk": { "S": format!("{}#tenancy", tenant.id) }, "sk": { "S": tenant.id } },
            });
            let item = stack.aws().dynamodb("GetItem", &get).await.unwrap();
            STANDARD_NO_PAD.decode(item["Item"]["wrapped_data_key"]["S"].as_str().unwrap()).unwrap()
        };
        let open = async |key: &Tenant, context: &Tenant| {
            let request = kms.decrypt().key_id(format!("alias/{}/{}", local::STACK_NAME, key.id));
            let request = request.ciphertext_blob(Blob::new(wrapped(key).await));
            let opened = request.encryption_context("TenancyId", &context.id).send().await;
            opened.map(|_| ()).map_err(|error| error.code().unwrap_or("no code").to_owned())
        };

        assert_eq!(open(&acme, &acme).await, Ok(()));
        for (key, context) in [(&globex, &globex), (&globex, &acme), (&acme, &globex)] {
            assert_eq!(open(key, context).await, Err("AccessDeniedException".to_owned()));
        }
    });
}
