//! Chip families by the numbers that cross the C ABI.

use finbox_scheduler::Target;

#[cfg(feature = "a2a3")]
mod a2a3 {
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = Some(&finbox_scheduler::A2A3);
}
#[cfg(not(feature = "a2a3"))]
mod a2a3 {
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = None;
}
#[cfg(feature = "a5")]
mod a5 {
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = Some(&finbox_scheduler::A5);
}
#[cfg(not(feature = "a5"))]
mod a5 {
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = None;
}

/// A chip family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// Its number in [`finbox_machine`](finbox_abi::finbox_machine).
    pub(super) number: u32,
    /// Its name.
    pub(super) name: &'static str,
    /// Its facts, if this program was built for it.
    pub(super) target: Option<&'static Target>,
}

/// All of them.
const FAMILIES: [Family; 2] = [
    Family {
        number: 1,
        name: "a2a3",
        target: a2a3::TARGET,
    },
    Family {
        number: 2,
        name: "a5",
        target: a5::TARGET,
    },
];

/// The family with this number.
pub(super) fn of_number(number: u32) -> Option<Family> {
    FAMILIES.into_iter().find(|family| family.number == number)
}

/// The number of a target's family.
pub(super) fn number_of(target: &Target) -> u32 {
    let mut families = FAMILIES.into_iter();
    let family = families.find(|family| family.name == target.name);
    family.expect("every target has a number in the ABI").number
}
