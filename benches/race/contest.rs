//! One contest: who carries the same messages in how many nanoseconds each.

use std::collections::VecDeque;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use finbox_benches::{End, stay_at};
use finbox_mailbox::Words;
use thingbuf::ThingBuf;

use crate::peers::{Channel, Finbox, Fins, Rtrb};
use crate::plain::Plain;
use crate::queue::{CONDITIONS, DRAIN, Queue, add, words};

/// The column of the finbox that sends the same messages as the others, where the first does not.
pub(crate) const FIVE_MESSAGES: &str = "finbox, five messages";

/// How long a contest goes on.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Rounds, each with every side once.
    pub(crate) rounds: u64,
    /// Messages a side carries in a round.
    pub(crate) messages: u64,
}

/// Who sends, and how much at a time.
#[derive(Clone, Copy)]
pub(crate) struct Contest {
    /// The row's title.
    pub(crate) name: &'static str,
    producers: Option<usize>,
    burst: u32,
}

/// A side's name, its largest number of producers, and one pass of it in ns a message.
type Side = (&'static str, usize, fn(&Contest, u64) -> f64);

/// Nanoseconds a message, one a round, of one side.
pub(crate) struct Times {
    /// The side's name.
    pub(crate) name: &'static str,
    /// In the order of the rounds.
    pub(crate) ns: Vec<f64>,
}

impl Contest {
    /// One thread sends a burst and takes it.
    pub(crate) const fn single(name: &'static str, burst: u32) -> Self {
        Self {
            name,
            producers: None,
            burst,
        }
    }

    /// `producers` threads send bursts to another thread.
    pub(crate) const fn threads(name: &'static str, producers: usize, burst: u32) -> Self {
        Self {
            name,
            producers: Some(producers),
            burst,
        }
    }

    /// All rounds, interleaved. finbox is the first of the sides.
    pub(crate) fn run(&self, size: Size) -> Vec<Times> {
        let is_fin = self.burst == CONDITIONS + 1;
        let sides: [Side; 8] = [
            if is_fin {
                side::<Fins>()
            } else {
                side::<Finbox>()
            },
            side::<Plain>(),
            side::<ArrayQueue<Words>>(),
            side::<Channel>(),
            side::<ThingBuf<Words>>(),
            side::<Rtrb>(),
            side::<Mutex<VecDeque<Words>>>(),
            (
                FIVE_MESSAGES,
                if is_fin { usize::MAX } else { 0 },
                side::<Finbox>().2,
            ),
        ];
        let fits = |side: &&(_, usize, _)| self.producers.unwrap_or(1) <= side.1;
        let sides: Vec<_> = sides.iter().filter(fits).collect();
        let mut times: Vec<Times> = sides
            .iter()
            .map(|side| Times {
                name: side.0,
                ns: Vec::new(),
            })
            .collect();
        for round in 0..size.rounds as usize {
            for step in 0..sides.len() {
                // Another side goes first each time.
                let at = (round + step) % sides.len();
                times[at].ns.push(sides[at].2(self, size.messages));
            }
        }
        times
    }

    fn pass<Q: Queue>(&self, messages: u64) -> f64 {
        match self.producers {
            None => self.pass_alone::<Q>(messages),
            Some(producers) => self.pass_threads::<Q>(messages, producers as u64),
        }
    }

    fn pass_alone<Q: Queue>(&self, messages: u64) -> f64 {
        let mut queue = Q::new();
        let (mut senders, mut receiver) = queue.ends(1);
        let bursts = messages / u64::from(self.burst);
        let mut sum = 0;
        let begin = Instant::now();
        for _ in 0..bursts {
            assert_eq!(Q::send(&mut senders[0], 0, self.burst), self.burst);
            assert_eq!(Q::receive(&mut receiver, self.burst, &mut sum), self.burst);
        }
        let took = begin.elapsed();
        assert_eq!(sum, self.sum(bursts), "{} changed a message", Q::NAME);
        took.as_nanos() as f64 / (bursts * u64::from(self.burst)) as f64
    }

    fn pass_threads<Q: Queue>(&self, messages: u64, producers: u64) -> f64 {
        let mut queue = Q::new();
        let (senders, mut receiver) = queue.ends(producers as usize);
        let bursts = messages / u64::from(self.burst) / producers;
        let wanted = bursts * producers * u64::from(self.burst);
        let start = Barrier::new(producers as usize + 1);
        let (mut taken, mut sum) = (0, 0);
        let took = thread::scope(|scope| {
            let mut begins = Vec::new();
            for (nth, mut sender) in senders.into_iter().enumerate() {
                let start = &start;
                begins.push(scope.spawn(move || {
                    stay_at(End::Sending, nth);
                    start.wait();
                    let begin = Instant::now();
                    (0..bursts).for_each(|_| self.send_burst::<Q>(&mut sender));
                    begin
                }));
            }
            stay_at(End::Taking, 0);
            start.wait();
            let backoff = Backoff::new();
            while taken < wanted {
                match Q::receive(&mut receiver, DRAIN, &mut sum) {
                    0 => backoff.snooze(),
                    some => {
                        taken += u64::from(some);
                        backoff.reset();
                    }
                }
            }
            let end = Instant::now();
            let begins = begins.into_iter().map(|sender| sender.join());
            let begin = begins.map(|begin| begin.expect("no side panics")).min();
            end - begin.expect("there is a producer")
        });
        assert_eq!(
            (taken, sum),
            (wanted, self.sum(bursts * producers)),
            "{}",
            Q::NAME
        );
        took.as_nanos() as f64 / wanted as f64
    }

    fn send_burst<Q: Queue>(&self, sender: &mut Q::Sender<'_>) {
        let (mut sent, backoff) = (0, Backoff::new());
        while sent < self.burst {
            match Q::send(sender, sent, self.burst) {
                0 => backoff.snooze(),
                some => {
                    sent += some;
                    backoff.reset();
                }
            }
        }
    }

    fn sum(&self, bursts: u64) -> u64 {
        let mut sum = 0;
        (0..self.burst).for_each(|index| add(&mut sum, &words(index)));
        sum.wrapping_mul(bursts)
    }
}

fn side<Q: Queue>() -> Side {
    (Q::NAME, Q::PRODUCERS, |contest, messages| {
        contest.pass::<Q>(messages)
    })
}
