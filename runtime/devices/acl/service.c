/* Cores as the control CPU sees them, and the service thread: it takes tokens, gives operations to
 * streams, asks their events, and writes COND. It alone calls AscendCL here, so that the port never
 * waits for a board; how doorbell and sleeper never miss each other stands in ../posix/core.c. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "acl_device.h"

/* The code of a transfer whose bytes are not, or no longer, given out. */
enum { LOOKS = 50, POLL_NS = 20000, BAD_ADDRESS = 14, FAILED_PLACES = 6 };

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

bool lane_record(struct lane *lane, const struct rank *rank, aclError *error)
{
    *error = acl.aclrtRecordEvent(lane->event, lane->stream);
    lane->is_waiting = *error == 0;
    lane->deadline_ns = now_ns() + rank->machine->timeout_ns;
    return lane->is_waiting;
}

bool lane_has_ended(struct lane *lane, aclError *error)
{
    int status = ACL_EVENT_NOT_READY;

    *error = acl.aclrtQueryEventStatus(lane->event, &status);
    if (*error == 0 && status != ACL_EVENT_COMPLETE && now_ns() > lane->deadline_ns) {
        if (acl.aclrtStreamAbort != NULL) {
            (void)acl.aclrtStreamAbort(lane->stream);
        }
        *error = ACL_STREAM_TIMEOUT;
    }
    lane->is_waiting = *error == 0 && status != ACL_EVENT_COMPLETE;
    return !lane->is_waiting;
}

/* Takes a token that was not dealt with yet, and answers ACK. A word that is no token of a task is
 * passed over. */
static bool take(struct core *core, struct rank *rank)
{
    uint32_t token = atomic_load_explicit(&core->dispatch, memory_order_acquire);

    if (core->has_ended || token == core->taken) {
        return false;
    }
    core->taken = token;
    core->has_ended = token == FINBOX_TOKEN_EXIT;
    core->is_running = token <= FINBOX_TOKEN_LAST;
    if (core->is_running) {
        core->run.launch = core->launches[token & 1];
        run_begin(&core->run, rank, core->slabs[token & 1]);
    }
    if (core->is_running || core->has_ended) {
        atomic_store_explicit(&core->cond, token, memory_order_release);
    }
    return true;
}

/* Puts counters to be raised where their time says. */
static void add_laters(struct machine *machine, struct later *laters)
{
    uint64_t now = now_ns();

    while (laters != NULL) {
        struct later *later = laters, **place = &machine->laters;
        laters = later->next;
        later->due_ns = later->due_ns < NEVER - 1 - now ? now + later->due_ns : NEVER - 1;
        while (*place != NULL && (*place)->due_ns <= later->due_ns) {
            place = &(*place)->next;
        }
        later->next = *place;
        *place = later;
    }
}

static uint64_t step_core(struct core *core, struct rank *rank)
{
    bool has_taken = !core->is_running && take(core, rank);
    uint64_t until_ns;

    if (!core->is_running) {
        return has_taken ? 0 : NEVER;
    }
    until_ns = run_step(&core->run, rank, &core->lane);
    if (until_ns != NEVER) {
        return until_ns;
    }
    core->run.slab->count = core->run.conditions;
    core->run.slab->error = core->run.error;
    core->is_running = false;
    atomic_store_explicit(&core->cond, core->taken | FINBOX_COND_FIN, memory_order_release);
    add_laters(rank->machine, core->run.laters);
    core->run.laters = NULL;
    return 0;
}

static void store_u64(uint64_t *word, uint64_t value)
{
    atomic_store_explicit((_Atomic uint64_t *)word, value, memory_order_release);
}

/* Ends the first transfer of a queue; what failed has the last four digits of its code entered,
 * before it counts as ended. */
static void end_transfer(struct queue *queue, uint32_t code)
{
    finbox_event_record *record = queue->record;
    struct transfer *what = queue->first;
    uint64_t number = record->completed + 1;

    if (code != 0) {
        if (record->failures < FAILED_PLACES) {
            store_u64(&record->failed[record->failures],
                      (uint64_t)(code % 10000) << 48 | (number & ((UINT64_C(1) << 48) - 1)));
        }
        store_u64(&record->failures, record->failures + 1);
    }
    store_u64(&record->completed, number);
    queue->first = what->next;
    free(what);
}

