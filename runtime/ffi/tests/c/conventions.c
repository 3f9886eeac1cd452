/* The conventions as a C program meets them: sizes, handles, a second consumer, texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finbox.h"

enum { SLOTS = 4, BYTES = (2 + SLOTS + 1) * FINBOX_LINE_BYTES };

static void expect(finbox_status found, finbox_status wanted, int line)
{
    if (found != wanted) {
        char text[200];
        (void)finbox_last_error(text, sizeof text, NULL);
        fprintf(stderr, "line %d: %s, not %s: %s\n", line, finbox_status_text(found),
                finbox_status_text(wanted), text);
        exit(1);
    }
}

#define EXPECT(call, wanted) expect((call), FINBOX_STATUS_##wanted, __LINE__)

/* A struct of a later version, as an older library meets it. */
struct later_place_args {
    finbox_place_args known;
    uint64_t later;
};

static void sizes(finbox_place_args args, finbox_consumer *consumer)
{
    struct later_place_args later;

    args.struct_size = FINBOX_PLACE_ARGS_SIZE - 1;
    EXPECT(finbox_mailbox_place(&args, consumer), STRUCT_SIZE);
    memset(&later, 0, sizeof later);
    later.known = args;
    later.known.struct_size = FINBOX_SIZE_UP_TO(struct later_place_args, later);
    later.later = 1;
    EXPECT(finbox_mailbox_place(&later.known, consumer), UNSUPPORTED);
    later.later = 0;
    EXPECT(finbox_mailbox_place(&later.known, consumer), OK);
}

static void handles(const finbox_place_args *args, finbox_consumer *consumer)
{
    finbox_consumer second = FINBOX_ZERO, moved;
    finbox_producer producer = FINBOX_ZERO;

    EXPECT(finbox_mailbox_place(args, consumer), IN_USE);
    EXPECT(finbox_mailbox_place(args, &second), OCCUPIED);
    EXPECT(finbox_consumer_destroy(&second), NOT_A_HANDLE);
    memcpy(&moved, consumer, sizeof moved);
    EXPECT(finbox_consumer_destroy(&moved), NOT_A_HANDLE);
    EXPECT(finbox_producer_push_normal_done(&producer, 1, 1, 0), NOT_A_HANDLE);
    EXPECT(finbox_producer_push_normal_done(NULL, 1, 1, 0), NULL_ARGUMENT);
    EXPECT(finbox_producer_open(consumer, 3, &producer), OK);
    EXPECT(finbox_producer_push_normal_done(&producer, 1, 1, 0), OK);
    EXPECT(finbox_producer_leave(&producer), OK);
    EXPECT(finbox_producer_leave(&producer), DESTROYED);
    EXPECT(finbox_producer_push_normal_done(&producer, 1, 1, 0), DESTROYED);
}

static void batches(finbox_consumer *consumer)
{
    finbox_message messages[SLOTS + 1];
    finbox_drained drained;
    finbox_producer producer = FINBOX_ZERO;
    finbox_stats stats;
    uint32_t accepted = 0, i;

    memset(&drained, 0, sizeof drained);
    drained.struct_size = FINBOX_DRAINED_SIZE;
    EXPECT(finbox_consumer_try_drain(consumer, messages, SLOTS, &drained), OK);
    memset(messages, 0, sizeof messages);
    for (i = 0; i <= SLOTS; i++) {
        messages[i].task = 100 + i;
        messages[i].kind = FINBOX_KIND_NORMAL_DONE;
    }
    EXPECT(finbox_producer_open(consumer, 0, &producer), OK);
    EXPECT(finbox_producer_push_batch(&producer, messages, SLOTS + 1, &accepted), OK);
    expect(accepted == SLOTS ? FINBOX_STATUS_OK : FINBOX_STATUS_PANIC, FINBOX_STATUS_OK, __LINE__);
    EXPECT(finbox_producer_push_batch(&producer, messages + SLOTS, 1, &accepted), FULL);
    EXPECT(finbox_consumer_reset(consumer, 2), UNDRAINED);
    EXPECT(finbox_consumer_try_drain(consumer, messages, SLOTS, &drained), OK);
    EXPECT(finbox_consumer_reset(consumer, 2), OK);
    EXPECT(finbox_producer_leave(&producer), OK);
    memset(&stats, 0, sizeof stats);
    stats.struct_size = FINBOX_STATS_SIZE;
    EXPECT(finbox_consumer_stats(consumer, &stats), OK);
    if (stats.taken != SLOTS + 1 || stats.epoch != 2 || messages[0].task != 100) {
        exit(2);
    }
}

int main(void)
{
    finbox_consumer consumer = FINBOX_ZERO;
    finbox_place_args args;
    unsigned char *memory = malloc(BYTES + FINBOX_LINE_BYTES);
    size_t askew = (size_t)memory % FINBOX_LINE_BYTES, length = 0;

    if (finbox_abi_version() >> 16 != FINBOX_ABI_MAJOR || memory == NULL) {
        return 3;
    }
    memset(memory, 0xAA, BYTES + FINBOX_LINE_BYTES);
    memset(&args, 0, sizeof args);
    args.struct_size = FINBOX_PLACE_ARGS_SIZE;
    args.memory = memory + (FINBOX_LINE_BYTES - askew);
    args.size_bytes = BYTES;
    args.slots = SLOTS;
    args.epoch = 1;
    sizes(args, &consumer);
    handles(&args, &consumer);
    batches(&consumer);
    EXPECT(finbox_consumer_destroy(&consumer), OK);
    EXPECT(finbox_consumer_destroy(&consumer), DESTROYED);
    EXPECT(finbox_last_error(NULL, 0, &length), OK);
    free(memory);
    printf("the conventions hold; the last text has %lu bytes\n", (unsigned long)length);
    return 0;
}
