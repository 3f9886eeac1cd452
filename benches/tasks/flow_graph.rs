//! A C++ task-graph library beside us: oneTBB's flow graph, a process of its own each round.
//!
//! Built by the C++ compiler of the machine when the benchmark begins; without one, or without
//! oneTBB (Debian: `libtbb-dev`), this side is left out and the reason is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::graph::Graph;

/// The program that runs a graph.
pub(crate) struct FlowGraph {
    program: PathBuf,
    graph: PathBuf,
}

impl FlowGraph {
    /// Builds it.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    pub(crate) fn new() -> Result<Self, String> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join("flow_graph");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/flow_graph.cpp");
        let mut compiler = Command::new("g++");
        compiler.args(["-O2", "-std=c++17", "-o"]).arg(&program);
        compiler.arg(source).arg("-ltbb");
        let built = compiler.output().map_err(|error| format!("g++: {error}"))?;
        if !built.status.success() {
            let text = String::from_utf8_lossy(&built.stderr);
            return Err(text.lines().next().unwrap_or("g++ failed").to_owned());
        }
        let graph = folder.join("flow_graph.words");
        Ok(Self { program, graph })
    }

    /// What two threads take for `graph`, from the first root to the last task.
    pub(crate) fn run(&self, graph: &Graph) -> Duration {
        fs::write(&self.graph, words(graph)).expect("the target folder is writable");
        let mut program = Command::new(&self.program);
        let ended = program.arg(&self.graph).arg("2").output();
        let ended = ended.expect("it was built a moment ago");
        assert!(ended.status.success(), "every task ran: {ended:?}");
        let ns = String::from_utf8_lossy(&ended.stdout);
        Duration::from_nanos(ns.trim().parse().expect("a number of ns"))
    }
}

/// How many tasks, then for each how many consumers and which.
fn words(graph: &Graph) -> Vec<u8> {
    let (offsets, consumers) = graph.consumers();
    let mut words = vec![graph.tasks() as u64];
    for place in offsets.windows(2) {
        let own = &consumers[place[0]..place[1]];
        words.push(own.len() as u64);
        words.extend(own.iter().map(|&task| u64::from(task)));
    }
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}
