/* Kernels: lists of operations. They are checked when they are loaded, and their addresses again
 * when they run: later blocks lie elsewhere, and memory may have been released since. What cannot
 * be done then ends the kernel with FINBOX_SLAB_ERROR_FATAL.
 *
 * Words are read and written through memcpy, because nobody knows what else they are to others;
 * counters, and only they, by atomic operations. Values are in the processor's byte order, which
 * is taken to be little endian. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "posix_device.h"

/* What a kind of operation touches, and how it is done. Places are null if nothing is touched. */
struct operation {
    const char *name;
    bool (*run)(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to);
    uint32_t from_bytes, to_bytes;  /* a unit's; 0: it does not read, or not write */
    bool is_counted;                /* `count` units, not one */
};

static uint32_t word_at(const uint8_t *words, uint64_t index)
{
    uint32_t word;
    memcpy(&word, words + 4 * index, sizeof word);
    return word;
}

static void set_word(uint8_t *words, uint64_t index, uint32_t word)
{
    memcpy(words + 4 * index, &word, sizeof word);
}

static float float_of(uint32_t word)
{
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static uint32_t word_of(float value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static bool run_busy(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to)
{
    uint64_t now = now_ns();
    (void)from, (void)to;
    run->busy_until_ns = op->value < NEVER - 1 - now ? now + op->value : NEVER - 1;
    return true;
}

static bool run_copy(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to)
{
    (void)run;
    if (op->count != 0) {
        memmove(to, from, op->count);
    }
    return true;
}

static bool run_fill(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to)
{
    (void)run, (void)from;
    for (uint64_t i = 0; i < op->count; i++) {
        set_word(to, i, (uint32_t)op->value);
    }
    return true;
}

/* The finaliser of SplitMix64 behind its increment. */
static uint64_t mix(uint64_t word)
{
    word += UINT64_C(0x9E3779B97F4A7C15);
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

static bool run_pattern(struct run *run, const struct finbox_op *op, const uint8_t *from,
                        uint8_t *to)
{
    (void)run, (void)from;
    for (uint64_t i = 0; i < op->count; i += 8) {
        uint64_t word = mix(op->value + mix(i / 8));
        for (uint64_t byte = 0; byte < 8 && i + byte < op->count; byte++) {
            to[i + byte] = (uint8_t)(word >> 8 * byte);
        }
    }
    return true;
}

static bool run_add(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to)
{
    (void)run;
    for (uint64_t i = 0; i < op->count; i++) {
        set_word(to, i, word_at(from, i) + (uint32_t)op->value);
    }
    return true;
}

static bool run_accumulate(struct run *run, const struct finbox_op *op, const uint8_t *from,
                           uint8_t *to)
{
    (void)run;
    for (uint64_t i = 0; i < op->count; i++) {
        set_word(to, i, word_at(to, i) + word_at(from, i));
    }
    return true;
}

static void add_float(const struct finbox_op *op, const uint8_t *from, uint8_t *to, float value)
{
    for (uint64_t i = 0; i < op->count; i++) {
        set_word(to, i, word_of(float_of(word_at(from, i)) + value));
    }
}

static bool run_add_f32(struct run *run, const struct finbox_op *op, const uint8_t *from,
                        uint8_t *to)
{
    (void)run;
    add_float(op, from, to, float_of((uint32_t)op->value));
    return true;
}

static bool run_scale_f32(struct run *run, const struct finbox_op *op, const uint8_t *from,
                          uint8_t *to)
{
    float factor = float_of((uint32_t)op->value);
    (void)run;
    for (uint64_t i = 0; i < op->count; i++) {
        set_word(to, i, word_of(float_of(word_at(from, i)) * factor));
    }
    return true;
}

static bool run_add_counter(struct run *run, const struct finbox_op *op, const uint8_t *from,
                            uint8_t *to)
{
    uint8_t *counter = memory_given(run->machine, op->value, 4);
    if (counter == NULL) {
        return false;
    }
    add_float(op, from, to, (float)atomic_load_explicit((_Atomic uint32_t *)(void *)counter,
                                                        memory_order_acquire));
    return true;
}

/* Release: who sees the new count sees what this kernel wrote before. */
static bool run_notify(struct run *run, const struct finbox_op *op, const uint8_t *from,
                       uint8_t *to)
{
    (void)run, (void)from;
    atomic_fetch_add_explicit((_Atomic uint32_t *)(void *)to, (uint32_t)op->value,
                              memory_order_acq_rel);
    return true;
}

/* The 65th condition ends the kernel: its task cannot wait for it. */
static bool add_condition(struct run *run, finbox_slab_entry entry)
{
    if (run->conditions == FINBOX_MAX_CONDITIONS) {
        run->error = FINBOX_SLAB_ERROR_OVERFLOW;
        return false;
    }
    run->slab->entries[run->conditions++] = entry;
    return true;
}

static bool run_await(struct run *run, const struct finbox_op *op, const uint8_t *from,
                      uint8_t *to)
{
    finbox_slab_entry entry = {.addr = op->from, .cookie = op->count,
                               .expected = (uint32_t)op->value, .engine = FINBOX_ENGINE_SDMA,
                               .completion_type = FINBOX_COMPLETION_COUNTER};
    (void)from, (void)to;
    return add_condition(run, entry);
}

static struct queue *queue_of(struct run *run, const struct finbox_op *op)
{
    return &run->machine->ranks[run->kernel->rank].queues[op->queue];
}

/* Addresses are the queue's business: one that is wrong by then becomes a failed transfer. */
static bool run_post(struct run *run, const struct finbox_op *op, const uint8_t *from, uint8_t *to)
{
    struct transfer what = {.from = op->from, .to = op->to, .size_bytes = op->count};
    (void)from, (void)to;
    run->posted[op->queue] = dma_post(run->machine, queue_of(run, op), &what);
    return run->posted[op->queue] != 0;
}

static bool run_await_post(struct run *run, const struct finbox_op *op, const uint8_t *from,
                           uint8_t *to)
{
    finbox_slab_entry entry = {.addr = queue_of(run, op)->record_address,
                               .cookie = run->posted[op->queue], .engine = FINBOX_ENGINE_SDMA,
                               .completion_type = FINBOX_COMPLETION_SDMA_EVENT_RECORD};
    (void)from, (void)to;
    return entry.cookie == 0 || add_condition(run, entry);
}

static bool run_later(struct run *run, const struct finbox_op *op, const uint8_t *from,
                      uint8_t *to)
{
    struct later *later = malloc(sizeof *later);
    (void)from, (void)to;
    if (later == NULL) {
        return false;
    }
    later->due_ns = op->value;
    later->address = op->to;
    later->next = run->laters;
    run->laters = later;
    return true;
}

static const struct operation operations[] = {
    [FINBOX_OP_KIND_BUSY] = {"busy", run_busy, 0, 0, false},
    [FINBOX_OP_KIND_COPY] = {"copy", run_copy, 1, 1, true},
    [FINBOX_OP_KIND_FILL_U32] = {"fill_u32", run_fill, 0, 4, true},
    [FINBOX_OP_KIND_FILL_PATTERN] = {"fill_pattern", run_pattern, 0, 1, true},
    [FINBOX_OP_KIND_ADD_U32] = {"add_u32", run_add, 4, 4, true},
    [FINBOX_OP_KIND_ACCUMULATE_U32] = {"accumulate_u32", run_accumulate, 4, 4, true},
    [FINBOX_OP_KIND_ADD_F32] = {"add_f32", run_add_f32, 4, 4, true},
    [FINBOX_OP_KIND_SCALE_F32] = {"scale_f32", run_scale_f32, 4, 4, true},
    [FINBOX_OP_KIND_ADD_COUNTER_F32] = {"add_counter_f32", run_add_counter, 4, 4, true},
    [FINBOX_OP_KIND_NOTIFY] = {"notify", run_notify, 0, 4, false},
    [FINBOX_OP_KIND_AWAIT] = {"await", run_await, 4, 0, false},
    [FINBOX_OP_KIND_POST] = {"post", run_post, 1, 1, true},
    [FINBOX_OP_KIND_AWAIT_POST] = {"await_post", run_await_post, 0, 0, false},
    [FINBOX_OP_KIND_LATER] = {"later", run_later, 0, 4, false},
};

enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* Whether `units` of `unit_bytes` at `address` were given out; what is nothing, always was. */
static bool resolve(struct machine *machine, uint64_t address, uint64_t units,
                    uint32_t unit_bytes, uint8_t **place)
{
    *place = NULL;
    if (unit_bytes == 0 || units == 0) {
        return true;
    }
    if (units > UINT64_MAX / unit_bytes || address % unit_bytes != 0) {
        return false;
    }
    *place = memory_given(machine, address, units * unit_bytes);
    return *place != NULL;
}

static int32_t check_op(struct rank *rank, const struct finbox_op *op, size_t index)
{
    struct machine *machine = rank->machine;
    const struct operation *kind;
    uint64_t units;
    uint8_t *place;

    if (op->kind >= OPERATIONS) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu has the unknown kind %u", index,
                      op->kind);
    }
    kind = &operations[op->kind];
    units = kind->is_counted ? op->count : 1;
    if ((op->subtasks & ~7U) != 0 || (op->reserved[0] | op->reserved[1] | op->reserved[2]) != 0) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (%s) has unknown subtasks, or "
                      "something in `reserved`", index, kind->name);
    }
    if (!resolve(machine, op->from, units, kind->from_bytes, &place) ||
        !resolve(machine, op->to, units, kind->to_bytes, &place)) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (%s): from %#" PRIx64 " or to %#"
                      PRIx64 ", %" PRIu64 " units of %u bytes, was not given out or is not "
                      "aligned", index, kind->name, op->from, op->to, units,
                      kind->from_bytes | kind->to_bytes);
    }
    if (op->kind == FINBOX_OP_KIND_AWAIT && memory_mapped(rank, op->from, 4) == NULL) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (await): %#" PRIx64 " is another "
                      "rank's; the control CPU of rank %u cannot look at it", index, op->from,
                      rank->index);
    }
    if (op->kind == FINBOX_OP_KIND_ADD_COUNTER_F32 &&
        !resolve(machine, op->value, 1, 4, &place)) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (add_counter_f32): the counter at "
                      "%#" PRIx64 " was not given out or is not aligned", index, op->value);
    }
    if ((op->kind == FINBOX_OP_KIND_POST || op->kind == FINBOX_OP_KIND_AWAIT_POST) &&
        op->queue >= machine->facts.dma_queues) {
        return refuse(BAD_ARGUMENT, "load_kernel: operation %zu (%s): DMA queue %u; a rank has %u",
                      index, kind->name, op->queue, machine->facts.dma_queues);
    }
    return 0;
}

