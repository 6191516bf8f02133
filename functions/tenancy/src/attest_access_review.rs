//! `POST /v1/access-review/attestations`: an owner's word that the review which they have seen is as it should be.

use domain::ContentHash;
use lambda_kit::{Problem, Reply, Request, created};
use serde::Deserialize;
use storage::Attestation;
use tenant_context::{
    AttestationId,
    permission::{AttestAccessReview, ReadAccessReview},
};

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAttestation {
    /// `sha256` of the review that was seen.
    review_sha256: ContentHash,
}

pub(crate) async fn attest_access_review(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let NewAttestation { review_sha256 } = request.json()?;

    let grant = context.grant::<AttestAccessReview>()?;
    let read_grant = context.grant::<ReadAccessReview>()?;

    let review = app.storage.review_access(&read_grant).await?;
    if review.digest() != review_sha256 {
        let detail = "Access has changed since this review. Look at GET /v1/access-review again.";
        return Err(Problem::conflict("review_changed", detail));
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
