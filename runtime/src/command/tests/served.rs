//! A processor at a place of its own: drained from any thread, served by one of its own.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use finbox_mailbox::{Cell, Header};

use super::fixture::{Device, EPOCH, LONG_NS, add, launch};
use crate::command::{Arrival, Board, HostClock, ServeError, Served, Submitter, command_ring};

const PATIENCE: Duration = Duration::from_secs(60);
const COUNTER: u64 = 8;

/// What lives for ever, where whoever looks for leaks finds it.
static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// Addresses of a header, its cells and a board.
type Kept = (usize, usize, usize);

/// A ring of 8 packets for ever, as a library that lives as long as the process has it.
fn served() -> (Submitter<'static>, Served<Device<'static>, HostClock>) {
    let cells: Vec<Cell> = (0..8).map(|_| Cell::default()).collect();
    let ring = (Box::leak(Box::default()) as &mut Header, cells.leak());
    let board: &'static mut Board = Box::leak(Box::default());
    let kept = (
        &raw const *ring.0 as usize,
        ring.1.as_ptr() as usize,
        &raw const *board as usize,
    );
    KEPT.lock().expect("no panic").push(kept);
    let mut device = Device::with_counters(&[(COUNTER, 0)]);
    device.panics_at = Some(13);
    let (submitter, processor) = command_ring(ring, board, (0, EPOCH), device);
    (submitter, Served::new(processor, HostClock::start()))
}

fn reached(served: &Served<Device<'static>, HostClock>, target: u64) -> u64 {
    match served.drain_until(target, LONG_NS) {
        Ok(Arrival::Reached { position, .. }) => position,
        other => panic!("{other:?}"),
    }
}

#[test]
fn packets_are_carried_out_without_a_thread_with_one_and_behind_it() {
    let (submitter, served) = served();
    for round in 1..=3 {
        let batch = submitter
            .submit(&[add(COUNTER, 1); 4])
            .expect("there is room");
        if round == 2 {
            assert!(served.start().is_ok() && served.is_running());
            assert!(matches!(served.start(), Err(ServeError::Started)));
        }
        assert!(reached(&served, batch.end()) >= 4 * round);
        assert!(served.stop(PATIENCE).is_ok() && !served.is_running());
    }
    assert!(matches!(served.start(), Err(ServeError::Spent)));
    assert_eq!(submitter.board().snapshot().statistics.packets(), 12);
}

#[test]
fn whoever_drains_goes_on_itself_when_the_thread_has_ended() {
    let (submitter, served) = served();
    served.start().expect("a thread");
    let target = submitter.target() + 4;
    thread::scope(|scope| {
        let drained = scope.spawn(|| reached(&served, target));
        served.stop(PATIENCE).expect("it comes back");
        submitter
            .submit(&[add(COUNTER, 1); 4])
            .expect("there is room");
        assert_eq!(drained.join().expect("no panic"), target);
    });
}

#[test]
fn two_that_drain_at_once_carry_out_each_packet_once() {
    let (submitter, served) = served();
    for _ in 0..50 {
        let batch = submitter
            .submit(&[add(COUNTER, 1); 8])
            .expect("there is room");
        thread::scope(|scope| {
            let other = scope.spawn(|| reached(&served, batch.end()));
            assert_eq!(reached(&served, batch.end()), batch.end());
            assert_eq!(other.join().expect("no panic"), batch.end());
        });
    }
    assert_eq!(submitter.board().snapshot().statistics.packets(), 400);
}

#[test]
fn whoever_drains_behind_a_panic_is_told_of_it() {
    for is_threaded in [false, true] {
        let (submitter, served) = served();
        if is_threaded {
            served.start().expect("a thread");
        }
        let end = submitter
            .submit(&[launch(13)])
            .expect("there is room")
            .end();
        let drain = || served.drain_until(end, 1_000_000_000);
        let first = thread::scope(|scope| scope.spawn(drain).join());
        assert_eq!(first.is_err(), !is_threaded, "it goes on in whoever drains");
        let halt = drain().expect_err("nobody carries packets out any more");
        assert_eq!((halt.place.position, halt.behind), (0, 0));
    }
}
