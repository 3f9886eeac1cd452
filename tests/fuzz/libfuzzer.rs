//! The door to libFuzzer, whose `main` this binary has: `FINBOX_FUZZ` names the target.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static CHOSEN: LazyLock<crate::Target> = LazyLock::new(|| {
    let name = std::env::var("FINBOX_FUZZ").unwrap_or_default();
    crate::find(&name).unwrap_or_else(|| panic!("FINBOX_FUZZ={name} names no target"))
});

fuzz_target!(|data: &[u8]| CHOSEN(data));
