/* A chip in a C program: cores that run a kernel when their doorbell rings. Device addresses are
 * addresses of this program; a kernel is a function of it. For tests. */
#ifndef FINBOX_TEST_CHIP_H
#define FINBOX_TEST_CHIP_H

#include <string.h>

#include "finbox.h"

enum { CHIP_CORES = 6 };

/* What a core does for a launch: it may leave conditions in its slab. */
typedef void (*chip_kernel)(const finbox_launch *launch, finbox_slab *slab);

struct chip_core {
    finbox_slab *slabs[2];
    finbox_launch staged[2];
    uint32_t cond;
};

struct chip {
    struct chip_core cores[CHIP_CORES];
    /* Room for the slabs, which begin at multiples of 64. */
    unsigned char slabs[(2 * CHIP_CORES) * sizeof(finbox_slab) + 64];
    uint64_t now;
};

static uint32_t chip_load_cond(void *context, uint32_t core)
{
    struct chip *chip = (struct chip *)context;

    return __atomic_load_n(&chip->cores[core].cond, __ATOMIC_ACQUIRE);
}

static void chip_ring_doorbell(void *context, uint32_t core, uint32_t token)
{
    struct chip_core *at = &((struct chip *)context)->cores[core];
    const finbox_launch *launch = &at->staged[token & 1];

    ((chip_kernel)(uintptr_t)launch->kernel)(launch, at->slabs[token & 1]);
    __atomic_store_n(&at->cond, FINBOX_COND_FIN | token, __ATOMIC_RELEASE);
}

static void chip_stage_payload(void *context, uint32_t core, uint32_t token,
                               const finbox_launch *launch)
{
    ((struct chip *)context)->cores[core].staged[token & 1] = *launch;
}

static uint64_t chip_slab_address(void *context, uint32_t core, uint32_t parity)
{
    return (uint64_t)(uintptr_t)((struct chip *)context)->cores[core].slabs[parity];
}

/* Memory is coherent. */
static void chip_nothing(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context;
    (void)address;
    (void)size_bytes;
}

static uint32_t chip_can_read(void *context, uint64_t address, uint64_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    return address != 0;
}

static uint32_t chip_load_u32(void *context, uint64_t address)
{
    (void)context;
    return __atomic_load_n((uint32_t *)(uintptr_t)address, __ATOMIC_ACQUIRE);
}

static uint64_t chip_load_u64(void *context, uint64_t address)
{
    (void)context;
    return __atomic_load_n((uint64_t *)(uintptr_t)address, __ATOMIC_ACQUIRE);
}

static void chip_store_u64(void *context, uint64_t address, uint64_t value)
{
    (void)context;
    __atomic_store_n((uint64_t *)(uintptr_t)address, value, __ATOMIC_RELAXED);
}

static uint64_t chip_now(void *context)
{
    return __atomic_add_fetch(&((struct chip *)context)->now, 1, __ATOMIC_RELAXED);
}

/* Resets a chip and fills in its port. */
static void chip_open(struct chip *chip, finbox_port *port)
{
    unsigned char *slab;
    size_t core;

    memset(chip, 0, sizeof *chip);
    slab = chip->slabs + (64 - (size_t)(uintptr_t)chip->slabs % 64);
    for (core = 0; core < CHIP_CORES; core++) {
        chip->cores[core].cond = FINBOX_COND_RESET;
        chip->cores[core].slabs[0] = (finbox_slab *)(void *)slab;
        chip->cores[core].slabs[1] = (finbox_slab *)(void *)(slab + sizeof(finbox_slab));
        slab += 2 * sizeof(finbox_slab);
    }
    memset(port, 0, sizeof *port);
    port->struct_size = FINBOX_PORT_SIZE;
    port->context = chip;
    port->load_cond = chip_load_cond;
    port->ring_doorbell = chip_ring_doorbell;
    port->stage_payload = chip_stage_payload;
    port->slab_address = chip_slab_address;
    port->refresh = chip_nothing;
    port->clean = chip_nothing;
    port->can_read = chip_can_read;
    port->load_u32 = chip_load_u32;
    port->load_u64 = chip_load_u64;
    port->store_u64 = chip_store_u64;
    port->now = chip_now;
}

#endif
