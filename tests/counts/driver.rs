//! What callgrind counts: one function an operation, each called `TIMES` times after a warm-up.
//!
//! `run.sh` names one operation, collects the instructions under its function and divides. What
//! belongs to the simulated machine is told by its name, [`Machine`], and not counted.

mod plans;

use std::hint::black_box;

use finbox_mailbox::{
    Cell, CompletionType, Condition, Consumer, Done, Engine, FinBatch, Header, Message, Producer,
    SlotBits, Watch, Words, mailbox,
};
use finbox_runtime::command::{
    self, Answer, Command, Executor, Packet, Processor, Refusal, Route, Signal, Transfer, WorkId,
};
use finbox_scheduler::target::A5;
use finbox_scheduler::{
    Assembly, Chip, CoreId, Dispatcher, FinHandler, Launch, NoProbe, Port, Scheduler, Shape,
    SlotId, Submitter, TaskId, TaskSpec, Token,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};

/// How often each operation is done while it is counted; `run.sh` divides by it.
const TIMES: u32 = 1000;

/// Conditions of a deferred task.
const CONDITIONS: u32 = 4;

fn message(index: u32) -> Message {
    let (task, slot) = (7, SlotBits(7));
    if index == CONDITIONS {
        let expected = CONDITIONS;
        return Message::NormalDone(Done {
            task,
            slot,
            expected,
        });
    }
    Message::Condition(Condition {
        task,
        slot,
        addr: 0x1000 + u64::from(index) * 4,
        cookie: 0,
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    })
}

#[inline(never)]
fn count_push(producer: &Producer<'_>, message: &Message) {
    assert!(producer.push(message).is_ok());
}

#[inline(never)]
fn count_push_batch_of_5(producer: &Producer<'_>) {
    assert_eq!(producer.push_batch(CONDITIONS + 1, message), CONDITIONS + 1);
}

/// The same five in the messages that a FIN handler makes of them.
#[inline(never)]
fn count_push_fin_of_5(producer: &Producer<'_>, fin: &FinBatch) {
    let entry = |index| {
        let watch = Watch {
            addr: 0x1000 + u64::from(index) * 4,
            expected: 1,
            engine: Engine::Sdma,
            completion: CompletionType::Counter,
        };
        (watch, 0)
    };
    assert_eq!(producer.push_fin(fin, entry), 2);
}

#[inline(never)]
fn count_drain_of_64(consumer: &mut Consumer<'_>, sum: &mut u64) {
    let drained = consumer.drain(64, |_, words| *sum ^= words[0]);
    assert_eq!(drained.taken, 64);
}

fn mailbox_alone() {
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..4096).map(|_| Cell::default()).collect();
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
    let (single, mut sum) = (message(CONDITIONS), 0);
    for _ in 0..TIMES {
        count_push(&producer, black_box(&single));
    }
    consumer.drain(u32::MAX, |_, _| ());
    for _ in 0..TIMES / 10 {
        (0..10).for_each(|_| count_push_batch_of_5(&producer));
        consumer.drain(u32::MAX, |_, _| ());
    }
    let fin = FinBatch {
        task: 7,
        slot: SlotBits(7),
        conditions: CONDITIONS,
        in_pairs: true,
        done: Some(4),
    };
    for _ in 0..TIMES / 10 {
        (0..10).for_each(|_| count_push_fin_of_5(&producer, black_box(&fin)));
        consumer.drain(u32::MAX, |_, _| ());
    }
    for _ in 0..TIMES {
        (0..64).for_each(|_| assert!(producer.push(&single).is_ok()));
        count_drain_of_64(&mut consumer, &mut sum);
    }
    black_box(sum);
}

/// A device that is done at once.
struct Sink(u64);

impl Executor for Sink {
    #[inline(never)]
    fn launch(&mut self, _: WorkId, launch: &command::Launch) -> Result<Answer, Refusal> {
        self.0 ^= launch.kernel;
        Ok(Answer::Done)
    }

    fn copy(&mut self, _: WorkId, _: &Transfer) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn signal(&mut self, _: WorkId, _: &Signal) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn counter(&mut self, _: u64) -> Result<Option<u32>, Refusal> {
        Err(Refusal(1))
    }

    fn fetch(&mut self, _: u64, _: u32) -> Result<Words, Refusal> {
        Err(Refusal(1))
    }

    fn look(&mut self, _: &mut dyn FnMut(Route, WorkId)) {}
}

