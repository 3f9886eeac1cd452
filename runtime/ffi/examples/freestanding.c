/* Firmware without an operating system or a C library: places a mailbox, pushes and drains; then
 * places a scheduler over a port, and completes a deferred task. As a program for Linux, because a
 * test wants its verdict: 0 if every message and both tasks came.
 *
 * cc -ffreestanding -nostdlib -static -no-pie freestanding.c libfinbox.a (the firmware build) */
#include "finbox.h"

enum { SLOTS = 16, ROUNDS = 100 };

static _Alignas(FINBOX_LINE_BYTES) unsigned char memory[(2 + SLOTS + 1) * FINBOX_LINE_BYTES];
static finbox_consumer consumer;
static finbox_producer producer;

/* The end of the program, by a system call: the only thing here that knows Linux. */
static _Noreturn void stop(long status)
{
    for (;;) {
#if defined(__x86_64__)
        __asm__ volatile("syscall" : : "a"(60L), "D"(status) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
        register long x0 __asm__("x0") = status;
        register long x8 __asm__("x8") = 93;
        __asm__ volatile("svc 0" : : "r"(x0), "r"(x8) : "memory");
#else
#error "no way to stop on this machine"
#endif
    }
}

/* libfinbox needs this of its firmware, and what a compiler always needs: memcpy and the like. */
void finbox_firmware_panic(const char *text, size_t length)
{
    (void)text;
    (void)length;
    stop(101);
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    while (count-- > 0) {
        *target++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target <= source) {
        return memcpy(to, from, count);
    }
    while (count-- > 0) {
        target[count] = source[count];
    }
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    unsigned char *target = to;
    while (count-- > 0) {
        *target++ = (unsigned char)byte;
    }
    return to;
}

static finbox_status place(void)
{
    finbox_place_args args = {0};

    args.struct_size = FINBOX_PLACE_ARGS_SIZE;
    args.memory = memory;
    args.size_bytes = sizeof memory;
    args.slots = SLOTS;
    args.epoch = 7;
    args.flags = FINBOX_PLACE_OWN;
    return finbox_mailbox_place(&args, &consumer);
}

/* Pushes more than fits, takes what came, and counts it. */
static long round_of(uint64_t first)
{
    finbox_message messages[SLOTS];
    finbox_drained drained = {.struct_size = FINBOX_DRAINED_SIZE};
    uint64_t task = first;

    while (finbox_producer_push_normal_done(&producer, task, task, 0) == FINBOX_STATUS_OK) {
        task++;
    }
    if (finbox_consumer_try_drain(&consumer, messages, SLOTS, &drained) != FINBOX_STATUS_OK) {
        return -1;
    }
    for (uint32_t i = 0; i < drained.taken; i++) {
        if (messages[i].task != first + i || messages[i].epoch != 7) {
            return -1;
        }
    }
    return (long)drained.taken;
}

/* A chip of one cluster, whose memory is this program's. A core runs its kernel when its doorbell
 * rings: kernel 0 does nothing, kernel 1 registers that `counter` must reach 1. */
enum { CORES = 3 };

static struct {
    _Alignas(64) finbox_slab slabs[2];
    finbox_launch staged[2];
    uint32_t cond;
} cores[CORES];
static uint32_t counter;
static uint64_t ticks;

static uint32_t load_cond(void *context, uint32_t core)
{
    (void)context;
    return __atomic_load_n(&cores[core].cond, __ATOMIC_ACQUIRE);
}

static void ring_doorbell(void *context, uint32_t core, uint32_t token)
{
    finbox_slab *slab = &cores[core].slabs[token & 1];

    (void)context;
    if (cores[core].staged[token & 1].kernel == 1) {
        slab->entries[0].addr = (uint64_t)(uintptr_t)&counter;
        slab->entries[0].expected = 1;
        slab->entries[0].engine = FINBOX_ENGINE_SDMA;
        slab->entries[0].completion_type = FINBOX_COMPLETION_COUNTER;
        slab->count = 1;
    }
    __atomic_store_n(&cores[core].cond, FINBOX_COND_FIN | token, __ATOMIC_RELEASE);
}

static void stage_payload(void *context, uint32_t core, uint32_t token, const finbox_launch *launch)
{
    (void)context;
    cores[core].staged[token & 1] = *launch;
}

static uint64_t slab_address(void *context, uint32_t core, uint32_t parity)
{
    (void)context;
    return (uint64_t)(uintptr_t)&cores[core].slabs[parity];
}

static void nothing(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context;
    (void)address;
    (void)size_bytes;
}

static uint32_t can_read(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    return address != 0;
}

static uint32_t load_u32(void *context, uint64_t address)
{
    (void)context;
    return __atomic_load_n((const uint32_t *)(uintptr_t)address, __ATOMIC_ACQUIRE);
}

static uint64_t load_u64(void *context, uint64_t address)
{
    (void)context;
    return __atomic_load_n((const uint64_t *)(uintptr_t)address, __ATOMIC_ACQUIRE);
}

static void store_u64(void *context, uint64_t address, uint64_t value)
{
    (void)context;
    *(uint64_t *)(uintptr_t)address = value;
}

static uint64_t now(void *context)
{
    (void)context;
    return ++ticks;
}

static const finbox_port port = {
    .struct_size = FINBOX_PORT_SIZE,
    .load_cond = load_cond,
    .ring_doorbell = ring_doorbell,
    .stage_payload = stage_payload,
    .slab_address = slab_address,
    .refresh = nothing,
    .clean = nothing,
    .can_read = can_read,
    .load_u32 = load_u32,
    .load_u64 = load_u64,
    .store_u64 = store_u64,
    .now = now,
};

static _Alignas(FINBOX_SCHEDULER_ALIGN) unsigned char tables[64 * 1024];
static finbox_scheduler scheduler;

static finbox_status place_scheduler(void)
{
    finbox_scheduler_args args = {.struct_size = FINBOX_SCHEDULER_ARGS_SIZE, .memory = tables,
                                  .size_bytes = sizeof tables, .port = &port, .cores = CORES,
                                  .handlers = 1, .task_slots = 8, .edge_nodes = 8, .scopes = 1,
                                  .condition_room = 64, .urma_queues = 1, .mailbox_slots = 16};

    for (int core = 0; core < CORES; core++) {
        cores[core].cond = FINBOX_COND_RESET;
    }
    return finbox_scheduler_place(&args, &scheduler);
}

/* Steps both roles a few times, and says what became of a task. */
static uint32_t fate_of(finbox_task task)
{
    finbox_pass pass = {.struct_size = FINBOX_PASS_SIZE};
    uint32_t fate = 9;

    for (int turn = 0; turn < 8; turn++) {
        if (finbox_scheduler_dispatch_pass(&scheduler, &pass) != FINBOX_STATUS_OK ||
            finbox_scheduler_fin_pass(&scheduler, 0, 0) != FINBOX_STATUS_OK) {
            return 9;
        }
    }
    return finbox_scheduler_fate(&scheduler, task, &fate) == FINBOX_STATUS_OK ? fate : 9;
}

/* A task that waits for the counter, and one behind it. 0 if both went as they should. */
static long deferred(void)
{
    finbox_task_args args = {.struct_size = FINBOX_TASK_ARGS_SIZE, .shape = FINBOX_SHAPE_AIV,
                             .task = 1, .kernel = 1, .defers = 1};
    finbox_ledger ledger = {.struct_size = FINBOX_LEDGER_SIZE};
    finbox_task waits, behind;

    if (place_scheduler() != FINBOX_STATUS_OK ||
        finbox_scheduler_submit(&scheduler, &args, &waits) != FINBOX_STATUS_OK) {
        return 10;
    }
    args = (finbox_task_args){.struct_size = FINBOX_TASK_ARGS_SIZE, .shape = FINBOX_SHAPE_AIC,
                              .task = 2, .after = &waits, .after_count = 1};
    if (finbox_scheduler_submit(&scheduler, &args, &behind) != FINBOX_STATUS_OK) {
        return 11;
    }
    if (fate_of(waits) != FINBOX_FATE_UNFINISHED || fate_of(behind) != FINBOX_FATE_UNFINISHED) {
        return 12;
    }
    __atomic_store_n(&counter, 1, __ATOMIC_RELEASE);
    if (fate_of(waits) != FINBOX_FATE_COMPLETED || fate_of(behind) != FINBOX_FATE_COMPLETED) {
        return 13;
    }
    if (finbox_scheduler_ledger(&scheduler, &ledger) != FINBOX_STATUS_OK ||
        ledger.conditions != 1 || ledger.normal_done != 1 || ledger.inline_completed != 1) {
        return 14;
    }
    return finbox_scheduler_destroy(&scheduler) == FINBOX_STATUS_OK ? 0 : 15;
}

static _Noreturn __attribute__((used)) void run(void)
{
    uint64_t task = 1;

    if (place() != FINBOX_STATUS_OK) {
        stop(1);
    }
    if (place() != FINBOX_STATUS_IN_USE) {
        stop(2);
    }
    if (finbox_producer_open(&consumer, 3, &producer) != FINBOX_STATUS_OK) {
        stop(3);
    }
    for (int round = 0; round < ROUNDS; round++) {
        long taken = round_of(task);
        if (taken != SLOTS) {
            stop(4);
        }
        task += (uint64_t)taken;
    }
    if (finbox_consumer_destroy(&consumer) != FINBOX_STATUS_OK) {
        stop(5);
    }
    stop(deferred());
}

/* The stack is aligned to 16 bytes here, as a call expects it before its return address. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall run\n");
#else
__asm__(".globl _start\n_start:\n\tbl run\n");
#endif
