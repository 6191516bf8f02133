//! What each role of the template may. What is not here is to be denied, whatever a document says.
//!
//! In patterns `{tenancy}` is the tenancy of the session, `{any}` any tenancy, `*` at the end anything, and a space separates
//! alternatives.

use crate::requests::{ACME, GLOBEX, GUARDDUTY, Request, SCAN_TEST_OBJECT, Subject, Usage};

/// A role, who may assume it, and what it may then.
#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub assumed_by: AssumedBy,
    may: Vec<May>,
    may_not: Vec<May>,
}

/// Whom a role's trust policy should name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssumedBy {
    /// A service of AWS, without tags.
    Service(&'static str),
    /// Whoever has a data token; the token's tenancy becomes the session's.
    DataToken,
    /// A function that has no caller: it names the tenancy itself.
    Worker(&'static str),
}

#[derive(Debug)]
struct May {
    actions: Vec<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    Items { place: &'static str, partitions: &'static str },
    Objects { bucket: &'static str, keys: &'static str },
    Key { key: &'static str, used: Used },
    Resource(String),
    Every(&'static str),
    Special(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Used {
    /// With nothing beside it.
    Alone,
    /// For the data key of the session's tenancy.
    ForDataKey,
    /// By S3, for objects.
    ForObjects(&'static str, &'static str),
    ForSignatures(&'static str),
}

const OWN_ITEMS: &str = "{tenancy} {tenancy}#*";
const OWN_OBJECTS: &str = "{tenancy}/*";
/// What was sent to be imported, and what the worker keeps until it was.
const IMPORTS: &str = "{tenancy}/imp_*";
const READ_AND_WRITE: &str = "GetItem Query PutItem UpdateItem DeleteItem ConditionCheckItem";
const SIGNING_KEYS: &str = "SigningKey SecondSigningKey";
const RECEIVE: &str = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes";

/// The table: add a role here when the template has a new one.
pub fn roles() -> Vec<Role> {
    vec![
        // Functions: prefixes of the directory, queues, the platform's keys. Nothing that a tenancy owns.
        function("Authorizer").verifies_tokens().items(
            "DirectoryTable",
            "session#* access#*",
            "BatchGetItem",
        ),
        function("Sessions")
            .verifies_tokens()
            .items("DirectoryTable", "client#* provider#* invitation#*", "GetItem")
            .items("DirectoryTable", "access#*", "BatchGetItem")
            .items("DirectoryTable", "identity#*", "Query")
            .items("DirectoryTable", "session#* activity#* identity#*", "PutItem")
            .items("DirectoryTable", "session#* invitation#*", "DeleteItem")
            .key(SIGNING_KEYS, Used::ForSignatures("RSASSA_PKCS1_V1_5_SHA_256"), "Sign"),
        function("Tenancy")
            .verifies_tokens()
            .items("DirectoryTable", "client#* invitation#*", "PutItem DeleteItem")
            .items("DirectoryTable", "identity#*", "DeleteItem")
            .resource("UserPool", "cognito-idp:AdminCreateUser"),
        function("Sso")
            .verifies_tokens()
            .items("DirectoryTable", "provider#*", "GetItem PutItem DeleteItem")
            .resource(
                "UserPool",
                "cognito-idp:DescribeIdentityProvider cognito-idp:CreateIdentityProvider \
                 cognito-idp:UpdateIdentityProvider cognito-idp:DeleteIdentityProvider",
            )
            .resource(
                "UserPool",
                "cognito-idp:ListUserPoolClients cognito-idp:CreateUserPoolClient \
                 cognito-idp:UpdateUserPoolClient cognito-idp:DeleteUserPoolClient",
            ),
        function("Provision")
            .verifies_tokens()
            .items("DirectoryTable", "client#* invitation#* tenancies", "PutItem")
            .items("DirectoryTable", "rate#operator", "UpdateItem")
            .resource("UserPool", "cognito-idp:AdminCreateUser")
            .key("{any}", Used::Alone, "EnableKeyRotation CreateAlias")
            .special("a new key for a tenancy")
            .special("the alias of a tenancy's key"),
        function("DailySweep")
            .items("DirectoryTable", "tenancies", "Query")
            .resource("SweepQueue", "sqs:SendMessage"),
        function("HourlySweep")
            .items("DirectoryTable", "tenancies", "Query")
            .resource("UploadSweepQueue", "sqs:SendMessage"),
        function("TenancySweep").resource("SweepQueue", RECEIVE).resource("NoticeTopic", "sns:Publish"),
        function("Shows")
            .verifies_tokens()
            .items("DirectoryTable", "slug#*", "GetItem PutItem")
            .items("DirectoryTable", "feed-token#*", "PutItem DeleteItem")
            .resource("RenderQueue", "sqs:SendMessage"),
        function("Release")
            .items("DirectoryTable/index/due", "due-shard#*", "Query")
            .resource("RenderQueue", "sqs:SendMessage"),
        function("Uploads").verifies_tokens(),
        function("MediaWorker").resource("ScanVerdictQueue", RECEIVE).resource("NoticeTopic", "sns:Publish"),
        function("UploadSweep")
            .resource("UploadSweepQueue", RECEIVE)
            .resource("ScanVerdictQueue", "sqs:SendMessage")
            .resource("NoticeTopic", "sns:Publish"),
        function("Export")
            .verifies_tokens()
            .resource("ExportQueue", "sqs:SendMessage")
            .resource("ImportQueue", "sqs:SendMessage"),
        function("ExportWorker")
            .resource("ExportQueue", RECEIVE)
            .resource("ExportQueue", "sqs:SendMessage")
            .resource("NoticeTopic", "sns:Publish"),
        function("ImportWorker")
            .items("DirectoryTable", "slug#* feed-token#*", "PutItem")
            .items("DirectoryTable", "feed-token#*", "DeleteItem")
            .resource("ImportQueue", RECEIVE)
            .resource("ImportQueue", "sqs:SendMessage")
            .resource("RenderQueue", "sqs:SendMessage")
            .resource("NoticeTopic", "sns:Publish"),
        function("ListenerWatch")
            .items("DirectoryTable", "feed-token#*", "PutItem DeleteItem")
            .resource("ListenerWatchQueue", RECEIVE)
            .resource("NoticeTopic", "sns:Publish")
            .special("mail from the deployment's own address"),
        function("Feeds")
            .items("DirectoryTable", "feed-token#*", "GetItem")
            .resource("ListenerWatchQueue", "sqs:SendMessage")
            .objects("FeedBucket", "slugs/*", "GetObject")
            .key("PlatformKey", Used::ForObjects("FeedBucket", "slugs/*"), "Decrypt"),
        function("Renderer")
            .items("DirectoryTable", "slug#*", "GetItem")
            .objects("FeedBucket", "slugs/*", "GetObject PutObject")
            .key("PlatformKey", Used::ForObjects("FeedBucket", "slugs/*"), "Decrypt GenerateDataKey")
            .resource("RenderQueue", RECEIVE)
            .resource("RenderQueue", "sqs:SendMessage"),
        function("Deletion")
            .verifies_tokens()
            .key("CertificateKey", Used::Alone, "GetPublicKey")
            .objects("TombstoneBucket", "certificates/*", "GetObject")
            .key("PlatformKey", Used::ForObjects("TombstoneBucket", "certificates/*"), "Decrypt")
            .resource("RenderQueue", "sqs:SendMessage")
            .resource("DeletionQueue", "sqs:SendMessage"),
        function("DeletionSweep")
            .items("DirectoryTable", "tenancies", "Query")
            .resource("DeletionQueue", "sqs:SendMessage"),
        function("DeletionWorker")
            .items(
                "DirectoryTable",
                "feed-token#* invitation#* identity#* client#* provider#*",
                "DeleteItem",
            )
            .items("DirectoryTable", "identity#*", "Query")
            .items("DirectoryTable", "tenancies", "PutItem")
            .objects("FeedBucket", "slugs/*", "GetObject PutObject")
            .objects("TombstoneBucket", "*", "PutObject")
            .key("PlatformKey", Used::ForObjects("FeedBucket", "slugs/*"), "Decrypt GenerateDataKey")
            .key("PlatformKey", Used::ForObjects("TombstoneBucket", "*"), "Decrypt GenerateDataKey")
            .key("CertificateKey", Used::Alone, "GetPublicKey")
            .key("CertificateKey", Used::ForSignatures("ECDSA_SHA_256"), "Sign")
            .resource("DeletionQueue", RECEIVE)
            .resource("NoticeTopic", "sns:Publish")
            .resource(
                "UserPool",
                "cognito-idp:ListUsers cognito-idp:AdminDeleteUser cognito-idp:ListUserPoolClients \
                 cognito-idp:DeleteUserPoolClient cognito-idp:DeleteIdentityProvider",
            ),
        function("Replay")
            .special("the list of tombstones")
            .objects("TombstoneBucket", "tombstones/*", "GetObject")
            .key("PlatformKey", Used::ForObjects("TombstoneBucket", "tombstones/*"), "Decrypt")
            .resource("DeletionQueue", "sqs:SendMessage"),
        // Data roles: one tenancy, the session's.
        role("TenantDataRole", AssumedBy::DataToken)
            .items("TenantTable", OWN_ITEMS, READ_AND_WRITE)
            .but_no_items("TenantTable", "{tenancy}#audit {tenancy}#audit-head", "UpdateItem DeleteItem")
            .items("DirectoryTable", "access#{tenancy}", READ_AND_WRITE)
            .items("DirectoryTable", "activity#{tenancy}", "Query")
            .items("DirectoryTable", "exit#{tenancy}", "GetItem Query PutItem")
            .items("DirectoryTable", "due#{tenancy}", "PutItem")
            .objects("UploadBucket", OWN_OBJECTS, "PutObject AbortMultipartUpload ListMultipartUploadParts")
            .objects("MediaBucket", OWN_OBJECTS, "GetObject")
            .objects("ExportBucket", OWN_OBJECTS, "GetObject")
            .objects("ExportBucket", IMPORTS, "PutObject AbortMultipartUpload ListMultipartUploadParts")
            .objects("AuditBucket", OWN_OBJECTS, "GetObjectVersion")
            .special("the list of a tenancy's own anchors")
            .key("{tenancy}", Used::ForObjects("ExportBucket", OWN_OBJECTS), "Decrypt")
            .key("{tenancy}", Used::ForDataKey, "Decrypt")
            .key("{tenancy}", Used::ForObjects("UploadBucket", OWN_OBJECTS), "Decrypt GenerateDataKey")
            .key("{tenancy}", Used::ForObjects("MediaBucket", OWN_OBJECTS), "Decrypt")
            .key("{tenancy}", Used::ForObjects("ExportBucket", IMPORTS), "Decrypt GenerateDataKey")
            .key("{tenancy}", Used::ForObjects("AuditBucket", OWN_OBJECTS), "Decrypt"),
        role("ProvisionDataRole", AssumedBy::Worker("ProvisionRole"))
            .items("TenantTable", OWN_ITEMS, "PutItem")
            .items("TenantTable", "{tenancy}#audit-head", "GetItem")
            .items("DirectoryTable", "access#{tenancy}", "PutItem")
            .key("{tenancy}", Used::ForDataKey, "GenerateDataKey"),
        role("SignInDataRole", AssumedBy::Worker("SessionsRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem PutItem")
            .items("TenantTable", "{tenancy}#quotas", "UpdateItem")
            .items("DirectoryTable", "access#{tenancy}", "GetItem PutItem UpdateItem ConditionCheckItem")
            .key("{tenancy}", Used::ForDataKey, "Decrypt"),
        role("MediaWorkerDataRole", AssumedBy::Worker("MediaWorkerRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem PutItem")
            .items("TenantTable", "{tenancy}#quotas", "UpdateItem")
            .items("TenantTable", "{tenancy}#unfinished-uploads {tenancy}#notices", "DeleteItem")
            .objects(
                "UploadBucket",
                OWN_OBJECTS,
                "GetObject GetObjectVersion DeleteObject DeleteObjectVersion",
            )
            .objects("MediaBucket", OWN_OBJECTS, "PutObject")
            .key("{tenancy}", Used::ForObjects("UploadBucket", OWN_OBJECTS), "Decrypt GenerateDataKey")
            .key("{tenancy}", Used::ForObjects("MediaBucket", OWN_OBJECTS), "Decrypt GenerateDataKey"),
        role("UploadSweepDataRole", AssumedBy::Worker("UploadSweepRole"))
            .items("TenantTable", "{tenancy}#uploads {tenancy}#audit-head", "GetItem")
            .items("TenantTable", "{tenancy}#unfinished-uploads {tenancy}#notices", "Query DeleteItem")
            .items(
                "TenantTable",
                "{tenancy}#uploads {tenancy}#notices {tenancy}#audit {tenancy}#audit-head",
                "PutItem",
            )
            .items("TenantTable", "{tenancy}#quotas", "UpdateItem")
            .special("the list of a tenancy's own quarantine")
            .objects(
                "UploadBucket",
                OWN_OBJECTS,
                "GetObjectVersionTagging DeleteObjectVersion AbortMultipartUpload",
            ),
        role("ExportWorkerDataRole", AssumedBy::Worker("ExportWorkerRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem Query")
            .items(
                "TenantTable",
                "{tenancy}#exports {tenancy}#export-work {tenancy}#notices {tenancy}#audit {tenancy}#audit-head",
                "PutItem",
            )
            .items(
                "TenantTable",
                "{tenancy}#running-exports {tenancy}#export-work {tenancy}#notices",
                "DeleteItem",
            )
            .items("DirectoryTable", "access#{tenancy} activity#{tenancy}", "GetItem Query")
            .special("the list of a tenancy's own media")
            .special("the list of a tenancy's own exports")
            .special("the list of a tenancy's own imports")
            .special("the list of a tenancy's own anchors")
            .objects("MediaBucket", OWN_OBJECTS, "GetObject")
            .objects(
                "ExportBucket",
                OWN_OBJECTS,
                "GetObject PutObject DeleteObject AbortMultipartUpload ListMultipartUploadParts",
            )
            .objects("AuditBucket", OWN_OBJECTS, "GetObjectVersion")
            .key("{tenancy}", Used::ForDataKey, "Decrypt")
            .key("{tenancy}", Used::ForObjects("MediaBucket", OWN_OBJECTS), "Decrypt")
            .key("{tenancy}", Used::ForObjects("AuditBucket", OWN_OBJECTS), "Decrypt")
            .key("{tenancy}", Used::ForObjects("ExportBucket", OWN_OBJECTS), "Decrypt GenerateDataKey"),
        role("ImportWorkerDataRole", AssumedBy::Worker("ImportWorkerRole"))
            .items(
                "TenantTable",
                "{tenancy}#tenancy {tenancy}#imports {tenancy}#import-items#* {tenancy}#import-work {tenancy}#uploads \
                 {tenancy}#media {tenancy}#shows {tenancy}#episodes {tenancy}#episodes#* \
                 {tenancy}#publication-ledger#* {tenancy}#listeners {tenancy}#listeners#* {tenancy}#quotas \
                 {tenancy}#notices {tenancy}#audit-head",
                "GetItem Query",
            )
            .items(
                "TenantTable",
                "{tenancy}#imports {tenancy}#import-items#* {tenancy}#import-work {tenancy}#uploads \
                 {tenancy}#unfinished-uploads {tenancy}#shows {tenancy}#episodes {tenancy}#episodes#* \
                 {tenancy}#publication-ledger#* {tenancy}#listeners {tenancy}#listeners#* \
                 {tenancy}#listener-emails#* {tenancy}#notices {tenancy}#audit {tenancy}#audit-head",
                "PutItem ConditionCheckItem",
            )
            .items("TenantTable", "{tenancy}#quotas {tenancy}#feed-versions", "UpdateItem")
            .items(
                "TenantTable",
                "{tenancy}#running-imports {tenancy}#import-work {tenancy}#notices",
                "DeleteItem",
            )
            .items("DirectoryTable", "due#{tenancy}", "PutItem")
            .items("DirectoryTable", "access#{tenancy}", "Query PutItem")
            .objects("UploadBucket", OWN_OBJECTS, "PutObject AbortMultipartUpload ListMultipartUploadParts")
            .special("the list of a tenancy's own imports")
            .objects("ExportBucket", IMPORTS, "GetObject PutObject DeleteObject AbortMultipartUpload")
            .key("{tenancy}", Used::ForDataKey, "Decrypt")
            .key("{tenancy}", Used::ForObjects("UploadBucket", OWN_OBJECTS), "Decrypt GenerateDataKey")
            .key("{tenancy}", Used::ForObjects("ExportBucket", IMPORTS), "Decrypt GenerateDataKey"),
        role("RendererDataRole", AssumedBy::Worker("RendererRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem Query")
            .items("DirectoryTable", "due#{tenancy}", "Query DeleteItem")
            .objects("FeedBucket", OWN_OBJECTS, "GetObject PutObject")
            .key("{tenancy}", Used::ForObjects("FeedBucket", OWN_OBJECTS), "Decrypt GenerateDataKey"),
        role("TenancySweepDataRole", AssumedBy::Worker("TenancySweepRole"))
            .items("TenantTable", "{tenancy}#audit-head", "GetItem")
            .items("TenantTable", "{tenancy}#notices", "Query DeleteItem")
            .items("TenantTable", "{tenancy}#notices {tenancy}#audit {tenancy}#audit-head", "PutItem")
            .items("DirectoryTable", "access#{tenancy}", "GetItem Query PutItem UpdateItem")
            .items("DirectoryTable", "activity#{tenancy}", "Query")
            .objects("AuditBucket", OWN_OBJECTS, "PutObject")
            .key("{tenancy}", Used::ForObjects("AuditBucket", OWN_OBJECTS), "GenerateDataKey"),
        role("ListenerDataRole", AssumedBy::Worker("FeedsRole"))
            .items("TenantTable", "{tenancy}#listening#* {tenancy}#networks#*", "UpdateItem")
            .objects("FeedBucket", OWN_OBJECTS, "GetObject")
            .objects("MediaBucket", OWN_OBJECTS, "GetObject")
            .key("{tenancy}", Used::ForObjects("FeedBucket", OWN_OBJECTS), "Decrypt")
            .key("{tenancy}", Used::ForObjects("MediaBucket", OWN_OBJECTS), "Decrypt"),
        role("ListenerWatchDataRole", AssumedBy::Worker("ListenerWatchRole"))
            .items(
                "TenantTable",
                "{tenancy}#tenancy {tenancy}#shows {tenancy}#listeners {tenancy}#listeners#* {tenancy}#networks#* \
                 {tenancy}#notices {tenancy}#audit-head",
                "GetItem",
            )
            .items("TenantTable", "{tenancy}#listener-emails#*", "Query")
            .items(
                "TenantTable",
                "{tenancy}#listeners {tenancy}#listeners#* {tenancy}#listener-emails#* {tenancy}#notices \
                 {tenancy}#audit {tenancy}#audit-head",
                "PutItem",
            )
            .items("TenantTable", "{tenancy}#welcomes {tenancy}#quotas", "UpdateItem")
            .items("TenantTable", "{tenancy}#shows", "ConditionCheckItem")
            .items("TenantTable", "{tenancy}#notices", "DeleteItem")
            .key("{tenancy}", Used::ForDataKey, "Decrypt"),
        role("DeletionDataRole", AssumedBy::Worker("DeletionWorkerRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem Query")
            .items(
                "TenantTable",
                "{tenancy}#deleted-shows {tenancy}#deleted-episodes#* {tenancy}#episodes {tenancy}#episodes#* \
                 {tenancy}#publication-ledger#* {tenancy}#media {tenancy}#media-hashes {tenancy}#uploads \
                 {tenancy}#unfinished-uploads {tenancy}#listeners {tenancy}#listeners#* \
                 {tenancy}#listener-emails#* {tenancy}#listening#* {tenancy}#networks#* {tenancy}#users \
                 {tenancy}#user-emails {tenancy}#open-deletions {tenancy}#destroyed#*",
                "DeleteItem",
            )
            .items(
                "TenantTable",
                "{tenancy}#deletions {tenancy}#destroyed#* {tenancy}#audit {tenancy}#audit-head",
                "PutItem",
            )
            .items("TenantTable", "{tenancy}#deletions {tenancy}#legal-holds", "ConditionCheckItem")
            .items("TenantTable", "{tenancy}#quotas", "UpdateItem")
            .items("DirectoryTable", "exit#{tenancy}", "GetItem Query")
            .items("DirectoryTable", "due#{tenancy}", "Query DeleteItem")
            .items("DirectoryTable", "access#{tenancy}", "GetItem DeleteItem UpdateItem")
            .items("DirectoryTable", "activity#{tenancy}", "GetItem DeleteItem")
            .special("the list of a tenancy's own quarantine")
            .special("the list of a tenancy's own files")
            .objects("UploadBucket", OWN_OBJECTS, "DeleteObjectVersion AbortMultipartUpload")
            .objects("MediaBucket", OWN_OBJECTS, "DeleteObjectVersion")
            .objects("FeedBucket", OWN_OBJECTS, "GetObject DeleteObjectVersion")
            .key("{tenancy}", Used::ForDataKey, "Decrypt")
            .key("{tenancy}", Used::ForObjects("FeedBucket", OWN_OBJECTS), "Decrypt"),
        role("ExitDataRole", AssumedBy::Worker("DeletionWorkerRole"))
            .items("TenantTable", OWN_ITEMS, "GetItem Query DeleteItem ConditionCheckItem")
            .items("TenantTable", "{tenancy}#notices {tenancy}#audit {tenancy}#audit-head", "PutItem")
            .items("DirectoryTable", "exit#{tenancy}", "GetItem Query PutItem ConditionCheckItem")
            .items("DirectoryTable", "exit-notes#{tenancy}", "GetItem Query PutItem DeleteItem")
            .items(
                "DirectoryTable",
                "due#{tenancy} activity#{tenancy} access#{tenancy}",
                "Query DeleteItem",
            )
            .items("DirectoryTable", "access#{tenancy}", "UpdateItem")
            .special("the list of a tenancy's own quarantine")
            .special("the list of a tenancy's own files")
            .objects("UploadBucket", OWN_OBJECTS, "DeleteObject DeleteObjectVersion AbortMultipartUpload")
            .objects("MediaBucket", OWN_OBJECTS, "DeleteObject DeleteObjectVersion")
            .objects("FeedBucket", OWN_OBJECTS, "DeleteObject DeleteObjectVersion")
            .objects("ExportBucket", OWN_OBJECTS, "DeleteObject DeleteObjectVersion")
            .special("the list of a tenancy's own archives")
            .key("{tenancy}", Used::ForDataKey, "Decrypt")
            .key("{tenancy}", Used::Alone, "DescribeKey ScheduleKeyDeletion"),
        role("ReplayDataRole", AssumedBy::Worker("ReplayRole"))
            .items(
                "TenantTable",
                "{tenancy}#deletions {tenancy}#shows {tenancy}#episodes#* {tenancy}#audit-head",
                "GetItem",
            )
            .items(
                "TenantTable",
                "{tenancy}#deletions {tenancy}#open-deletions {tenancy}#deletion-subjects \
                 {tenancy}#deleted-shows {tenancy}#deleted-episodes#* {tenancy}#audit {tenancy}#audit-head",
                "PutItem",
            )
            .items("TenantTable", "{tenancy}#shows {tenancy}#episodes#*", "DeleteItem")
            .items("TenantTable", "{tenancy}#feed-versions", "UpdateItem")
            .items("DirectoryTable", "exit#{tenancy}", "GetItem PutItem")
            .items("DirectoryTable", "due#{tenancy}", "PutItem")
            .items("DirectoryTable", "access#{tenancy}", "UpdateItem"),
        // Services of AWS.
        role("UploadScanRole", AssumedBy::Service(GUARDDUTY))
            .special("the scan's own rule")
            .resource("UploadBucket", "s3:ListBucket s3:GetBucketNotification s3:PutBucketNotification")
            .special("a list of what is to be scanned")
            .objects(
                "UploadBucket",
                "*",
                "GetObject GetObjectVersion GetObjectTagging GetObjectVersionTagging",
            )
            .objects("UploadBucket", "*", "PutObjectTagging PutObjectVersionTagging")
            .objects("UploadBucket", SCAN_TEST_OBJECT, "PutObject")
            .key("PlatformKey", Used::ForObjects("UploadBucket", "*"), "Decrypt GenerateDataKey")
            .key("{any}", Used::ForObjects("UploadBucket", "*"), "Decrypt GenerateDataKey"),
        role("ApiGatewayLogsRole", AssumedBy::Service("apigateway.amazonaws.com"))
            .every("AWS::Logs::LogGroup", "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams")
            .every("AWS::Logs::LogGroup", "logs:PutLogEvents logs:GetLogEvents logs:FilterLogEvents")
            .special("the list of log groups"),
    ]
}

impl Role {
    /// Whether a session of this role may do this; `tenancy` is what its tag names, where that is a tenancy.
    pub fn may(&self, tenancy: Option<&str>, action: &str, subject: &Subject) -> bool {
        let has_a_word_on = |may: &May| {
            let is_known = may.actions.is_empty() || may.actions.iter().any(|known| known == action);
            is_known && may.what.covers(tenancy, subject)
        };
        let is_refused = |refused: &May| {
            refused.actions.iter().any(|known| known == action) && refused.what.touches(tenancy, subject)
        };
        self.may.iter().any(has_a_word_on) && !self.may_not.iter().any(is_refused)
    }

    /// What this role may, and nobody asks for: the table would prove nothing with it.
    pub fn not_asked_for<'a>(&'a self, universe: &'a [Request]) -> impl Iterator<Item = String> {
        let is_covered = |may: &May, action: &str| {
            let mut asked = universe.iter().filter(|request| action.is_empty() || request.action == action);
            asked.any(|request| may.what.covers(Some(ACME), &request.subject))
        };
        self.may.iter().flat_map(move |may| {
            let actions = if may.actions.is_empty() {
                vec![""]
            } else {
                may.actions.iter().map(String::as_str).collect()
            };
            let missing = actions.into_iter().filter(move |action| !is_covered(may, action));
            missing.map(move |action| format!("{}: {action} on {:?}", self.name, may.what))
        })
    }

    pub fn is_a_tenancys(&self) -> bool {
        !matches!(self.assumed_by, AssumedBy::Service(_))
    }

    /// The patterns of partitions that this role has a word on.
    pub fn partitions(&self) -> impl Iterator<Item = &'static str> {
        self.may.iter().chain(&self.may_not).flat_map(|may| match may.what {
            What::Items { partitions, .. } => partitions.split(' '),
            _ => "".split(' '),
        })
    }

    /// The actions that it has on `items`, `objects` or `keys`.
    pub fn actions_on(&self, kind: &str) -> impl Iterator<Item = &String> {
        self.may.iter().filter(move |may| may.what.kind() == kind).flat_map(|may| &may.actions)
    }

    /// The actions that it has on whole resources, each with a logical id or a type.
    pub fn actions_on_resources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.may.iter().flat_map(|may| {
            let named = match &may.what {
                What::Resource(id) => Some(id.as_str()),
                What::Every(kind) => Some(*kind),
                _ => None,
            };
            named.into_iter().flat_map(|named| may.actions.iter().map(move |action| (action.as_str(), named)))
        })
    }

    fn verifies_tokens(self) -> Self {
        self.key(SIGNING_KEYS, Used::Alone, "GetPublicKey")
    }

    /// Items of a table, or of an index as in `Table/index/name`: every partition that a request names must fit.
    fn items(self, place: &'static str, partitions: &'static str, actions: &str) -> Self {
        self.with(words("dynamodb:", actions), What::Items { place, partitions })
    }

    /// Items that it is refused, whatever else allows them: no request may name one of these partitions.
    fn but_no_items(mut self, place: &'static str, partitions: &'static str, actions: &str) -> Self {
        let what = What::Items { place, partitions };
        self.may_not.push(May { actions: words("dynamodb:", actions), what });
        self
    }

    fn objects(self, bucket: &'static str, keys: &'static str, actions: &str) -> Self {
        self.with(words("s3:", actions), What::Objects { bucket, keys })
    }

    /// A key by its logical id, or by the tenancy that it is tagged with.
    fn key(self, key: &'static str, used: Used, actions: &str) -> Self {
        self.with(words("kms:", actions), What::Key { key, used })
    }

    /// A whole resource by its logical id.
    fn resource(self, id: &str, actions: &str) -> Self {
        self.with(words("", actions), What::Resource(id.to_owned()))
    }

    /// Every resource of a type.
    fn every(self, kind: &'static str, actions: &str) -> Self {
        self.with(words("", actions), What::Every(kind))
    }

    /// Requests that are like no others, by the name that they share in `requests.rs`.
    fn special(self, name: &'static str) -> Self {
        self.with(Vec::new(), What::Special(name))
    }

    fn with(mut self, actions: Vec<String>, what: What) -> Self {
        self.may.push(May { actions, what });
        self
    }
}

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::Items { .. } => "items",
            Self::Objects { .. } => "objects",
            Self::Key { .. } => "keys",
            Self::Resource(_) | Self::Every(_) => "resources",
            Self::Special(_) => "specials",
        }
    }

    fn covers(&self, tenancy: Option<&str>, subject: &Subject) -> bool {
        let fits = |pattern: &str, text: &str| fits(pattern, text, tenancy);
        match (self, subject) {
            (Self::Items { place, partitions }, Subject::Items { place: asked, partitions: named }) => {
                place == asked
                    && !named.is_empty()
                    && named.iter().all(|partition| fits(partitions, partition))
            }
            (Self::Objects { bucket, keys }, Subject::Object { bucket: asked, key }) => {
                bucket == asked && fits(keys, key)
            }
            (Self::Key { key, used }, Subject::Key { key: asked, usage }) => {
                fits(key, asked)
                    && match (used, usage) {
                        (Used::Alone, Usage::Alone) => true,
                        (Used::ForDataKey, Usage::DataKey(of)) => fits("{tenancy}", of),
                        (
                            Used::ForObjects(bucket, keys),
                            Usage::Object { by: Some("s3"), bucket: of, key },
                        ) => bucket == of && fits(keys, key),
                        (Used::ForSignatures(algorithm), Usage::Signature(asked)) => algorithm == asked,
                        _ => false,
                    }
            }
            (Self::Resource(id), Subject::Resource { id: asked, .. }) => id == asked,
            (Self::Every(kind), Subject::Resource { kind: asked, .. }) => kind == asked,
            (Self::Special(name), Subject::Special(asked)) => name == asked,
            _ => false,
        }
    }

    /// Whether one of the items that a request names is one of these.
    fn touches(&self, tenancy: Option<&str>, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Items { place, partitions }, Subject::Items { place: asked, partitions: named }) => {
                place == asked && named.iter().any(|partition| fits(partitions, partition, tenancy))
            }
            _ => false,
        }
    }
}

fn fits(pattern: &str, text: &str, tenancy: Option<&str>) -> bool {
    pattern.split(' ').any(|pattern| {
        let tenancies = match tenancy {
            _ if pattern.contains("{any}") => vec![ACME, GLOBEX],
            _ if !pattern.contains('{') => vec![""],
            tenancy => tenancy.into_iter().collect(),
        };
        tenancies.into_iter().any(|tenancy| {
            let pattern = pattern.replace("{any}", tenancy).replace("{tenancy}", tenancy);
            pattern.strip_suffix('*').map_or(text == pattern, |prefix| text.starts_with(prefix))
        })
    })
}

/// A function's role: Lambda assumes it, and it writes to the function's own log.
fn function(name: &str) -> Role {
    role(&format!("{name}Role"), AssumedBy::Service("lambda.amazonaws.com"))
        .resource(&format!("{name}Logs"), "logs:CreateLogStream logs:PutLogEvents")
}

fn role(name: &str, assumed_by: AssumedBy) -> Role {
    Role { name: name.to_owned(), assumed_by, may: Vec::new(), may_not: Vec::new() }
}

fn words(service: &str, actions: &str) -> Vec<String> {
    actions.split(' ').map(|action| format!("{service}{action}")).collect()
}
