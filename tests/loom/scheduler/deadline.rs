//! A FIN against its deadline: exactly one of them decides the task.

use finbox_scheduler::FaultCode;
use finbox_tests::outcomes::expect_all;

use crate::chip::Chip;

const BUDGET_NS: u64 = 10;

const fn winner(failed: bool) -> &'static str {
    if failed {
        "the deadline won"
    } else {
        "the FIN won"
    }
}

#[test]
fn fin_against_timeout() {
    let expected = [winner(false), winner(true)];
    expect_all("FIN against deadline", &expected, || {
        let mut chip = Chip::new(2, 1);
        let task = chip.submit_as(&[], |spec| {
            (spec.may_defer, spec.run_budget_ns) = (4, BUDGET_NS);
        });
        chip.pass();
        assert_eq!(chip.port.rung(), [1]);
        chip.port.pass_time(BUDGET_NS);
        let handler = chip.spawn_handler(|()| {});
        chip.pass();
        let completed = handler.join().unwrap();
        chip.pass();
        let failed = chip.dispatcher.ledger().failed;
        assert_eq!(completed + failed, 1, "one of them decides");
        assert!(chip.scheduler.is_finished(task));
        assert_eq!(chip.scheduler.room().0, 0, "the room came back once");
        assert_eq!(chip.scheduler.quarantined(), (0, 0), "the FIN has come");
        let code = chip.scheduler.fault().map(|fault| fault.code);
        assert_eq!(code, (failed == 1).then_some(FaultCode::TaskTimeout));
        chip.end();
        winner(failed == 1)
    });
}
