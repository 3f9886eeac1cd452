/* Events: each a word in its rank's memory, and copies in the rank's queue for them, which the DMA
 * thread does in order. The word says the value of the last copy whose bytes are there. */
#define _GNU_SOURCE
#include <inttypes.h>

#include "posix_device.h"

/* The event that somebody names. The lock is held. */
static struct event *find(struct machine *machine, const struct finbox_event *named)
{
    struct event *event;

    if (named == NULL || named->event == 0 || named->event > EVENTS_MOST) {
        return NULL;
    }
    event = &machine->events[named->event - 1];
    return event->address != 0 && event->address == named->word ? event : NULL;
}

static int32_t no_event(const char *doing)
{
    return refuse(BAD_ARGUMENT, "%s: no event of this machine that is open", doing);
}

int32_t event_open(struct rank *rank, struct finbox_event *event)
{
    struct machine *machine = rank->machine;
    uint32_t index = 0;
    int32_t refused = 0;

    if (event == NULL) {
        return refuse(BAD_ARGUMENT, "event_open: the event is null");
    }
    pthread_mutex_lock(&machine->lock);
    while (index < EVENTS_MOST && machine->events[index].address != 0) {
        index++;
    }
    if (index == EVENTS_MOST) {
        refused = refuse(NO_ROOM, "event_open: a machine has %d events", EVENTS_MOST);
    } else {
        struct event *opened = &machine->events[index];
        uint64_t address = rank->words + index * sizeof(uint64_t);

        opened->address = address;
        opened->rank = rank;
        opened->word = (_Atomic uint64_t *)(void *)(rank->host + (address - rank->base));
        opened->last = 0;
        atomic_store_explicit(&opened->passed, 0, memory_order_relaxed);
        atomic_store_explicit(opened->word, 0, memory_order_relaxed);
        *event = (struct finbox_event){.event = index + 1, .word = address, .rank = rank->index};
    }
    pthread_mutex_unlock(&machine->lock);
    return refused;
}

/* Whether the DMA thread is through with it. The lock is held. */
static bool has_ended(const struct event *event)
{
    uint64_t reached = atomic_load_explicit(event->word, memory_order_acquire);

    if (reached == FINBOX_EVENT_FAILED) {
        reached = atomic_load_explicit(&event->passed, memory_order_acquire);
    }
    return reached == event->last;
}

int32_t event_close(struct machine *machine, const struct finbox_event *named)
{
    struct event *event;
    int32_t refused = 0;

    pthread_mutex_lock(&machine->lock);
    event = find(machine, named);
    if (event == NULL) {
        refused = no_event("event_close");
    } else if (!has_ended(event)) {
        refused = refuse(BAD_ARGUMENT, "event_close: copies up to %" PRIu64 " have not ended",
                         event->last);
    } else {
        event->address = 0;
    }
    pthread_mutex_unlock(&machine->lock);
    return refused;
}

int32_t event_copy(struct machine *machine, const struct finbox_event *named,
                   const struct finbox_event_copy *copy)
{
    struct event *event;
    int32_t refused = 0;

    if (copy == NULL || memory_given(machine, copy->from, copy->size_bytes) == NULL ||
        memory_given(machine, copy->to, copy->size_bytes) == NULL) {
        return refuse(BAD_ARGUMENT, "event_copy: the copy is null, or its bytes were not given out");
    }
    pthread_mutex_lock(&machine->lock);
    event = find(machine, named);
    if (event == NULL) {
        refused = no_event("event_copy");
    } else if (copy->value <= event->last || copy->value == FINBOX_EVENT_FAILED) {
        refused = refuse(BAD_ARGUMENT, "event_copy: the value %" PRIu64 " is not behind %" PRIu64,
                         copy->value, event->last);
    } else if (atomic_load_explicit(event->word, memory_order_acquire) == FINBOX_EVENT_FAILED) {
        refused = refuse(BAD_ARGUMENT, "event_copy: a copy of this event has failed; open another");
    } else {
        struct transfer what = {.from = copy->from,
                                .to = copy->to,
                                .size_bytes = copy->size_bytes,
                                .event = event,
                                .value = copy->value};
        if (dma_post(machine, event->rank->event_queue, &what) == 0) {
            refused = refuse(NO_ROOM, "event_copy: no memory to note it");
        } else {
            event->last = copy->value;
        }
    }
    pthread_mutex_unlock(&machine->lock);
    return refused;
}
