/* Drives a device library by hand, as a control CPU does: for the tests of the libraries here, and
 * to copy from. Nothing waits for ever: what does not come within a minute ends the program with a
 * sentence. */
#ifndef DRIVE_H
#define DRIVE_H

#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finbox_device.h"

#define EXPECT(holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "%s:%d: not so: %s; refused last: `%s`\n", __FILE__, __LINE__, \
                    #holds, drive_error()); \
            exit(1); \
        } \
    } while (0)

/* The library that is driven; the program defines it. */
extern const struct finbox_device_library *drive_library;

/* Shows warnings and errors, and all of the log where DRIVE_LOG is set. */
static inline void drive_log(uint32_t level, const char *text, size_t length)
{
    if (level <= FINBOX_LOG_LEVEL_WARN || getenv("DRIVE_LOG") != NULL) {
        fprintf(stderr, "log %u: %.*s\n", level, (int)length, text);
    }
}

static const struct finbox_device_host drive_host = {
    .struct_size = FINBOX_DEVICE_HOST_SIZE, .abi_major = FINBOX_DEVICE_ABI_MAJOR,
    .abi_minor = FINBOX_DEVICE_ABI_MINOR, .log = drive_log,
};

/* What the library refused last on this thread. */
static inline const char *drive_error(void)
{
    static _Thread_local char text[1024];
    struct finbox_text said = {NULL, 0};

    if (drive_library != NULL) {
        drive_library->last_error(&said);
    }
    snprintf(text, sizeof text, "%.*s", (int)said.length, said.bytes == NULL ? "" : said.bytes);
    return text;
}

/* The function that a library exports. */
static inline finbox_device_query_fn drive_query(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    finbox_device_query_fn query;
    void *symbol;

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    symbol = dlsym(library, "finbox_device_query");
    EXPECT(symbol != NULL);
    memcpy(&query, &symbol, sizeof query);
    return query;
}

static inline void drive_load(const char *path)
{
    struct finbox_text refusal = {NULL, 0};

    drive_library = drive_query(path)(&drive_host, &refusal);
    if (drive_library == NULL) {
        fprintf(stderr, "%s: %.*s\n", path, (int)refusal.length, refusal.bytes);
        exit(1);
    }
}

/* A machine and the ports of its first ranks. */
struct drive {
    struct finbox_machine machine;
    struct finbox_port ports[4];
    uint32_t tokens[4][128];            /* the last token of each core */
};

static inline int32_t drive_open_args(uint32_t ranks, uint32_t cores, const char *options,
                                      struct finbox_machine *machine)
{
    struct finbox_open_args args = {.struct_size = FINBOX_OPEN_ARGS_SIZE, .ranks = ranks,
                                    .cores = cores, .memory_bytes = 1 << 20};
    args.options.bytes = options;
    args.options.length = strlen(options);
    memset(machine, 0, sizeof *machine);
    machine->struct_size = FINBOX_MACHINE_SIZE;
    return drive_library->open(&args, machine);
}

static inline void drive_open(struct drive *drive, uint32_t ranks, uint32_t cores,
                              const char *options)
{
    memset(drive, 0, sizeof *drive);
    EXPECT(drive_open_args(ranks, cores, options, &drive->machine) == 0);
    EXPECT(drive->machine.ranks == ranks && drive->machine.cores == cores);
    for (uint32_t rank = 0; rank < ranks && rank < 4; rank++) {
        drive->ports[rank].struct_size = FINBOX_PORT_SIZE;
        EXPECT(drive_library->port(drive->machine.context, rank, &drive->ports[rank]) == 0);
    }
}

static inline void drive_close(struct drive *drive)
{
    EXPECT(drive_library->close(drive->machine.context) == 0);
}

static inline uint64_t drive_allocate(struct drive *drive, uint32_t rank, uint64_t size_bytes)
{
    uint64_t address = 0;
    EXPECT(drive_library->allocate(drive->machine.context, rank, size_bytes, 64, &address) == 0);
    return address;
}

static inline void drive_write(struct drive *drive, uint64_t to, const void *from, size_t bytes)
{
    EXPECT(drive_library->copy_in(drive->machine.context, to, from, bytes) == 0);
}

static inline void drive_read(struct drive *drive, void *to, uint64_t from, size_t bytes)
{
    EXPECT(drive_library->copy_out(drive->machine.context, to, from, bytes) == 0);
}