int32_t kernel_load(struct rank *rank, const struct finbox_op *ops, size_t count, uint64_t *number)
{
    struct machine *machine = rank->machine;
    struct kernel *kernel = NULL;
    bool has_place;
    int32_t refused;

    if (number == NULL || (ops == NULL && count != 0)) {
        return refuse(BAD_ARGUMENT, "load_kernel: the operations, or the place for the kernel's "
                      "number, are null");
    }
    for (size_t index = 0; index < count; index++) {
        refused = check_op(rank, &ops[index], index);
        if (refused != 0) {
            return refused;
        }
    }
    kernel = malloc(sizeof *kernel + count * sizeof *ops);
    if (kernel == NULL) {
        return refuse(NO_ROOM, "load_kernel: no memory for %zu operations", count);
    }
    kernel->rank = rank->index;
    kernel->count = count;
    if (count != 0) {
        memcpy(kernel->ops, ops, count * sizeof *ops);
    }
    pthread_mutex_lock(&machine->lock);
    has_place = grow(&machine->kernels, &machine->kernel_room, machine->kernel_count,
                     sizeof(struct kernel *));
    if (has_place) {
        machine->kernels[machine->kernel_count++] = kernel;
        *number = machine->kernel_count;
    }
    pthread_mutex_unlock(&machine->lock);
    if (!has_place) {
        free(kernel);
        return refuse(NO_ROOM, "load_kernel: no memory for one more kernel");
    }
    return 0;
}

