use tenant_context::{Grant, TenantContext, permission::{CreateShow, ReadShows}};

fn create_show(_: &Grant<'_, CreateShow>) {}

fn escalate(context: &TenantContext) {
    create_show(&context.grant::<ReadShows>().unwrap());
}

fn main() {}