#[inline(never)]
fn count_packets_of_16(
    submitter: &command::Submitter<'_>,
    processor: &mut Processor<'_, Sink>,
    packets: &[Packet; 16],
) {
    let end = submitter.submit(packets).map(|sent| sent.end());
    assert!(end.is_ok_and(|end| processor.turn(Some(end), 0)));
}

fn commands() {
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..1024).map(|_| Cell::default()).collect();
    let mut board = command::Board::default();
    let (submitter, mut processor) =
        command::command_ring((&mut header, &mut cells), &mut board, (0, 1), Sink(0));
    let launch = |nth| Packet {
        tag: nth,
        command: Command::Launch(command::Launch {
            kernel: nth,
            args: 0,
            blocks: 1,
            args_bytes: 0,
        }),
    };
    let packets = std::array::from_fn(|nth| launch(nth as u64));
    for _ in 0..TIMES {
        count_packets_of_16(&submitter, &mut processor, black_box(&packets));
    }
    black_box(processor.executor().0);
}

/// The machine behind calls that are not inlined, so that its instructions are told apart.
struct Machine(ModelPort);

impl Port for Machine {
    #[inline(never)]
    fn load_cond(&self, core: CoreId) -> u32 {
        self.0.load_cond(core)
    }

    #[inline(never)]
    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.0.ring_doorbell(core, token);
    }

    #[inline(never)]
    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        self.0.stage_payload(core, token, launch);
    }

    #[inline(never)]
    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.0.slab_address(core, parity)
    }

    #[inline(never)]
    fn refresh(&self, addr: u64, size_bytes: u64) {
        self.0.refresh(addr, size_bytes);
    }

    #[inline(never)]
    fn clean(&self, addr: u64, size_bytes: u64) {
        self.0.clean(addr, size_bytes);
    }

    #[inline(never)]
    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        self.0.can_read(addr, size_bytes)
    }

    #[inline(never)]
    fn load_u32(&self, addr: u64) -> u32 {
        self.0.load_u32(addr)
    }

    #[inline(never)]
    fn load_u64(&self, addr: u64) -> u64 {
        self.0.load_u64(addr)
    }

    #[inline(never)]
    fn store_u64(&self, addr: u64, value: u64) {
        self.0.store_u64(addr, value);
    }

    #[inline(never)]
    fn incarnation(&self) -> u32 {
        self.0.incarnation()
    }

    #[inline(never)]
    fn now(&self) -> u64 {
        self.0.now()
    }
}

impl Machine {
    /// The core takes its token; whether it had one.
    #[inline(never)]
    fn start(&self, core: CoreId) -> bool {
        self.0.start(core).is_some()
    }

    /// Whatever it runs leaves `conditions` and says FIN.
    #[inline(never)]
    fn finish(&self, core: CoreId, conditions: &[WireCondition]) {
        if !conditions.is_empty() {
            self.0.defer(core, conditions);
        }
        self.0.finish(core);
    }
}

/// The only core that the tasks here can run on.
const AIC: CoreId = CoreId(1);

/// A scheduler with one handler on a coherent cluster, and its machine.
struct Run<'m> {
    scheduler: Scheduler<'m>,
    submitter: Submitter<'m>,
    dispatcher: Dispatcher<'m>,
    handler: FinHandler<'m>,
    port: Machine,
    next: u32,
}

impl Run<'_> {
    fn spec(&mut self, may_defer: u8) -> TaskSpec {
        self.next += 1;
        TaskSpec {
            may_defer,
            ..TaskSpec::new(TaskId::new(0, self.next), Shape::Aic)
        }
    }

    fn submit(&mut self, may_defer: u8, after: &[SlotId]) -> SlotId {
        let spec = self.spec(may_defer);
        let (scheduler, submitter) = (&self.scheduler, &mut self.submitter);
        let slot = submitter.submit(scheduler, &NoProbe, &spec, after);
        slot.expect("there is room")
    }

    fn dispatch(&mut self) {
        let _ = self.dispatcher.pass(&self.scheduler, &self.port, &NoProbe);
    }

    fn handle(&mut self) {
        let _ = self.handler.pass(&self.scheduler, &self.port, &NoProbe);
    }

    /// The core runs what it has, leaving `conditions`, up to its FIN.
    fn run_core(&self, conditions: &[WireCondition]) {
        assert!(self.port.start(AIC), "it has a token");
        self.port.finish(AIC, conditions);
    }

    /// Everybody moves until nothing is left.
    fn rest(&mut self) {
        loop {
            self.dispatch();
            let runs = self.port.start(AIC);
            if runs {
                self.port.finish(AIC, &[]);
            }
            self.handle();
            if !runs {
                return;
            }
        }
    }
}

