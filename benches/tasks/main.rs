//! What the whole life of an empty task costs: submit, dispatch, FIN, complete, release; and what
//! others take for the same graphs.
//!
//! `cargo bench -p finbox-benches --bench tasks`, or with `-- ROUNDS TASKS` for other sizes (11
//! and 100 000), and behind them a word that is in the names of the graphs to run. Every round runs
//! every side once.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod chip;
mod flow_graph;
mod graph;
mod ours;
mod peers;

use std::time::Duration;

use finbox_benches::{in_words, spread};
use flow_graph::FlowGraph;
use graph::Graph;
use peers::{Rayon, Tokio};

type Side<'a> = (&'static str, Box<dyn Fn(&Graph) -> Duration + 'a>);

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    words.retain(|word| !word.starts_with('-'));
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let wanted = words.get(numbers.len()).map_or("", String::as_str);
    let rounds = numbers.first().map_or(11, |&rounds| rounds.max(3));
    let tasks = numbers.get(1).map_or(100_000, |&tasks| tasks.max(1_000));
    let (rayon, tokio) = (Rayon::new(), Tokio::new());
    let mut sides: Vec<Side<'_>> = vec![
        ("finbox, one thread", Box::new(ours::one_thread)),
        ("the same, from buffers", Box::new(ours::from_buffers)),
        ("finbox, two threads", Box::new(ours::two_threads)),
        ("rayon, two threads", Box::new(|graph| rayon.run(graph))),
        ("tokio, two threads", Box::new(|graph| tokio.run(graph))),
    ];
    match FlowGraph::new() {
        Ok(flow) => sides.push((
            "oneTBB, two threads",
            Box::new(move |graph| flow.run(graph)),
        )),
        Err(reason) => println!("oneTBB's flow graph is left out: {reason}\n"),
    }
    println!("{rounds} rounds of {tasks} tasks\n");
    println!(
        "| graph | side | ns a task: median (least to most) \
         | times finbox on one thread | ns more |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let graphs = [
        Graph::independent(tasks),
        Graph::chain(tasks),
        Graph::diamonds("diamonds 1-16-1", 16, tasks),
        Graph::diamonds("fan 1-50-1", 50, tasks),
        Graph::random(tasks),
    ];
    let is_wanted = |graph: &&Graph| graph.name.contains(wanted);
    for graph in graphs.iter().filter(is_wanted) {
        compare(graph, &sides, rounds);
    }
    if !wanted.is_empty() {
        return;
    }
    println!("\n| tasks, independent, one thread | ns a task: median (least to most) |");
    println!("| --- | --- |");
    for tasks in [1_000, 10_000, 100_000, 1_000_000] {
        let graph = Graph::independent(tasks);
        let times: Vec<f64> = (0..rounds)
            .map(|_| per_task(&graph, &ours::one_thread))
            .collect();
        println!("| {tasks} | {} |", in_words(&times));
    }
}

fn compare(graph: &Graph, sides: &[Side<'_>], rounds: usize) {
    let mut times = vec![Vec::new(); sides.len()];
    for round in 0..rounds {
        for step in 0..sides.len() {
            // Another side goes first each time.
            let at = (round + step) % sides.len();
            times[at].push(per_task(graph, &*sides[at].1));
        }
    }
    for (side, own) in sides.iter().zip(&times) {
        let against = |by: fn(f64, f64) -> f64| -> f64 {
            let pairs = own.iter().zip(&times[0]);
            let all: Vec<f64> = pairs.map(|(&own, &first)| by(own, first)).collect();
            spread(&all).1
        };
        println!(
            "| {} | {} | {} | {:.2} | {:.0} |",
            graph.name,
            side.0,
            in_words(own),
            against(|own, first| own / first),
            against(|own, first| own - first)
        );
    }
}

fn per_task(graph: &Graph, run: &dyn Fn(&Graph) -> Duration) -> f64 {
    run(graph).as_nanos() as f64 / graph.tasks() as f64
}
