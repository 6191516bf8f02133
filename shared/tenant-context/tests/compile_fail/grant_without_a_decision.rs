use tenant_context::{Grant, TenantContext, permission::CreateShow};

fn forge(context: &TenantContext) -> Grant<'_, CreateShow> {
    Grant { context, show: None, permission: std::marker::PhantomData }
}

fn main() {}
