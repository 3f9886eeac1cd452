/* A rank's memory: one mapping. In front stand the slabs and event records, behind them what is
 * given out. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "posix_device.h"

int32_t memory_open(struct rank *rank, uint64_t reserved_bytes, uint64_t arena_bytes)
{
    uint64_t mapped_bytes = reserved_bytes + arena_bytes;
    void *host = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (host == MAP_FAILED) {
        return refuse(SYSTEM_REFUSED, "mmap of %" PRIu64 " bytes for rank %u: %s; ask for less",
                      mapped_bytes, rank->index, strerror(errno));
    }
    rank->host = host;
    rank->mapped_bytes = mapped_bytes;
    blocks_begin(&rank->blocks, rank->index, rank->base + reserved_bytes,
                 rank->base + mapped_bytes);
    return 0;
}

void memory_close(struct rank *rank)
{
    if (rank->host != NULL) {
        munmap(rank->host, rank->mapped_bytes);
        blocks_end(&rank->blocks);
    }
}

int32_t memory_allocate(struct rank *rank, uint64_t size_bytes, uint64_t align, uint64_t *address)
{
    uint64_t taken;
    int32_t refused = blocks_take(&rank->blocks, size_bytes, align, address, &taken);

    if (refused == 0) {
        memset(rank->host + (*address - rank->base), 0, taken);
    }
    return refused;
}

uint8_t *memory_given(struct machine *machine, uint64_t address, uint64_t size_bytes)
{
    uint64_t place = address / RANK_STRIDE;
    struct rank *rank;

    if (place == 0 || place > machine->facts.ranks) {
        return NULL;
    }
    rank = &machine->ranks[place - 1];
    return blocks_have(&rank->blocks, address, size_bytes) ? rank->host + (address - rank->base)
                                                           : NULL;
}

uint8_t *memory_mapped(const struct rank *rank, uint64_t address, uint64_t size_bytes)
{
    uint64_t offset = address - rank->base;

    if (address < rank->base || offset > rank->mapped_bytes ||
        size_bytes > rank->mapped_bytes - offset) {
        return NULL;
    }
    return rank->host + offset;
}

/* Word by word where that is possible: somebody may look at a counter that is being raised, and
 * then gets its old or its new value. */
void memory_copy_out(void *to, const uint8_t *from, uint64_t size_bytes)
{
    uint8_t *bytes = to;
    uint64_t done = 0;

    if ((uintptr_t)from % 4 == 0) {
        for (; size_bytes - done >= 4; done += 4) {
            const _Atomic uint32_t *word = (const _Atomic uint32_t *)(const void *)(from + done);
            uint32_t value = atomic_load_explicit(word, memory_order_acquire);
            memcpy(bytes + done, &value, sizeof value);
        }
    }
    memcpy(bytes + done, from + done, size_bytes - done);
}
