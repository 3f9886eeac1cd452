//! Slots and outputs that a hung core may still touch: the ring goes on without them.

use finbox_scheduler::{Dependency, Outcome, Rings, Shape, SlotId, SubmitError, TaskSpec};
use finbox_tests::house::Limits;

use crate::fixture::{AIC, World, on_each_target};

const BUDGET_NS: u64 = 10_000;
const HEAP: u64 = 512;
/// The cores of the cluster that do not hang.
const OTHERS: [u16; 2] = [0, 2];

fn limits(slots: u32) -> Limits {
    Limits {
        slots: slots as usize,
        rings: Some(Rings::alike(1, slots, HEAP)),
        ..Limits::default()
    }
}

/// Submits a task that hangs on the AIC core and fails there, with `output` bytes.
fn hang(world: &mut World<'_>, output: u64, dependencies: &[Dependency]) -> SlotId {
    let spec = TaskSpec {
        run_budget_ns: BUDGET_NS,
        output_bytes: output,
        ..world.spec(Shape::Aic, 0, 0)
    };
    let submitter = &mut world.submitter;
    let hung = submitter.submit_with(&world.scheduler, &world.log, &spec, dependencies);
    world.run_only(&OTHERS);
    world.start(AIC);
    world.port.pass_time(BUDGET_NS + 100);
    world.run_only(&OTHERS);
    hung.unwrap()
}

fn with_output(world: &mut World<'_>, bytes: u64) -> Result<SlotId, SubmitError> {
    let mut spec = world.spec(Shape::Aiv, 0, 0);
    spec.output_bytes = bytes;
    let submitter = &mut world.submitter;
    submitter.submit(&world.scheduler, &world.log, &spec, &[])
}

/// Submits and runs `count` vector tasks; which slots they were in.
fn go_on(world: &mut World<'_>, count: u32) -> Vec<usize> {
    let mut used = Vec::new();
    for _ in 0..count {
        used.push(world.plain(Shape::Aiv, &[]).index());
        world.run_only(&OTHERS);
    }
    used
}

#[test]
fn a_ring_passes_over_a_slot_whose_task_hangs_and_uses_it_again_when_its_fin_comes() {
    on_each_target(&limits(3), |world| {
        let hung = hang(world, 0, &[]);
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        assert_eq!(go_on(world, 6), [1, 2, 1, 2, 1, 2]);
        let late = world.plain(Shape::Aiv, &[hung]);
        world.run_only(&OTHERS);
        assert_eq!(
            world.log.outcome(late),
            Outcome::Cancelled,
            "its failure is known"
        );
        world.port.finish(AIC);
        world.run();
        assert_eq!(go_on(world, 4), [2, 0, 1, 2]);
        world.assert_done();
    });
}

#[test]
fn a_ring_that_is_all_quarantined_is_full_for_a_time() {
    on_each_target(&limits(1), |world| {
        let _ = hang(world, 0, &[]);
        for _ in 0..5 {
            let error = world.try_submit((Shape::Dummy, 0, 0), &[]).unwrap_err();
            assert_eq!(error, SubmitError::RingFull { ring: 0, slots: 1 });
            assert!(error.is_temporary());
        }
        world.submitter.open_scope().unwrap();
        let error = world.try_submit((Shape::Dummy, 0, 0), &[]).unwrap_err();
        assert!(error.is_temporary(), "no scope holds it: {error}");
        world.port.finish(AIC);
        world.run();
        let _ = world.plain(Shape::Dummy, &[]);
        world.run();
        world.assert_done();
    });
}

#[test]
fn the_output_of_a_task_that_hangs_is_not_given_out_again_before_its_fin_came() {
    on_each_target(&limits(4), |world| {
        let _ = with_output(world, 64).unwrap();
        let hung = hang(world, 128, &[]);
        assert_eq!(world.submitter.output_of(hung), Some(64..192));
        for _ in 0..40 {
            let slot = with_output(world, 64).unwrap();
            let range = world.submitter.output_of(slot).unwrap();
            assert!(range.end <= 64 || range.start >= 192, "{range:?}");
            world.run_only(&OTHERS);
        }
        let error = with_output(world, 384).unwrap_err();
        assert!(
            error.is_temporary(),
            "it fits when the hung task's memory is back: {error}"
        );
        assert!(
            with_output(world, 320).is_ok(),
            "as much as there is in one piece"
        );
        world.port.finish(AIC);
        world.run();
        let whole = with_output(world, HEAP).unwrap();
        assert_eq!(world.submitter.output_of(whole), Some(0..HEAP));
        world.run();
        world.assert_done();
    });
}

#[test]
fn what_a_hung_task_retains_is_kept_from_others_and_blocks_no_ring() {
    on_each_target(&limits(4), |world| {
        let kept = with_output(world, 64).unwrap();
        let hung = hang(world, 0, &[Dependency::wait_and_retain(kept)]);
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        for _ in 0..20 {
            let slot = with_output(world, 64).unwrap();
            let range = world.submitter.output_of(slot).unwrap();
            assert!(range.start >= 64, "{range:?} was retained");
            assert!(![kept.index(), hung.index()].contains(&slot.index()));
            world.run_only(&OTHERS);
        }
        world.port.finish(AIC);
        world.run();
        let used = go_on(world, 8);
        assert!(used.contains(&kept.index()) && used.contains(&hung.index()));
        world.run();
        world.assert_done();
    });
}
