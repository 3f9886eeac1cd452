/* What the library offers: the one exported function, the table it returns, open and close. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "acl_device.h"

/* What a machine is where nobody asked. A stream a core: boards have a few thousand, a process
 * fewer, so 24 cores are enough to begin with. */
static const struct finbox_machine likes = {
    .target = 1, .ranks = 2, .cores = 24, .dma_queues = 2, .is_coherent = 1,
    .memory_bytes = UINT64_C(64) << 20,
};

enum { STREAM_REST_MS = 5000 };

static int32_t open_lane(struct lane *lane)
{
    aclError error = acl.aclrtCreateStream(&lane->stream);

    if (error != 0) {
        lane->stream = NULL;
        return acl_refuse("open: aclrtCreateStream", error);
    }
    /* Or a stream goes on behind a failure, and what it never wrote counts as written. It stops the
     * other streams of its context too: a rank fails as one. */
    error = acl.aclrtSetStreamFailureMode(lane->stream, ACL_STOP_ON_FAILURE);
    if (error != 0) {
        return acl_refuse("open: aclrtSetStreamFailureMode", error);
    }
    error = acl.aclrtCreateEventExWithFlag(&lane->event, ACL_EVENT_STREAM_PROGRESS);
    if (error != 0) {
        lane->event = NULL;
        return acl_refuse("open: aclrtCreateEventExWithFlag", error);
    }
    return 0;
}

/* Lets a stream come to rest, by force if need be, and ends it. */
static bool close_lane(struct lane *lane)
{
    aclError error = 0;

    if (lane->stream != NULL) {
        error = acl.aclrtSynchronizeStreamWithTimeout(lane->stream, STREAM_REST_MS);
        if (error != 0 && acl.aclrtStreamAbort != NULL) {
            error = acl.aclrtStreamAbort(lane->stream);
        }
        if (error == 0) {
            error = acl.aclrtDestroyStream(lane->stream);
        }
    }
    if (error == 0 && lane->event != NULL) {
        error = acl.aclrtDestroyEvent(lane->event);
    }
    return error == 0;
}

/* Slabs and event records lie in front of the image. */
static void lay_out(struct rank *rank)
{
    const struct finbox_machine *facts = &rank->machine->facts;
    uint64_t slabs_bytes = (uint64_t)facts->cores * 2 * sizeof(finbox_slab);

    for (uint32_t slab = 0; slab < 2 * facts->cores; slab++) {
        rank->cores[slab / 2].slabs[slab % 2] = (finbox_slab *)(void *)rank->image + slab;
    }
    for (uint32_t index = 0; index < facts->cores; index++) {
        rank->cores[index].taken = FINBOX_COND_RESET;
        atomic_init(&rank->cores[index].dispatch, FINBOX_COND_RESET);
        atomic_init(&rank->cores[index].cond, FINBOX_COND_RESET);
    }
    for (uint32_t queue = 0; queue < facts->dma_queues; queue++) {
        uint64_t offset = slabs_bytes + queue * sizeof(finbox_event_record);
        rank->queues[queue].record = (finbox_event_record *)(void *)(rank->image + offset);
        rank->queues[queue].record_address = rank->base + offset;
    }
}

static int32_t open_rank(struct machine *machine, uint32_t index, uint32_t devices)
{
    const struct finbox_machine *facts = &machine->facts;
    struct rank *rank = &machine->ranks[index];
    uint64_t reserved_bytes = (uint64_t)facts->cores * 2 * sizeof(finbox_slab) +
                              facts->dma_queues * sizeof(finbox_event_record);
    int32_t refused;
    aclError error;

    rank->machine = machine;
    rank->index = index;
    rank->device = (int32_t)(index % devices);
    rank->base = (index + 1) * RANK_STRIDE;
    rank->cores = machine->cores + (size_t)index * facts->cores;
    rank->queues = machine->queues + (size_t)index * facts->dma_queues;
    error = acl.aclrtCreateContext(&rank->context, rank->device);
    if (error != 0) {
        rank->context = NULL;
        return acl_refuse("open: aclrtCreateContext", error);
    }
    refused = memory_open(rank, (reserved_bytes + PAGE - 1) / PAGE * PAGE, facts->memory_bytes);
    if (refused != 0) {
        return refused;
    }
    lay_out(rank);
    for (uint32_t core = 0; refused == 0 && core < facts->cores; core++) {
        refused = open_lane(&rank->cores[core].lane);
    }
    for (uint32_t queue = 0; refused == 0 && queue < facts->dma_queues; queue++) {
        refused = open_lane(&rank->queues[queue].lane);
    }
    return refused;
}

