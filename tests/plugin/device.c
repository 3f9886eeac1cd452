/*
 * A device library that does nothing well, and what it is told to do wrong.
 *
 * Compiled with -DBREAK='...', statements that spoil its table. A machine of it is spoiled by its
 * options, words as `ranks=65`: numbers that it says of itself, `null=FUNCTION` and `rank=N` for a
 * function that is null in a port, `open=N`, `close=N`, `port=N` for codes to fail with, `text=...`
 * for how the error's text is wrong, `block=1` for a `load_cond` that waits for a `store_u64`.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finbox_device.h"

#ifndef BREAK
#define BREAK
#endif

enum { MEMORY = 4096 };

typedef struct machine {
    char options[256];
    atomic_uint is_blocked;
    uint64_t used;
    _Alignas(64) unsigned char memory[MEMORY];
} machine;

static _Thread_local finbox_text refused;
static machine nobody;

static machine *of(void *context)
{
    return context ? context : &nobody;
}

static int32_t refuse(const char *text, int32_t code)
{
    refused.bytes = text;
    refused.length = strlen(text);
    return code;
}

/* What stands behind `key=`, or null. */
static const char *word(const machine *m, const char *key)
{
    const char *found = strstr(m->options, key);
    return found ? found + strlen(key) : NULL;
}

static uint32_t number(const machine *m, const char *key, uint32_t otherwise)
{
    const char *found = word(m, key);
    return found ? (uint32_t)strtoul(found, NULL, 0) : otherwise;
}

static uint32_t asked(const machine *m, const char *key, uint32_t asked_for, uint32_t otherwise)
{
    return number(m, key, asked_for ? asked_for : otherwise);
}

/* Leaves a text as it should not be. */
static void spoil_text(const machine *m)
{
    const char *how = word(m, "text=");
    if (!how)
        return;
    if (strncmp(how, "null", 4) == 0)
        refused.bytes = NULL;
    if (strncmp(how, "huge", 4) == 0)
        refused.length = SIZE_MAX;
    if (strncmp(how, "bytes", 5) == 0)
        refuse("no \xFF" "board\n", 0);
    if (strncmp(how, "none", 4) == 0)
        refused.length = 0;
}

static int32_t device_open(const finbox_open_args *args, finbox_machine *opened)
{
    machine *m = calloc(1, sizeof(machine));
    int32_t code;
    if (!m)
        return refuse("no memory", 12);
    if (args->options.length < sizeof(m->options) && args->options.length > 0)
        memcpy(m->options, args->options.bytes, args->options.length);
    code = (int32_t)number(m, "open=", 0);
    if (code != 0) {
        refuse("no board 3", code);
        spoil_text(m);
        free(m);
        return code;
    }
    opened->target = asked(m, "target=", args->target, 1);
    opened->ranks = asked(m, "ranks=", args->ranks, 2);
    opened->cores = asked(m, "cores=", args->cores, 3);
    opened->host_lanes = number(m, "lanes=", 0);
    opened->dma_queues = asked(m, "queues=", args->dma_queues, 1);
    opened->is_coherent = number(m, "coherent=", 1);
    opened->memory_bytes = number(m, "memory=", MEMORY);
    opened->context = m;
    if (word(m, "context=null")) {
        opened->context = NULL;
        free(m);
    }
    return 0;
}

static int32_t device_close(void *context)
{
    int32_t code = (int32_t)number(of(context), "close=", 0);
    free(context);
    return code == 0 ? 0 : refuse("a core does not end", code);
}

static uint32_t load_cond(void *context, uint32_t core)
{
    machine *m = of(context);
    (void)core;
    if (word(m, "block=1")) {
        atomic_store(&m->is_blocked, 1);
        while (atomic_load(&m->is_blocked)) {
        }
    }
    return FINBOX_COND_RESET;
}

static void ring_doorbell(void *context, uint32_t core, uint32_t token)
{
    (void)context, (void)core, (void)token;
}

static void stage_payload(void *context, uint32_t core, uint32_t token, const finbox_launch *launch)
{
    (void)context, (void)core, (void)token, (void)launch;
}

static uint64_t slab_address(void *context, uint32_t core, uint32_t parity)
{
    (void)core, (void)parity;
    return (uint64_t)(uintptr_t)of(context)->memory;
}

static void lines(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context, (void)address, (void)size_bytes;
}

static uint32_t can_read(void *context, uint64_t address, uint64_t size_bytes)
{
    uint64_t first = (uint64_t)(uintptr_t)of(context)->memory;
    return address >= first && size_bytes <= MEMORY && address - first <= MEMORY - size_bytes;
}

static uint32_t load_u32(void *context, uint64_t address)
{
    (void)context, (void)address;
    return 32;
}

static uint64_t load_u64(void *context, uint64_t address)
{
    (void)context, (void)address;
    return 64;
}

static void store_u64(void *context, uint64_t address, uint64_t value)
{
    (void)address, (void)value;
    atomic_store(&of(context)->is_blocked, 0);
}