static inline uint64_t drive_kernel(struct drive *drive, uint32_t rank,
                                    const struct finbox_op *ops, size_t count)
{
    uint64_t kernel = 0;
    EXPECT(drive_library->load_kernel(drive->machine.context, rank, ops, count, &kernel) == 0);
    return kernel;
}

/* Yields, and ends the program where something takes a minute. */
static inline void drive_pause(struct drive *drive, uint64_t *begun_ns, const char *what)
{
    struct finbox_port *port = &drive->ports[0];
    uint64_t now = port->now(port->context);

    if (*begun_ns == 0) {
        *begun_ns = now;
    } else if (now - *begun_ns > UINT64_C(60000000000)) {
        fprintf(stderr, "%s did not come within a minute; refused last: `%s`\n", what,
                drive_error());
        exit(1);
    }
    sched_yield();
}

/* Empties the slab, stages, rings; returns the token. Behind the largest comes 0. */
static inline uint32_t drive_ring(struct drive *drive, uint32_t rank, uint32_t core,
                                  const struct finbox_launch *launch)
{
    struct finbox_port *port = &drive->ports[rank];
    uint32_t last = drive->tokens[rank][core], token = last == FINBOX_TOKEN_LAST ? 0 : last + 1;
    uint64_t slab = port->slab_address(port->context, core, token & 1);

    drive->tokens[rank][core] = token;
    port->store_u64(port->context, slab, 0);
    port->clean(port->context, slab, 64);
    port->stage_payload(port->context, core, token, launch);
    port->ring_doorbell(port->context, core, token);
    return token;
}

static inline void drive_await_cond(struct drive *drive, uint32_t rank, uint32_t core,
                                    uint32_t cond)
{
    struct finbox_port *port = &drive->ports[rank];
    uint64_t begun_ns = 0;
    char what[64];

    snprintf(what, sizeof what, "COND %#x of rank %u's core %u", cond, rank, core);
    while (port->load_cond(port->context, core) != cond) {
        drive_pause(drive, &begun_ns, what);
    }
}

/* Waits until the 32-bit counter is at least so much. */
static inline void drive_await_counter(struct drive *drive, uint32_t rank, uint64_t address,
                                       uint32_t value)
{
    struct finbox_port *port = &drive->ports[rank];
    uint64_t begun_ns = 0;

    for (;;) {
        port->refresh(port->context, address, 4);
        if ((int32_t)(port->load_u32(port->context, address) - value) >= 0) {
            return;
        }
        drive_pause(drive, &begun_ns, "a counter");
    }
}

static inline void drive_await_record(struct drive *drive, uint32_t rank, uint64_t address,
                                      uint64_t post)
{
    struct finbox_port *port = &drive->ports[rank];
    uint64_t begun_ns = 0;

    for (;;) {
        port->refresh(port->context, address, 64);
        if (port->load_u64(port->context, address) >= post) {
            return;
        }
        drive_pause(drive, &begun_ns, "a DMA transfer");
    }
}

/* What a core left beside its FIN. */
static inline void drive_slab(struct drive *drive, uint32_t rank, uint32_t core, uint32_t token,
                              struct finbox_slab *slab)
{
    struct finbox_port *port = &drive->ports[rank];
    uint64_t address = port->slab_address(port->context, core, token & 1);

    port->refresh(port->context, address, sizeof *slab);
    for (size_t at = 0; at < sizeof *slab; at += 8) {
        uint64_t word = port->load_u64(port->context, address + at);
        memcpy((uint8_t *)slab + at, &word, sizeof word);
    }
}

/* Runs one kernel to its FIN and copies its slab. */
static inline void drive_run_launch(struct drive *drive, uint32_t rank, uint32_t core,
                                    const struct finbox_launch *launch, struct finbox_slab *slab)
{
    uint32_t token = drive_ring(drive, rank, core, launch);

    drive_await_cond(drive, rank, core, token | FINBOX_COND_FIN);
    drive_slab(drive, rank, core, token, slab);
}

/* The same for operations that are to succeed and to leave no condition. */
static inline void drive_run(struct drive *drive, uint32_t rank, uint32_t core,
                             const struct finbox_op *ops, size_t count)
{
    struct finbox_launch launch = {.blocks = 1, .kernel = drive_kernel(drive, rank, ops, count)};
    struct finbox_slab slab;

    drive_run_launch(drive, rank, core, &launch, &slab);
    EXPECT(slab.error == 0 && slab.count == 0);
}

#endif
