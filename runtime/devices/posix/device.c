/* What the library offers: the one exported function, the table it returns, options, open and
 * close. Every function here first looks whether what it was handed makes sense, and refuses in a
 * sentence what does not. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "posix_device.h"

#define TEXT(literal) {.bytes = literal, .length = sizeof literal - 1}

/* What a machine is where nobody asked. */
enum { TARGET = 2, RANKS = 2, CORES = 24, QUEUES = 2, THREADS_LEAST = 2, THREADS = 8 };
#define MEMORY_BYTES (UINT64_C(64) << 20)
#define PAGE UINT64_C(4096)

static _Thread_local char last_error_text[256];
static struct machine *machines;    /* that are open */
static pthread_mutex_t machines_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct finbox_device_host *_Atomic host;

int32_t refuse(enum code code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(last_error_text, sizeof last_error_text, format, values);
    va_end(values);
    return (int32_t)code;
}

void log_line(finbox_log_level level, const char *format, ...)
{
    const struct finbox_device_host *to = atomic_load_explicit(&host, memory_order_acquire);
    char line[256];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (to != NULL) {
        to->log(level, line, strlen(line));
    }
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Makes room for one more element; `table` is the address of the table's pointer. */
bool grow(void *table, size_t *room, size_t count, size_t element_bytes)
{
    void *old, *new;

    if (count < *room) {
        return true;
    }
    memcpy(&old, table, sizeof old);
    new = realloc(old, (*room * 2 + 16) * element_bytes);
    if (new == NULL) {
        return false;
    }
    memcpy(table, &new, sizeof new);
    *room = *room * 2 + 16;
    return true;
}

/* Options: "threads=4,delay_us=100". */
struct options {
    uint64_t threads;
    uint64_t delay_us;
};

static bool is_name(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

static bool read_number(const char *text, size_t length, uint64_t most, uint64_t *number)
{
    size_t at;

    *number = 0;
    for (at = 0; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
        *number = *number * 10 + (uint64_t)(text[at] - '0');
        if (*number > most) {
            return false;
        }
    }
    return at == length && length != 0;
}

static int32_t read_option(const char *text, size_t length, struct options *options)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - text);
    size_t shown = length > 60 ? 60 : length;
    uint64_t most, *number;

    if (is_name(text, name_length, "threads")) {
        number = &options->threads;
        most = THREADS_MOST;
    } else if (is_name(text, name_length, "delay_us")) {
        number = &options->delay_us;
        most = 60000000;
    } else {
        return refuse(BAD_ARGUMENT, "open: there is no option `%.*s`; there are threads=N and "
                      "delay_us=N", (int)(name_length > 60 ? 60 : name_length), text);
    }
    if (equals == NULL || !read_number(equals + 1, length - name_length - 1, most, number)) {
        return refuse(BAD_ARGUMENT, "open: option `%.*s` wants a number of at most %" PRIu64,
                      (int)shown, text, most);
    }
    return 0;
}

static int32_t read_options(struct finbox_text text, struct options *options)
{
    size_t begin = 0;

    memset(options, 0, sizeof *options);
    while (text.bytes != NULL && begin < text.length) {
        const char *comma = memchr(text.bytes + begin, ',', text.length - begin);
        size_t end = comma == NULL ? text.length : (size_t)(comma - text.bytes);
        int32_t refused = read_option(text.bytes + begin, end - begin, options);
        if (refused != 0) {
            return refused;
        }
        begin = end + 1;
    }
    return 0;
}

static uint64_t or_default(uint64_t asked, uint64_t otherwise)
{
    return asked == 0 ? otherwise : asked;
}

/* What the machine will be, if it can be that. */
static int32_t decide(const struct finbox_open_args *args, struct finbox_machine *facts)
{
    uint32_t cores_most;

    facts->target = (uint32_t)or_default(args->target, TARGET);
    facts->ranks = (uint32_t)or_default(args->ranks, RANKS);
    facts->cores = (uint32_t)or_default(args->cores, CORES);
    facts->dma_queues = (uint32_t)or_default(args->dma_queues, QUEUES);
    facts->memory_bytes = or_default(args->memory_bytes, MEMORY_BYTES);
    facts->is_coherent = 1;
    cores_most = facts->target == 1 ? 72 : 108;
    if (facts->target > 2) {
        return refuse(BAD_ARGUMENT, "open: target %u; there are 1 (a2a3) and 2 (a5)",
                      facts->target);
    }
    if (facts->ranks > RANKS_MOST || facts->cores > cores_most ||
        facts->dma_queues > QUEUES_MOST) {
        return refuse(BAD_ARGUMENT, "open: %u ranks, %u cores, %u DMA queues; at most %u, %u, %u",
                      facts->ranks, facts->cores, facts->dma_queues, RANKS_MOST, cores_most,
                      QUEUES_MOST);
    }
    if (facts->memory_bytes > RANK_STRIDE / 2) {
        return refuse(BAD_ARGUMENT, "open: %" PRIu64 " bytes of memory a rank; at most %" PRIu64,
                      facts->memory_bytes, RANK_STRIDE / 2);
    }
    facts->memory_bytes = (facts->memory_bytes + PAGE - 1) / PAGE * PAGE;
    return 0;
}

