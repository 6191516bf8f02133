fn main() {
    let _ = tenant_context::Operator { _door: () };
}
