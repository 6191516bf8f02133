//! AWS clients, from what Lambda puts into a function's environment. No `aws-config`: a Lambda function needs none of its chain.
//! They trust Amazon's roots alone.

use std::{sync::OnceLock, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use crate::StorageError;

/// The roots under which AWS has the certificates of its services, as <https://www.amazontrust.com/repository/> lists them. Reading
/// all that a system trusts takes longer than all else that a function does before its first event.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

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
    "TOMBSTONE_BUCKET",
    "CERTIFICATE_KEY",
    "EXIT_ROLE",
    "SWEEPS_SEALED_TENANCIES",
    "SIGNING_KEYS",
    "DATA_ROLE",
    "LISTENER_WATCH_QUEUE_URL",
    "RENDER_QUEUE_URL",
    "EXPORT_QUEUE_URL",
    "IMPORT_QUEUE_URL",
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

    /// Whether the function is given this name.
    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.find(name).is_some()
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

/// Clients that act with one set of credentials. Each is made when it is first asked for: to make all takes longer than all else that a
/// function does before its first event, and few need them all.
#[derive(Debug)]
pub(crate) struct Clients {
    config: SdkConfig,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
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
        let provider = Provider::Rustls(CryptoMode::Ring);
        let mut own = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.get("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(Builder::new().tls_provider(provider).tls_context(amazon_alone()?).build_https())
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
        Clients::new(self.own.clone())
    }

    /// Clients that act with `credentials`.
    pub(crate) fn clients(&self, credentials: Credentials) -> Clients {
        let provider = SharedCredentialsProvider::new(credentials);
        Clients::new(self.own.to_builder().credentials_provider(provider).build())
    }
}

/// Certificates of other authorities are refused.
fn amazon_alone() -> Result<TlsContext, StorageError> {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build();
    context.map_err(|error| StorageError::Unavailable { operation: "TLS", source: error.into() })
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self {
            config,
            dynamodb: OnceLock::new(),
            kms: OnceLock::new(),
            s3: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            sts: OnceLock::new(),
        }
    }

    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config))
    }

    pub(crate) fn kms(&self) -> &aws_sdk_kms::Client {
        self.kms.get_or_init(|| aws_sdk_kms::Client::new(&self.config))
    }

    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .force_path_style(self.config.endpoint_url().is_some())
                .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);
            aws_sdk_s3::Client::from_conf(config.build())
        })
    }

    pub(crate) fn sns(&self) -> &aws_sdk_sns::Client {
        self.sns.get_or_init(|| aws_sdk_sns::Client::new(&self.config))
    }

    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.config))
    }

    pub(crate) fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| aws_sdk_sts::Client::new(&self.config))
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::Connector;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use ring::digest;

    use super::*;

    /// Name and SHA-256, as Amazon publishes them.
    const PUBLISHED: [(&str, &str); 5] = [
        ("Amazon Root CA 1", "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e"),
        ("Amazon Root CA 2", "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4"),
        ("Amazon Root CA 3", "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4"),
        ("Amazon Root CA 4", "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092"),
        (
            "Starfield Services Root Certificate Authority - G2",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ),
    ];

    /// Each certificate's own bytes.
    fn certificates() -> Vec<Vec<u8>> {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap().replace('\n', "");
        let inner = text.split("-----BEGIN CERTIFICATE-----").skip(1);
        inner
            .map(|rest| STANDARD.decode(rest.strip_suffix("-----END CERTIFICATE-----").unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn aws_is_trusted_under_amazons_five_roots_and_no_other() {
        let certificates = certificates();
        assert_eq!(certificates.len(), PUBLISHED.len());
        for (certificate, (name, hash)) in certificates.iter().zip(PUBLISHED) {
            assert!(certificate.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
            let digest = digest::digest(&digest::SHA256, certificate);
            let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, hash, "{name}");
        }
    }

    /// What reads them would panic.
    #[test]
    fn the_tls_client_can_read_each_root() {
        Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(amazon_alone().unwrap())
            .build();
    }
}