#[inline(never)]
fn count_submit(run: &mut Run<'_>, spec: &TaskSpec) {
    let (scheduler, submitter) = (&run.scheduler, &mut run.submitter);
    assert!(submitter.submit(scheduler, &NoProbe, spec, &[]).is_ok());
}

#[inline(never)]
fn count_fin_inline_0(run: &mut Run<'_>) {
    run.handle();
    black_box(0); // Or it would be one function with the others.
}

#[inline(never)]
fn count_fin_inline_1(run: &mut Run<'_>) {
    run.handle();
    black_box(1); // Or it would be one function with the others.
}

#[inline(never)]
fn count_fin_inline_8(run: &mut Run<'_>) {
    run.handle();
    black_box(8); // Or it would be one function with the others.
}

#[inline(never)]
fn count_fin_deferred_4(run: &mut Run<'_>) {
    run.handle();
    black_box(4);
}

#[inline(never)]
fn count_settle_of_64(run: &mut Run<'_>) {
    run.dispatch();
    black_box(64);
}

#[inline(never)]
fn count_pass_without_news(run: &mut Run<'_>) {
    run.dispatch();
}

#[inline(never)]
fn count_life_inline(run: &mut Run<'_>) {
    run.submit(0, &[]);
    run.dispatch();
    run.run_core(&[]);
    run.handle();
}

#[inline(never)]
fn count_life_deferred_4(run: &mut Run<'_>, conditions: &[WireCondition]) {
    run.submit(4, &[]);
    run.dispatch();
    run.run_core(conditions);
    run.handle();
    run.dispatch();
}

/// FINs of tasks that have so many consumers.
fn fins(run: &mut Run<'_>, consumers: u32, fin: fn(&mut Run<'_>)) {
    for _ in 0..TIMES {
        let producer = run.submit(0, &[]);
        for _ in 0..consumers {
            run.submit(0, &[producer]);
        }
        run.dispatch();
        run.run_core(&[]);
        fin(run);
        run.rest();
    }
}

/// Tasks that wait for four counters which hold already.
fn deferred(run: &mut Run<'_>) {
    let conditions: Vec<WireCondition> = (0..CONDITIONS as usize)
        .map(|index| WireCondition::counter(run.port.0.counter(index), 0))
        .collect();
    for _ in 0..TIMES {
        run.submit(4, &[]);
        run.dispatch();
        run.run_core(&conditions);
        count_fin_deferred_4(run);
        run.rest();
    }
    for _ in 0..TIMES {
        count_life_deferred_4(run, &conditions);
    }
    run.rest();
}

/// Polls of 64 conditions, each on a line of its own, that do not hold.
fn settle(run: &mut Run<'_>) {
    let conditions: Vec<WireCondition> = (0..64)
        .map(|index| WireCondition::counter(run.port.0.counter(index), 1))
        .collect();
    for _ in 0..TIMES {
        count_pass_without_news(run);
    }
    run.submit(64, &[]);
    run.dispatch();
    run.run_core(&conditions);
    run.handle();
    run.dispatch();
    for _ in 0..TIMES {
        count_settle_of_64(run);
    }
    (0..64).for_each(|index| run.port.0.set_counter(index, 1));
    run.rest();
}

fn scheduler_alone() {
    let chip = Chip {
        target: &A5,
        cores: 3,
        host_lanes: 0,
        handlers: 1,
    };
    let limits = Limits {
        mailbox: 256,
        slots: 64,
        ..Limits::default()
    };
    let mut house = House::new(&chip, &limits);
    let mut assembly = house.assemble(chip);
    let handler = assembly.handler();
    let Assembly {
        scheduler,
        submitter,
        dispatcher,
        ..
    } = assembly;
    let mut run = Run {
        scheduler,
        submitter,
        dispatcher,
        handler,
        port: Machine(ModelPort::new(&chip, Lines::of(&chip), 64)),
        next: 0,
    };
    let run = &mut run;
    for _ in 0..TIMES {
        let spec = run.spec(0);
        count_submit(run, &spec);
        run.rest();
    }
    fins(run, 0, count_fin_inline_0);
    fins(run, 1, count_fin_inline_1);
    fins(run, 8, count_fin_inline_8);
    deferred(run);
    settle(run);
    for _ in 0..TIMES {
        count_life_inline(run);
    }
    run.rest();
}

fn main() {
    mailbox_alone();
    commands();
    scheduler_alone();
    plans::plans();
}
