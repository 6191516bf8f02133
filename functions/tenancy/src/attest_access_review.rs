//! `POST /v1/access-review/attestations`: gives an owner's word that the review which they have seen is as it should be.

use domain::ContentHash;
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::Attestation;
use tenant_context::{
    AttestationId,
    permission::{AttestAccessReview, ReadAccessReview},
};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAttestation {
    /// `sha256` of the review that was seen.
    review_sha256: ContentHash,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<AttestAccessReview>()
        .takes::<NewAttestation>()
        .created::<Attestation>()
        .problem(review_changed())
}

pub(crate) async fn attest_access_review(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewAttestation { review_sha256 } = request.json()?;

    let grant = context.grant::<AttestAccessReview>()?;
    let read_grant = context.grant::<ReadAccessReview>()?;

    let review = app.storage.review_access(&read_grant).await?;
    if review.digest() != review_sha256 {
        return Err(review_changed());
    }
    let now = app.storage.now();
    let attestation = Attestation {
        id: AttestationId::new(now, app.storage.randomness()),
        review_sha256,
        rows: u64::try_from(review.rows().len()).unwrap_or(u64::MAX),
        attested_by: context.principal().to_string(),
        attested_at: now,
    };
    app.storage.create_attestation(&grant, &attestation).await?;

    Ok(created(attestation, "/v1/access-review/attestations", None))
}

fn review_changed() -> Problem {
    Problem::conflict(
        "review_changed",
        "Access has changed since this review. Look at GET /v1/access-review again.",
    )
}
