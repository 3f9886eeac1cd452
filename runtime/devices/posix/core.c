/* Cores: their registers, the threads that play them, and a rank's port.
 *
 * A core is a state machine, so one thread plays many; a kernel that rests in BUSY holds up nobody
 * else. A thread with nothing to do sleeps on its bell. Doorbell and sleeper never miss each other:
 * the doorbell writes the token and then exchanges `is_asleep` for 0; the worker exchanges it for 1
 * and then looks at every token once more. Whichever exchange comes second sees the first: either
 * the worker sees the token, or the doorbell sees the sleeper and wakes it. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "posix_device.h"

/* How often a thread looks in vain before it sleeps. */
enum { LOOKS = 50 };

static struct rank *rank_of(struct core *core)
{
    struct machine *machine = core->worker->machine;
    return &machine->ranks[(uint32_t)(core - machine->cores) / machine->facts.cores];
}

/* Takes a token that was not dealt with yet, and answers ACK. A word that is no token of a task is
 * passed over. */
static bool take(struct core *core)
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
        run_begin(&core->run, rank_of(core), core->slabs[token & 1]);
    }
    if (core->is_running || core->has_ended) {
        atomic_store_explicit(&core->cond, token, memory_order_release);
    }
    return true;
}

/* Leaves the slab, then writes FIN with release: who sees it sees the slab, and all that the kernel
 * wrote. A real core flushes these lines here. */
static void finish(struct core *core)
{
    struct run *run = &core->run;

    run->slab->count = run->conditions;
    run->slab->error = run->error;
    core->is_running = false;
    atomic_store_explicit(&core->cond, core->taken | FINBOX_COND_FIN, memory_order_release);
    dma_later(run->machine, run->laters);
    run->laters = NULL;
}

/* Does what there is to do, and returns when to look again: 0, if something was done. */
static uint64_t step(struct core *core)
{
    uint64_t until_ns;
    bool has_taken = false;

    if (!core->is_running) {
        has_taken = take(core);
    }
    if (!core->is_running) {
        return has_taken ? 0 : NEVER;
    }
    until_ns = run_step(&core->run);
    if (until_ns != NEVER) {
        return until_ns;
    }
    finish(core);
    return 0;
}

/* Looks at each of a worker's cores once. */
static uint64_t look(struct worker *worker)
{
    const struct finbox_machine *facts = &worker->machine->facts;
    uint32_t cores = facts->ranks * facts->cores, index;
    uint64_t next_ns = NEVER;

    for (index = worker->first; index < cores; index += worker->machine->worker_count) {
        uint64_t core_ns = step(&worker->machine->cores[index]);
        next_ns = core_ns < next_ns ? core_ns : next_ns;
    }
    return next_ns;
}

/* Sleeps until somebody rings, or until then. A ring too many wakes the worker in vain.
 * (sem_clockwait is of POSIX 2024; glibc has it since 2.30.) */
static void sleep_until(struct worker *worker, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    if (until_ns == NEVER) {
        sem_wait(&worker->bell);
    } else {
        sem_clockwait(&worker->bell, CLOCK_MONOTONIC, &until);
    }
}

static void ring(struct worker *worker)
{
    if (atomic_exchange_explicit(&worker->is_asleep, 0, memory_order_acq_rel) != 0) {
        sem_post(&worker->bell);
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    uint32_t in_vain = 0;

    while (!atomic_load_explicit(&worker->machine->is_stopping, memory_order_acquire)) {
        uint64_t next_ns = look(worker);
        if (next_ns <= now_ns()) {
            in_vain = 0;
        } else if (++in_vain < LOOKS) {
            sched_yield();
        } else {
            atomic_exchange_explicit(&worker->is_asleep, 1, memory_order_acq_rel);
            next_ns = look(worker);
            if (next_ns > now_ns() &&
                !atomic_load_explicit(&worker->machine->is_stopping, memory_order_acquire)) {
                sleep_until(worker, next_ns);
            }
            atomic_exchange_explicit(&worker->is_asleep, 0, memory_order_acq_rel);
            in_vain = 0;
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
    struct core *at = core_at(context, core);
    if (at != NULL) {
        atomic_store_explicit(&at->dispatch, token, memory_order_release);
        ring(at->worker);
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
                      : rank->base + (uint64_t)((uint8_t *)at->slabs[parity & 1] - rank->host);
}

/* The processor keeps its caches coherent: nothing to refresh, nothing to clean. */
static void leave_lines(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context, (void)address, (void)size_bytes;
}

static uint32_t can_read(void *context, uint64_t address, uint64_t size_bytes)
{
    return memory_mapped(context, address, size_bytes) != NULL;
}

static uint32_t load_u32(void *context, uint64_t address)
{
    uint8_t *at = address % 4 == 0 ? memory_mapped(context, address, 4) : NULL;
    return at == NULL ? 0 : atomic_load_explicit((_Atomic uint32_t *)(void *)at,
                                                 memory_order_acquire);
}

static uint64_t load_u64(void *context, uint64_t address)
{
    uint8_t *at = address % 8 == 0 ? memory_mapped(context, address, 8) : NULL;
    return at == NULL ? 0 : atomic_load_explicit((_Atomic uint64_t *)(void *)at,
                                                 memory_order_acquire);
}

static void store_u64(void *context, uint64_t address, uint64_t value)
{
    uint8_t *at = address % 8 == 0 ? memory_mapped(context, address, 8) : NULL;
    if (at != NULL) {
        atomic_store_explicit((_Atomic uint64_t *)(void *)at, value, memory_order_release);
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
        .can_read = can_read, .load_u32 = load_u32, .load_u64 = load_u64, .store_u64 = store_u64,
        .now = now, .incarnation = NULL,
    };
}

int32_t cores_start(struct machine *machine, uint32_t threads)
{
    uint32_t cores = machine->facts.ranks * machine->facts.cores, index;

    machine->worker_count = threads;
    for (index = 0; index < cores; index++) {
        struct core *core = &machine->cores[index];
        core->worker = &machine->workers[index % threads];
        core->taken = FINBOX_COND_RESET;
        atomic_init(&core->dispatch, FINBOX_COND_RESET);
        atomic_init(&core->cond, FINBOX_COND_RESET);
    }
    for (index = 0; index < threads; index++) {
        struct worker *worker = &machine->workers[index];
        int failed;
        worker->machine = machine;
        worker->first = index;
        sem_init(&worker->bell, 0, 0);
        failed = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failed != 0) {
            sem_destroy(&worker->bell);
            return refuse(SYSTEM_REFUSED, "open: no thread %u of %u for cores: %s", index, threads,
                          strerror(failed));
        }
        worker->is_started = 1;
    }
    return 0;
}

/* Ends the threads, kernels or not. */
void cores_stop(struct machine *machine)
{
    uint32_t cores = machine->facts.ranks * machine->facts.cores, index;

    atomic_store_explicit(&machine->is_stopping, true, memory_order_release);
    for (index = 0; index < machine->worker_count; index++) {
        struct worker *worker = &machine->workers[index];
        if (worker->is_started != 0) {
            ring(worker);
            pthread_join(worker->thread, NULL);
            sem_destroy(&worker->bell);
        }
    }
    for (index = 0; machine->cores != NULL && index < cores; index++) {
        while (machine->cores[index].run.laters != NULL) {
            struct later *later = machine->cores[index].run.laters;
            machine->cores[index].run.laters = later->next;
            free(later);
        }
    }
}
