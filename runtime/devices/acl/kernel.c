/* Kernels: lists of operations, as far as streams and the host can do them without a program for
 * the cores. COPY and FILL_U32 go to the core's stream; NOTIFY, POST and BUSY are the host's, and
 * begin when everything in front of them has ended. Nothing that computes is announced: for that a
 * kernel binary would have to be loaded. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "acl_device.h"

/* How often an event is asked, and the largest piece that FILL_U32 copies. */
enum { POLL_NS = 20000, CONSTANT_BYTES = 65536 };

enum outcome { DONE, FAILED, WAITING };

/* What an operation reads and writes, in bytes; 0: nothing. UINT64_MAX: more than there is. */
static uint64_t bytes_read(const struct finbox_op *op)
{
    return op->kind == FINBOX_OP_KIND_AWAIT                                          ? 4
           : op->kind == FINBOX_OP_KIND_COPY || op->kind == FINBOX_OP_KIND_POST ? op->count
                                                                                : 0;
}

static uint64_t bytes_written(const struct finbox_op *op)
{
    switch (op->kind) {
    case FINBOX_OP_KIND_COPY:
    case FINBOX_OP_KIND_POST:
        return op->count;
    case FINBOX_OP_KIND_FILL_U32:
        return op->count > UINT64_MAX / 4 ? UINT64_MAX : 4 * op->count;
    case FINBOX_OP_KIND_NOTIFY:
    case FINBOX_OP_KIND_LATER:
        return 4;
    default:
        return 0;
    }
}

static bool is_word_at(const struct finbox_op *op, uint64_t address)
{
    return op->kind == FINBOX_OP_KIND_COPY || op->kind == FINBOX_OP_KIND_POST || address % 4 == 0;
}

static bool was_given(struct machine *machine, const struct finbox_op *op, uint64_t address,
                      uint64_t size_bytes)
{
    return size_bytes == 0 ||
           (is_word_at(op, address) && memory_rank(machine, address, size_bytes) != NULL);
}

static int32_t check_op(struct rank *rank, const struct finbox_op *op, size_t index)
{
    struct machine *machine = rank->machine;

    if (op->kind >= 64 || (KERNEL_OPERATIONS & BIT(op->kind)) == 0) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu is of kind %u, which streams "
                      "cannot do; see `operations`", index, op->kind);
    }
    if ((op->subtasks & ~7U) != 0 || (op->reserved[0] | op->reserved[1] | op->reserved[2]) != 0) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu has unknown subtasks, or something "
                      "in `reserved`", index);
    }
    if (!was_given(machine, op, op->from, bytes_read(op)) ||
        !was_given(machine, op, op->to, bytes_written(op))) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (kind %u) from %#" PRIx64 " to %#"
                      PRIx64 ": not given out, or not aligned", index, op->kind, op->from, op->to);
    }
    if (op->kind == FINBOX_OP_KIND_AWAIT && memory_image(rank, op->from, 4) == NULL) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (await): %#" PRIx64 " is another "
                      "rank's; the control CPU of rank %u cannot look at it", index, op->from,
                      rank->index);
    }
    if ((op->kind == FINBOX_OP_KIND_POST || op->kind == FINBOX_OP_KIND_AWAIT_POST) &&
        op->queue >= machine->facts.dma_queues) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu: DMA queue %u; a rank has %u",
                      index, op->queue, machine->facts.dma_queues);
    }
    return 0;
}

/* Whether all four bytes are the same: then aclrtMemsetAsync can fill with them. */
static bool is_of_one_byte(uint32_t word)
{
    return word == (word & 0xFF) * 0x01010101U;
}

/* What a FILL_U32 of other words copies from. */
static aclError prepare(struct step *step)
{
    uint64_t size_bytes = bytes_written(&step->op);
    uint32_t word = (uint32_t)step->op.value;
    aclError error;

    if (step->op.kind != FINBOX_OP_KIND_FILL_U32 || is_of_one_byte(word) || size_bytes == 0) {
        return 0;
    }
    step->constant_bytes = size_bytes < CONSTANT_BYTES ? size_bytes : CONSTANT_BYTES;
    error = acl.aclrtMallocHost(&step->constant, step->constant_bytes);
    for (uint64_t at = 0; error == 0 && at < step->constant_bytes; at += 4) {
        memcpy((uint8_t *)step->constant + at, &word, sizeof word);
    }
    return error;
}

static void free_kernel(struct kernel *kernel)
{
    for (size_t index = 0; index < kernel->count; index++) {
        if (kernel->steps[index].constant != NULL) {
            (void)acl.aclrtFreeHost(kernel->steps[index].constant);
        }
    }
    free(kernel);
}

static int32_t add_kernel(struct machine *machine, struct kernel *kernel, uint64_t *number)
{
    bool has_place;

    pthread_mutex_lock(&machine->lock);
    has_place = grow(&machine->kernels, &machine->kernel_room, machine->kernel_count,
                     sizeof(struct kernel *));
    if (has_place) {
        machine->kernels[machine->kernel_count++] = kernel;
        *number = machine->kernel_count;
    }
    pthread_mutex_unlock(&machine->lock);
    return has_place ? 0 : refuse(NO_ROOM, "load_kernel: no memory for one more kernel");
}

