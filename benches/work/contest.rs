//! One contest: who carries the same items in how many nanoseconds each; and its rows.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use finbox_benches::{End, spread, stay_at};
use finbox_mailbox::work::WorkItem;

use crate::sides::{Channel, Finbox, Pool};

/// At most so many items are taken before a worker tells the others.
const STRIDE: u64 = 64;

/// How long a contest goes on.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Rounds, each with every side once.
    pub(crate) rounds: u64,
    /// Items a side carries in a round.
    pub(crate) items: u64,
}

/// Who sends to whom, and how much at a time.
#[derive(Clone, Copy)]
pub(crate) struct Contest {
    name: &'static str,
    /// Producers and workers, if they have threads.
    threads: Option<(usize, usize)>,
    burst: usize,
}

/// A side's name, and one pass of it in ns an item.
type Side = (&'static str, fn(&Contest, u64) -> f64);

/// Nanoseconds an item, one a round, of one side.
pub(crate) struct Times {
    name: &'static str,
    ns: Vec<f64>,
}

/// What a worker took.
#[derive(Default)]
struct Taken {
    count: u64,
    sum: u64,
}

impl Taken {
    fn add(&mut self, item: WorkItem) {
        self.count += 1;
        let fields = [item.offset, item.length, item.rule_set, item.correlation];
        self.sum += fields.into_iter().map(u64::from).sum::<u64>();
    }
}

fn items(burst: usize) -> Vec<WorkItem> {
    let item = |index| WorkItem {
        offset: index * 1024,
        length: 1024,
        rule_set: 7,
        correlation: index,
    };
    (0..).map(item).take(burst).collect()
}

impl Contest {
    /// One thread sends a burst and takes it.
    pub(crate) const fn single(name: &'static str, burst: usize) -> Self {
        Self {
            name,
            threads: None,
            burst,
        }
    }

    /// `producers` threads send bursts to `workers` others.
    pub(crate) const fn threads(
        name: &'static str,
        producers: usize,
        workers: usize,
        burst: usize,
    ) -> Self {
        Self {
            name,
            threads: Some((producers, workers)),
            burst,
        }
    }

    /// All rounds, interleaved. finbox is the first of the sides.
    pub(crate) fn run(&self, size: Size) -> Vec<Times> {
        let sides: [Side; 3] = [
            side::<Finbox>(),
            side::<ArrayQueue<WorkItem>>(),
            side::<Channel>(),
        ];
        let mut times = sides.map(|(name, _)| Times {
            name,
            ns: Vec::new(),
        });
        for round in 0..size.rounds as usize {
            for step in 0..sides.len() {
                // Another side goes first each time.
                let at = (round + step) % sides.len();
                times[at].ns.push(sides[at].1(self, size.items));
            }
        }
        times.into()
    }

    fn pass<P: Pool>(&self, count: u64) -> f64 {
        match self.threads {
            None => self.pass_alone::<P>(count),
            Some(ends) => self.pass_threads::<P>(count, ends),
        }
    }

    fn pass_alone<P: Pool>(&self, count: u64) -> f64 {
        let mut pool = P::new();
        let (mut senders, mut receivers) = pool.ends((1, 1));
        let burst = items(self.burst);
        let bursts = count / self.burst as u64;
        let mut taken = Taken::default();
        let begin = Instant::now();
        for _ in 0..bursts {
            assert_eq!(P::send(&mut senders[0], &burst), self.burst);
            while let Some(item) = P::receive(&mut receivers[0]) {
                taken.add(item);
            }
        }
        let took = begin.elapsed();
        self.check::<P>(bursts, &[taken]);
        took.as_nanos() as f64 / (bursts * self.burst as u64) as f64
    }

    fn pass_threads<P: Pool>(&self, count: u64, ends: (usize, usize)) -> f64 {
        let mut pool = P::new();
        let (senders, receivers) = pool.ends(ends);
        let burst = items(self.burst);
        let bursts = count / self.burst as u64 / ends.0 as u64;
        let all = bursts * ends.0 as u64;
        let wanted = all * self.burst as u64;
        let start = Barrier::new(ends.0 + ends.1);
        let left = AtomicU64::new(wanted);
        let (took, taken) = thread::scope(|scope| {
            let (start, left, burst) = (&start, &left, &burst);
            let send = |(nth, mut sender)| {
                scope.spawn(move || {
                    stay_at(End::Sending, nth);
                    start.wait();
                    let begin = Instant::now();
                    (0..bursts).for_each(|_| send_burst::<P>(&mut sender, burst));
                    begin
                })
            };
            let work = |(nth, mut receiver)| {
                scope.spawn(move || {
                    stay_at(End::Taking, nth);
                    start.wait();
                    let taken = work::<P>(&mut receiver, left);
                    (taken, Instant::now())
                })
            };
            let senders: Vec<_> = senders.into_iter().enumerate().map(send).collect();
            let workers: Vec<_> = receivers.into_iter().enumerate().map(work).collect();
            let begins = senders.into_iter().map(|sender| sender.join());
            let begin = begins.map(|begin| begin.expect("no side panics")).min();
            let ends = workers.into_iter().map(|worker| worker.join());
            let ends = ends.map(|end| end.expect("no side panics"));
            let (taken, ends): (Vec<_>, Vec<_>) = ends.unzip();
            let begin = begin.expect("there is a producer");
            let end = ends.into_iter().max().expect("there is a worker");
            (end - begin, taken)
        });
        self.check::<P>(all, &taken);
        took.as_nanos() as f64 / wanted as f64
    }

    fn check<P: Pool>(&self, bursts: u64, taken: &[Taken]) {
        let mut burst = Taken::default();
        items(self.burst)
            .into_iter()
            .for_each(|item| burst.add(item));
        let count: u64 = taken.iter().map(|taken| taken.count).sum();
        let sum: u64 = taken.iter().map(|taken| taken.sum).sum();
        let wanted = (burst.count * bursts, burst.sum * bursts);
        assert_eq!((count, sum), wanted, "{} lost or changed an item", P::NAME);
    }
}

fn send_burst<P: Pool>(sender: &mut P::Sender<'_>, burst: &[WorkItem]) {
    let (mut sent, backoff) = (0, Backoff::new());
    while sent < burst.len() {
        match P::send(sender, &burst[sent..]) {
            0 => backoff.snooze(),
            some => {
                sent += some;
                backoff.reset();
            }
        }
    }
}

/// Takes items until all of them were taken by somebody.
fn work<P: Pool>(receiver: &mut P::Receiver<'_>, left: &AtomicU64) -> Taken {
    let (mut taken, mut told) = (Taken::default(), 0);
    let backoff = Backoff::new();
    loop {
        let item = P::receive(receiver);
        let untold = taken.count - told;
        match item {
            Some(item) => {
                taken.add(item);
                backoff.reset();
            }
            None if untold == 0 && left.load(Relaxed) == 0 => return taken,
            None => backoff.snooze(),
        }
        if untold >= STRIDE || (item.is_none() && untold > 0) {
            left.fetch_sub(untold, Relaxed);
            told += untold;
        }
    }
}

fn side<P: Pool>() -> Side {
    (P::NAME, |contest, items| contest.pass::<P>(items))
}

/// Titles.
pub(crate) fn head() {
    println!(
        "| contest | side | ns an item: median (least to most) | times finbox: median, worst |"
    );
    println!("| --- | --- | --- | --- |");
}

/// One row a side. The first is finbox, which the others are divided by, round by round.
pub(crate) fn rows(contest: &Contest, sides: &[Times]) {
    for side in sides {
        let pairs = side.ns.iter().zip(&sides[0].ns);
        let ratios: Vec<f64> = pairs.map(|(side, finbox)| side / finbox).collect();
        let ((least, median, most), (worst, ratio, _)) = (spread(&side.ns), spread(&ratios));
        println!(
            "| {} | {} | {median:.1} ({least:.1} to {most:.1}) | {ratio:.2}, {worst:.2} |",
            contest.name, side.name
        );
    }
}
