//! Row 41 of the fault model through C: a function of a port that does not return is named.

use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::Machine;
use finbox_runtime::plugin::{OpenOptions, PluginMachine, Watchdog};
use finbox_scheduler::{CoreId, Port};

use crate::built::{have_cc, whole};

#[test]
fn f41_a_function_that_does_not_return_is_named_with_core_and_thread() {
    if !have_cc() {
        return;
    }
    let options = OpenOptions {
        options: "block=1".into(),
        ..OpenOptions::default()
    };
    let machine = &PluginMachine::open(&whole(), &options).expect("it opens");
    thread::scope(|scope| {
        let handler = thread::Builder::new().name("fin 0".into());
        let wait = || machine.port(0).load_cond(CoreId(2));
        let blocked = handler.spawn_scoped(scope, wait).expect("a thread");
        let budget = Duration::from_secs(5);
        let mut watchdog = Watchdog::new(budget);
        let (begin, mut now) = (Instant::now(), Instant::now());
        // The thread goes in when it likes; time passes a budget a look, for the watchdog.
        let late = loop {
            let late = watchdog.look(machine.calls(), now);
            if let Some(late) = late.into_iter().next() {
                break Some(late);
            }
            if begin.elapsed() > Duration::from_secs(60) {
                break None;
            }
            now += budget;
            thread::yield_now();
        };
        while !blocked.is_finished() {
            machine.port(0).store_u64(0, 0);
            thread::yield_now();
        }
        let late = late.expect("a call that did not return for a minute was not seen");
        let said = late.to_string();
        assert!(
            said.starts_with("`load_cond` of core 2 has not returned for "),
            "{said}"
        );
        assert!(said.contains("called by thread `fin 0`"), "{said}");
        assert!(late.is_new && late.elapsed >= budget);
        assert!(watchdog.look(machine.calls(), now + budget).is_empty());
    });
}
