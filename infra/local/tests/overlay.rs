//! The emulator's overlay is written in Python, and so are its tests: `infra/local/emulator/tests`.

use std::process::Command;

#[tokio::test]
async fn the_overlays_own_tests_pass() {
    let python = local::python_environment().await.unwrap();

    let tests = Command::new(python)
        .args([
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "emulator/tests",
            "--top-level-directory",
            ".",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();

    // unittest itself fails where it finds no test, from Python 3.12 on.
    let said = String::from_utf8_lossy(&tests.stderr);
    assert!(tests.status.success() && !said.contains("Ran 0 tests"), "{said}");
}
