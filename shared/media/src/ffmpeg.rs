//! The judge in tests: ffmpeg makes files, ffprobe reads them.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A folder that goes when the test ends.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs ffmpeg here, with arguments as one writes them in a shell without quotes. The last one names the file it makes.
    pub(crate) fn make(&self, arguments: &str) -> File {
        let output = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-y", "-v", "error"])
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("the tests need ffmpeg");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        File::open(self.path(arguments.split_whitespace().last().unwrap())).unwrap()
    }
}

/// What ffprobe prints about a file: one value a line.
pub(crate) fn ffprobe(arguments: &str, path: &Path) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "default=noprint_wrappers=1:nokey=1"])
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .expect("the tests need ffprobe");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What ffmpeg says about files in this folder.
pub(crate) fn ffmpeg_says(folder: &Folder, arguments: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin"])
        .args(arguments.split_whitespace())
        .current_dir(folder.0.path())
        .output()
        .expect("the tests need ffmpeg");
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {report}");
    report
}
