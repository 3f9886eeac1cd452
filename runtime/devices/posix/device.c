/* What the library offers: the one exported function, the table it returns, open and close. Every
 * function here first looks whether what it was handed makes sense, and refuses in a sentence what
 * does not. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix_device.h"

/* What a machine is where nobody asked. */
static const struct finbox_machine likes = {
    .target = 2, .ranks = 2, .cores = 24, .dma_queues = 2, .is_coherent = 1,
    .memory_bytes = UINT64_C(64) << 20,
};

enum { THREADS_LEAST = 2, THREADS = 8 };

/* A rank's memory, and in front of it two slabs a core, an event record a queue, and words. */
static int32_t lay_out(struct machine *machine, uint32_t index)
{
    const struct finbox_machine *facts = &machine->facts;
    struct rank *rank = &machine->ranks[index];
    uint64_t slabs_bytes = (uint64_t)facts->cores * 2 * sizeof(finbox_slab);
    uint64_t records_bytes = facts->dma_queues * sizeof(finbox_event_record);
    uint64_t words_bytes = EVENTS_MOST * sizeof(uint64_t);
    uint64_t own_bytes = slabs_bytes + records_bytes + words_bytes;
    uint64_t reserved_bytes = (own_bytes + PAGE - 1) / PAGE * PAGE;
    int32_t refused;

    rank->machine = machine;
    rank->index = index;
    rank->base = (index + 1) * RANK_STRIDE;
    rank->cores = machine->cores + (size_t)index * facts->cores;
    rank->queues = machine->queues + (size_t)index * facts->dma_queues;
    rank->words = rank->base + slabs_bytes + records_bytes;
    rank->event_queue = machine->queues + (size_t)facts->ranks * facts->dma_queues + index;
    refused = memory_open(rank, reserved_bytes, facts->memory_bytes);
    if (refused != 0) {
        return refused;
    }
    for (uint32_t slab = 0; slab < 2 * facts->cores; slab++) {
        rank->cores[slab / 2].slabs[slab % 2] = (finbox_slab *)(void *)rank->host + slab;
    }
    for (uint32_t queue = 0; queue < facts->dma_queues; queue++) {
        uint64_t offset = slabs_bytes + queue * sizeof(finbox_event_record);
        rank->queues[queue].record = (finbox_event_record *)(void *)(rank->host + offset);
        rank->queues[queue].record_address = rank->base + offset;
    }
    return 0;
}

/* Ends whatever there is of a machine. */
static void end_machine(struct machine *machine)
{
    cores_stop(machine);
    dma_stop(machine);
    kernels_close(machine);
    for (uint32_t index = 0; index < machine->facts.ranks; index++) {
        memory_close(&machine->ranks[index]);
    }
    pthread_mutex_destroy(&machine->lock);
    free(machine->cores);
    free(machine->queues);
    free(machine);
}

static int32_t start_machine(struct machine *machine, uint64_t threads)
{
    const struct finbox_machine *facts = &machine->facts;
    size_t cores = (size_t)facts->ranks * facts->cores;
    size_t queues = queue_count(machine);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int32_t refused = 0;

    machine->cores = aligned_alloc(LINE, cores * sizeof *machine->cores);
    machine->queues = calloc(queues, sizeof *machine->queues);
    if (machine->cores == NULL || machine->queues == NULL) {
        free(machine->cores);
        machine->cores = NULL;
        return refuse(NO_ROOM, "open: no memory for %zu cores and %zu queues", cores, queues);
    }
    memset(machine->cores, 0, cores * sizeof *machine->cores);
    for (uint32_t index = 0; refused == 0 && index < facts->ranks; index++) {
        refused = lay_out(machine, index);
    }
    if (refused != 0) {
        return refused;
    }
    refused = dma_start(machine);
    if (refused != 0) {
        return refused;
    }
    if (threads == 0) {
        threads = processors < THREADS_LEAST ? THREADS_LEAST
                  : processors > THREADS     ? THREADS
                                             : (uint64_t)processors;
    }
    return cores_start(machine, (uint32_t)(threads > cores ? cores : threads));
}

static int32_t open_machine(const struct finbox_open_args *args, struct finbox_machine *machine)
{
    uint64_t threads = 0, delay_us = 0;
    const struct option options[] = {{"threads", THREADS_MOST, &threads},
                                     {"delay_us", 60000000, &delay_us}};
    struct finbox_machine facts;
    struct machine *opened;
    int32_t refused = decide_facts(args, machine, &likes, &facts);

    if (refused == 0) {
        refused = read_options(args->options, options, 2);
    }
    if (refused != 0) {
        return refused;
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return refuse(NO_ROOM, "open: no memory for a machine");
    }
    opened->facts = facts;
    opened->delay_ns = delay_us * 1000;
    pthread_mutex_init(&opened->lock, NULL);
    refused = start_machine(opened, threads);
    if (refused != 0) {
        end_machine(opened);
        return refused;
    }
    opened_add(&opened->opened);
    facts.context = opened;
    *machine = facts;
    return 0;
}

/* The open machine that `context` is. Never follows it before it was found. */
static struct machine *find_machine(void *context)
{
    return opened_has(context) ? context : NULL;
}