/* Lets every rank's device reach every other's memory. */
static int32_t open_peers(struct machine *machine, uint32_t devices)
{
    uint32_t ranks = machine->facts.ranks < devices ? machine->facts.ranks : devices;

    for (uint32_t one = 0; one < ranks; one++) {
        for (uint32_t other = 0; other < ranks; other++) {
            int32_t can = 0;
            aclError error;
            if (one == other) {
                continue;
            }
            if (acl.aclrtDeviceCanAccessPeer == NULL || acl.aclrtDeviceEnablePeerAccess == NULL) {
                return refuse(SYSTEM_REFUSED, "open: this AscendCL lacks "
                              "aclrtDeviceEnablePeerAccess; open one rank, or use one device");
            }
            error = acl.aclrtDeviceCanAccessPeer(&can, (int32_t)one, (int32_t)other);
            if (error == 0 && can != 0) {
                error = acl.aclrtSetCurrentContext(machine->ranks[one].context);
            }
            if (error == 0 && can != 0) {
                error = acl.aclrtDeviceEnablePeerAccess((int32_t)other, 0);
            }
            if (error != 0) {
                return acl_refuse("open: aclrtDeviceEnablePeerAccess", error);
            }
            if (can == 0) {
                return refuse(SYSTEM_REFUSED, "open: device %u cannot reach the memory of device "
                              "%u; open fewer ranks, or hide one device", one, other);
            }
        }
    }
    return 0;
}

/* Ends whatever there is of a machine. What a stream may still write to is not given back. */
static bool end_machine(struct machine *machine)
{
    const struct finbox_machine *facts = &machine->facts;
    bool is_quiet = true, is_well = true;

    service_stop(machine);
    for (uint32_t index = 0; machine->cores != NULL && index < facts->ranks; index++) {
        struct rank *rank = &machine->ranks[index];
        if (rank->context == NULL) {
            continue;
        }
        if (acl.aclrtSetCurrentContext(rank->context) != 0) {
            is_quiet = false;
            continue;
        }
        for (uint32_t core = 0; core < facts->cores; core++) {
            is_quiet = close_lane(&rank->cores[core].lane) && is_quiet;
        }
        for (uint32_t queue = 0; queue < facts->dma_queues; queue++) {
            is_quiet = close_lane(&rank->queues[queue].lane) && is_quiet;
        }
    }
    if (!is_quiet) {
        return false;
    }
    kernels_close(machine);
    for (uint32_t index = 0; index < facts->ranks; index++) {
        struct rank *rank = &machine->ranks[index];
        if (rank->context != NULL) {
            is_well = acl.aclrtSetCurrentContext(rank->context) == 0 && memory_close(rank) &&
                      acl.aclrtDestroyContext(rank->context) == 0 && is_well;
        }
    }
    pthread_mutex_destroy(&machine->lock);
    free(machine->cores);
    free(machine->queues);
    free(machine);
    return is_well;
}

static int32_t start_machine(struct machine *machine)
{
    const struct finbox_machine *facts = &machine->facts;
    size_t cores = (size_t)facts->ranks * facts->cores;
    uint32_t devices = 0;
    int32_t refused = 0;
    aclError error = acl.aclrtGetDeviceCount(&devices);

    if (error != 0 || devices == 0) {
        return acl_refuse("open: aclrtGetDeviceCount", error != 0 ? error : ACL_INVALID_DEVICE);
    }
    machine->cores = aligned_alloc(LINE, cores * sizeof *machine->cores);
    machine->queues = calloc((size_t)facts->ranks * facts->dma_queues, sizeof *machine->queues);
    if (machine->cores != NULL) {
        memset(machine->cores, 0, cores * sizeof *machine->cores);
    }
    if (machine->cores == NULL || machine->queues == NULL) {
        return refuse(NO_ROOM, "open: no memory for %zu cores", cores);
    }
    for (uint32_t index = 0; refused == 0 && index < facts->ranks; index++) {
        refused = open_rank(machine, index, devices);
    }
    if (refused == 0) {
        refused = open_peers(machine, devices);
    }
    return refused != 0 ? refused : service_start(machine);
}

