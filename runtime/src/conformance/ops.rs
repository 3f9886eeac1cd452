//! What single operations do to memory, compared with what their descriptions say.
//!
//! Each case is run with its bytes on one rank and across two, between guards that must not change.

use finbox_abi::finbox_op_kind::{
    AccumulateU32, AddCounterF32, AddF32, AddU32, Busy, Copy, FillPattern, FillU32, ScaleF32,
};
use finbox_abi::{finbox_op, finbox_op_kind};

use super::memory::same;
use super::rig::{Judged, LINE, Rig};

/// The finaliser of SplitMix64 behind its increment.
pub(super) const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// An operation of a kind, with nothing in it.
pub(super) fn op(kind: finbox_op_kind) -> finbox_op {
    finbox_op {
        kind: kind as u32,
        ..finbox_op::default()
    }
}

/// A kernel's operation: `count` units from `from` to `to`.
pub(super) fn moves(kind: finbox_op_kind, from: u64, to: u64, count: u64) -> finbox_op {
    finbox_op {
        from,
        to,
        count,
        ..op(kind)
    }
}

/// "Adds `value` to the counter at `to`."
pub(super) fn notify(to: u64, value: u64) -> finbox_op {
    finbox_op {
        to,
        value,
        ..op(finbox_op_kind::Notify)
    }
}

/// One operation on bytes.
struct Case {
    kind: finbox_op_kind,
    count: u64,
    value: u64,
    /// What stands at `from`, and how far behind the beginning of a line that is.
    from: Vec<u8>,
    skew: u64,
    /// What stands at `to` before and after.
    before: Vec<u8>,
    after: Vec<u8>,
}

const GUARD: u8 = 0xC3;

fn guarded(bytes: &[u8], skew: u64) -> Vec<u8> {
    let guard = vec![GUARD; usize::try_from(LINE + skew).expect("two lines")];
    [&guard, bytes, &guard].concat()
}

/// Runs every case, with both ends on one rank and with either end on the neighbour.
fn hold(rig: &mut Rig<'_>, cases: &[Case]) -> Judged {
    for rank in rig.ranks().take(2) {
        let peer = rig.neighbour(rank);
        let mut ways = vec![(rank, rank), (rank, peer), (peer, rank)];
        ways.dedup();
        for (case, way) in cases
            .iter()
            .flat_map(|case| ways.iter().map(move |&way| (case, way)))
        {
            one_case(rig, rank, case, way)?;
        }
    }
    Ok(())
}

