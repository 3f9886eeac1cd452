//! SIGINT and SIGTERM: the first asks the run to end, the second ends the process.
//!
//! Guarantees: after the first one the worlds submit nothing more and the report is printed, exit
//! code 130; a second one exits with 130 at once, whatever the process is doing. Refuses: to be
//! undone. Called by the command line, once; libraries that drive worlds decide for themselves.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::report::Verdict;

/// What the first signal sets; handlers are installed on the first call. `None` if the system
/// refuses that: signals end the process then, as without handlers.
pub fn stop_flag() -> Option<&'static AtomicBool> {
    static FLAG: OnceLock<Option<Arc<AtomicBool>>> = OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        install(&flag).ok().map(|()| flag)
    });
    flag.as_deref()
}

fn install(stop: &Arc<AtomicBool>) -> io::Result<()> {
    let code = i32::from(Verdict::Interrupted.exit_code());
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset, and sets it.
        flag::register_conditional_shutdown(signal, code, Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}
