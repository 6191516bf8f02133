use tenant_context::{Grant, TenantContext, permission::{CreateShow, ReadTenancy}};

fn create_show(_: &Grant<'_, CreateShow>) {}

fn escalate(context: &TenantContext) {
    create_show(&context.grant::<ReadTenancy>().unwrap());
}

fn main() {}
