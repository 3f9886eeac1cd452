//! What people would use for a graph of empty tasks on two cores: a counter per task, and whoever
//! counts it down to nothing spawns it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::graph::Graph;

/// A graph ready to run: who waits for whom, and how much is missing.
struct Plan {
    offsets: Vec<usize>,
    consumers: Vec<u32>,
    missing: Vec<AtomicU32>,
    roots: Vec<u32>,
    left: AtomicUsize,
    done: Notify,
}

impl Plan {
    fn new(graph: &Graph) -> Self {
        let (offsets, consumers) = graph.consumers();
        let fan_in = |task| graph.producers(task).len() as u32;
        let roots = (0..graph.tasks()).filter(|&task| fan_in(task) == 0);
        Self {
            offsets,
            consumers,
            missing: (0..graph.tasks())
                .map(|task| AtomicU32::new(fan_in(task)))
                .collect(),
            roots: roots.map(|task| task as u32).collect(),
            left: AtomicUsize::new(graph.tasks()),
            done: Notify::new(),
        }
    }

    /// Ends `task` and hands every consumer that became ready to `spawn`.
    fn finish(&self, task: u32, mut spawn: impl FnMut(u32)) {
        let place = task as usize;
        for &consumer in &self.consumers[self.offsets[place]..self.offsets[place + 1]] {
            if self.missing[consumer as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                spawn(consumer);
            }
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

/// Two threads of rayon.
pub(crate) struct Rayon(ThreadPool);

impl Rayon {
    pub(crate) fn new() -> Self {
        let pool = ThreadPoolBuilder::new().num_threads(2).build();
        Self(pool.expect("two threads"))
    }

    pub(crate) fn run(&self, graph: &Graph) -> Duration {
        let plan = Plan::new(graph);
        let begin = Instant::now();
        self.0.scope(|scope| {
            for &task in &plan.roots {
                rayon_task(&plan, task, scope);
            }
        });
        let took = begin.elapsed();
        assert_eq!(plan.left.into_inner(), 0, "every task ran");
        took
    }
}

fn rayon_task<'s>(plan: &'s Plan, task: u32, scope: &Scope<'s>) {
    scope.spawn(move |scope| {
        plan.finish(task, |consumer| rayon_task(plan, consumer, scope));
    });
}

/// Two threads of tokio.
pub(crate) struct Tokio(Runtime);

impl Tokio {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).build();
        Self(runtime.expect("two threads"))
    }

    pub(crate) fn run(&self, graph: &Graph) -> Duration {
        let plan = Arc::new(Plan::new(graph));
        let begin = Instant::now();
        self.0.block_on(async {
            let spawner = Arc::clone(&plan);
            let roots = async move {
                spawner
                    .roots
                    .iter()
                    .for_each(|&task| tokio_task(&spawner, task));
            };
            tokio::spawn(roots).await.expect("nothing panics");
            plan.done.notified().await;
        });
        let took = begin.elapsed();
        assert_eq!(plan.left.load(Ordering::Acquire), 0, "every task ran");
        took
    }
}

fn tokio_task(plan: &Arc<Plan>, task: u32) {
    let plan = Arc::clone(plan);
    tokio::spawn(async move {
        plan.finish(task, |consumer| tokio_task(&plan, consumer));
    });
}
