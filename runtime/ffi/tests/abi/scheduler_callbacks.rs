//! Functions of a port that do what they must not, and two threads in one role.

use std::env;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use finbox::*;

use crate::chip::{HANG, NOTHING, Prank};
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, answer, task};

const BUSY: finbox_status = finbox_status::Busy;

/// A function of the port that stays, and the ends of this test's side.
fn stay(rig: &Rig, function: &'static str) -> (Receiver<()>, Sender<()>) {
    let ((said, inside), (let_go, release)) = (channel(), channel());
    rig.chip.play(function, Prank::Stay(said, release));
    (inside, let_go)
}

/// A core of a handler with something in flight; the handler.
fn engaged(rig: &Rig) -> u32 {
    rig.submit(&task(1, HANG), &[]);
    rig.dispatch().handlers.trailing_zeros()
}

#[test]
fn a_handler_that_is_none_is_refused_with_how_many_there_are() {
    let rig = Rig::new();
    for handler in [2, 8, u32::MAX] {
        assert_eq!(rig.fin(handler), finbox_status::InvalidArgument);
        let said = format!("FIN handler {handler}: there are 2, counted from 0");
        assert_eq!(last_error(), said);
    }
}

/// Faults 29 and 41: a second thread in a role is refused, and told what the first one is inside.
#[test]
fn f29_a_role_is_one_threads_and_the_second_is_told_which_callback_the_first_is_in() {
    let rig = Rig::new();
    let handler = engaged(&rig);
    let (inside, let_go) = stay(&rig, "load_cond");
    thread::scope(|scope| {
        let first = scope.spawn(|| rig.fin(handler));
        inside.recv().expect("the first thread is in its callback");
        assert_eq!(rig.fin(handler), BUSY);
        let said = last_error();
        let start = format!("another call has FIN handler {handler}, inside `load_cond` of core ");
        assert!(said.starts_with(&start), "{said}");
        assert_eq!(rig.fin(1 - handler), OK, "another handler is another role");
        assert_eq!(rig.destroy(), BUSY);
        assert_eq!(c!(finbox_scheduler_start(rig.at())), BUSY);
        let mut count = 0;
        let asked = c!(finbox_scheduler_stalls(
            rig.at(),
            std::ptr::null_mut(),
            0,
            &mut count
        ));
        assert_eq!(asked, BUSY);
        assert_eq!(
            rig.try_submit(&task(2, NOTHING), &[]).0,
            OK,
            "submission is another role"
        );
        drop(let_go);
        assert_eq!(first.join().expect("it comes back"), OK);
    });
    assert_eq!(rig.fin(handler), OK);
    assert_eq!(rig.destroy(), OK);
}

/// Fault 29: two dispatchers.
#[test]
fn f29_a_second_dispatcher_is_refused_while_the_first_is_inside() {
    let rig = Rig::new();
    rig.submit(&task(1, NOTHING), &[]);
    let (inside, let_go) = stay(&rig, "ring_doorbell");
    thread::scope(|scope| {
        let first = scope.spawn(|| rig.dispatch().progress);
        inside.recv().expect("the first thread is in its callback");
        assert_eq!(try_dispatch(&rig), BUSY);
        let said = last_error();
        let start = "another call has dispatch, inside `ring_doorbell` of core ";
        assert!(said.starts_with(start), "{said}");
        drop(let_go);
        assert_eq!(first.join().expect("it comes back"), 1);
    });
    assert_eq!(try_dispatch(&rig), OK);
}

fn try_dispatch(rig: &Rig) -> finbox_status {
    let mut pass = answer!(finbox_pass {
        deadline_ns,
        progress,
        watching,
        handlers,
        polled
    });
    c!(finbox_scheduler_dispatch_pass(rig.at(), &mut pass))
}

/// Fault 29: the library's own threads have their roles, too.
#[test]
fn f29_while_the_librarys_threads_run_nobody_else_passes() {
    let rig = Rig::new();
    assert_eq!(c!(finbox_scheduler_start(rig.at())), OK);
    assert_eq!(try_dispatch(&rig), finbox_status::Started);
    assert_eq!(rig.fin(0), finbox_status::Started);
    let said = "the library's threads run this scheduler: stop them first";
    assert_eq!(last_error(), said);
    assert_eq!(c!(finbox_scheduler_stop(rig.at())), OK);
    assert_eq!(try_dispatch(&rig), OK);
}

/// Fault 41: re-entry.
#[test]
fn f41_a_callback_that_calls_the_library_is_refused_and_harms_nothing() {
    let rig = Rig::new();
    let handler = engaged(&rig);
    let (said, heard) = channel();
    let at = rig.at().addr();
    let call = move || {
        let at = std::ptr::with_exposed_provenance_mut::<finbox_scheduler>(at);
        let mut count = 0;
        let calls = [
            c!(finbox_scheduler_fin_pass(at, handler, std::ptr::null_mut())),
            c!(finbox_scheduler_fin_pass(
                at,
                1 - handler,
                std::ptr::null_mut()
            )),
            c!(finbox_scheduler_submit(
                at,
                &task(2, NOTHING),
                std::ptr::null_mut()
            )),
            c!(finbox_scheduler_stalls(
                at,
                std::ptr::null_mut(),
                0,
                &mut count
            )),
            c!(finbox_scheduler_wait(at, std::ptr::null(), 0, 0)),
            c!(finbox_scheduler_stop(at)),
            c!(finbox_scheduler_destroy(at)),
        ];
        let _ = said.send((calls, last_error()));
    };
    let _ = rig.at().expose_provenance();
    rig.chip.play("load_cond", Prank::Call(Box::new(call)));
    assert_eq!(rig.fin(handler), OK);
    let (calls, text) = heard.recv().expect("the callback called");
    assert_eq!(calls, [finbox_status::Reentered; 7]);
    let expected = "a callback of this port is running; it cannot be used from inside it";
    assert_eq!(text, expected);
    assert_eq!(rig.ledger().submitted, 1);
    assert_eq!(rig.destroy(), OK);
}

/// Fault 40: run as a child of itself, because it ends.
#[test]
fn f40_a_callback_that_panics_ends_the_process_and_is_named() {
    const CHILD: &str = "FINBOX_TEST_PANICS";
    const NAME: &str =
        "scheduler_callbacks::f40_a_callback_that_panics_ends_the_process_and_is_named";
    if env::var_os(CHILD).is_some() {
        let rig = Rig::new();
        let handler = engaged(&rig);
        rig.chip.play("load_cond", Prank::Panic);
        let status = rig.fin(handler);
        panic!("it came back with {status:?}");
    }
    let exe = env::current_exe().expect("a running test has a path");
    let mut child = Command::new(exe);
    child.args([NAME, "--exact", "--nocapture"]).env(CHILD, "1");
    let output = child.output().expect("a test starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = "panicked or threw; a port's function must do neither";
    assert!(said.contains("finbox: `load_cond` of core "), "{said}");
    assert!(
        said.contains(expected) && !said.contains("it came back"),
        "{said}"
    );
    assert_eq!(output.status.code(), None, "ended by a signal");
}