static uint64_t step_queue(struct queue *queue, struct rank *rank)
{
    struct transfer *what = queue->first;
    aclError error = 0;

    if (what == NULL) {
        return NEVER;
    }
    if (queue->lane.is_waiting) {
        if (!lane_has_ended(&queue->lane, &error)) {
            return now_ns() + POLL_NS;
        }
    } else if (what->size_bytes != 0 &&
               (memory_rank(rank->machine, what->from, what->size_bytes) == NULL ||
                memory_rank(rank->machine, what->to, what->size_bytes) == NULL)) {
        end_transfer(queue, BAD_ADDRESS);
        return 0;
    } else if (what->size_bytes != 0) {
        error = memory_move(rank, queue->lane.stream, what);
        if (error == 0 && lane_record(&queue->lane, rank, &error)) {
            return now_ns() + POLL_NS;
        }
    }
    if (error != 0) {
        acl_log("a DMA queue's stream", rank->index, error);
    }
    end_transfer(queue, (uint32_t)error);
    return 0;
}

static uint64_t step_laters(struct machine *machine)
{
    while (machine->laters != NULL && machine->laters->due_ns <= now_ns()) {
        struct later *later = machine->laters;
        struct rank *of = memory_rank(machine, later->address, 4);
        aclError error = of == NULL ? ACL_PARAM_INVALID : memory_add(of, later->address, 1);
        if (error != 0) {
            acl_log("a counter that was to be raised later", of == NULL ? 0 : of->index, error);
        }
        machine->laters = later->next;
        free(later);
    }
    return machine->laters == NULL ? NEVER : machine->laters->due_ns;
}

/* Looks at everything once, and says when to look again. */
static uint64_t look(struct machine *machine)
{
    uint64_t next_ns = NEVER;

    for (uint32_t index = 0; index < machine->facts.ranks; index++) {
        struct rank *rank = &machine->ranks[index];
        aclError error = acl.aclrtSetCurrentContext(rank->context);
        if (error != 0) {
            acl_log("aclrtSetCurrentContext", index, error);
        }
        for (uint32_t core = 0; core < machine->facts.cores; core++) {
            next_ns = earlier(next_ns, step_core(&rank->cores[core], rank));
            /* A notification may have been to another rank's memory. */
            (void)acl.aclrtSetCurrentContext(rank->context);
        }
        for (uint32_t queue = 0; queue < machine->facts.dma_queues; queue++) {
            next_ns = earlier(next_ns, step_queue(&rank->queues[queue], rank));
        }
    }
    return earlier(next_ns, step_laters(machine));
}

static void sleep_until(struct machine *machine, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    if (until_ns == NEVER) {
        sem_wait(&machine->bell);
    } else {
        sem_clockwait(&machine->bell, CLOCK_MONOTONIC, &until);
    }
}

static void ring(struct machine *machine)
{
    if (atomic_exchange_explicit(&machine->is_asleep, 0, memory_order_acq_rel) != 0) {
        sem_post(&machine->bell);
    }
}

static void *service_main(void *argument)
{
    struct machine *machine = argument;
    uint32_t in_vain = 0;

    while (!atomic_load_explicit(&machine->is_stopping, memory_order_acquire)) {
        uint64_t next_ns = look(machine);
        if (next_ns <= now_ns()) {
            in_vain = 0;
        } else if (++in_vain < LOOKS) {
            sched_yield();
        } else {
            atomic_exchange_explicit(&machine->is_asleep, 1, memory_order_acq_rel);
            next_ns = look(machine);
            if (next_ns > now_ns() &&
                !atomic_load_explicit(&machine->is_stopping, memory_order_acquire)) {
                sleep_until(machine, next_ns);
            }
            atomic_exchange_explicit(&machine->is_asleep, 0, memory_order_acq_rel);
            in_vain = next_ns == NEVER ? 0 : in_vain;
        }
    }
    return NULL;
}

/* The port. Its context is the rank; a core or an address that does not exist is answered with
 * nothing rather than with a fault. */

static struct core *core_at(void *context, uint32_t core)
{
    struct rank *rank = context;
    return core < rank->machine->facts.cores ? &rank->cores[core] : NULL;
}