int32_t kernel_load(struct rank *rank, const struct finbox_op *ops, size_t count, uint64_t *number)
{
    struct kernel *kernel;
    aclError error = 0;
    int32_t refused = 0;

    if (number == NULL || (ops == NULL && count != 0)) {
        return refuse(BAD_ARGUMENT, "load_kernel: the operations, or the place for the kernel's "
                      "number, are null");
    }
    for (size_t index = 0; refused == 0 && index < count; index++) {
        refused = check_op(rank, &ops[index], index);
    }
    if (refused != 0) {
        return refused;
    }
    kernel = calloc(1, sizeof *kernel + count * sizeof kernel->steps[0]);
    if (kernel == NULL) {
        return refuse(NO_ROOM, "load_kernel: no memory for %zu operations", count);
    }
    kernel->rank = rank->index;
    kernel->count = count;
    error = acl.aclrtSetCurrentContext(rank->context);
    for (size_t index = 0; error == 0 && index < count; index++) {
        kernel->steps[index].op = ops[index];
        error = prepare(&kernel->steps[index]);
    }
    refused = error != 0 ? acl_refuse("load_kernel: aclrtMallocHost", error)
                         : add_kernel(rank->machine, kernel, number);
    if (refused != 0) {
        free_kernel(kernel);
    }
    return refused;
}

void kernels_close(struct machine *machine)
{
    for (size_t index = 0; index < machine->kernel_count; index++) {
        free_kernel(machine->kernels[index]);
    }
    free(machine->kernels);
}

/* The kernel with this number, if it is one of this rank's. */
static const struct kernel *find_kernel(const struct rank *rank, uint64_t number)
{
    struct machine *machine = rank->machine;
    const struct kernel *kernel = NULL;

    pthread_mutex_lock(&machine->lock);
    if (number != 0 && number <= machine->kernel_count) {
        kernel = machine->kernels[number - 1];
    }
    pthread_mutex_unlock(&machine->lock);
    return kernel != NULL && kernel->rank == rank->index ? kernel : NULL;
}

void run_begin(struct run *run, struct rank *rank, finbox_slab *slab)
{
    struct finbox_launch launch = run->launch;

    memset(run, 0, sizeof *run);
    run->launch = launch;
    run->slab = slab;
    run->kernel = find_kernel(rank, launch.kernel);
    run->error = run->kernel == NULL ? FINBOX_SLAB_ERROR_FATAL : 0;
}

/* The slab gets AscendCL's own number, the log its meaning. */
static enum outcome outcome_of(struct run *run, const struct rank *rank, const char *doing,
                               aclError error)
{
    if (error == 0) {
        return DONE;
    }
    acl_log(doing, rank->index, error);
    run->error = error;
    return FAILED;
}

static enum outcome add_condition(struct run *run, finbox_slab_entry entry)
{
    if (run->conditions == FINBOX_MAX_CONDITIONS) {
        run->error = FINBOX_SLAB_ERROR_OVERFLOW;
        return FAILED;
    }
    run->slab->entries[run->conditions++] = entry;
    return DONE;
}

static aclError fill(struct rank *by, aclrtStream stream, const struct step *step, uint64_t to)
{
    struct rank *of = &by->machine->ranks[to / RANK_STRIDE - 1];
    uint8_t *place = memory_on_device(of, to);
    uint64_t size_bytes = bytes_written(&step->op), done = 0;
    aclError error = 0;

    if (step->constant == NULL) {
        error = acl.aclrtMemsetAsync(place, size_bytes, (int32_t)(step->op.value & 0xFF),
                                     size_bytes, stream);
        done = size_bytes;
    }
    while (error == 0 && done < size_bytes) {
        uint64_t left = size_bytes - done;
        uint64_t piece = left < step->constant_bytes ? left : step->constant_bytes;
        error = acl.aclrtMemcpyAsync(place + done, left, step->constant, piece,
                                     ACL_HOST_TO_DEVICE, stream);
        done += piece;
    }
    return error != 0 ? error : memory_show(of, stream, to, size_bytes);
}

static enum outcome post(struct run *run, struct rank *rank, const struct finbox_op *op)
{
    struct queue *queue = &rank->queues[op->queue];
    struct transfer *entry = malloc(sizeof *entry);

    if (entry == NULL) {
        return FAILED;
    }
    *entry = (struct transfer){NULL, op->from, op->to, op->count};
    if (queue->first == NULL) {
        queue->first = entry;
    } else {
        queue->last->next = entry;
    }
    queue->last = entry;
    run->posted[op->queue] = ++queue->posted;
    return DONE;
}

static enum outcome remember_later(struct run *run, const struct finbox_op *op)
{
    struct later *later = malloc(sizeof *later);

