fn main() {
    let _ = tenant_context::TenantContext::from_token(tenant_context::token::VerifiedData {
        tenancy: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        member: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        memberships: vec![],
        mfa_at: None,
        state: tenant_context::TenancyState::Active,
        token: String::new(),
    });
}
