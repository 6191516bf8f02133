//! The only place that reads the runner's own environment.

use std::{env, ffi::OsString, path::PathBuf};

/// The cargo that started this program, or the one on the PATH.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Variables that cargo sets for the one program it runs. A nested cargo must not see them: build scripts (ring's, for one)
/// ask to run again when they change, and everything above them would be compiled anew.
pub(crate) fn set_by_cargo_for_this_program() -> Vec<OsString> {
    const PREFIXES: [&str; 3] = ["CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_PKG_"];
    const NAMES: [&str; 4] = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"];

    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| {
            let name = name.to_string_lossy();
            NAMES.contains(&name.as_ref()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect()
}

/// What the emulator and the functions inherit: enough to find programs, nothing about somebody's AWS account.
pub(crate) fn inherited_by_the_emulator() -> Vec<(OsString, OsString)> {
    ["HOME", "LANG", "PATH"].iter().filter_map(|name| Some((name.into(), env::var_os(name)?))).collect()
}

/// The project this program was compiled from: the directory of `template.yaml`.
pub(crate) fn project() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or_else(|| here.clone(), PathBuf::from)
}
