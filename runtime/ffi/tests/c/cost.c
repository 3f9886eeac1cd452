/* What callgrind counts: one function an operation, each called 1000 times after a warm-up, as in
 * tests/counts/driver.rs, whose operations of the same names do the same in Rust. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finbox.h"

enum { TIMES = 1000, SLOTS = 4096, BATCH = 5, DRAIN = 64 };

static _Alignas(FINBOX_LINE_BYTES) unsigned char memory[(2 + SLOTS + 1) * FINBOX_LINE_BYTES];
static finbox_message messages[SLOTS];

static void must(finbox_status status)
{
    if (status != FINBOX_STATUS_OK) {
        fputs(finbox_status_text(status), stderr);
        exit(1);
    }
}

static __attribute__((noipa)) void count_push(finbox_producer *producer)
{
    must(finbox_producer_push_normal_done(producer, 7, 7, 4));
}

static __attribute__((noipa)) void count_push_named(finbox_producer *producer)
{
    must(finbox_producer_push_normal_done(producer, 7, 7, 4));
}

static __attribute__((noipa)) void count_push_condition(finbox_producer *producer,
                                                           const finbox_slab_entry *entry)
{
    must(finbox_producer_push_condition(producer, 7, 7, entry));
}

static __attribute__((noipa)) void count_push_batch_of_5(finbox_producer *producer)
{
    uint32_t accepted;
    must(finbox_producer_push_batch(producer, messages, BATCH, &accepted));
}

static __attribute__((noipa)) void count_drain_of_64(finbox_consumer *consumer,
                                                        finbox_message *taken)
{
    finbox_drained drained = {.struct_size = FINBOX_DRAINED_SIZE};
    must(finbox_consumer_try_drain(consumer, taken, DRAIN, &drained));
}

static void drain_all(finbox_consumer *consumer)
{
    static finbox_message taken[SLOTS];
    finbox_drained drained = {.struct_size = FINBOX_DRAINED_SIZE};
    must(finbox_consumer_try_drain(consumer, taken, SLOTS, &drained));
}

int main(void)
{
    static finbox_consumer consumer;
    static finbox_producer producer, named;
    static finbox_message taken[DRAIN];
    finbox_slab_entry entry = {.addr = 0x1000, .expected = 1};
    finbox_place_args args = {.struct_size = FINBOX_PLACE_ARGS_SIZE,
                              .memory = memory,
                              .size_bytes = sizeof memory,
                              .slots = SLOTS,
                              .flags = FINBOX_PLACE_OWN};

    must(finbox_mailbox_place(&args, &consumer));
    must(finbox_producer_open(&consumer, 0, &producer));
    must(finbox_producer_open(&consumer, 9, &named));
    for (int i = 0; i < BATCH; i++) {
        messages[i].task = 7;
        messages[i].kind = i == BATCH - 1 ? FINBOX_KIND_NORMAL_DONE : FINBOX_KIND_CONDITION;
    }
    for (int i = 0; i < TIMES; i++) {
        count_push(&producer);
        count_push_named(&named);
        count_push_condition(&producer, &entry);
    }
    drain_all(&consumer);
    for (int i = 0; i < TIMES; i++) {
        count_push_batch_of_5(&producer);
        drain_all(&consumer);
    }
    for (int i = 0; i < TIMES; i++) {
        for (int j = 0; j < DRAIN; j++) {
            must(finbox_producer_push_normal_done(&producer, 7, 7, 0));
        }
        count_drain_of_64(&consumer, taken);
    }
    must(finbox_producer_leave(&producer));
    must(finbox_producer_leave(&named));
    must(finbox_consumer_destroy(&consumer));
    return 0;
}
