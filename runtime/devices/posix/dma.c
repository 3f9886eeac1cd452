/* DMA: one thread does what stands in the queues of all ranks, each queue in order, and raises
 * counters when their time has come. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "posix_device.h"

/* The code of a transfer whose bytes are not, or no longer, given out. */
enum { BAD_ADDRESS = 14, FAILED_PLACES = 6 };

static void store_u64(uint64_t *word, uint64_t value, memory_order order)
{
    atomic_store_explicit((_Atomic uint64_t *)word, value, order);
}

uint32_t queue_count(const struct machine *machine)
{
    return machine->facts.ranks * (machine->facts.dma_queues + 1);
}

/* The word is stored with release: whoever sees the value sees the bytes. One that says failed stays
 * so, and nothing behind it is done. The last store of each way is the last touch of the event. */
static void transfer_of_event(struct machine *machine, const struct transfer *what)
{
    struct event *event = what->event;
    uint8_t *from = memory_given(machine, what->from, what->size_bytes);
    uint8_t *to = memory_given(machine, what->to, what->size_bytes);

    if (from != NULL && to != NULL &&
        atomic_load_explicit(event->word, memory_order_relaxed) != FINBOX_EVENT_FAILED) {
        memmove(to, from, what->size_bytes);
        atomic_store_explicit(event->word, what->value, memory_order_release);
        return;
    }
    atomic_store_explicit(event->word, FINBOX_EVENT_FAILED, memory_order_release);
    atomic_store_explicit(&event->passed, what->value, memory_order_release);
}

/* A failure is entered before the transfer counts as ended; `completed` is stored with release, so
 * that whoever sees it sees the bytes and the failure too. */
static void transfer_of_kernel(struct machine *machine, struct queue *queue,
                               const struct transfer *what)
{
    uint8_t *from = memory_given(machine, what->from, what->size_bytes);
    uint8_t *to = memory_given(machine, what->to, what->size_bytes);
    finbox_event_record *record = queue->record;
    uint64_t number = record->completed + 1;

    if ((from != NULL && to != NULL) || what->size_bytes == 0) {
        if (what->size_bytes != 0) {
            memmove(to, from, what->size_bytes);
        }
    } else {
        if (record->failures < FAILED_PLACES) {
            store_u64(&record->failed[record->failures],
                      (uint64_t)BAD_ADDRESS << 48 | (number & ((UINT64_C(1) << 48) - 1)),
                      memory_order_relaxed);
        }
        store_u64(&record->failures, record->failures + 1, memory_order_relaxed);
    }
    store_u64(&record->completed, number, memory_order_release);
}

static void transfer(struct machine *machine, struct queue *queue, const struct transfer *what)
{
    if (what->event != NULL) {
        transfer_of_event(machine, what);
        return;
    }
    transfer_of_kernel(machine, queue, what);
}

