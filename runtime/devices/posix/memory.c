/* A rank's memory: one mapping. In front stand the slabs and event records, behind them what is
 * given out, first fit, in whole lines: what the control CPU cleans and what a core writes never
 * share one. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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
    rank->reserved_bytes = reserved_bytes;
    return 0;
}

void memory_close(struct rank *rank)
{
    if (rank->host != NULL) {
        munmap(rank->host, rank->mapped_bytes);
    }
    free(rank->blocks);
}

/* The first block that does not lie wholly below `address`. The lock is held. */
static size_t block_at(const struct rank *rank, uint64_t address)
{
    size_t low = 0, high = rank->block_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct block *block = &rank->blocks[middle];
        if (block->address + block->size_bytes <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Looks for the first gap, and returns the block before which it is; `*address` is 0 if there is
 * none. No sum here can overflow: a rank's addresses end far below 2^63, and `align` and
 * `size_bytes` are at most what is mapped. */
static size_t find_gap(const struct rank *rank, uint64_t size_bytes, uint64_t align,
                       uint64_t *address)
{
    uint64_t start = rank->base + rank->reserved_bytes;
    uint64_t end = rank->base + rank->mapped_bytes;
    size_t index;

    for (index = 0; index <= rank->block_count; index++) {
        uint64_t gap_end = index < rank->block_count ? rank->blocks[index].address : end;
        uint64_t aligned = (start + align - 1) & ~(align - 1);
        if (aligned <= gap_end && gap_end - aligned >= size_bytes) {
            *address = aligned;
            return index;
        }
        if (index < rank->block_count) {
            start = gap_end + rank->blocks[index].size_bytes;
        }
    }
    *address = 0;
    return 0;
}

int32_t memory_allocate(struct rank *rank, uint64_t size_bytes, uint64_t align, uint64_t *address)
{
    uint64_t arena_bytes = rank->mapped_bytes - rank->reserved_bytes;
    uint64_t taken = (size_bytes + LINE - 1) & ~(uint64_t)(LINE - 1), found = 0;
    size_t index;
    bool has_place;

    if (address == NULL || size_bytes == 0 || align == 0 || (align & (align - 1)) != 0) {
        return refuse(BAD_ARGUMENT, "allocate: %" PRIu64 " bytes at a multiple of %" PRIu64
                      ": there must be a byte, a power of two, and a place for the address",
                      size_bytes, align);
    }
    if (size_bytes > arena_bytes || align > RANK_STRIDE) {
        return refuse(NO_ROOM, "allocate: %" PRIu64 " bytes at a multiple of %" PRIu64
                      "; rank %u has %" PRIu64 " bytes of memory",
                      size_bytes, align, rank->index, arena_bytes);
    }
    pthread_mutex_lock(&rank->lock);
    has_place = grow(&rank->blocks, &rank->block_room, rank->block_count, sizeof(struct block));
    index = find_gap(rank, taken, align < LINE ? LINE : align, &found);
    if (has_place && found != 0) {
        struct block *at = &rank->blocks[index];
        memset(rank->host + (found - rank->base), 0, taken);
        memmove(at + 1, at, (rank->block_count - index) * sizeof *at);
        at->address = found;
        at->size_bytes = taken;
        rank->block_count++;
    }
    pthread_mutex_unlock(&rank->lock);
    if (!has_place || found == 0) {
        return refuse(NO_ROOM, "allocate: rank %u has no gap of %" PRIu64
                      " bytes at a multiple of %" PRIu64 "; release something, or open a machine "
                      "with more memory", rank->index, size_bytes, align);
    }
    *address = found;
    return 0;
}

int32_t memory_release(struct rank *rank, uint64_t address)
{
    size_t index;
    bool is_known;

    pthread_mutex_lock(&rank->lock);
    index = block_at(rank, address);
    is_known = index < rank->block_count && rank->blocks[index].address == address;
    if (is_known) {
        struct block *at = &rank->blocks[index];
        rank->block_count--;
        memmove(at, at + 1, (rank->block_count - index) * sizeof *at);
    }
    pthread_mutex_unlock(&rank->lock);
    return is_known ? 0 : refuse(BAD_ARGUMENT, "release: rank %u has given out nothing at %#"
                                 PRIx64, rank->index, address);
}

uint8_t *memory_given(struct machine *machine, uint64_t address, uint64_t size_bytes)
{
    uint64_t place = address / RANK_STRIDE;
    struct rank *rank;
    uint8_t *found = NULL;
    size_t index;

    if (place == 0 || place > machine->facts.ranks) {
        return NULL;
    }
    rank = &machine->ranks[place - 1];
    pthread_mutex_lock(&rank->lock);
    index = block_at(rank, address);
    if (index < rank->block_count && rank->blocks[index].address <= address) {
        const struct block *block = &rank->blocks[index];
        if (size_bytes <= block->size_bytes - (address - block->address)) {
            found = rank->host + (address - rank->base);
        }
    }
    pthread_mutex_unlock(&rank->lock);
    return found;
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
