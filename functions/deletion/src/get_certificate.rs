//! `GET /certificates/{deletion}`: the certificate of what was destroyed, for whoever has the deletion's id. Nobody can sign in to a
//! tenancy that has left, so nobody needs to: the id cannot be guessed, and the certificate names nobody.

use certificate::{SignedCertificate, page, page_policy, verify};
use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::DeletionId;

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .path_parameter::<DeletionId>("deletion")
        .problem(Problem::not_found())
        .document::<SignedCertificate>(StatusCode::OK, "application/json", "The certificate.")
        .or_as::<String>("text/html")
}

pub(crate) async fn get_certificate(app: App, request: Request) -> Result<Reply, Problem> {
    let id: DeletionId = request.parameter("deletion")?;
    let signed = app.api.storage.read_certificate(&id).await?.ok_or_else(Problem::not_found)?;

    let reads_pages = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
    let (media_type, policy, body) = if reads_pages {
        let keys = certificate::Keys::new(vec![app.certificate_key().await?]);
        let verified = verify(&signed, &keys).map_err(|error| {
            tracing::error!(%error, "a certificate does not verify");
            Problem::internal()
        })?;
        ("text/html; charset=utf-8", page_policy(), page(&verified))
    } else {
        ("application/json", "default-src 'none'".to_owned(), signed)
    };

    let mut reply = Response::new(Body::Text(body));
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    let policy = HeaderValue::try_from(policy).map_err(|_| Problem::internal())?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(reply)
}
