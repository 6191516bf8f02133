//! `GET /v1/uploads`: lists the uploads, of certain states where some are named. A page may have fewer than asked for: those for shows
//! that the caller's memberships do not cover are left out.

use domain::UploadState;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadUploads;

use crate::{
    App,
    view::{UploadView, Wanted},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUploads>().query_parameter::<String>("state").listed::<UploadView>()
}

pub(crate) async fn list_uploads(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let states = states(&request)?;
    let listing = listing(&states);
    let page = request.page(&context, &listing)?;

    let permit = context.ask::<ReadUploads>()?;

    let mut page = app.storage.list_uploads(&context, &states, &page).await?;
    page.items.retain(|upload| permit.in_place(upload.show_id.as_ref()).is_ok());

    Ok(request.listed(&context, &listing, page, |upload| UploadView::new(upload, Wanted::Nothing)))
}

/// The states that are asked for, each once and in their order; none stands for all.
fn states(request: &Request) -> Result<Vec<UploadState>, Problem> {
    let named: Result<Vec<UploadState>, _> = request.query_list("state").map(str::parse).collect();
    let named = named.map_err(|_| {
        let known = UploadState::ALL.map(UploadState::as_str).join(", ");
        Problem::bad_request(format!("state must be one or several of {known}, with commas between."))
    })?;
    Ok(UploadState::ALL.into_iter().filter(|state| named.contains(state)).collect())
}

/// A cursor goes on with the same states only.
fn listing(states: &[UploadState]) -> String {
    let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    format!("uploads/{}", names.join(","))
}
