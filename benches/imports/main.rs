//! How fast a Chakra trace is loaded, and how much memory that takes.
//!
//! `cargo bench -p finbox-benches --bench imports`, or with `-- ROUNDS COPIES` for other sizes (11
//! and 20). The trace is one that was recorded, `tests/data/chakra/mlcommons`, several times behind
//! itself under new ids, its edges leading into the first copy, without compression; loaded is all
//! that a run needs: read, checked, ordered.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use finbox_sim::workload::chakra::{Options, load};
use flate2::read::GzDecoder;

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/data/chakra/mlcommons/chakra.0.et"
);
/// Tag of a node's field 1, its id, as a varint.
const ID: u8 = 1 << 3;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let rounds = numbers.first().map_or(11, |&rounds| rounds.max(3));
    let copies = numbers.get(1).map_or(20, |&copies| copies.max(1));
    let trace = Trace::of(copies as u64);
    let megabytes = trace.bytes as f64 / 1e6;
    // What the peak was so far is forgotten: making the trace took memory too.
    let is_forgotten = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = peak_bytes();
    let mut times = Vec::new();
    let mut nodes = 0;
    for _ in 0..rounds {
        let begin = Instant::now();
        let loaded = load(&trace.path, &Options::default()).expect("a recorded trace");
        times.push(begin.elapsed().as_secs_f64());
        nodes = loaded.order.len();
    }
    times.sort_by(f64::total_cmp);
    let rate = |at: usize| megabytes / times[at];
    println!("{megabytes:.1} MB, {nodes} nodes, {rounds} rounds\n");
    println!("| MB/s: median | least | most | peak memory, times the file |");
    println!("| --- | --- | --- | --- |");
    let memory = match is_forgotten {
        true => format!("{:.2}", (peak_bytes() - before) as f64 / trace.bytes as f64),
        false => "not measured: the peak so far cannot be forgotten here".to_owned(),
    };
    println!(
        "| {:.0} | {:.0} | {:.0} | {memory} |",
        rate(rounds / 2),
        rate(rounds - 1),
        rate(0)
    );
}

/// A trace file that is gone when this is dropped.
struct Trace {
    path: PathBuf,
    bytes: u64,
}

impl Trace {
    fn of(copies: u64) -> Self {
        let mut recorded = Vec::new();
        let file = fs::File::open(RECORDED).expect("the recorded trace");
        GzDecoder::new(file)
            .read_to_end(&mut recorded)
            .expect("it is gzip");
        let frames = frames(&recorded);
        let (metadata, nodes) = frames.split_first().expect("it is not empty");
        let stride = 1 + nodes
            .iter()
            .map(|node| id(node))
            .max()
            .expect("it has nodes");
        let mut bytes = Vec::new();
        frame(&mut bytes, &[metadata]);
        for copy in 0..copies {
            for node in nodes {
                // Of a field that stands twice the last one counts.
                let mut renamed = vec![ID];
                varint(&mut renamed, id(node) + copy * stride);
                frame(&mut bytes, &[node, &renamed]);
            }
        }
        let path = std::env::temp_dir().join(format!("finbox-{}.0.et", std::process::id()));
        fs::write(&path, &bytes).expect("there is room");
        let bytes = bytes.len() as u64;
        Self { path, bytes }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _it_is_only_temporary = fs::remove_file(&self.path);
    }
}

/// The messages of a file: each behind its length.
fn frames(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = read_varint(bytes);
        let (frame, rest) = rest.split_at(usize::try_from(length).expect("it is in memory"));
        frames.push(frame);
        bytes = rest;
    }
    frames
}

fn frame(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    varint(bytes, parts.iter().map(|part| part.len() as u64).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

fn id(node: &[u8]) -> u64 {
    match node {
        [ID, rest @ ..] => read_varint(rest).0,
        _ => 0,
    }
}

fn read_varint(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let (varint, rest) = bytes.split_at(length);
    let low = |byte: &u8| u64::from(byte & 0x7F);
    (
        varint
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 7 | low(byte)),
        rest,
    )
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// The most memory this process had so far; 0 where that is not told.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
