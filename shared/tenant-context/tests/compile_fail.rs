//! What must not compile: a context from nothing, a grant without a decision, a grant passed off as another.

#[test]
fn forging_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
