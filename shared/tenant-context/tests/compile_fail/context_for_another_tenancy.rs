fn seize(context: &mut tenant_context::TenantContext, other: tenant_context::TenancyId) {
    context.tenancy = other;
}

fn main() {}
