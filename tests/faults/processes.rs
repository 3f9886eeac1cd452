//! Row 21 with a real second process: it shares a mapped mailbox and is killed with SIGKILL.
//!
//! The second process is this test binary, asked for the test that started it; a variable in its
//! environment says that it is the one to be killed. It uses the mailbox as any process would: to
//! die between claim and publish it claims, says so, and waits.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread;

use finbox_mailbox::{
    AttachError, Consumer, Done, Message, PlaceError, PushError, Salvage, SlotBits, region_lines,
};

use crate::mapping::Mapping;

const VARIABLE: &str = "FINBOX_TEST_SHARES";
const SLOTS: u32 = 8;
const CLAIM_LINES: usize = 2;

fn done(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

fn task_of(words: &[u64; 7]) -> u64 {
    match Message::decode(words, 1) {
        Ok(Message::NormalDone(message)) => message.task,
        other => panic!("not what was pushed: {other:?}"),
    }
}

fn own_name() -> NonZeroU32 {
    NonZeroU32::new(process::id()).expect("no process has the number 0")
}

/// A second process, killed when this goes.
struct Second {
    child: Child,
    says: BufReader<process::ChildStdout>,
}

impl Second {
    /// Starts the test `name` of this binary as the second process on the file at `path`.
    fn start(name: &str, path: &Path) -> Self {
        let mut child = Command::new(env::current_exe().expect("a running test has a path"))
            .args(["--exact", name, "--nocapture", "--quiet"])
            .env(VARIABLE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test binary can be started again");
        let says = BufReader::new(child.stdout.take().expect("piped above"));
        Self { child, says }
    }

    fn name(&self) -> NonZeroU32 {
        NonZeroU32::new(self.child.id()).expect("no process has the number 0")
    }

    /// Waits until it says that it stands where it is to be killed.
    fn await_ready(&mut self) {
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            line.clear();
            let read = self.says.read_line(&mut line);
            assert!(read.expect("a pipe can be read") > 0, "it ended before");
        }
    }

    /// SIGKILL, and waits until it is gone.
    fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        let status = self.child.wait().expect("a child can be waited for");
        assert_eq!(status.code(), None, "it was killed, and did not end");
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file that this process shares as the second one, if it is the second one.
fn shared_as_second() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(PathBuf::from)
}

/// Waits to be killed, or for the end of the first process and of its end of the pipe.
fn die_with_the_first() -> ! {
    let _ = io::stdin().read(&mut [0]);
    process::exit(1);
}

/// What a recovery finds: tasks, and for each missing position where it is and who left it.
fn recover(consumer: &mut Consumer<'_>) -> (Vec<u64>, Vec<(u64, Option<NonZeroU32>)>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    consumer.recover(u32::MAX, |ticket, salvage| match salvage {
        Salvage::Message(words) => found.push(task_of(words)),
        Salvage::Missing(claimers) => missing.push((ticket.position(), claimers.name)),
    });
    (found, missing)
}

/// The memory of a dead process is a mailbox again, once it is known dead.
fn place_anew(mapping: &Mapping, consumer: &mut Consumer<'_>, dead: NonZeroU32) {
    assert!(matches!(mapping.attach(), Err(AttachError::Condemned)));
    let refused = mapping.place(SLOTS, 0).map(|_| ());
    assert_eq!(refused, Err(PlaceError::Attached { name: dead.get() }));
    assert_eq!(consumer.bury(dead), 1);
    let (_, mut consumer) = mapping.place(SLOTS, 0).expect("nobody is attached");
    let mut own = mapping.attach().expect("it stands").register(own_name());
    let own = own.as_mut().expect("all lines are free");
    assert_eq!(own.push(&done(5)), Ok(()));
    assert_eq!(recover(&mut consumer), (vec![5], vec![]));
}

#[test]
fn f21_a_process_killed_between_claim_and_publish_is_named_and_survived() {
    const NAME: &str =
        "processes::f21_a_process_killed_between_claim_and_publish_is_named_and_survived";
    if let Some(path) = shared_as_second() {
        let mapping = Mapping::open(&path);
        let producer = mapping.attach().expect("it was placed");
        let mut own = producer.register(own_name()).expect("a line is free");
        own.push(&done(1)).expect("there is room");
        let mut claimed = own.claim(3).expect("there is room");
        claimed.publish(&done(2));
        println!("ready");
        die_with_the_first();
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mailbox");
    let lines = region_lines(SLOTS) + CLAIM_LINES;
    let mapping = Mapping::create(&path, lines, 0xAA);
    let start = u64::MAX - 2;
    let (producer, mut consumer) = mapping.place(SLOTS, start).expect("it fits");
    let mut second = Second::start(NAME, &path);
    second.await_ready();
    let dead = second.name();
    second.kill();
    for task in [10, 11] {
        assert_eq!(producer.push(&done(task)), Ok(()), "others go on");
    }
    let mut drained = Vec::new();
    consumer.drain(u32::MAX, |_, words| drained.push(task_of(words)));
    assert_eq!(drained, [1, 2]);
    let gap = consumer.gap().expect("two positions are missing");
    assert_eq!(
        (gap.position, gap.claimers.name),
        (start.wrapping_add(2), Some(dead))
    );
    let missing = [2, 3].map(|offset| (start.wrapping_add(offset), Some(dead)));
    assert_eq!(recover(&mut consumer), (vec![10, 11], missing.to_vec()));
    assert_eq!(producer.push(&done(12)), Err(PushError::Condemned));
    place_anew(&mapping, &mut consumer, dead);
}

/// Killed at whatever instruction it happens to be at: what it got accepted is a gapless row, of
/// which only the last batch may be missing, and what is missing has its name.
#[test]
fn f21_a_process_killed_anywhere_loses_nothing_but_its_last_batch() {
    const NAME: &str = "processes::f21_a_process_killed_anywhere_loses_nothing_but_its_last_batch";
    const BATCH: u32 = 3;
    if let Some(path) = shared_as_second() {
        let mapping = Mapping::open(&path);
        let producer = mapping.attach().expect("it was placed");
        let mut own = producer.register(own_name()).expect("a line is free");
        thread::spawn(|| die_with_the_first());
        let mut next = 0;
        loop {
            next += u64::from(own.push_batch(BATCH, |i| done(next + u64::from(i))));
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for round in 0..12 {
        let path = folder.path().join(round.to_string());
        let lines = region_lines(SLOTS) + CLAIM_LINES;
        let mapping = Mapping::create(&path, lines, 0xAA);
        let (_, mut consumer) = mapping.place(SLOTS, 0).expect("it fits");
        let mut second = Second::start(NAME, &path);
        let dead = second.name();
        let mut seen = Vec::new();
        while seen.len() < 500 + round * 97 {
            consumer.drain(u32::MAX, |_, words| seen.push(task_of(words)));
            thread::yield_now();
        }
        second.kill();
        let (found, missing) = recover(&mut consumer);
        seen.extend(found);
        assert!(seen.iter().copied().eq(0..seen.len() as u64), "a row");
        assert!(missing.len() <= BATCH as usize, "{missing:?}");
        for (offset, lost) in (0..).zip(missing) {
            assert_eq!(lost, (seen.len() as u64 + offset, Some(dead)));
        }
        assert_eq!(consumer.bury(dead), 1);
        assert!(mapping.place(SLOTS, 0).is_ok());
    }
}
