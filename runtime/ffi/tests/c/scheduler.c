/* The scheduler as a C program meets it: placed, stepped by this thread, then by the library's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chip.h"

static void expect(finbox_status found, finbox_status wanted, int line)
{
    if (found != wanted) {
        char text[400];
        (void)finbox_last_error(text, sizeof text, NULL);
        fprintf(stderr, "line %d: %s, not %s: %s\n", line, finbox_status_text(found),
                finbox_status_text(wanted), text);
        exit(1);
    }
}

#define EXPECT(call, wanted) expect((call), FINBOX_STATUS_##wanted, __LINE__)

static void require(int holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "line %d: not %s\n", line, what);
        exit(2);
    }
}

#define REQUIRE(what) require((what), #what, __LINE__)

static uint32_t counter;
static uint32_t runs;

/* A kernel: counts its runs. */
static void count(const finbox_launch *launch, finbox_slab *slab)
{
    (void)slab;
    (void)launch;
    (void)__atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED);
}

/* A kernel: registers that the counter must reach 1. */
static void await(const finbox_launch *launch, finbox_slab *slab)
{
    slab->entries[0].addr = launch->args;
    slab->entries[0].expected = 1;
    slab->entries[0].engine = FINBOX_ENGINE_SDMA;
    slab->entries[0].completion_type = FINBOX_COMPLETION_COUNTER;
    slab->count = 1;
}

static finbox_task submit(finbox_scheduler *scheduler, chip_kernel kernel, const finbox_task *after)
{
    static uint64_t number;
    finbox_task_args args;
    finbox_task task;

    memset(&args, 0, sizeof args);
    args.struct_size = FINBOX_TASK_ARGS_SIZE;
    args.task = ++number;
    args.shape = FINBOX_SHAPE_AIV;
    args.kernel = (uint64_t)(uintptr_t)kernel;
    args.args = (uint64_t)(uintptr_t)&counter;
    args.defers = kernel == await;
    args.after = after;
    args.after_count = after != NULL;
    EXPECT(finbox_scheduler_submit(scheduler, &args, &task), OK);
    return task;
}

/* Passes until nothing moves. */
static void settle(finbox_scheduler *scheduler)
{
    finbox_pass pass;
    uint32_t step;

    do {
        memset(&pass, 0, sizeof pass);
        pass.struct_size = FINBOX_PASS_SIZE;
        EXPECT(finbox_scheduler_dispatch_pass(scheduler, &pass), OK);
        EXPECT(finbox_scheduler_fin_pass(scheduler, 0, &step), OK);
    } while (pass.progress || step == FINBOX_STEP_PROGRESS);
}

static uint32_t fate(finbox_scheduler *scheduler, finbox_task task)
{
    uint32_t fate;

    EXPECT(finbox_scheduler_fate(scheduler, task, &fate), OK);
    return fate;
}

/* This thread steps: a deferred task, one behind it, and what the report says meanwhile. */
static void by_hand(finbox_scheduler *scheduler)
{
    finbox_task waits = submit(scheduler, await, NULL), behind = submit(scheduler, count, &waits);
    finbox_stall rows[4];
    finbox_ledger ledger;
    size_t found;
    char text[300];

    settle(scheduler);
    REQUIRE(fate(scheduler, waits) == FINBOX_FATE_UNFINISHED && runs == 0);
    EXPECT(finbox_scheduler_stalls(scheduler, rows, 4, &found), OK);
    REQUIRE(found == 3 && rows[0].slot == waits.slot && rows[1].slot == behind.slot);
    REQUIRE(rows[2].standing == FINBOX_STANDING_CONDITION && rows[2].expected == 1);
    REQUIRE(rows[2].address == (uint64_t)(uintptr_t)&counter && rows[2].observed == 0);
    EXPECT(finbox_scheduler_stall_text(scheduler, text, sizeof text, NULL), OK);
    REQUIRE(strstr(text, "task 1 of slot 0:0#1 waits for its conditions") == text);
    EXPECT(finbox_scheduler_wait(scheduler, &waits, 1, 0), STOPPED);
    __atomic_store_n(&counter, 1, __ATOMIC_RELEASE);
    settle(scheduler);
    REQUIRE(fate(scheduler, behind) == FINBOX_FATE_COMPLETED && runs == 1);
    memset(&ledger, 0, sizeof ledger);
    ledger.struct_size = FINBOX_LEDGER_SIZE;
    EXPECT(finbox_scheduler_ledger(scheduler, &ledger), OK);
    REQUIRE(ledger.conditions == 1 && ledger.normal_done == 1 && ledger.completed == 2);
}

/* The library's threads step. */
static void by_threads(finbox_scheduler *scheduler)
{
    finbox_task last = submit(scheduler, await, NULL);
    finbox_fault fault;
    int i;

    EXPECT(finbox_scheduler_start(scheduler), OK);
    EXPECT(finbox_scheduler_fin_pass(scheduler, 0, NULL), STARTED);
    for (i = 0; i < 100; i++) {
        last = submit(scheduler, count, &last);
        EXPECT(finbox_scheduler_wait(scheduler, &last, 1, UINT64_MAX), OK);
    }
    EXPECT(finbox_scheduler_wait(scheduler, NULL, 0, UINT64_MAX), OK);
    EXPECT(finbox_scheduler_stop(scheduler), OK);
    REQUIRE(runs == 101 && fate(scheduler, last) == FINBOX_FATE_COMPLETED);
    memset(&fault, 0, sizeof fault);
    fault.struct_size = FINBOX_FAULT_SIZE;
    EXPECT(finbox_scheduler_first_fault(scheduler, &fault), OK);
    REQUIRE(fault.code == 0);
}

int main(void)
{
    static struct chip chip;
    finbox_scheduler scheduler = FINBOX_ZERO;
    finbox_scheduler_args args;
    finbox_port port;
    unsigned char *memory;
    size_t bytes, askew;

    chip_open(&chip, &port);
    memset(&args, 0, sizeof args);
    args.struct_size = FINBOX_SCHEDULER_ARGS_SIZE;
    args.port = &port;
    args.target = FINBOX_TARGET_A5;
    args.cores = CHIP_CORES;
    args.handlers = 1;
    args.task_slots = 64;
    args.edge_nodes = 64;
    args.condition_room = 64;
    args.mailbox_slots = 64;
    EXPECT(finbox_scheduler_bytes(&args, &bytes), OK);
    memory = malloc(bytes + FINBOX_SCHEDULER_ALIGN);
    REQUIRE(memory != NULL);
    memset(memory, 0xAA, bytes + FINBOX_SCHEDULER_ALIGN);
    askew = (size_t)(uintptr_t)memory % FINBOX_SCHEDULER_ALIGN;
    args.memory = memory + (FINBOX_SCHEDULER_ALIGN - askew);
    args.size_bytes = bytes - 1;
    EXPECT(finbox_scheduler_place(&args, &scheduler), TOO_SMALL);
    args.size_bytes = bytes;
    EXPECT(finbox_scheduler_place(&args, &scheduler), OK);
    by_hand(&scheduler);
    by_threads(&scheduler);
    EXPECT(finbox_scheduler_destroy(&scheduler), OK);
    EXPECT(finbox_scheduler_place(&args, &scheduler), OK);
    EXPECT(finbox_scheduler_destroy(&scheduler), OK);
    EXPECT(finbox_scheduler_destroy(&scheduler), DESTROYED);
    free(memory);
    printf("103 tasks in %lu bytes\n", (unsigned long)bytes);
    return 0;
}
