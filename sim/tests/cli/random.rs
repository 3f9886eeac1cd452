//! Random arguments: whatever is asked, the answer is one of the contract's, and never a panic.

use crate::{arg, data, finbox};

/// Words that arguments are made of: right ones, nearly right ones, and noise.
const WORDS: &[&str] = &[
    "run",
    "run",
    "run",
    "list",
    "help",
    "check",
    "deferred_notify_demo",
    "deferred_notify_demo",
    "dummy_task",
    "dummy_task",
    "dumy_task",
    "--target",
    "a2a3",
    "a5",
    "--target=a5",
    "--ranks",
    "--ranks=3",
    "--mode",
    "lockstep",
    "parallel",
    "--mode=parallel",
    "--seed",
    "--seed=9",
    "--threads",
    "--threads=1",
    "--cores",
    "--cores=1",
    "--mailbox-slots",
    "--mailbox-slots=2",
    "--deadline-ms",
    "--deadline-ms=1",
    "--deps",
    "--collectives",
    "--submit",
    "--submit=ring-threaded",
    "--command-slots=2",
    "ring",
    "--collectives=model",
    "data",
    "ctrl",
    "--json",
    "--json",
    "--quiet",
    "--help",
    "--version",
    "-h",
    "-V",
    "--",
    "-",
    "0",
    "1",
    "2",
    "3",
    "4",
    "64",
    "65",
    "-1",
    "18446744073709551616",
    "1e3",
    "",
    " ",
    "\u{fffd}\u{1b}[2J",
    ".",
    "..",
    "./nothing",
    "/",
    "/dev/null",
    "--no-such",
    "-x",
    "--target=",
    "=",
    "a\nb",
];

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ word >> 31) % bound as u64).expect("below a usize")
    }
}

#[test]
fn no_arguments_whatever_make_a_panic() {
    let ring = data("ring-allreduce-8");
    let node = data("micro/one_comp_node.0.et");
    let words: Vec<&str> = [WORDS, &[arg(&ring), arg(&node)]].concat();
    let mut dice = Dice(0xF1_4B0C);
    let mut seen = [0; 6];
    for round in 0..300 {
        let mut args: Vec<&str> = if round % 4 == 0 { vec![] } else { vec!["run"] };
        args.extend((0..dice.below(7)).map(|_| words[dice.below(words.len())]));
        let ended = finbox(&args);
        let code = ended.code.unwrap_or_else(|| panic!("killed: {args:?}"));
        let among = usize::try_from(code)
            .ok()
            .and_then(|code| seen.get_mut(code));
        *among.unwrap_or_else(|| panic!("{code}: {args:?}")) += 1;
        let before_end = args.iter().take_while(|word| **word != "--");
        let is_document = before_end.filter(|word| **word == "--json").count() > 0;
        if is_document && !ended.stdout.is_empty() && ended.stdout.starts_with('{') {
            ended.document();
        }
        assert!(code != 2 || !ended.stderr.is_empty(), "{args:?}");
        assert_eq!(seen[1] + seen[5], 0, "{args:?}: {}", ended.stderr);
    }
    assert!(seen[0] > 0 && seen[2] > 0 && seen[3] > 0, "{seen:?}");
}
