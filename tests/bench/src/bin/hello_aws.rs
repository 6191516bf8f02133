//! The smallest function with clients for DynamoDB, S3 and KMS, made as Castkeep makes its own. It reads one item for each request,
//! so what it takes more than `hello` is what one call costs its caller.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::{SdkConfig, region::Region};
use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(id, secret, None, None, "Lambda");
    let roots = include_bytes!("../../../../shared/storage/src/amazon_roots.pem");
    let roots = TrustStore::empty().with_pem_certificate(roots.as_slice());
    let context = TlsContext::builder().with_trust_store(roots).build()?;
    let provider = Provider::Rustls(CryptoMode::Ring);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().tls_provider(provider).tls_context(context).build_https())
        .endpoint_url(variable("AWS_ENDPOINT_URL")?)
        .build();
    let dynamodb = &aws_sdk_dynamodb::Client::new(&config);
    let _others = (aws_sdk_s3::Client::new(&config), aws_sdk_kms::Client::new(&config));
    let table = &variable("TENANT_TABLE")?;

    run(service_fn(move |_: Request| async move {
        let read = dynamodb
            .get_item()
            .table_name(table)
            .key("pk", AttributeValue::S("hello".to_owned()))
            .key("sk", AttributeValue::S("hello".to_owned()));
        read.send().await?;
        Ok::<_, Error>(Response::new(Body::from("hello")))
    }))
    .await
}

/// A variable that Lambda sets.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads its environment")]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}
