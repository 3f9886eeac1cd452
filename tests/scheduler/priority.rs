//! Priority: what is high goes before everything that is normal, and a line keeps its order.

use finbox_scheduler::{Priority, Shape, SlotId, Subtasks};
use finbox_tests::house::Limits;

use crate::fixture::{World, cluster, on_chip, on_each_target};

fn order(world: &World<'_>) -> Vec<SlotId> {
    let given = world.log.dispatched();
    given.iter().map(|&(.., slot)| slot).collect()
}

#[test]
fn high_tasks_go_before_normal_ones_and_equals_in_the_order_they_became_ready() {
    on_each_target(&Limits::default(), |world| {
        let mut tasks = Vec::new();
        for index in 0..8 {
            let priority = [Priority::Normal, Priority::High][index % 2];
            tasks.push(world.task(Shape::Aic, &[], |spec| spec.priority = priority));
        }
        world.run();
        let expected = [1, 3, 5, 7, 0, 2, 4, 6].map(|index| tasks[index]);
        assert_eq!(order(world), expected);
        world.assert_done();
    });
}

#[test]
fn within_a_priority_mixed_tasks_go_first() {
    on_each_target(&Limits::default(), |world| {
        let single = world.plain(Shape::Aiv, &[]);
        let mixed = world.task(Shape::Mix, &[], |spec| spec.subtasks = Subtasks::all());
        let high = world.task(Shape::Aic, &[], |spec| spec.priority = Priority::High);
        world.run();
        let mut order = order(world);
        order.dedup();
        assert_eq!(order, [high, mixed, single]);
        world.assert_done();
    });
}

#[test]
fn a_high_task_that_comes_while_blocks_of_a_normal_one_wait_goes_before_them() {
    for target in crate::fixture::TARGETS {
        on_chip(cluster(target), &Limits::default(), |world| {
            let wide = world.task(Shape::Aic, &[], |spec| spec.blocks = 6);
            world.turn();
            let high = world.task(Shape::Aic, &[], |spec| spec.priority = Priority::High);
            world.run();
            let order = order(world);
            let place = order.iter().position(|&slot| slot == high).unwrap();
            assert!(place <= 2, "{order:?}");
            assert_eq!(order.iter().filter(|&&slot| slot == wide).count(), 6);
            world.assert_done();
        });
    }
}
