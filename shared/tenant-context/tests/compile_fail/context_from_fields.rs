fn main() {
    let _ = tenant_context::TenantContext {
        tenancy: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        principal: tenant_context::Principal::Worker(tenant_context::Worker::Media),
        memberships: vec![],
        mfa_at: None,
        state: tenant_context::TenancyState::Active,
        data_token: None,
    };
}