static uint32_t load_cond(void *context, uint32_t core)
{
    struct core *at = core_at(context, core);
    return at == NULL ? FINBOX_COND_RESET : atomic_load_explicit(&at->cond, memory_order_acquire);
}

static void ring_doorbell(void *context, uint32_t core, uint32_t token)
{
    struct rank *rank = context;
    struct core *at = core_at(context, core);
    if (at != NULL) {
        atomic_store_explicit(&at->dispatch, token, memory_order_release);
        ring(rank->machine);
    }
}

static void stage_payload(void *context, uint32_t core, uint32_t token,
                          const struct finbox_launch *launch)
{
    struct core *at = core_at(context, core);
    if (at != NULL && launch != NULL) {
        at->launches[token & 1] = *launch;
    }
}

static uint64_t slab_address(void *context, uint32_t core, uint32_t parity)
{
    const struct rank *rank = context;
    struct core *at = core_at(context, core);
    return at == NULL ? 0
                      : rank->base + (uint64_t)((uint8_t *)at->slabs[parity & 1] - rank->image);
}

/* The image is the host's own memory: nothing to refresh, nothing to clean. */
static void leave_lines(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context, (void)address, (void)size_bytes;
}

static uint32_t can_read(void *context, uint64_t address, uint64_t size_bytes)
{
    return memory_image(context, address, size_bytes) != NULL;
}

static uint32_t load_u32(void *context, uint64_t address)
{
    uint8_t *at = address % 4 == 0 ? memory_image(context, address, 4) : NULL;
    return at == NULL ? 0 : atomic_load_explicit((_Atomic uint32_t *)(void *)at,
                                                 memory_order_acquire);
}

static uint64_t load_u64(void *context, uint64_t address)
{
    uint8_t *at = address % 8 == 0 ? memory_image(context, address, 8) : NULL;
    return at == NULL ? 0 : atomic_load_explicit((_Atomic uint64_t *)(void *)at,
                                                 memory_order_acquire);
}

static void store_slab(void *context, uint64_t address, uint64_t value)
{
    uint8_t *at = address % 8 == 0 ? memory_image(context, address, 8) : NULL;
    if (at != NULL) {
        store_u64((uint64_t *)(void *)at, value);
    }
}

static uint64_t now(void *context)
{
    (void)context;
    return now_ns();
}

void port_fill(struct rank *rank, struct finbox_port *port)
{
    *port = (struct finbox_port){
        .struct_size = FINBOX_PORT_SIZE, .context = rank,
        .load_cond = load_cond, .ring_doorbell = ring_doorbell, .stage_payload = stage_payload,
        .slab_address = slab_address, .refresh = leave_lines, .clean = leave_lines,
        .can_read = can_read, .load_u32 = load_u32, .load_u64 = load_u64, .store_u64 = store_slab,
        .now = now, .incarnation = NULL,
    };
}

int32_t service_start(struct machine *machine)
{
    int failed;

    sem_init(&machine->bell, 0, 0);
    failed = pthread_create(&machine->service, NULL, service_main, machine);
    if (failed != 0) {
        sem_destroy(&machine->bell);
        return refuse(SYSTEM_REFUSED, "open: no service thread: %s", strerror(failed));
    }
    machine->has_service = true;
    return 0;
}

static void free_laters(struct later *later)
{
    while (later != NULL) {
        struct later *next = later->next;
        free(later);
        later = next;
    }
}

/* Ends the thread; what it had not come to is dropped. */
void service_stop(struct machine *machine)
{
    uint32_t cores = machine->facts.ranks * machine->facts.cores;
    uint32_t queues = machine->facts.ranks * machine->facts.dma_queues;

    if (!machine->has_service) {
        return;
    }
    atomic_store_explicit(&machine->is_stopping, true, memory_order_release);
    ring(machine);
    pthread_join(machine->service, NULL);
    sem_destroy(&machine->bell);
    free_laters(machine->laters);
    for (uint32_t index = 0; index < cores; index++) {
        free_laters(machine->cores[index].run.laters);
    }
    for (uint32_t index = 0; index < queues; index++) {
        while (machine->queues[index].first != NULL) {
            struct transfer *what = machine->queues[index].first;
            machine->queues[index].first = what->next;
            free(what);
        }
    }
}
