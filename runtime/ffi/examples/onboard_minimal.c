/* Two ranks of a device notify each other: opens a device library, submits the graph, waits, prints.
 *
 * onboard_minimal DEVICE.so [OPTIONS]
 *
 * Each rank's producer copies what it has into its peer's mailbox and adds 1 to its peer's counter;
 * its notify_wait registers that its own counter reaches 1, and is done when it does; its consumer
 * copies the mailbox to the result. Rank 0 ends with 2.0 everywhere, rank 1 with 1.0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finbox.h"

enum { RANKS = 2, N = 128 * 128, BYTES = N * (int)sizeof(float) };

/* A rank: where its memory lies, and its scheduler. */
struct rank {
    uint64_t partial, mailbox, counter, result;
    finbox_scheduler scheduler;
    void *memory;
};

static void must(finbox_status status, const char *doing)
{
    if (status != FINBOX_STATUS_OK) {
        char text[4200];
        finbox_last_error(text, sizeof text, NULL);
        fprintf(stderr, "%s: %s: %s\n", doing, finbox_status_text(status), text);
        exit(1);
    }
}

static void set_up_memory(finbox_device *device, uint32_t index, struct rank *rank)
{
    static float partial[N];
    uint64_t window;
    int i;

    for (i = 0; i < N; i++) {
        partial[i] = (float)(index + 1);
    }
    must(finbox_device_allocate(device, index, BYTES, 64, &rank->partial), "partial");
    must(finbox_device_allocate(device, index, BYTES + 4, 4096, &window), "window");
    must(finbox_device_allocate(device, index, BYTES, 64, &rank->result), "result");
    rank->mailbox = window;
    rank->counter = window + BYTES;
    must(finbox_device_copy_in(device, rank->partial, partial, BYTES), "copy in");
}

static void set_up_scheduler(finbox_device *device, uint32_t index, struct rank *rank)
{
    finbox_device_facts facts = {.struct_size = FINBOX_DEVICE_FACTS_SIZE};
    finbox_scheduler_args args = {.struct_size = FINBOX_SCHEDULER_ARGS_SIZE, .task_slots = 64};
    finbox_port port = {.struct_size = FINBOX_PORT_SIZE};
    size_t rounded;

    must(finbox_device_describe(device, &facts), "describe");
    must(finbox_device_port(device, index, &port), "port");
    args.port = &port;
    args.target = facts.target;
    args.cores = facts.cores;
    args.host_lanes = facts.host_lanes;
    must(finbox_scheduler_bytes(&args, &args.size_bytes), "bytes");
    rounded = (args.size_bytes / FINBOX_SCHEDULER_ALIGN + 1) * FINBOX_SCHEDULER_ALIGN;
    rank->memory = aligned_alloc(FINBOX_SCHEDULER_ALIGN, rounded);
    if (rank->memory == NULL) {
        fprintf(stderr, "no memory for a scheduler of %zu bytes\n", args.size_bytes);
        exit(1);
    }
    args.memory = rank->memory;
    must(finbox_scheduler_place(&args, &rank->scheduler), "place");
    must(finbox_scheduler_start(&rank->scheduler), "start");
}

static finbox_task submit(finbox_device *device, uint32_t index, struct rank *rank,
                          const finbox_op *ops, size_t count, const finbox_task_args *with)
{
    static uint64_t number;
    finbox_task_args args = *with;
    finbox_task task;

    args.struct_size = FINBOX_TASK_ARGS_SIZE;
    args.shape = FINBOX_SHAPE_AIV;
    args.task = ++number;
    must(finbox_device_load_kernel(device, index, ops, count, &args.kernel), "load a kernel");
    must(finbox_scheduler_submit(&rank->scheduler, &args, &task), "submit");
    return task;
}

