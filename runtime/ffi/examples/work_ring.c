/*
 * Two persistent workers that search items of a buffer for a byte pattern, and one producer.
 *
 * Items go in through the work ring, results come back through a mailbox: the worker pushes one
 * message whose cookie is the item's correlation, and says done behind it. Until then the item is
 * its own, so that of a worker that dies between the two it is found and done again: a result may
 * come twice, and is never lost. The sum is compared with a plain search.
 */
#include <finbox.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS 2000u
#define ITEM_BYTES 256u
#define WORKERS 2u

static unsigned char input[ITEMS * ITEM_BYTES];
static finbox_work_ring ring = FINBOX_ZERO;
static finbox_consumer results = FINBOX_ZERO;

static void must(finbox_status status, const char *what)
{
    char text[512];
    if (status == FINBOX_STATUS_OK) {
        return;
    }
    finbox_last_error(text, sizeof text, NULL);
    fprintf(stderr, "%s: %s: %s\n", what, finbox_status_text((int32_t)status), text);
    exit(1);
}

/* How often the pattern stands in so many bytes. */
static uint32_t matches(const unsigned char *bytes, uint32_t length)
{
    uint32_t found = 0;
    for (uint32_t at = 0; at + 2 <= length; at++) {
        found += bytes[at] == 0xF1 && bytes[at + 1] == 0xB0;
    }
    return found;
}

/* Takes items until the ring is closed and has no more. */
static void *work(void *context)
{
    finbox_worker worker = FINBOX_ZERO;
    finbox_producer producer = FINBOX_ZERO;
    uint32_t name = *(const uint32_t *)context;
    must(finbox_work_ring_register(&ring, name, &worker), "register");
    finbox_status opened;
    do { /* The other thread may be draining: then the handle is busy. */
        opened = finbox_producer_open(&results, name, &producer);
    } while (opened == FINBOX_STATUS_BUSY && sched_yield() == 0);
    must(opened, "open");
    for (;;) {
        finbox_work taken;
        finbox_status status = finbox_worker_claim(&worker, &taken);
        if (status == FINBOX_STATUS_EMPTY || status == FINBOX_STATUS_NOT_PUBLISHED) {
            sched_yield();
            continue;
        }
        if (status == FINBOX_STATUS_CLOSED) {
            break;
        }
        must(status, "claim");
        finbox_slab_entry result = {.addr = 0};
        result.cookie = taken.item.correlation;
        result.expected = matches(input + taken.item.offset, taken.item.length);
        while ((status = finbox_producer_push_condition(&producer, taken.item.correlation, 0,
                                                        &result)) == FINBOX_STATUS_FULL) {
            sched_yield();
        }
        must(status, "push");
        must(finbox_worker_done(&worker, taken.position, NULL), "done");
    }
    must(finbox_producer_leave(&producer), "leave");
    must(finbox_worker_leave(&worker), "leave");
    return NULL;
}

/* Memory on a line's boundary; what stands in it does not matter. */
static void *lines(size_t bytes)
{
    void *memory = aligned_alloc(FINBOX_LINE_BYTES, bytes);
    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return memset(memory, 0xAA, bytes);
}

static void place(void **memory)
{
    size_t bytes;
    finbox_work_ring_args args = {.struct_size = FINBOX_WORK_RING_ARGS_SIZE};
    args.slots = 64;
    args.workers = WORKERS;
    must(finbox_work_ring_bytes(args.slots, args.workers, &bytes), "bytes");
    args.memory = memory[0] = lines(bytes);
    args.size_bytes = bytes;
    must(finbox_work_ring_place(&args, &ring), "place");

    finbox_place_args mailbox = {.struct_size = FINBOX_PLACE_ARGS_SIZE, .slots = 256, .epoch = 1};
    must(finbox_mailbox_bytes(mailbox.slots, WORKERS, &bytes), "bytes");
    mailbox.memory = memory[1] = lines(bytes);
    mailbox.size_bytes = bytes;
    mailbox.flags = FINBOX_PLACE_OWN;
    must(finbox_mailbox_place(&mailbox, &results), "place");
}

/* Adds up what came back; how many results that were. */
static uint32_t drain(uint64_t *sum)
{
    finbox_message messages[64];
    finbox_drained drained = {.struct_size = FINBOX_DRAINED_SIZE};
    must(finbox_consumer_try_drain(&results, messages, 64, &drained), "drain");
    for (uint32_t index = 0; index < drained.taken; index++) {
        *sum += messages[index].expected;
    }
    return drained.taken;
}

int main(void)
{
    void *memory[2];
    uint64_t expected = 0, sum = 0, position = 0;
    for (size_t at = 0; at + 2 <= sizeof input; at += 37) {
        memcpy(input + at, "\xF1\xB0", 2);
    }
    for (uint32_t item = 0; item < ITEMS; item++) {
        expected += matches(input + item * ITEM_BYTES, ITEM_BYTES);
    }
    place(memory);
    pthread_t threads[WORKERS];
    uint32_t names[WORKERS];
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        names[worker] = worker + 1;
        pthread_create(&threads[worker], NULL, work, &names[worker]);
    }
    uint32_t pushed = 0, answered = 0;
    while (answered < ITEMS) {
        finbox_work_item item = {.offset = pushed * ITEM_BYTES, .length = ITEM_BYTES};
        item.correlation = pushed;
        if (pushed < ITEMS) {
            finbox_status status = finbox_work_ring_push(&ring, &item, &position);
            if (status != FINBOX_STATUS_FULL) {
                must(status, "push");
                if (++pushed == ITEMS) {
                    must(finbox_work_ring_close(&ring), "close"); /* behind the last push */
                }
                continue;
            }
        }
        uint32_t more = drain(&sum);
        answered += more;
        if (more == 0) {
            sched_yield();
        }
    }
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        pthread_join(threads[worker], NULL);
    }
    uint32_t is_done;
    uint64_t in_flight;
    must(finbox_work_ring_is_done(&ring, position, &is_done), "is_done");
    must(finbox_work_ring_in_flight(&ring, &in_flight), "in_flight");
    must(finbox_work_ring_destroy(&ring), "destroy");
    must(finbox_consumer_destroy(&results), "destroy");
    free(memory[0]);
    free(memory[1]);
    printf("%u items, %llu matches, %llu in flight\n", answered, (unsigned long long)sum,
           (unsigned long long)in_flight);
    int is_right = sum == expected && is_done == 1 && in_flight == 0;
    printf("%s\n", is_right ? "max_diff 0" : "wrong");
    return !is_right;
}
