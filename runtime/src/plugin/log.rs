//! What a device library logs, handed on to `tracing` with the target `finbox::device`.

use std::ffi::c_char;
use std::panic::catch_unwind;

use finbox_abi::{finbox_log_level, finbox_text};

use super::text;

const ERROR: u32 = finbox_log_level::Error as u32;
const WARN: u32 = finbox_log_level::Warn as u32;
const INFO: u32 = finbox_log_level::Info as u32;

/// The `log` of a [`finbox_device_host`](finbox_abi::finbox_device_host). A level that is not
/// known counts as the least.
///
/// # Safety
/// The text is readable for its length, or null.
pub(super) unsafe extern "C-unwind" fn line(level: u32, bytes: *const c_char, length: usize) {
    // SAFETY: by the caller's word.
    let text = unsafe { text::copied(finbox_text { bytes, length }) };
    // Whoever subscribed may panic; the library is not to learn of it.
    let told = catch_unwind(|| match level {
        ERROR => tracing::error!(target: "finbox::device", "{text}"),
        WARN => tracing::warn!(target: "finbox::device", "{text}"),
        INFO => tracing::info!(target: "finbox::device", "{text}"),
        _ => tracing::debug!(target: "finbox::device", "{text}"),
    });
    drop(told);
}

#[cfg(test)]
mod tests {
    use super::line;
    use std::fmt;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    /// Keeps level, target and text of every event.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<(Level, String, String)>>>);

    struct Text(String);

    impl Visit for Text {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }

    impl Subscriber for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut text = Text(String::new());
            event.record(&mut text);
            let of = event.metadata();
            assert_ne!(text.0, "panic", "as a subscriber might");
            let line = (*of.level(), of.target().into(), text.0);
            self.0.lock().expect("nothing panics under it").push(line);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn log(level: u32, text: &str) {
        // SAFETY: a text that is there.
        unsafe { line(level, text.as_ptr().cast(), text.len()) };
    }

    #[test]
    fn a_librarys_log_goes_to_tracing_and_no_panic_comes_back() {
        let kept = Kept::default();
        tracing::subscriber::with_default(kept.clone(), || {
            log(1, "a core hangs");
            log(2, "panic");
            log(2, "slow");
            log(3, "ready");
            log(77, "bits");
        });
        let lines = kept.0.lock().expect("nothing panics under it").clone();
        let target = || String::from("finbox::device");
        let line = |level, text: &str| (level, target(), String::from(text));
        let expected = [
            line(Level::ERROR, "a core hangs"),
            line(Level::WARN, "slow"),
            line(Level::INFO, "ready"),
            line(Level::DEBUG, "bits"),
        ];
        assert_eq!(lines, expected);
    }
}