    if (later == NULL) {
        return FAILED;
    }
    *later = (struct later){run->laters, op->value, op->to};
    run->laters = later;
    return DONE;
}

/* Waits for what was given to the stream so far. */
static enum outcome await_stream(struct run *run, struct rank *rank, struct lane *lane)
{
    aclError error = 0;

    if (!lane_record(lane, rank, &error)) {
        run->has_pending = false;
        return outcome_of(run, rank, "aclrtRecordEvent", error);
    }
    return WAITING;
}

static bool is_of_host(const struct finbox_op *op)
{
    return op->kind == FINBOX_OP_KIND_BUSY || op->kind == FINBOX_OP_KIND_NOTIFY ||
           op->kind == FINBOX_OP_KIND_POST;
}

/* The counter may be another rank's: what follows is this one's again. */
static aclError notify(struct rank *rank, const struct finbox_op *op)
{
    aclError error = memory_add(memory_rank(rank->machine, op->to, 4), op->to,
                                (uint32_t)op->value);
    aclError back = acl.aclrtSetCurrentContext(rank->context);

    return error != 0 ? error : back;
}

/* What the host does, where `op` is this block's. */
static enum outcome do_on_host(struct run *run, struct rank *rank, const struct finbox_op *op)
{
    uint64_t now = now_ns();

    switch (op->kind) {
    case FINBOX_OP_KIND_BUSY:
        run->busy_until_ns = op->value < NEVER - 1 - now ? now + op->value : NEVER - 1;
        return DONE;
    case FINBOX_OP_KIND_NOTIFY:
        return outcome_of(run, rank, "a notification", notify(rank, op));
    case FINBOX_OP_KIND_POST:
        return post(run, rank, op);
    case FINBOX_OP_KIND_LATER:
        return remember_later(run, op);
    case FINBOX_OP_KIND_AWAIT:
        return add_condition(run, (finbox_slab_entry){
            .addr = op->from, .cookie = op->count, .expected = (uint32_t)op->value,
            .engine = FINBOX_ENGINE_SDMA, .completion_type = FINBOX_COMPLETION_COUNTER});
    default:
        return run->posted[op->queue] == 0 ? DONE : add_condition(run, (finbox_slab_entry){
            .addr = rank->queues[op->queue].record_address, .cookie = run->posted[op->queue],
            .engine = FINBOX_ENGINE_SDMA,
            .completion_type = FINBOX_COMPLETION_SDMA_EVENT_RECORD});
    }
}

static enum outcome do_step(struct run *run, struct rank *rank, struct lane *lane,
                            const struct step *step)
{
    struct finbox_op op = step->op;

    if (is_of_host(&op) && run->has_pending) {
        return await_stream(run, rank, lane);
    }
    op.from += run->launch.block * op.stride;
    op.to += run->launch.block * op.stride;
    if (op.kind != FINBOX_OP_KIND_POST &&
        (!was_given(rank->machine, &op, op.from, bytes_read(&op)) ||
         !was_given(rank->machine, &op, op.to, bytes_written(&op)))) {
        return FAILED;
    }
    if (op.kind != FINBOX_OP_KIND_COPY && op.kind != FINBOX_OP_KIND_FILL_U32) {
        return do_on_host(run, rank, &op);
    }
    if (op.count == 0) {
        return DONE;
    }
    run->has_pending = true;
    if (op.kind == FINBOX_OP_KIND_COPY) {
        struct transfer what = {NULL, op.from, op.to, op.count};
        return outcome_of(run, rank, "a copy", memory_move(rank, lane->stream, &what));
    }
    return outcome_of(run, rank, "a fill", fill(rank, lane->stream, step, op.to));
}

static bool is_for(const struct finbox_op *op, const struct finbox_launch *launch)
{
    return op->subtasks == 0 || launch->subtask == 0 || (op->subtasks & launch->subtask) != 0;
}

uint64_t run_step(struct run *run, struct rank *rank, struct lane *lane)
{
    aclError error = 0;

    if (lane->is_waiting) {
        if (!lane_has_ended(lane, &error)) {
            return now_ns() + POLL_NS;
        }
        run->has_pending = false;
        (void)outcome_of(run, rank, "a core's stream", error);
    }
    if (run->busy_until_ns > now_ns()) {
        return run->busy_until_ns;
    }
    run->busy_until_ns = 0;
    while (run->error == 0 && run->next < run->kernel->count) {
        const struct step *step = &run->kernel->steps[run->next];
        enum outcome outcome = is_for(&step->op, &run->launch) ? do_step(run, rank, lane, step)
                                                               : DONE;
        if (outcome == WAITING) {
            return now_ns() + POLL_NS;
        }
        run->next++;
        if (outcome == FAILED && run->error == 0) {
            run->error = FINBOX_SLAB_ERROR_FATAL;
        }
        if (run->busy_until_ns != 0) {
            return run->busy_until_ns;
        }
    }
    if (run->has_pending && await_stream(run, rank, lane) == WAITING) {
        return now_ns() + POLL_NS;
    }
    return NEVER;
}
