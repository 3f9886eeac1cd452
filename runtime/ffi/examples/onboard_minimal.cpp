// Two ranks of a device notify each other, in C++17: what onboard_minimal.c does, with handles that
// give themselves up.
//
// onboard_minimal DEVICE.so [OPTIONS]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "finbox.hpp"

static const uint32_t ranks = 2;
static const size_t count = 128 * 128, bytes = count * sizeof(float);

struct rank {
    uint64_t partial = 0, mailbox = 0, counter = 0, result = 0;
    finbox::scheduler scheduler;
};

static void set_up(finbox::device &device, uint32_t index, rank &rank)
{
    const std::vector<float> partial(count, static_cast<float>(index + 1));
    finbox::must(device.allocate(index, bytes, 64, rank.partial));
    finbox::must(device.allocate(index, bytes + 4, 4096, rank.mailbox));
    finbox::must(device.allocate(index, bytes, 64, rank.result));
    rank.counter = rank.mailbox + bytes;
    finbox::must(device.copy_in(rank.partial, partial.data(), bytes));

    finbox_device_facts facts;
    finbox::must(device.describe(facts));
    finbox_port port;
    finbox::must(device.port(index, port));
    finbox_scheduler_args args = finbox::scheduler_args();
    args.port = &port;
    args.target = facts.target;
    args.cores = facts.cores;
    args.host_lanes = facts.host_lanes;
    args.task_slots = 64;
    finbox::must(rank.scheduler.place(args));
    finbox::must(rank.scheduler.start());
}

static finbox_op op(finbox_op_kind kind, uint64_t from, uint64_t to, uint64_t many, uint64_t value)
{
    finbox_op op = {};
    op.kind = kind;
    op.from = from;
    op.to = to;
    op.count = many;
    op.value = value;
    return op;
}

static finbox_task_args task(uint64_t number, uint64_t kernel)
{
    finbox_task_args args = finbox::task_args();
    args.shape = FINBOX_SHAPE_AIV;
    args.task = number;
    args.kernel = kernel;
    return args;
}

/* The three tasks of a rank. */
static void submit(finbox::device &device, uint32_t index, rank &rank, const struct rank &peer)
{
    uint64_t produce = 0, wait = 0, consume = 0;
    finbox::must(device.load_kernel(
        index,
        {op(FINBOX_OP_KIND_COPY, rank.partial, peer.mailbox, bytes, 0),
         op(FINBOX_OP_KIND_NOTIFY, 0, peer.counter, 0, 1)},
        produce));
    finbox::must(
        device.load_kernel(index, {op(FINBOX_OP_KIND_AWAIT, rank.counter, 0, 0, 1)}, wait));
    finbox::must(device.load_kernel(
        index, {op(FINBOX_OP_KIND_COPY, rank.mailbox, rank.result, bytes, 0)}, consume));
    finbox::task produced, waited, consumed;
    finbox_task_args deferred = task(2, wait);
    deferred.defers = 1;
    finbox::must(rank.scheduler.submit(task(1, produce), {}, produced));
    finbox::must(rank.scheduler.submit(deferred, {}, waited));
    finbox::must(rank.scheduler.submit(task(3, consume), {produced, waited}, consumed));
}

/* Waits for a rank; if nothing moves, throws with who is stuck. */
static void finish(rank &rank)
{
    if (rank.scheduler.wait() != FINBOX_STATUS_OK) {
        std::string why = finbox::last_error(), stalls;
        finbox::must(rank.scheduler.stop());
        finbox::must(rank.scheduler.stalls(stalls));
        throw std::runtime_error(why + "\n" + stalls);
    }
    finbox::must(rank.scheduler.stop());
}

static float max_diff(finbox::device &device, uint32_t index, const rank &rank)
{
    std::vector<float> result(count);
    finbox::must(device.copy_out(result.data(), rank.result, bytes));
    const float wanted = static_cast<float>((index + 1) % ranks + 1);
    float most = 0;
    for (float value : result) {
        most = std::max(most, std::abs(value - wanted));
    }
    return most;
}

static int run(const std::string &library, const std::string &options)
{
    finbox::device device;
    finbox_device_args args = finbox::device_args();
    args.library = finbox::text_of(library);
    args.options = finbox::text_of(options);
    args.ranks = ranks;
    finbox::must(device.open(args));
    std::deque<rank> all(ranks);
    for (uint32_t index = 0; index < ranks; index++) {
        set_up(device, index, all[index]);
    }
    for (uint32_t index = 0; index < ranks; index++) {
        submit(device, index, all[index], all[(index + ranks - 1) % ranks]);
    }
    float most = 0;
    for (rank &rank : all) {
        finish(rank);
    }
    for (uint32_t index = 0; index < ranks; index++) {
        most = std::max(most, max_diff(device, index, all[index]));
    }
    std::printf("max_diff %g\n", static_cast<double>(most));
    return most == 0 ? 0 : 3;
}

int main(int argc, char **argv)
{
    try {
        return run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
