//! A function of a device library that does not come back: named, and the process ends.
//!
//! Nobody can interrupt such a function or join its thread. While tasks run, the world looks for it
//! when nothing moves, and tells who is stuck ([`Watched`]); for everything else (opening, copying,
//! loading, the suite, joining) a thread of its own looks ([`Guard`]). Guarantees: no command hangs
//! because of a library. Called by `run` and `show`.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use finbox_runtime::plugin::{DeviceLibrary, Late, Watchdog};
use signal_hook::low_level;

use crate::report::{Code, ErrorReport, Verdict};
use crate::shared::Shared;
use crate::world::{Abandoned, Calls, LONGEST_CALL};

/// How long a call may take while nobody else looks: a board may have to be reset. Longer than it
/// takes the world to find out that nothing moves.
const LONGEST: Duration = Duration::from_secs(20);

/// Time between two looks.
const BETWEEN: Duration = Duration::from_millis(100);

/// Ends the process as stuck, at once: a library whose thread is lost may wait for it when it is
/// unloaded.
pub(super) fn end_stuck() -> ! {
    low_level::exit(Verdict::Stuck.exit_code().into())
}

/// The error of a call that does not come back.
pub(super) fn blocked(message: String) -> ErrorReport {
    ErrorReport::new(Code::DEVICE_BLOCKED, message, Code::DEVICE_BLOCKED.hint)
}

/// A thread that looks for calls that do not come back, until it is dropped.
pub(super) struct Guard {
    /// Dropped, it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    /// Looks at the calls of `library`; `tell` says what it is told, and then the process ends.
    ///
    /// # Errors
    /// The operating system's, if it gives no thread.
    pub(super) fn over(
        library: &DeviceLibrary,
        tell: impl Fn(ErrorReport) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let library = library.clone();
        let look = move || {
            let mut watchdog = Watchdog::new(LONGEST);
            while stopped.recv_timeout(BETWEEN) == Err(RecvTimeoutError::Timeout) {
                if let Some(late) = watchdog.look(library.calls(), Instant::now()).first() {
                    tell(blocked(late.to_string()));
                    end_stuck();
                }
            }
        };
        let thread = thread::Builder::new().name("finbox-watchdog".to_owned());
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread.spawn(look)?),
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It panics nowhere, and if it did there is nothing left for it to do.
            let _ = thread.join();
        }
    }
}

/// The calls of a library, as the world asks for them.
pub(super) struct Watched<'a> {
    library: &'a DeviceLibrary,
    any: Shared<Watchdog>,
    late: Shared<Watchdog>,
    /// Says what it is told; then the process ends.
    tell: &'a (dyn Fn(&Abandoned) + Sync),
}

impl<'a> Watched<'a> {
    pub(super) fn new(library: &'a DeviceLibrary, tell: &'a (dyn Fn(&Abandoned) + Sync)) -> Self {
        Self {
            library,
            any: Shared::new(Watchdog::new(Duration::ZERO)),
            late: Shared::new(Watchdog::new(LONGEST_CALL)),
            tell,
        }
    }

    fn look(&self, watchdog: &Shared<Watchdog>) -> Option<Late> {
        let late = watchdog.lock().look(self.library.calls(), Instant::now());
        late.into_iter().next()
    }
}

impl Calls for Watched<'_> {
    fn is_any_out(&self) -> bool {
        self.look(&self.any).is_some()
    }

    fn lost(&self) -> Option<String> {
        self.look(&self.late).map(|late| late.to_string())
    }

    fn abandon(&self, run: &Abandoned) {
        (self.tell)(run);
        end_stuck();
    }
}
