/* Memory that was given out. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

void blocks_begin(struct blocks *blocks, uint32_t rank, uint64_t start, uint64_t end)
{
    pthread_mutex_init(&blocks->lock, NULL);
    blocks->rank = rank;
    blocks->start = start;
    blocks->end = end;
}

void blocks_end(struct blocks *blocks)
{
    free(blocks->list);
    pthread_mutex_destroy(&blocks->lock);
}

/* The first block that does not lie wholly below `address`. The lock is held. */
static size_t block_at(const struct blocks *blocks, uint64_t address)
{
    size_t low = 0, high = blocks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct block *block = &blocks->list[middle];
        if (block->address + block->size_bytes <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Looks for the first gap, and returns the block before which it is; `*address` is 0 if there is
 * none. No sum here can overflow: addresses end far below 2^63, and `align` is at most 2^40. */
static size_t find_gap(const struct blocks *blocks, uint64_t size_bytes, uint64_t align,
                       uint64_t *address)
{
    uint64_t start = blocks->start;

    for (size_t index = 0; index <= blocks->count; index++) {
        uint64_t gap_end = index < blocks->count ? blocks->list[index].address : blocks->end;
        uint64_t aligned = (start + align - 1) & ~(align - 1);
        if (aligned <= gap_end && gap_end - aligned >= size_bytes) {
            *address = aligned;
            return index;
        }
        if (index < blocks->count) {
            start = gap_end + blocks->list[index].size_bytes;
        }
    }
    *address = 0;
    return 0;
}

int32_t blocks_take(struct blocks *blocks, uint64_t size_bytes, uint64_t align, uint64_t *address,
                    uint64_t *taken)
{
    uint64_t found = 0;
    bool has_place;
    size_t index;

    if (address == NULL || size_bytes == 0 || align == 0 || (align & (align - 1)) != 0) {
        return refuse(BAD_ARGUMENT, "allocate: %" PRIu64 " bytes at a multiple of %" PRIu64
                      ": there must be a byte, a power of two, and a place for the address",
                      size_bytes, align);
    }
    if (size_bytes > blocks->end - blocks->start || align > RANK_STRIDE) {
        return refuse(NO_ROOM, "allocate: %" PRIu64 " bytes at a multiple of %" PRIu64
                      "; rank %u has %" PRIu64 " bytes of memory", size_bytes, align,
                      blocks->rank, blocks->end - blocks->start);
    }
    *taken = (size_bytes + LINE - 1) & ~(uint64_t)(LINE - 1);
    pthread_mutex_lock(&blocks->lock);
    has_place = grow(&blocks->list, &blocks->room, blocks->count, sizeof(struct block));
    index = find_gap(blocks, *taken, align < LINE ? LINE : align, &found);
    if (has_place && found != 0) {
        struct block *at = &blocks->list[index];
        memmove(at + 1, at, (blocks->count - index) * sizeof *at);
        *at = (struct block){found, *taken};
        blocks->count++;
    }
    pthread_mutex_unlock(&blocks->lock);
    if (!has_place || found == 0) {
        return refuse(NO_ROOM, "allocate: rank %u has no gap of %" PRIu64
                      " bytes at a multiple of %" PRIu64 "; release something, or open a machine "
                      "with more memory", blocks->rank, size_bytes, align);
    }
    *address = found;
    return 0;
}

int32_t blocks_release(struct blocks *blocks, uint64_t address)
{
    bool is_known;
    size_t index;

    pthread_mutex_lock(&blocks->lock);
    index = block_at(blocks, address);
    is_known = index < blocks->count && blocks->list[index].address == address;
    if (is_known) {
        struct block *at = &blocks->list[index];
        blocks->count--;
        memmove(at, at + 1, (blocks->count - index) * sizeof *at);
    }
    pthread_mutex_unlock(&blocks->lock);
    return is_known ? 0 : refuse(BAD_ARGUMENT, "release: rank %u has given out nothing at %#"
                                 PRIx64, blocks->rank, address);
}

bool blocks_have(struct blocks *blocks, uint64_t address, uint64_t size_bytes)
{
    bool has = false;
    size_t index;

    pthread_mutex_lock(&blocks->lock);
    index = block_at(blocks, address);
    if (index < blocks->count && blocks->list[index].address <= address) {
        const struct block *block = &blocks->list[index];
        has = size_bytes <= block->size_bytes - (address - block->address);
    }
    pthread_mutex_unlock(&blocks->lock);
    return has;
}