/* The three tasks of a rank. */
static void submit_all(finbox_device *device, uint32_t index, struct rank *ranks)
{
    struct rank *rank = &ranks[index], *peer = &ranks[(index + RANKS - 1) % RANKS];
    finbox_op produce[2] = {
        {.kind = FINBOX_OP_KIND_COPY, .from = rank->partial, .to = peer->mailbox, .count = BYTES},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = peer->counter, .value = 1}};
    finbox_op wait = {.kind = FINBOX_OP_KIND_AWAIT, .from = rank->counter, .value = 1};
    finbox_op consume = {.kind = FINBOX_OP_KIND_COPY, .from = rank->mailbox, .to = rank->result,
                         .count = BYTES};
    finbox_task before[2];

    before[0] = submit(device, index, rank, produce, 2, &(finbox_task_args){0});
    before[1] = submit(device, index, rank, &wait, 1, &(finbox_task_args){.defers = 1});
    submit(device, index, rank, &consume, 1,
           &(finbox_task_args){.after = before, .after_count = 2});
}

/* Waits for a rank, and says what it waits for if nothing moves. */
static void finish(uint32_t index, struct rank *rank)
{
    finbox_ledger ledger = {.struct_size = FINBOX_LEDGER_SIZE};
    finbox_status waited = finbox_scheduler_wait(&rank->scheduler, NULL, 0, UINT64_MAX);
    char stalls[2000];

    if (waited != FINBOX_STATUS_OK) {
        char text[500];
        finbox_last_error(text, sizeof text, NULL);
        fprintf(stderr, "rank %u: %s\n", index, text);
        must(finbox_scheduler_stop(&rank->scheduler), "stop");
        must(finbox_scheduler_stall_text(&rank->scheduler, stalls, sizeof stalls, NULL), "stalls");
        fprintf(stderr, "%s", stalls);
        exit(4);
    }
    must(finbox_scheduler_stop(&rank->scheduler), "stop");
    must(finbox_scheduler_ledger(&rank->scheduler, &ledger), "ledger");
    printf("rank %u: %llu tasks, %llu deferred, %llu CONDITION and %llu TASK_NORMAL_DONE\n", index,
           (unsigned long long)ledger.completed, (unsigned long long)ledger.deferred,
           (unsigned long long)ledger.conditions, (unsigned long long)ledger.normal_done);
    must(finbox_scheduler_destroy(&rank->scheduler), "destroy");
    free(rank->memory);
}

/* How far a rank's result is from what its peer had. */
static float max_diff(finbox_device *device, uint32_t index, struct rank *rank)
{
    static float result[N];
    float wanted = (float)((index + 1) % RANKS + 1), most = 0;
    int i;

    must(finbox_device_copy_out(device, result, rank->result, BYTES), "copy out");
    for (i = 0; i < N; i++) {
        float diff = result[i] > wanted ? result[i] - wanted : wanted - result[i];
        most = diff > most ? diff : most;
    }
    return most;
}

int main(int argc, char **argv)
{
    finbox_device device = FINBOX_ZERO;
    finbox_device_args args = {.struct_size = FINBOX_DEVICE_ARGS_SIZE, .ranks = RANKS};
    static struct rank ranks[RANKS];
    float most = 0;
    uint32_t index;

    if (argc > 1) {
        args.library = (finbox_text){argv[1], strlen(argv[1])};
    }
    if (argc > 2) {
        args.options = (finbox_text){argv[2], strlen(argv[2])};
    }
    must(finbox_device_open(&args, &device), "open");
    for (index = 0; index < RANKS; index++) {
        set_up_memory(&device, index, &ranks[index]);
        set_up_scheduler(&device, index, &ranks[index]);
    }
    for (index = 0; index < RANKS; index++) {
        submit_all(&device, index, ranks);
    }
    for (index = 0; index < RANKS; index++) {
        finish(index, &ranks[index]);
    }
    for (index = 0; index < RANKS; index++) {
        float diff = max_diff(&device, index, &ranks[index]);
        most = diff > most ? diff : most;
    }
    must(finbox_device_close(&device), "close");
    printf("max_diff %g\n", (double)most);
    return most == 0 ? 0 : 3;
}