static uint64_t now(void *context)
{
    (void)context;
    return 17;
}

static uint32_t incarnation(void *context)
{
    (void)context;
    return 4;
}

static void spoil_port(const machine *m, finbox_port *port)
{
    const char *name = word(m, "null=");
    if (!name)
        return;
#define NULL_IF(function)                                                                          \
    if (strncmp(name, #function " ", strlen(#function) + 1) == 0)                                  \
    port->function = NULL
    NULL_IF(load_cond);
    NULL_IF(ring_doorbell);
    NULL_IF(stage_payload);
    NULL_IF(slab_address);
    NULL_IF(refresh);
    NULL_IF(clean);
    NULL_IF(can_read);
    NULL_IF(load_u32);
    NULL_IF(load_u64);
    NULL_IF(store_u64);
    NULL_IF(now);
    NULL_IF(incarnation);
}

static int32_t device_port(void *context, uint32_t rank, finbox_port *port)
{
    const machine *m = of(context);
    int32_t code = (int32_t)number(m, "port=", 0);
    if (code != 0)
        return refuse("this rank has no registers", code);
    port->context = context;
    port->load_cond = load_cond;
    port->ring_doorbell = ring_doorbell;
    port->stage_payload = stage_payload;
    port->slab_address = slab_address;
    port->refresh = lines;
    port->clean = lines;
    port->can_read = can_read;
    port->load_u32 = load_u32;
    port->load_u64 = load_u64;
    port->store_u64 = store_u64;
    port->now = now;
    port->incarnation = incarnation;
    if (rank == number(m, "rank=", 0))
        spoil_port(m, port);
    return 0;
}

static int32_t device_allocate(void *context, uint32_t rank, uint64_t size_bytes, uint64_t align,
                               uint64_t *address)
{
    machine *m = of(context);
    uint64_t base = (uint64_t)(uintptr_t)m->memory;
    uint64_t at = (base + m->used + align - 1) / align * align - base;
    (void)rank;
    if (size_bytes > MEMORY || at > MEMORY - size_bytes)
        return refuse("no memory left", 12);
    m->used = at + size_bytes;
    *address = base + at;
    if (word(m, "address="))
        *address = number(m, "address=", 0);
    return 0;
}

static int32_t device_release(void *context, uint32_t rank, uint64_t address)
{
    (void)rank;
    return can_read(context, address, 1) ? 0 : refuse("that was not given out", 14);
}

static int32_t device_copy_in(void *context, uint64_t address, const void *from, uint64_t size_bytes)
{
    if (!can_read(context, address, size_bytes))
        return refuse("that was not given out", 14);
    memcpy((void *)(uintptr_t)address, from, (size_t)size_bytes);
    return 0;
}

static int32_t device_copy_out(void *context, void *to, uint64_t address, uint64_t size_bytes)
{
    if (!can_read(context, address, size_bytes))
        return refuse("that was not given out", 14);
    memcpy(to, (const void *)(uintptr_t)address, (size_t)size_bytes);
    return 0;
}

static int32_t device_load_kernel(void *context, uint32_t rank, const finbox_op *ops, size_t count,
                                  uint64_t *kernel)
{
    (void)context, (void)rank, (void)ops;
    if (count == 0)
        return refuse("a kernel without operations", 22);
    *kernel = 7;
    return 0;
}

static void device_last_error(finbox_text *text)
{
    *text = refused;
}

/* The table, and what a newer version may have behind it. */
static struct newer {
    finbox_device_library table;
    void *unknown[4];
} library;

#if !defined(HIDDEN)
const finbox_device_library *finbox_device_query(const finbox_device_host *host,
                                                 finbox_text *refusal);

const finbox_device_library *finbox_device_query(const finbox_device_host *host,
                                                 finbox_text *refusal)
{
    finbox_device_library *table = &library.table;
    if (host->struct_size < FINBOX_DEVICE_HOST_SIZE || host->abi_major != FINBOX_DEVICE_ABI_MAJOR)
        return NULL;
    host->log(FINBOX_LOG_LEVEL_DEBUG, "asked", 5);
    refusal->length = 0;
    table->struct_size = FINBOX_DEVICE_LIBRARY_SIZE;
    table->abi_major = FINBOX_DEVICE_ABI_MAJOR;
    table->abi_minor = FINBOX_DEVICE_ABI_MINOR;
    table->name.bytes = "broken-device";
    table->name.length = 13;
    table->version.bytes = "3.1";
    table->version.length = 3;
    table->operations = 0x3FFF;
    table->open = device_open;
    table->close = device_close;
    table->port = device_port;
    table->allocate = device_allocate;
    table->release = device_release;
    table->copy_in = device_copy_in;
    table->copy_out = device_copy_out;
    table->load_kernel = device_load_kernel;
    table->last_error = device_last_error;
    BREAK;
    return table;
}
#endif
