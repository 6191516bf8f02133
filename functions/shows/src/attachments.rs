//! What shows and episodes name of the tenancy's media.

use domain::Attachment;
use lambda_kit::{FieldError, Problem};
use storage::Storage;
use tenant_context::TenantContext;

/// Whether each of `attachments` is there, and what it is named as.
///
/// # Errors
/// 422 that says where one is not.
pub(crate) async fn check(
    storage: &Storage,
    context: &TenantContext,
    attachments: &[Attachment<'_>],
) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for Attachment { kind, media_id, pointer } in attachments {
        let media = storage.find_media(context, media_id).await?;
        if let Err(invalid) = kind.check(media.as_ref()) {
            errors.push(FieldError { pointer: pointer.clone(), detail: invalid.to_string() });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
