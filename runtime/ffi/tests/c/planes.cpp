/* Planner, command ring and work ring through finbox.hpp, each for its shortest life. */
#include <finbox.hpp>

#include <cstdio>

namespace {

uint32_t launch(void *context, uint64_t, uint64_t kernel, uint64_t, uint32_t, uint32_t)
{
    *static_cast<uint64_t *>(context) += kernel;
    return FINBOX_ANSWER_DONE;
}

bool plans()
{
    finbox::planner planner;
    uint32_t copy = 0, compute = 0, fate = 0;
    uint64_t buffer = 0;
    finbox::must(planner.create(finbox::planner_args()));
    finbox::must(planner.timeline("copy", FINBOX_TIMELINE_KIND_STREAM, 0, copy));
    finbox::must(planner.timeline("compute", FINBOX_TIMELINE_KIND_STREAM, 0, compute));
    finbox::must(planner.declare(64, buffer));
    finbox_use use = {};
    use.buffer = buffer;
    use.end = 64;
    use.access = FINBOX_ACCESS_OUT;
    finbox_launch_args args = finbox::launch_args();
    args.uses = &use;
    args.use_count = 1;
    finbox_submitted submitted[2];
    finbox_wait wait = {};
    size_t waits = 0;
    for (uint32_t stream : {copy, compute}) {
        finbox::planned planned;
        args.stream = stream;
        finbox::must(planned.plan(planner, args));
        finbox::must(planned.commit(submitted[stream]));
        finbox::must(planned.waits(&wait, 1, waits));
    }
    std::string why;
    finbox::must(planner.explain(submitted[compute].point, 5, why));
    finbox::must(planner.advance(submitted[copy].point, 6));
    finbox::must(planner.fate(wait.point, fate));
    return waits == 1 && wait.point.timeline == copy && fate == FINBOX_FATE_COMPLETED &&
           why.find("waits for `copy` 1") != std::string::npos;
}

bool commands()
{
    uint64_t sum = 0, first = 0;
    uint32_t accepted = 0;
    finbox_executor executor = {};
    executor.struct_size = FINBOX_EXECUTOR_SIZE;
    executor.context = &sum;
    executor.launch = launch;
    finbox_command_ring_args args = finbox::command_ring_args();
    args.executor = &executor;
    args.slots = 4;
    finbox::command_ring ring;
    finbox::must(ring.create(args));
    finbox::must(ring.start());
    const finbox_packet packets[] = {finbox_packet_launch(0, 5, 1, 0, 0),
                                     finbox_packet_of(FINBOX_PACKET_KIND_FENCE, 1)};
    finbox::must(ring.submit(packets, 2, first, accepted));
    finbox_arrival arrival;
    finbox_command_snapshot snapshot;
    finbox::must(ring.drain_until(first + accepted, 60000000000u, arrival));
    finbox::must(ring.snapshot(snapshot));
    return sum == 5 && arrival.position == 2 && snapshot.answered == 2;
}

/* A worker of a scheduler's, which none of these is. */
bool refuses()
{
    finbox::scheduler scheduler;
    finbox::worker worker;
    return worker.enrol(scheduler, 7) == FINBOX_STATUS_NOT_A_HANDLE &&
           worker.fail(0, 1) == FINBOX_STATUS_NOT_A_HANDLE;
}

bool works()
{
    alignas(FINBOX_LINE_BYTES) unsigned char memory[128 + 2 * 32 + 64];
    finbox::work_ring ring;
    finbox::worker worker;
    finbox_work work = {};
    uint64_t position = 0;
    bool before = true, behind = false;
    finbox::must(ring.place(memory, sizeof memory, 2, 1));
    finbox::must(worker.enrol(ring, 7));
    finbox::must(ring.push(finbox_work_item{0, 16, 1, 42}, position));
    finbox::must(worker.claim(work));
    finbox::must(ring.is_done(position, before));
    finbox::must(worker.done(work.position));
    finbox::must(ring.is_done(position, behind));
    finbox::must(ring.close());
    bool is_over = worker.claim(work) == FINBOX_STATUS_CLOSED;
    return work.item.correlation == 42 && !before && behind && is_over;
}

} // namespace

int main()
{
    bool is_right = plans() && commands() && works() && refuses();
    std::puts(is_right ? "three planes" : "wrong");
    return is_right ? 0 : 1;
}