static int32_t open_machine(const struct finbox_open_args *args, struct finbox_machine *machine)
{
    uint64_t timeout_ms = 60000;
    const struct option options[] = {{"timeout_ms", 3600000, &timeout_ms}};
    struct finbox_machine facts;
    struct machine *opened;
    int32_t refused = decide_facts(args, machine, &likes, &facts);

    if (refused == 0) {
        refused = read_options(args->options, options, 1);
    }
    if (refused == 0) {
        refused = acl_load();
    }
    if (refused != 0) {
        return refused;
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return refuse(NO_ROOM, "open: no memory for a machine");
    }
    opened->facts = facts;
    opened->timeout_ns = timeout_ms * 1000000;
    pthread_mutex_init(&opened->lock, NULL);
    refused = start_machine(opened);
    if (refused != 0) {
        (void)end_machine(opened);
        return refused;
    }
    log_line(FINBOX_LOG_LEVEL_INFO, "%u ranks on %s", facts.ranks, acl.aclrtGetSocName());
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

static int32_t no_rank(const char *doing, uint32_t rank)
{
    return refuse(BAD_ARGUMENT, "%s: the context is no machine that is open, or has no rank %u",
                  doing, rank);
}

static int32_t close_machine(void *context)
{
    if (!opened_remove(context)) {
        return refuse(BAD_ARGUMENT, "close: the context is no machine that is open");
    }
    if (!end_machine(context)) {
        return refuse(SYSTEM_REFUSED, "close: a stream did not come to rest, or AscendCL refused "
                      "to take something back; it stays until the process ends");
    }
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

/* The rank whose bytes are copied; null, and an error, if they were not given out. */
static struct rank *copied(void *context, const char *doing, const void *program, uint64_t address,
                           uint64_t size_bytes)
{
    struct machine *machine = find_machine(context);
    struct rank *rank = machine == NULL || program == NULL
                            ? NULL
                            : memory_rank(machine, address, size_bytes);

    if (rank == NULL) {
        (void)refuse(BAD_ARGUMENT, "%s: the context is no machine that is open, or %" PRIu64
                     " bytes at %#" PRIx64 " were not given out, or the program's are at null",
                     doing, size_bytes, address);
    }
    return rank;
}

static int32_t copy_in(void *context, uint64_t address, const void *from, uint64_t size_bytes)
{
    struct rank *rank = copied(context, "copy_in", from, address, size_bytes);
    return rank == NULL ? BAD_ARGUMENT : memory_copy_in(rank, address, from, size_bytes);
}

static int32_t copy_out(void *context, void *to, uint64_t address, uint64_t size_bytes)
{
    struct rank *rank = copied(context, "copy_out", to, address, size_bytes);
    if (rank == NULL) {
        return BAD_ARGUMENT;
    }
    memory_copy_out(to, memory_image(rank, address, size_bytes), size_bytes);
    return 0;
}

static int32_t load_kernel(void *context, uint32_t rank, const struct finbox_op *ops, size_t count,
                           uint64_t *kernel)
{
    struct rank *of = find_rank(context, rank);
    return of == NULL ? no_rank("load_kernel", rank) : kernel_load(of, ops, count, kernel);
}

static const struct finbox_device_library library = {
    .struct_size = FINBOX_DEVICE_LIBRARY_SIZE,
    .abi_major = FINBOX_DEVICE_ABI_MAJOR,
    .abi_minor = FINBOX_DEVICE_ABI_MINOR,
    .name = TEXT("acl-device"),
    .version = TEXT("1.0"),
    .operations = KERNEL_OPERATIONS,
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
