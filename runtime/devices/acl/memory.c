/* A rank's memory: on the device, and its image on the host, which the control CPU reads. The image
 * begins with the slabs and event records, which the device never sees. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>

#include "acl_device.h"

int32_t memory_open(struct rank *rank, uint64_t reserved_bytes, uint64_t arena_bytes)
{
    void *image = NULL, *memory = NULL;
    aclError error = acl.aclrtMallocHost(&image, reserved_bytes + arena_bytes);

    if (error != 0) {
        return acl_refuse("open: aclrtMallocHost of a rank's image", error);
    }
    rank->image = image;
    error = acl.aclrtMalloc(&memory, arena_bytes, ACL_HUGE_FIRST);
    if (error != 0) {
        return acl_refuse("open: aclrtMalloc of a rank's memory", error);
    }
    rank->memory = memory;
    memset(rank->image, 0, reserved_bytes);
    rank->reserved_bytes = reserved_bytes;
    rank->mapped_bytes = reserved_bytes + arena_bytes;
    blocks_begin(&rank->blocks, rank->index, rank->base + reserved_bytes,
                 rank->base + rank->mapped_bytes);
    return 0;
}

/* Whether all of it could be given back. */
bool memory_close(struct rank *rank)
{
    aclError device = rank->memory == NULL ? 0 : acl.aclrtFree(rank->memory);
    aclError host = rank->image == NULL ? 0 : acl.aclrtFreeHost(rank->image);

    if (rank->memory != NULL) {
        blocks_end(&rank->blocks);
    }
    return device == 0 && host == 0;
}

struct rank *memory_rank(struct machine *machine, uint64_t address, uint64_t size_bytes)
{
    uint64_t place = address / RANK_STRIDE;
    struct rank *rank;

    if (place == 0 || place > machine->facts.ranks) {
        return NULL;
    }
    rank = &machine->ranks[place - 1];
    return blocks_have(&rank->blocks, address, size_bytes) ? rank : NULL;
}

uint8_t *memory_on_device(const struct rank *rank, uint64_t address)
{
    return rank->memory + (address - rank->base - rank->reserved_bytes);
}

uint8_t *memory_image(const struct rank *rank, uint64_t address, uint64_t size_bytes)
{
    uint64_t offset = address - rank->base;

    if (address < rank->base || offset > rank->mapped_bytes ||
        size_bytes > rank->mapped_bytes - offset) {
        return NULL;
    }
    return rank->image + offset;
}

/* Writes the image through to the device. */
static aclError write_through(struct rank *rank, uint64_t address, uint64_t size_bytes)
{
    aclError error = acl.aclrtSetCurrentContext(rank->context);

    if (error != 0) {
        return error;
    }
    return acl.aclrtMemcpy(memory_on_device(rank, address), size_bytes,
                           rank->image + (address - rank->base), size_bytes, ACL_HOST_TO_DEVICE);
}

int32_t memory_allocate(struct rank *rank, uint64_t size_bytes, uint64_t align, uint64_t *address)
{
    uint64_t taken, found;
    int32_t refused;
    aclError error;

    refused = blocks_take(&rank->blocks, size_bytes, align, address == NULL ? NULL : &found,
                          &taken);
    if (refused != 0) {
        return refused;
    }
    memset(rank->image + (found - rank->base), 0, taken);
    error = write_through(rank, found, taken);
    if (error != 0) {
        (void)blocks_release(&rank->blocks, found);
        return acl_refuse("allocate: aclrtMemcpy of zeroes", error);
    }
    *address = found;
    return 0;
}

int32_t memory_copy_in(struct rank *rank, uint64_t address, const void *from, uint64_t size_bytes)
{
    aclError error;

    if (size_bytes == 0) {
        return 0;
    }
    memcpy(rank->image + (address - rank->base), from, size_bytes);
    error = write_through(rank, address, size_bytes);
    return error == 0 ? 0 : acl_refuse("copy_in: aclrtMemcpy", error);
}

/* From the image: all that was written before a FIN is there. Word by word where that is possible:
 * somebody may look at a counter that is being raised. */
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

aclError memory_show(struct rank *of, aclrtStream stream, uint64_t address, uint64_t size_bytes)
{
    return acl.aclrtMemcpyAsync(of->image + (address - of->base), size_bytes,
                                memory_on_device(of, address), size_bytes, ACL_DEVICE_TO_HOST,
                                stream);
}

/* Whether a copy on the device can do it: aclrtMemcpyAsync wants both ends on multiples of 64, and
 * does not say what becomes of ends that overlap. */
static bool is_for_device(const struct transfer *what)
{
    uint64_t apart = what->from < what->to ? what->to - what->from : what->from - what->to;
    return what->from % LINE == 0 && what->to % LINE == 0 && apart >= what->size_bytes;
}

/* The image is filled from that side of the copy which is on the stream's own device: that a stream
 * reaches another device's memory is needed for a copy anyway, that it copies it to the host is not
 * said anywhere. What a copy on the device cannot do goes through the image. */
aclError memory_move(struct rank *by, aclrtStream stream, const struct transfer *what)
{
    struct machine *machine = by->machine;
    struct rank *from = &machine->ranks[what->from / RANK_STRIDE - 1];
    struct rank *to = &machine->ranks[what->to / RANK_STRIDE - 1];
    uint8_t *source = memory_on_device(from, what->from);
    uint8_t *target = memory_on_device(to, what->to);
    uint8_t *image = to->image + (what->to - to->base);
    uint64_t size_bytes = what->size_bytes;
    aclError error;

    if (!is_for_device(what)) {
        error = acl.aclrtMemcpyAsync(image, size_bytes, source, size_bytes, ACL_DEVICE_TO_HOST,
                                     stream);
        return error != 0 ? error
                          : acl.aclrtMemcpyAsync(target, size_bytes, image, size_bytes,
                                                 ACL_HOST_TO_DEVICE, stream);
    }
    error = acl.aclrtMemcpyAsync(target, size_bytes, source, size_bytes, ACL_DEVICE_TO_DEVICE,
                                 stream);
    return error != 0 ? error
                      : acl.aclrtMemcpyAsync(image, size_bytes,
                                             to->device == by->device ? target : source,
                                             size_bytes, ACL_DEVICE_TO_HOST, stream);
}

/* The device first: a core that is started because of the new count finds it there. Leaves `of`'s
 * context current. */
aclError memory_add(struct rank *of, uint64_t address, uint32_t value)
{
    _Atomic uint32_t *word = (_Atomic uint32_t *)(void *)(of->image + (address - of->base));
    uint32_t sum = atomic_load_explicit(word, memory_order_acquire) + value;
    aclError error = acl.aclrtSetCurrentContext(of->context);

    if (error == 0) {
        error = acl.aclrtMemcpy(memory_on_device(of, address), sizeof sum, &sum, sizeof sum,
                                ACL_HOST_TO_DEVICE);
    }
    if (error == 0) {
        atomic_store_explicit(word, sum, memory_order_release);
    }
    return error;
}