static struct rank *find_rank(void *context, uint32_t rank)
{
    struct machine *machine = find_machine(context);
    return machine == NULL || rank >= machine->facts.ranks ? NULL : &machine->ranks[rank];
}

static int32_t no_machine(const char *doing)
{
    return refuse(BAD_ARGUMENT, "%s: the context is no machine that is open", doing);
}

static int32_t no_rank(const char *doing, uint32_t rank)
{
    return refuse(BAD_ARGUMENT, "%s: the context is no machine that is open, or has no rank %u",
                  doing, rank);
}

static int32_t close_machine(void *context)
{
    if (!opened_remove(context)) {
        return no_machine("close");
    }
    end_machine(context);
    return 0;
}

static int32_t port_of(void *context, uint32_t rank, struct finbox_port *port)
{
    struct rank *of = find_rank(context, rank);

    if (of == NULL) {
        return no_rank("port", rank);
    }
    if (port == NULL || port->struct_size < FINBOX_PORT_SIZE) {
        return refuse(BAD_ARGUMENT, "port: the port is null, or its struct_size is less than %zu",
                      FINBOX_PORT_SIZE);
    }
    port_fill(of, port);
    return 0;
}

static int32_t allocate(void *context, uint32_t rank, uint64_t size_bytes, uint64_t align,
                        uint64_t *address)
{
    struct rank *of = find_rank(context, rank);
    return of == NULL ? no_rank("allocate", rank)
                      : memory_allocate(of, size_bytes, align, address);
}

static int32_t release(void *context, uint32_t rank, uint64_t address)
{
    struct rank *of = find_rank(context, rank);
    return of == NULL ? no_rank("release", rank) : blocks_release(&of->blocks, address);
}

/* Where the bytes of a copy are; null, and an error, if they were not given out. */
static uint8_t *copied(void *context, const char *doing, const void *program, uint64_t address,
                       uint64_t size_bytes)
{
    struct machine *machine = find_machine(context);
    uint8_t *device;

    if (machine == NULL) {
        (void)no_machine(doing);
        return NULL;
    }
    device = program == NULL ? NULL : memory_given(machine, address, size_bytes);
    if (device == NULL) {
        (void)refuse(BAD_ARGUMENT, "%s: %" PRIu64 " bytes at %#" PRIx64 " were not given out, or "
                     "the program's are at null", doing, size_bytes, address);
    }
    return device;
}

static int32_t copy_in(void *context, uint64_t address, const void *from, uint64_t size_bytes)
{
    uint8_t *to = copied(context, "copy_in", from, address, size_bytes);
    if (to == NULL) {
        return BAD_ARGUMENT;
    }
    memcpy(to, from, size_bytes);
    return 0;
}

static int32_t copy_out(void *context, void *to, uint64_t address, uint64_t size_bytes)
{
    const uint8_t *from = copied(context, "copy_out", to, address, size_bytes);
    if (from == NULL) {
        return BAD_ARGUMENT;
    }
    memory_copy_out(to, from, size_bytes);
    return 0;
}

static int32_t load_kernel(void *context, uint32_t rank, const struct finbox_op *ops, size_t count,
                           uint64_t *kernel)
{
    struct rank *of = find_rank(context, rank);
    return of == NULL ? no_rank("load_kernel", rank) : kernel_load(of, ops, count, kernel);
}

static int32_t open_event(void *context, uint32_t rank, struct finbox_event *event)
{
    struct rank *of = find_rank(context, rank);
    return of == NULL ? no_rank("event_open", rank) : event_open(of, event);
}

static int32_t close_event(void *context, const struct finbox_event *event)
{
    struct machine *machine = find_machine(context);
    return machine == NULL ? no_machine("event_close") : event_close(machine, event);
}

static int32_t copy_event(void *context, const struct finbox_event *event,
                          const struct finbox_event_copy *copy)
{
    struct machine *machine = find_machine(context);
    return machine == NULL ? no_machine("event_copy") : event_copy(machine, event, copy);
}

static const struct finbox_device_events events = {
    .struct_size = FINBOX_DEVICE_EVENTS_SIZE,
    .kind = FINBOX_EXTENSION_EVENTS,
    .event_open = open_event,
    .event_close = close_event,
    .event_copy = copy_event,
};

static const struct finbox_device_library library = {
    .struct_size = FINBOX_DEVICE_LIBRARY_SIZE,
    .abi_major = FINBOX_DEVICE_ABI_MAJOR,
    .abi_minor = FINBOX_DEVICE_ABI_MINOR,
    .name = TEXT("posix-device"),
    .version = TEXT("1.0"),
    .operations = (UINT64_C(2) << FINBOX_OP_KIND_LATER) - 1,    /* all there are */
    .features = FINBOX_FEATURE_EVENTS,
    .extensions = (const struct finbox_extension *)(const void *)&events,
    .open = open_machine,
    .close = close_machine,
    .port = port_of,
    .allocate = allocate,
    .release = release,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .load_kernel = load_kernel,
    .last_error = last_error,
};

__attribute__((visibility("default"))) const struct finbox_device_library *
finbox_device_query(const struct finbox_device_host *program, struct finbox_text *refusal)
{
    return answer_query(program, refusal, &library);
}