void kernels_close(struct machine *machine)
{
    for (size_t index = 0; index < machine->kernel_count; index++) {
        free(machine->kernels[index]);
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
    run->machine = rank->machine;
    run->kernel = find_kernel(rank, run->launch.kernel);
    run->next = 0;
    run->busy_until_ns = 0;
    run->slab = slab;
    run->conditions = 0;
    run->error = run->kernel == NULL ? FINBOX_SLAB_ERROR_FATAL : 0;
    run->laters = NULL;
    memset(run->posted, 0, sizeof run->posted);
}

/* Whether this subtask does this operation. */
static bool is_for(const struct finbox_op *op, const struct finbox_launch *launch)
{
    return op->subtasks == 0 || launch->subtask == 0 || (op->subtasks & launch->subtask) != 0;
}

/* Does one operation where this block's bytes are. */
static bool do_op(struct run *run, const struct finbox_op *op)
{
    const struct operation *kind = &operations[op->kind];
    uint64_t units = kind->is_counted ? op->count : 1;
    struct finbox_op moved = *op;
    uint8_t *from = NULL, *to = NULL;

    moved.from += run->launch.block * op->stride;
    moved.to += run->launch.block * op->stride;
    if (op->kind != FINBOX_OP_KIND_POST &&
        (!resolve(run->machine, moved.from, units, kind->from_bytes, &from) ||
         !resolve(run->machine, moved.to, units, kind->to_bytes, &to))) {
        return false;
    }
    return kind->run(run, &moved, from, to);
}

uint64_t run_step(struct run *run)
{
    if (run->busy_until_ns > now_ns()) {
        return run->busy_until_ns;
    }
    run->busy_until_ns = 0;
    while (run->error == 0 && run->next < run->kernel->count) {
        const struct finbox_op *op = &run->kernel->ops[run->next++];
        if (is_for(op, &run->launch) && !do_op(run, op) && run->error == 0) {
            run->error = FINBOX_SLAB_ERROR_FATAL;
        }
        if (run->busy_until_ns != 0) {
            return run->busy_until_ns;
        }
    }
    return NEVER;
}
