//! AWS clients, from what Lambda puts into a function's environment. No `aws-config`: a Lambda function needs none of its chain.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use crate::StorageError;

/// Where things are. Each function is given only the names it needs.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    lookup: Vec<(&'static str, String)>,
}

const NAMES: &[&str] = &[
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "TENANT_TABLE",
    "DIRECTORY_TABLE",
    "UPLOAD_BUCKET",
    "MEDIA_BUCKET",
    "FEED_BUCKET",
    "AUDIT_BUCKET",
    "EXPORT_BUCKET",
    "SIGNING_KEYS",
    "DATA_ROLE",
    "LISTENER_WATCH_QUEUE_URL",
    "RENDER_QUEUE_URL",
    "EXPORT_QUEUE_URL",
    "SWEEP_QUEUE_URL",
    "SCAN_VERDICT_QUEUE_URL",
    "NOTICE_TOPIC",
    "KEY_ALIAS_PREFIX",
    "REQUESTS_PER_MINUTE_PER_PRINCIPAL",
    "REQUESTS_PER_MINUTE",
];

impl Environment {
    /// Takes what is there of the names that this crate knows.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let known = NAMES.iter().filter_map(|name| Some((*name, lookup(name)?)));
        Self { lookup: known.filter(|(_, value)| !value.is_empty()).collect() }
    }

    pub(crate) fn get(&self, name: &'static str) -> Result<&str, StorageError> {
        self.find(name).ok_or(StorageError::NotConfigured(name))
    }

    /// A whole number; `default` when it is missing.
    pub(crate) fn number(&self, name: &'static str, default: u32) -> Result<u32, StorageError> {
        let number = self.find(name).map(|text| text.parse().map_err(|_| StorageError::NotConfigured(name)));
        number.unwrap_or(Ok(default))
    }

    fn find(&self, name: &'static str) -> Option<&str> {
        self.lookup.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// What every AWS client of this process shares.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    own: SdkConfig,
}

/// Clients that act with one set of credentials.
#[derive(Debug)]
pub(crate) struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub kms: aws_sdk_kms::Client,
    pub s3: aws_sdk_s3::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub sts: aws_sdk_sts::Client,
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build()
}

impl Aws {
    pub(crate) fn new(environment: &Environment) -> Result<Self, StorageError> {
        let credentials = Credentials::new(
            environment.get("AWS_ACCESS_KEY_ID")?,
            environment.get("AWS_SECRET_ACCESS_KEY")?,
            environment.find("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "Lambda",
        );
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let mut own = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.get("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts());
        own.set_endpoint_url(environment.find("AWS_ENDPOINT_URL").map(str::to_owned));
        Ok(Self { own: own.build() })
    }

    /// What a client needs to act as the function itself.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.own
    }

    /// Clients that act as the function itself.
    pub(crate) fn own(&self) -> Clients {
        clients(&self.own)
    }

    /// Clients that act with `credentials`.
    pub(crate) fn clients(&self, credentials: Credentials) -> Clients {
        let provider = SharedCredentialsProvider::new(credentials);
        clients(&self.own.to_builder().credentials_provider(provider).build())
    }
}

fn clients(config: &SdkConfig) -> Clients {
    let s3 = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(config.endpoint_url().is_some())
        .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);

    Clients {
        dynamodb: aws_sdk_dynamodb::Client::new(config),
        kms: aws_sdk_kms::Client::new(config),
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        sns: aws_sdk_sns::Client::new(config),
        sqs: aws_sdk_sqs::Client::new(config),
        sts: aws_sdk_sts::Client::new(config),
    }
}
