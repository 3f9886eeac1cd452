//! The whole scheduler on the machine: the deferred-notify graph, by passes and by threads.
//!
//! Every rank puts a partial into its neighbour's mailbox and notifies it; a deferred task waits
//! for the own counter; a consumer behind both copies the mailbox. Several rounds, each with its
//! own mailbox and counter, so that the order in which cores run does not matter.

use finbox_abi::finbox_op_kind::Copy;
use finbox_scheduler::{
    Assembly, Chip, Cond, Dispatcher, Ledger, NoProbe, Port, Shape, TaskId, TaskSpec, Token,
};

use super::defer::awaits;
use super::ops::{moves, notify};
use super::rig::{Judged, LINE, Rig, Stop, demand};
use super::tokens::{At, fin, said};
use crate::arena::Arena;
use crate::lifecycle::{Drain, DrainLimits, drain, ledger};
use crate::threads::{self, Unit};
use finbox_scheduler::Config;

const ROUNDS: u64 = 8;
const VALUES: u64 = 256;
const BYTES: u64 = VALUES * 4;

/// Tasks of a round.
const ROLES: [&str; 3] = ["producer", "waiter", "consumer"];
const TASKS: u64 = ROLES.len() as u64;

/// One rank's memory and kernels.
struct Place {
    partial: u64,
    mailbox: u64,
    result: u64,
    counters: u64,
    /// Of each round.
    kernels: Vec<[u64; ROLES.len()]>,
}

fn partial(rank: u32, value: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let value = (value % 251) as f32;
    #[expect(clippy::cast_precision_loss, reason = "at most 64 ranks")]
    let rank = rank as f32;
    value / 8.0 + rank * 1000.0 + 1.0
}

fn places(rig: &mut Rig<'_>) -> Judged<Vec<Place>> {
    let mut places = Vec::new();
    for rank in rig.ranks() {
        let bytes: Vec<u8> = (0..VALUES)
            .flat_map(|value| partial(rank, value).to_le_bytes())
            .collect();
        places.push(Place {
            partial: rig.memory_with(rank, &bytes)?,
            mailbox: rig.memory(rank, ROUNDS * BYTES)?,
            result: rig.memory(rank, ROUNDS * BYTES)?,
            counters: rig.memory(rank, ROUNDS * LINE)?,
            kernels: Vec::new(),
        });
    }
    for rank in rig.ranks() {
        let peer = &places[rig.neighbour(rank) as usize];
        let (peer_mailbox, peer_counters) = (peer.mailbox, peer.counters);
        let own = &mut places[rank as usize];
        for round in 0..ROUNDS {
            let (at, line) = (round * BYTES, round * LINE);
            let put = [
                moves(Copy, own.partial, peer_mailbox + at, BYTES),
                notify(peer_counters + line, 1),
            ];
            let take = moves(Copy, own.mailbox + at, own.result + at, BYTES);
            own.kernels.push([
                rig.kernel(rank, &put)?,
                rig.kernel(rank, &[awaits(own.counters + line, 1, 0)])?,
                rig.kernel(rank, &[take])?,
            ]);
        }
    }
    Ok(places)
}

/// One arena a rank, which goes on behind the tokens that its cores have run.
fn arenas(rig: &Rig<'_>) -> Judged<Vec<Arena>> {
    rig.all_of_them()?;
    let facts = &rig.facts;
    let mut arenas = Vec::new();
    for rank in rig.ranks() {
        let mut config = Config::of(facts.target);
        config.chip = Chip {
            cores: facts.cores,
            host_lanes: facts.host_lanes,
            ..config.chip
        };
        (config.task_slots, config.edge_nodes) = (64, 256);
        (
            config.condition_room,
            config.urma_queues,
            config.mailbox_slots,
        ) = (64, 4, 64);
        let arena = Arena::new(config);
        let mut arena = arena.map_err(|error| Stop::Fail(format!("no scheduler: {error}")))?;
        for core in rig.lanes() {
            let at = At { rank, core };
            let word = rig.lane(at).word;
            demand!(
                arena.go_on_behind(core, Cond(word)),
                "`load_cond` of {at} gives {} while it runs nothing: no scheduler can go on there",
                said(word)
            );
        }
        arenas.push(arena);
    }
    Ok(arenas)
}

