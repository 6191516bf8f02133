//! Instructions for one event, counted by callgrind: the same on a loaded machine as on an idle one.

use std::path::Path;

use super::functions::{Case, warm_up};
use crate::{
    page::Section,
    runtime_api::{Function, Program},
    world::{Outcome, World, http_event},
};

/// Events in the shorter and in the longer run: the difference is free of the start.
const FEW: usize = 10;
const MANY: usize = 60;

/// Instructions of the paths that are walked most.
///
/// # Errors
/// Where a function does not run under valgrind.
pub async fn measure(world: &World, cases: &[Case]) -> Outcome<Section> {
    let mut section = Section::new(
        "Instructions",
        "For one event, in user space, by callgrind: (a run of 60 events − a run of 10) ÷ 50. ÷ hello. To compare with an earlier \
         page: what grows here has become slower.",
    );
    let valgrind = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("valgrind"))
        .find(|path| path.exists());
    let Some(valgrind) = valgrind else {
        section.note("Not counted: valgrind is not installed.");
        return Ok(section);
    };

    let hello = instructions(&valgrind, &world.hello("hello")?, &http_event("/", &[]))?;
    section.ratio("hello", format!("{hello}"), 1.0, None);
    for case in cases {
        let program = world.function(case.binary).await?;
        // What is asked of AWS for the first time is asked without valgrind, which nobody should have to wait for.
        warm_up(&Function::start(&program)?, case)?;
        let count = instructions(&valgrind, &program, &case.event)?;
        section.ratio(case.name, format!("{count}"), count as f64 / hello as f64, None);
    }
    Ok(section)
}

fn instructions(valgrind: &Path, program: &Program, event: &[u8]) -> Outcome<u64> {
    let mut under = program.clone();
    let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    under.command.splice(0..0, [valgrind.display().to_string()].into_iter().chain(tool.map(str::to_owned)));
    let count = |events: usize| -> Outcome<u64> {
        let function = Function::start(&under)?;
        function.run(event, events)?;
        let said = function.leave()?;
        let collected = said.lines().find_map(|line| line.split_once("Collected :"));
        let (_, number) = collected.ok_or_else(|| format!("valgrind does not say how many: {said}"))?;
        Ok(number.trim().parse()?)
    };
    Ok(count(MANY)?.saturating_sub(count(FEW)?) / (MANY - FEW) as u64)
}
