//! Events: copies by the device itself, and the word that says how far they are.

use finbox_abi::{FINBOX_FEATURE_EVENTS, finbox_event, finbox_event_copy};

use super::rig::{Judged, LINE, Rig, Stop, demand};

const BYTES: usize = 1_000;
/// Values of neighbouring copies are so far apart: an event moves in steps of any size.
const STEP: u64 = 3;

/// Opens an event of rank 0, or skips the check.
fn opened(rig: &Rig<'_>) -> Judged<finbox_event> {
    let Some(events) = rig.machine.events() else {
        let bit = FINBOX_FEATURE_EVENTS.trailing_zeros();
        return Err(Stop::Skip(format!(
            "its `features` do not name events (bit {bit})"
        )));
    };
    let opened = events.open_event(0);
    opened.map_err(|error| Stop::Fail(format!("`event_open` of rank 0: {error}")))
}

/// Values, bytes, order, and what is refused.
pub(super) fn copies(rig: &mut Rig<'_>) -> Judged {
    let event = opened(rig)?;
    let judged = judge(rig, &event);
    let events = rig.machine.events();
    let closed = events.map_or(Ok(()), |events| events.close_event(&event));
    judged?;
    closed.map_err(|error| Stop::Fail(format!("`event_close` behind the last copy: {error}")))
}

fn copy(rig: &Rig<'_>, event: &finbox_event, what: &finbox_event_copy) -> Result<(), String> {
    let events = rig.machine.events();
    let events = events.ok_or("the machine has no events any more")?;
    let copied = events.event_copy(event, what);
    copied.map_err(|error| error.to_string())
}

fn judge(rig: &mut Rig<'_>, event: &finbox_event) -> Judged {
    let far = rig.neighbour(0);
    let (from, to) = (rig.memory(0, BYTES as u64)?, rig.memory(far, BYTES as u64)?);
    let first = rig.sees_u64(0, event.word);
    demand!(
        first == 0,
        "an event's word begins at 0; the one at {:#x} says {first}",
        event.word
    );
    let mut value = 0;
    for round in rig.rounds() {
        let byte = u8::try_from(round % 251).unwrap_or_default() + 1;
        rig.put(from, &[byte; BYTES])?;
        value += STEP;
        let what = finbox_event_copy {
            value,
            to,
            from,
            size_bytes: BYTES as u64,
        };
        copy(rig, event, &what).map_err(Stop::Fail)?;
        reached(rig, event, value)?;
        let found = rig.get(to, BYTES)?;
        demand!(
            found.iter().all(|&found| found == byte),
            "the event's word says {value}, and not all of the {BYTES} bytes at {to:#x} are the \
             copy's"
        );
    }
    let again = finbox_event_copy {
        value,
        to,
        from,
        size_bytes: LINE,
    };
    demand!(
        copy(rig, event, &again).is_err(),
        "`event_copy` took the value {value} again; an event's values grow"
    );
    let nowhere = finbox_event_copy {
        value: value + 1,
        to: 0,
        ..again
    };
    demand!(
        copy(rig, event, &nowhere).is_err(),
        "`event_copy` took bytes at null, which nobody gave out"
    );
    demand!(
        rig.sees_u64(0, event.word) == value,
        "what `event_copy` refused moved the event's word"
    );
    Ok(())
}

/// Waits until the word says `value`: never beyond, and not before.
fn reached(rig: &Rig<'_>, event: &finbox_event, value: u64) -> Judged {
    let word = event.word;
    let found = rig.wait_for(
        || format!("the event's word at {word:#x} to say {value}"),
        || {
            let now = rig.sees_u64(0, word);
            let is_old = now == value - STEP;
            (!is_old).then_some(now)
        },
    )?;
    demand!(
        found == value,
        "the event's word at {word:#x} became {found} where the copy's value is {value}"
    );
    Ok(())
}