static void raise_counter(struct machine *machine, uint64_t address)
{
    uint8_t *counter = memory_given(machine, address, 4);

    if (counter == NULL) {
        log_line(FINBOX_LOG_LEVEL_WARN, "a counter that was to be raised later, at %#" PRIx64
                 ", is no longer given out", address);
        return;
    }
    atomic_fetch_add_explicit((_Atomic uint32_t *)(void *)counter, 1, memory_order_acq_rel);
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* Does what is due and returns when the next thing is; at once, if something was done: meanwhile
 * more may have come. The lock is held, but not while bytes move: only this thread takes things
 * out, so what is first stays first. */
static uint64_t do_due(struct machine *machine)
{
    struct dma *dma = &machine->dma;
    uint32_t queues = queue_count(machine), index;
    uint64_t next_ns = NEVER;

    for (index = 0; index < queues; index++) {
        struct queue *queue = &machine->queues[index];
        struct transfer *what = queue->first;
        if (what != NULL && what->due_ns <= now_ns()) {
            pthread_mutex_unlock(&dma->lock);
            transfer(machine, queue, what);
            pthread_mutex_lock(&dma->lock);
            queue->first = what->next;
            free(what);
            next_ns = 0;
        }
        if (queue->first != NULL) {
            next_ns = earlier(next_ns, queue->first->due_ns);
        }
    }
    while (dma->laters != NULL && dma->laters->due_ns <= now_ns()) {
        struct later *later = dma->laters;
        dma->laters = later->next;
        pthread_mutex_unlock(&dma->lock);
        raise_counter(machine, later->address);
        free(later);
        pthread_mutex_lock(&dma->lock);
        next_ns = 0;
    }
    return dma->laters == NULL ? next_ns : earlier(next_ns, dma->laters->due_ns);
}

static void *dma_main(void *argument)
{
    struct machine *machine = argument;
    struct dma *dma = &machine->dma;

    pthread_mutex_lock(&dma->lock);
    while (!dma->stopping) {
        uint64_t next_ns = do_due(machine);
        if (dma->stopping || next_ns <= now_ns()) {
            continue;
        }
        if (next_ns == NEVER) {
            pthread_cond_wait(&dma->news, &dma->lock);
        } else {
            struct timespec until = {.tv_sec = (time_t)(next_ns / 1000000000),
                                     .tv_nsec = (long)(next_ns % 1000000000)};
            pthread_cond_timedwait(&dma->news, &dma->lock, &until);
        }
    }
    pthread_mutex_unlock(&dma->lock);
    return NULL;
}

uint64_t dma_post(struct machine *machine, struct queue *queue, const struct transfer *what)
{
    struct dma *dma = &machine->dma;
    struct transfer *entry = malloc(sizeof *entry);
    uint64_t number;

    if (entry == NULL) {
        return 0;
    }
    *entry = *what;
    entry->next = NULL;
    pthread_mutex_lock(&dma->lock);
    entry->due_ns = now_ns() + machine->delay_ns;
    if (queue->first == NULL) {
        queue->first = entry;
    } else {
        queue->last->next = entry;
    }
    queue->last = entry;
    number = ++queue->posted;
    pthread_cond_signal(&dma->news);
    pthread_mutex_unlock(&dma->lock);
    return number;
}

void dma_later(struct machine *machine, struct later *laters)
{
    struct dma *dma = &machine->dma;
    uint64_t now = now_ns();

    if (laters == NULL) {
        return;
    }
    pthread_mutex_lock(&dma->lock);
    while (laters != NULL) {
        struct later *later = laters, **place = &dma->laters;
        laters = later->next;
        later->due_ns = later->due_ns < NEVER - 1 - now ? now + later->due_ns : NEVER - 1;
        while (*place != NULL && (*place)->due_ns <= later->due_ns) {
            place = &(*place)->next;
        }
        later->next = *place;
        *place = later;
    }
    pthread_cond_signal(&dma->news);
    pthread_mutex_unlock(&dma->lock);
}

int32_t dma_start(struct machine *machine)
{
    struct dma *dma = &machine->dma;
    pthread_condattr_t attributes;
    int failed;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&dma->lock, NULL);
    pthread_cond_init(&dma->news, &attributes);
    pthread_condattr_destroy(&attributes);
    failed = pthread_create(&dma->thread, NULL, dma_main, machine);
    if (failed != 0) {
        pthread_cond_destroy(&dma->news);
        pthread_mutex_destroy(&dma->lock);
        return refuse(SYSTEM_REFUSED, "open: no thread for DMA: %s", strerror(failed));
    }
    machine->has_dma = true;
    return 0;
}

/* Ends the thread; what it had not come to is dropped. */
void dma_stop(struct machine *machine)
{
    struct dma *dma = &machine->dma;
    uint32_t queues = queue_count(machine), index;

    if (!machine->has_dma) {
        return;
    }
    pthread_mutex_lock(&dma->lock);
    dma->stopping = true;
    pthread_cond_signal(&dma->news);
    pthread_mutex_unlock(&dma->lock);
    pthread_join(dma->thread, NULL);
    for (index = 0; index < queues; index++) {
        while (machine->queues[index].first != NULL) {
            struct transfer *what = machine->queues[index].first;
            machine->queues[index].first = what->next;
            free(what);
        }
    }
    while (dma->laters != NULL) {
        struct later *later = dma->laters;
        dma->laters = later->next;
        free(later);
    }
    pthread_cond_destroy(&dma->news);
    pthread_mutex_destroy(&dma->lock);
}
