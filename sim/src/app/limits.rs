//! The limits that a workload brings along, made to fit the faults it is to survive.

use crate::fault::Faults;
use crate::workload::Limits;
use crate::world::Settings;

/// A slot rests until the last token of its last task has come, which a lost one never does: with
/// `faults` there are slots for two tokens a lane more.
pub(super) fn limited(usual: Settings, limits: Option<&Limits>, faults: &Faults) -> Settings {
    let Some(limits) = limits else {
        return usual;
    };
    let resting = match faults.are_harmless() {
        true => 0,
        false => 2 * (u32::from(limits.cores) + 1),
    };
    Settings {
        cores: limits.cores,
        handlers: limits.handlers,
        mailbox_slots: limits.mailbox_slots,
        task_slots: Some(limits.task_slots.saturating_add(resting)),
        edge_nodes: Some(limits.edge_nodes),
        condition_room: Some(limits.condition_room),
        // Output memory of a resting slot rests too: then there is room for all of it.
        heap_bytes: faults.are_harmless().then_some(limits.heap_bytes),
        ..usual
    }
}