fn one_case(rig: &mut Rig<'_>, rank: u32, case: &Case, (from, to): (u32, u32)) -> Judged {
    let &Case {
        kind,
        count,
        value,
        skew,
        ..
    } = case;
    let source = rig.memory_with(from, &guarded(&case.from, skew))?;
    let target = rig.memory_with(to, &guarded(&case.before, 0))?;
    let value = match kind {
        AddCounterF32 => {
            let counter = u32::try_from(value).expect("a counter is a word");
            rig.memory_with(rank, &counter.to_le_bytes())?
        }
        _ => value,
    };
    let operation = finbox_op {
        value,
        ..moves(kind, source + LINE + skew, target + LINE, count)
    };
    let operation = match case.from.is_empty() {
        true => finbox_op {
            from: 0,
            ..operation
        },
        false => operation,
    };
    let (at, _) = rig.work_ops(rank, &[operation])?;
    let after = guarded(&case.after, 0);
    let found = rig.get(target, after.len())?;
    same(&found, &after, || {
        let (name, value) = (kind.name(), case.value);
        format!(
            "a kernel of `load_kernel` with `{name}` (count {count}, value {value:#x}) on {at}, \
             from rank {from} to rank {to}, whose result begins at byte {LINE} between guards of \
             {GUARD:#04x}"
        )
    })?;
    rig.give_back(from, source)?;
    rig.give_back(to, target)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn noise(count: usize) -> Vec<u8> {
    (0..)
        .flat_map(|word| mix(word).to_le_bytes())
        .take(count)
        .collect()
}

pub(super) fn busy(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks().take(2) {
        for value in [0, 1, 1_000, 20_000] {
            rig.work_ops(rank, &[finbox_op { value, ..op(Busy) }])?;
        }
    }
    Ok(())
}

pub(super) fn copy(rig: &mut Rig<'_>) -> Judged {
    let mut cases = Vec::new();
    for (count, skew) in [
        (0, 0),
        (1, 0),
        (2, 3),
        (3, 1),
        (7, 0),
        (64, 0),
        (65, 5),
        (200, 0),
    ] {
        let from = noise(208);
        let mut after = vec![0x11; 208];
        after[..count].copy_from_slice(&from[..count]);
        cases.push(Case {
            kind: Copy,
            count: count as u64,
            value: 0,
            from,
            skew,
            before: vec![0x11; 208],
            after,
        });
    }
    hold(rig, &cases)
}

pub(super) fn fill_u32(rig: &mut Rig<'_>) -> Judged {
    let fills = [
        (0, 7),
        (1, u32::MAX),
        (2, 0),
        (15, 1),
        (16, 0x8000_0000),
        (33, 0xDEAD_BEEF),
    ];
    let cases = fills.map(|(count, value)| {
        let mut after = [0x2222_2222; 40];
        after[..count].fill(value);
        Case {
            kind: FillU32,
            count: count as u64,
            value: value.into(),
            from: Vec::new(),
            skew: 0,
            before: words(&[0x2222_2222; 40]),
            after: words(&after),
        }
    });
    hold(rig, &cases)
}

pub(super) fn fill_pattern(rig: &mut Rig<'_>) -> Judged {
    rig.needs(&[FillPattern])?;
    let fills = [
        (0, 5),
        (1, 0),
        (7, 1),
        (8, u64::MAX),
        (9, 0x0123_4567_89AB_CDEF),
        (100, 1 << 63),
    ];
    let cases = fills.map(|(count, value): (usize, u64)| {
        let pattern = (0..).map(|word| mix(value.wrapping_add(mix(word))));
        let pattern = pattern.flat_map(u64::to_le_bytes).take(count);
        let mut after = vec![0x33; 104];
        after.splice(..count, pattern);
        Case {
            kind: FillPattern,
            count: count as u64,
            value,
            from: Vec::new(),
            skew: 0,
            before: vec![0x33; 104],
            after,
        }
    });
    hold(rig, &cases)
}

/// Cases of an operation that makes a word of a word of `from`, one of `to` and `value`.
fn wordwise(
    kind: finbox_op_kind,
    values: &[u64],
    from: &[u32],
    to: &[u32],
    result: impl Fn(u32, u32, u64) -> u32,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (&value, spared) in values.iter().zip((0..from.len()).cycle()) {
        let count = from.len() - spared;
        let mut after = to.to_vec();
        for (after, from) in after.iter_mut().zip(from).take(count) {
            *after = result(*from, *after, value);
        }
        cases.push(Case {
            kind,
            count: count as u64,
            value,
            from: words(from),
            skew: 0,
            before: words(to),
            after: words(&after),
        });
    }
    if let Some(mut none) = cases.pop() {
        (none.count, none.after) = (0, none.before.clone());
        cases.push(none);
    }
    cases
}

const EDGES: [u32; 9] = [
    0,
    1,
    2,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFE,
    u32::MAX,
    77,
    0xABCD,
];

pub(super) fn add_u32(rig: &mut Rig<'_>) -> Judged {
    rig.needs(&[AddU32])?;
    let values = [1, 0, 0xFFFF_FFFF, 0x8000_0000, 3];
    #[expect(clippy::cast_possible_truncation, reason = "the values are words")]
    let add = |from: u32, _, value| from.wrapping_add(value as u32);
    hold(rig, &wordwise(AddU32, &values, &EDGES, &[9; 9], add))
}

pub(super) fn accumulate_u32(rig: &mut Rig<'_>) -> Judged {
    rig.needs(&[AccumulateU32])?;
    let to = [
        u32::MAX,
        0,
        5,
        1,
        0x8000_0000,
        2,
        u32::MAX,
        0xFFFF_FF00,
        0x1_0000,
    ];
    let add = |from: u32, to: u32, _| to.wrapping_add(from);
    hold(rig, &wordwise(AccumulateU32, &[0; 4], &EDGES, &to, add))
}

/// Sums and products of these are exact, rounded to even, rounded away, zero of either sign,
/// infinite.
const VALUES: [f32; 9] = [
    0.1,
    -0.0,
    0.0,
    16_777_216.0,
    1.0,
    -3.5,
    f32::MAX,
    1.5e-30,
    0.333_333_34,
];

fn float(value: u64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the value")]
    f32::from_bits(value as u32)
}

fn floats(rig: &mut Rig<'_>, kind: finbox_op_kind, result: fn(f32, f32) -> f32) -> Judged {
    rig.needs(&[kind])?;
    let values = [0.1_f32, 1.0, -0.0, 3.0, f32::MAX, 0.5].map(|value| u64::from(value.to_bits()));
    let result = |from, _, value| result(f32::from_bits(from), float(value)).to_bits();
    hold(
        rig,
        &wordwise(kind, &values, &VALUES.map(f32::to_bits), &[0; 9], result),
    )
}

pub(super) fn add_f32(rig: &mut Rig<'_>) -> Judged {
    floats(rig, AddF32, |from, value| from + value)
}

pub(super) fn scale_f32(rig: &mut Rig<'_>) -> Judged {
    floats(rig, ScaleF32, |from, value| from * value)
}

pub(super) fn add_counter_f32(rig: &mut Rig<'_>) -> Judged {
    rig.needs(&[AddCounterF32])?;
    // The third is negative for whoever takes a counter for signed; an f32 has all three.
    let counters = [1, 16_777_215, 3_000_000_000, 0, 2];
    #[expect(clippy::cast_precision_loss, reason = "these are exact")]
    let add = |from, _, counter: u64| (f32::from_bits(from) + counter as f32).to_bits();
    hold(
        rig,
        &wordwise(
            AddCounterF32,
            &counters,
            &VALUES.map(f32::to_bits),
            &[0; 9],
            add,
        ),
    )
}
