//! What others wrote, to compare with: installed from their registries into a folder under the target directory. What cannot be
//! installed is left out, and the page says why.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{runtime_api::Program, world::Outcome};

/// Other people's programs, as far as they could be installed.
pub struct Others {
    folder: PathBuf,
    python: Result<(), String>,
    python_runtime: Result<(), String>,
    node: Result<(), String>,
    node_runtime: Result<(), String>,
}

impl Others {
    /// Installs what is not there yet.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn install() -> Outcome<Self> {
        let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("others");
        let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| sources.join("../../../target"));
        fs::create_dir_all(target.join("bench-others"))?;
        let folder = target.join("bench-others").canonicalize()?;
        for file in fs::read_dir(&sources)? {
            let file = file?;
            fs::copy(file.path(), folder.join(file.file_name()))?;
        }

        let pip = |packages: &[&str]| {
            let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            run(Command::new(folder.join("venv/bin/python")).args(arguments).args(packages))
        };
        let npm = |packages: &[&str]| {
            let arguments = ["install", "--loglevel=error", "--no-audit", "--no-fund", "--no-save"];
            run(Command::new("npm").current_dir(&folder).args(arguments).args(packages))
        };
        let python = run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
        let python = python.and_then(|()| pip(&["feedgen==1.0.0"]));
        let python_runtime = python.clone().and_then(|()| pip(&["boto3==1.40.0", "awslambdaric==3.1.1"]));
        // npm takes away what it is not told of, so the runtime client, which takes minutes to compile, is asked for with the others.
        // It needs cmake, make, a C++ compiler, autoconf, automake, libtool and Python.
        let all = [
            "podcast@2.0.1",
            "@aws-sdk/client-dynamodb",
            "@aws-sdk/client-s3",
            "@aws-sdk/client-kms",
            "aws-lambda-ric@3.3.0",
        ];
        let node_runtime = npm(&all);
        let node =
            if node_runtime.is_ok() { Ok(()) } else { npm(all.split_last().map_or(&[], |(_, most)| most)) };
        Ok(Self { folder, python, python_runtime, node, node_runtime })
    }

    /// The hello-world of Python and of Node.js, each with its name, or why it is not here.
    pub fn hellos(&self) -> [(&'static str, Result<Program, String>); 2] {
        let program = |command: [String; 3]| Program {
            command: command.into(),
            environment: vec![
                ("LAMBDA_TASK_ROOT".to_owned(), self.folder.display().to_string()),
                ("AWS_DEFAULT_REGION".to_owned(), local::REGION.to_owned()),
                ("PYTHONPATH".to_owned(), self.folder.display().to_string()),
            ],
        };
        let python = self.python_runtime.clone().map(|()| {
            let python = self.folder.join("venv/bin/python").display().to_string();
            program([python, "-m".to_owned(), "awslambdaric".to_owned()])
        });
        let python = python.map(|mut program| {
            program.command.push("hello.handler".to_owned());
            program
        });
        let node = self.node_runtime.clone().map(|()| {
            let start = self.folder.join("node_modules/aws-lambda-ric/bin/index.mjs").display().to_string();
            program(["node".to_owned(), start, self.folder.join("hello.handler").display().to_string()])
        });
        [("Python with boto3", python), ("Node.js with the AWS SDK", node)]
    }

    /// What feedgen and podcast print of their costs, each with its name, or why it is not here.
    pub fn renderers(&self) -> [(&'static str, Result<String, String>); 2] {
        let print = |command: &mut Command| {
            let output = command.current_dir(&self.folder).output().map_err(|error| error.to_string())?;
            String::from_utf8(output.stdout).map_err(|error| error.to_string())
        };
        let feedgen = self
            .python
            .clone()
            .and_then(|()| print(Command::new(self.folder.join("venv/bin/python")).arg("feedgen_cost.py")));
        let podcast = self.node.clone().and_then(|()| print(Command::new("node").arg("podcast_cost.js")));
        [("feedgen 1.0.0 (Python)", feedgen), ("podcast 2.0.1 (Node.js)", podcast)]
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    // What comes after the error mostly says where a log is.
    let error = lines.clone().rfind(|line| line.contains("rror: ")).or_else(|| lines.next_back());
    Err(format!("{name} failed: {}", error.unwrap_or("no word").trim_end_matches('.')))
}
