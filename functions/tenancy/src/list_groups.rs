//! `GET /v1/groups`: lists the system's six groups, then the tenancy's own, each with what it allows.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::Page;
use tenant_context::{SystemGroup, permission::ReadGroups};

use crate::{App, view::GroupView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadGroups>().listed_whole::<GroupView>()
}

pub(crate) async fn list_groups(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;

    context.grant::<ReadGroups>()?;

    let own = app.storage.list_groups(&context).await?;
    let system = SystemGroup::ALL.iter().copied().map(GroupView::from);
    let items: Vec<_> = system.chain(own.into_iter().map(GroupView::from)).collect();

    Ok(request.listed(&context, "groups", Page { items, next: None }, |group| group))
}
