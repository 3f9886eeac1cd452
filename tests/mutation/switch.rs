//! Which mutant of this process is live. Copied beside the sources that are mutated, and nowhere
//! else: constants are evaluated without any.

extern crate std;

use core::intrinsics::const_eval_select;
use core::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs::OpenOptions, io::Write};

/// The mutant's number, from 1, or `reached`: then each number that is asked about is written to
/// the file that the other variable names, once.
const LIVE: &str = "FINBOX_MUTANT";
const REACHED: &str = "FINBOX_REACHED";

const UNREAD: u32 = u32::MAX;
const RECORDING: u32 = u32::MAX - 1;
const WORDS: usize = 256;

static STATE: AtomicU32 = AtomicU32::new(UNREAD);
static SEEN: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

/// Whether mutant `number` is live.
#[inline(always)]
pub const fn is(number: u32) -> bool {
    const_eval_select((number,), in_a_constant, at_run_time)
}

const fn in_a_constant(_: u32) -> bool {
    false
}

#[inline(always)]
fn at_run_time(number: u32) -> bool {
    let state = STATE.load(Ordering::Relaxed);
    state == number || state >= RECORDING && first(state, number)
}

#[cold]
#[inline(never)]
fn first(state: u32, number: u32) -> bool {
    if state == UNREAD {
        let word = env::var(LIVE).unwrap_or_default();
        let state = match word.as_str() {
            "reached" => RECORDING,
            number => number.parse().unwrap_or(0),
        };
        STATE.store(state, Ordering::Relaxed);
        return at_run_time(number);
    }
    let bit = 1 << (number % 32);
    let word = &SEEN[number as usize / 32];
    if word.load(Ordering::Relaxed) & bit == 0 && word.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
        let path = env::var_os(REACHED).expect("whoever records says where to");
        let file = OpenOptions::new().append(true).create(true).open(path);
        let mut file = file.expect("a file that can be written");
        file.write_all(&number.to_le_bytes()).expect("room on disk");
    }
    false
}