/* A rank's memory, and in front of it two slabs a core and an event record a queue. */
static int32_t lay_out(struct machine *machine, uint32_t index)
{
    const struct finbox_machine *facts = &machine->facts;
    struct rank *rank = &machine->ranks[index];
    uint64_t slabs_bytes = (uint64_t)facts->cores * 2 * sizeof(finbox_slab);
    uint64_t records_bytes = facts->dma_queues * sizeof(finbox_event_record);
    uint64_t reserved_bytes = (slabs_bytes + records_bytes + PAGE - 1) / PAGE * PAGE;
    int32_t refused;

    rank->machine = machine;
    rank->index = index;
    rank->base = (index + 1) * RANK_STRIDE;
    rank->cores = machine->cores + (size_t)index * facts->cores;
    rank->queues = machine->queues + (size_t)index * facts->dma_queues;
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
        pthread_mutex_destroy(&machine->ranks[index].lock);
    }
    pthread_mutex_destroy(&machine->lock);
    free(machine->cores);
    free(machine->queues);
    free(machine);
}

static int32_t start_machine(struct machine *machine, const struct options *options)
{
    const struct finbox_machine *facts = &machine->facts;
    size_t cores = (size_t)facts->ranks * facts->cores;
    size_t queues = (size_t)facts->ranks * facts->dma_queues;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = processors < THREADS_LEAST ? THREADS_LEAST
                       : processors > THREADS     ? THREADS
                                                  : (uint64_t)processors;
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
    threads = or_default(options->threads, threads);
    return cores_start(machine, (uint32_t)(threads > cores ? cores : threads));
}

static int32_t open_machine(const struct finbox_open_args *args, struct finbox_machine *machine)
{
    struct finbox_machine facts = {.struct_size = FINBOX_MACHINE_SIZE};
    struct options options;
    struct machine *opened;
    int32_t refused;

    if (args == NULL || machine == NULL || args->struct_size < FINBOX_OPEN_ARGS_SIZE ||
        machine->struct_size < FINBOX_MACHINE_SIZE) {
        return refuse(BAD_ARGUMENT, "open: the arguments or the machine are null, or their "
                      "struct_size is less than %zu and %zu", FINBOX_OPEN_ARGS_SIZE,
                      FINBOX_MACHINE_SIZE);
    }
    refused = decide(args, &facts);
    if (refused == 0) {
        refused = read_options(args->options, &options);
    }
    if (refused != 0) {
        return refused;
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return refuse(NO_ROOM, "open: no memory for a machine");
    }
    opened->facts = facts;
    opened->delay_ns = options.delay_us * 1000;
    pthread_mutex_init(&opened->lock, NULL);
    for (uint32_t index = 0; index < facts.ranks; index++) {
        pthread_mutex_init(&opened->ranks[index].lock, NULL);
    }
    refused = start_machine(opened, &options);
    if (refused != 0) {
        end_machine(opened);
        return refused;
    }
    pthread_mutex_lock(&machines_lock);
    opened->next = machines;
    machines = opened;
    pthread_mutex_unlock(&machines_lock);
    facts.context = opened;
    facts.struct_size = machine->struct_size;
    *machine = facts;
    return 0;
}

/* The open machine that `context` is. Never follows it before it was found. */
static struct machine *find_machine(void *context)
{
    struct machine *machine;

    pthread_mutex_lock(&machines_lock);
    for (machine = machines; machine != NULL && machine != context; machine = machine->next) {
    }
    pthread_mutex_unlock(&machines_lock);
    return machine;
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
    struct machine *machine = NULL, **place;

    pthread_mutex_lock(&machines_lock);
    for (place = &machines; *place != NULL && *place != context; place = &(*place)->next) {
    }
    if (*place != NULL) {
        machine = *place;
        *place = machine->next;
    }
    pthread_mutex_unlock(&machines_lock);
    if (machine == NULL) {
        return no_machine("close");
    }
    end_machine(machine);
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
    return of == NULL ? no_rank("release", rank) : memory_release(of, address);
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

static void last_error(struct finbox_text *text)
{
    if (text != NULL) {
        text->bytes = last_error_text;
        text->length = strlen(last_error_text);
    }
}

static const struct finbox_device_library library = {
    .struct_size = FINBOX_DEVICE_LIBRARY_SIZE,
    .abi_major = FINBOX_DEVICE_ABI_MAJOR,
    .abi_minor = FINBOX_DEVICE_ABI_MINOR,
    .name = TEXT("posix-device"),
    .version = TEXT("1.0"),
    .operations = (UINT64_C(2) << FINBOX_OP_KIND_LATER) - 1,    /* all there are */
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

static const struct finbox_device_library *no_library(struct finbox_text *refusal,
                                                      struct finbox_text why)
{
    if (refusal != NULL) {
        *refusal = why;
    }
    return NULL;
}

__attribute__((visibility("default"))) const struct finbox_device_library *
finbox_device_query(const struct finbox_device_host *program, struct finbox_text *refusal)
{
    if (program == NULL || program->struct_size < FINBOX_DEVICE_HOST_SIZE ||
        program->log == NULL) {
        return no_library(refusal, (struct finbox_text)TEXT(
            "the program's table is null, too small, or without `log`"));
    }
    if (program->abi_major != FINBOX_DEVICE_ABI_MAJOR) {
        return no_library(refusal, (struct finbox_text)TEXT(
            "posix-device was built for version 1 of finbox_device.h, the program for another; "
            "build one of them anew"));
    }
    atomic_store_explicit(&host, program, memory_order_release);
    return &library;
}
