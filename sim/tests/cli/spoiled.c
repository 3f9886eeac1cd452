/*
 * posix-device, spoiled as SPOIL says: for tests of what a program does about it. Linked with
 * posix-device's own files, whose query was renamed to `posix_query`.
 */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "finbox_device.h"

enum { NO_FIN = 1, NO_RETURN = 2, NO_MEMORY = 3, NO_VERSION = 4, NO_POST = 5 };

const struct finbox_device_library *posix_query(const struct finbox_device_host *program,
                                                struct finbox_text *refusal);

static const char full[] = "this device is full";
static struct finbox_device_library posix, spoiled;
static uint32_t (*posix_cond)(void *context, uint32_t core);

/* A word of COND without its FIN, or no word at all where there is one. */
static uint32_t load_cond(void *context, uint32_t core)
{
    uint32_t cond = posix_cond(context, core);

    while (SPOIL == NO_RETURN && (cond & FINBOX_COND_FIN) != 0) {
        pause();
    }
    return SPOIL == NO_FIN ? cond & ~FINBOX_COND_FIN : cond;
}

static int32_t port(void *context, uint32_t rank, struct finbox_port *filled)
{
    int32_t refused = posix.port(context, rank, filled);

    if (refused == 0 && (SPOIL == NO_FIN || SPOIL == NO_RETURN)) {
        posix_cond = filled->load_cond;
        filled->load_cond = load_cond;
    }
    return refused;
}

static int32_t allocate(void *context, uint32_t rank, uint64_t size_bytes, uint64_t align,
                        uint64_t *address)
{
    return SPOIL == NO_MEMORY ? 7 : posix.allocate(context, rank, size_bytes, align, address);
}

static void last_error(struct finbox_text *text)
{
    if (SPOIL != NO_MEMORY) {
        posix.last_error(text);
        return;
    }
    text->bytes = full;
    text->length = sizeof full - 1;
}

const struct finbox_device_library *finbox_device_query(const struct finbox_device_host *program,
                                                        struct finbox_text *refusal)
{
    posix = *posix_query(program, refusal);
    spoiled = posix;
    spoiled.port = port;
    spoiled.allocate = allocate;
    spoiled.last_error = last_error;
    if (SPOIL == NO_VERSION) {
        spoiled.abi_major = FINBOX_DEVICE_ABI_MAJOR + 1;
    }
    if (SPOIL == NO_POST) {
        spoiled.operations &= ~(UINT64_C(1) << FINBOX_OP_KIND_POST);
    }
    return &spoiled;
}