type Units<'m, 'r> = Vec<Unit<'m, &'r (dyn Port + Send + 'r), NoProbe>>;

/// Assembles a scheduler on every rank and submits everything to it.
fn assemble<'m, 'r>(
    rig: &'r Rig<'_>,
    arenas: &'m mut [Arena],
    places: &[Place],
) -> Judged<(Units<'m, 'r>, Ledger)> {
    let (mut units, mut counted) = (Vec::new(), Ledger::default());
    for ((rank, arena), place) in (0..).zip(arenas).zip(places) {
        let mut assembly: Assembly<'m> = arena.assemble();
        let handlers = assembly.scheduler.chip().handlers;
        let handlers = (0..handlers).map(|_| assembly.handler()).collect();
        let scheduler = &assembly.scheduler;
        for (round, kernels) in (0..).zip(&place.kernels) {
            let mut before = Vec::new();
            for (step, &kernel) in (0..).zip(kernels) {
                let task = TaskSpec {
                    kernel,
                    may_defer: u8::from(step == 1),
                    ..TaskSpec::new(TaskId::new(0, round * 3 + step), Shape::Aiv)
                };
                let after: &[_] = if step == 2 { &before } else { &[] };
                let slot = assembly.submitter.submit(scheduler, &NoProbe, &task, after);
                before.push(slot.map_err(|error| Stop::Fail(format!("no task: {error}")))?);
            }
        }
        counted.merge(assembly.submitter.ledger());
        units.push(Unit {
            scheduler: assembly.scheduler,
            port: rig.port(rank) as &(dyn Port + Send),
            probe: NoProbe,
            handlers,
            dispatcher: assembly.dispatcher,
        });
    }
    Ok((units, counted))
}

fn finished(units: &Units<'_, '_>) -> u64 {
    units
        .iter()
        .map(|unit| {
            let handlers = unit.handlers.iter().map(|one| one.ledger().finished());
            handlers.sum::<u64>() + Dispatcher::ledger(&unit.dispatcher).finished()
        })
        .sum()
}

/// One pass of everybody.
fn pass(units: &mut Units<'_, '_>) {
    for unit in units {
        let (scheduler, port) = (&unit.scheduler, &unit.port);
        for handler in &mut unit.handlers {
            let _ = handler.pass(scheduler, port, &NoProbe);
        }
        let _ = unit.dispatcher.pass(scheduler, port, &NoProbe);
    }
}

/// Which tasks did not end, in words.
fn stuck(units: &Units<'_, '_>) -> String {
    let mut names = Vec::new();
    for (rank, unit) in units.iter().enumerate() {
        unit.scheduler.for_each_stuck(|stuck| {
            let (number, step) = (stuck.task.0 / TASKS, stuck.task.0 % TASKS);
            let role = (0..).zip(ROLES).find(|&(at, _)| at == step);
            let role = role.map_or("task", |(_, role)| role);
            names.push(format!("{role} {number} of rank {rank}"));
        });
        if let Some(fault) = unit.scheduler.fault() {
            names.push(format!("rank {rank}: {fault:?}"));
        }
    }
    names.truncate(8);
    names.join(", ")
}

pub(super) fn passes(rig: &mut Rig<'_>) -> Judged {
    let places = places(rig)?;
    let mut arenas = arenas(rig)?;
    let here = &*rig;
    let (mut units, mut counted) = assemble(here, &mut arenas, &places)?;
    let tasks = counted.submitted;
    let ended = here.wait_for(
        || "all tasks of the deferred-notify graph to end".to_owned(),
        || {
            pass(&mut units);
            (finished(&units) >= tasks).then_some(())
        },
    );
    counted.merge(&ledger(&units));
    let stuck = stuck(&units);
    drop(units);
    settle(rig, &arenas, ended.is_ok());
    judge(rig, &places, ended, (&counted, &stuck))
}

pub(super) fn with_threads(rig: &mut Rig<'_>) -> Judged {
    let places = places(rig)?;
    let mut arenas = arenas(rig)?;
    let here = &*rig;
    let (mut units, mut counted) = assemble(here, &mut arenas, &places)?;
    let tasks = counted.submitted;
    let deadline = here.time_left();
    let limits = DrainLimits {
        patience: deadline,
        deadline: Some(deadline),
    };
    let ended = threads::run(&mut units, |running, _| {
        running.wake_dispatch();
        drain(running, tasks, limits, || {
            here.machine.turn();
            Ok::<u64, Stop>(0)
        })
    });
    counted.merge(&ledger(&units));
    let stuck = stuck(&units);
    drop(units);
    let ended = match ended {
        Ok(Drain::Done) => Ok(()),
        Ok(Drain::Stuck) => Err(Stop::Fail(format!(
            "waited in vain for all tasks of the deferred-notify graph to end, with the runtime's \
             threads, for {deadline:?}"
        ))),
        Ok(Drain::Refused(stop)) => Err(stop),
        Err(error) => return Err(Stop::Skip(format!("no thread could be started: {error}"))),
    };
    settle(rig, &arenas, ended.is_ok());
    judge(rig, &places, ended, (&counted, &stuck))
}

/// Takes the cores' tokens over from the schedulers that ran in `arenas`.
fn settle(rig: &mut Rig<'_>, arenas: &[Arena], is_over: bool) {
    for at in rig.everywhere() {
        let word = rig.port(at.rank).load_cond(at.core);
        let next = arenas[at.rank as usize].next_token(at.core);
        let (last, lane) = (Token::from_bits(word), rig.lane_mut(at));
        let was_used = next != lane.next;
        let is_done = if was_used {
            word == fin(last) && last.next() == next
        } else {
            word == lane.word
        };
        (lane.word, lane.next) = (word, next);
        lane.is_busy = !is_over || !is_done;
    }
}

fn judge(
    rig: &Rig<'_>,
    places: &[Place],
    ended: Judged,
    (counted, stuck): (&Ledger, &str),
) -> Judged {
    if let Err(Stop::Fail(sentence)) = ended {
        return Err(Stop::Fail(format!("{sentence}; stuck are: {stuck}")));
    }
    ended?;
    let all = places.len() as u64 * ROUNDS * TASKS;
    let strange = counted.fins_duplicate + counted.fins_stale + counted.fins_unknown;
    demand!(
        (
            counted.completed,
            counted.failed,
            counted.cancelled,
            strange
        ) == (all, 0, 0, 0),
        "of {all} tasks {} completed, {} failed, {} were cancelled; {strange} words of COND were \
         of no token in flight; {stuck}",
        counted.completed,
        counted.failed,
        counted.cancelled
    );
    demand!(
        counted.adds_up(0, 0) && counted.conditions == all / TASKS,
        "the ledger does not add up, or tells of {} conditions where {} were awaited: {counted:?}",
        counted.conditions,
        all / TASKS
    );
    let mut max_diff = (0.0_f32, String::new());
    let count = usize::try_from(ROUNDS * BYTES).expect("a few thousand");
    for (rank, place) in (0..).zip(places) {
        let from = (rank + rig.facts.ranks - 1) % rig.facts.ranks;
        let bytes = rig.get(place.result, count)?;
        for (index, word) in (0..).zip(bytes.as_chunks::<4>().0) {
            let (found, value) = (f32::from_le_bytes(*word), index % VALUES);
            let expected = partial(from, value);
            let diff = (found - expected).abs();
            if diff.is_nan() || diff > max_diff.0 {
                let round = index / VALUES;
                let place = format!("value {value} of round {round} on rank {rank}");
                max_diff = (diff, format!("{place} is {found}, expected {expected}"));
            }
        }
    }
    let (diff, place) = max_diff;
    demand!(
        diff == 0.0,
        "the deferred-notify graph ran with max_diff {diff}: {place}"
    );
    Ok(())
}
