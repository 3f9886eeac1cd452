/* Private to posix-device: what its files share. Programs see finbox_device.h alone; support.h has
 * what every device library needs: refusals in words, options, which memory was given out.
 *
 *   device.c   the one exported function, the library's table, options, open and close
 *   memory.c   a rank's memory: what was given out, and what the control CPU reads
 *   kernel.c   lists of operations: checked when loaded, done step by step
 *   core.c     registers of the cores, the threads that play them, and a rank's port
 *   dma.c      queues that copy behind a kernel's back, and counters that are raised later
 *   event.c    events: copies whose end is a value of a word
 */
#ifndef POSIX_DEVICE_H
#define POSIX_DEVICE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../support/support.h"

enum { THREADS_MOST = 64, EVENTS_MOST = 64 };

struct machine;
struct worker;

/* An operation to come of a LATER. */
struct later {
    struct later *next;
    uint64_t due_ns;    /* while its kernel runs: how long after its end */
    uint64_t address;
};

/* An event, while its word's address is not 0. */
struct event {
    uint64_t address;
    struct rank *rank;
    _Atomic uint64_t *word;
    uint64_t last;                      /* the value of the last copy that was posted */
    _Atomic uint64_t passed;            /* once it has failed: the last that was passed over */
};

/* A copy that stands in a DMA queue; if it has an event, of that. */
struct transfer {
    struct transfer *next;
    uint64_t from, to, size_bytes, due_ns;
    struct event *event;
    uint64_t value;                     /* what the event's word becomes behind it */
};

/* A DMA queue: first in, first out. Those of events, one a rank, have no record. */
struct queue {
    struct transfer *first, *last;
    uint64_t posted;
    finbox_event_record *record;
    uint64_t record_address;
};

/* The thread of all DMA queues; `lock` guards the queues and `laters`. */
struct dma {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct later *laters;
    bool stopping;
};

/* A kernel; never changes, and lives as long as its machine. */
struct kernel {
    uint32_t rank;
    size_t count;
    struct finbox_op ops[];
};

/* A kernel that a core is running. */
struct run {
    struct machine *machine;
    const struct kernel *kernel;
    size_t next;                        /* the operation that comes next */
    uint64_t busy_until_ns;             /* 0: it is in no BUSY */
    struct finbox_launch launch;
    finbox_slab *slab;
    uint32_t conditions;
    int32_t error;
    struct later *laters;
    uint64_t posted[QUEUES_MOST];       /* its last post to each queue; 0: none */
};

/* A core. The control CPU writes `dispatch` and `launches` and reads `cond`; the rest is its
 * worker's. A line of its own, so that no two cores slow each other down. */
struct core {
    _Alignas(LINE) _Atomic uint32_t dispatch;
    _Atomic uint32_t cond;
    struct finbox_launch launches[2];   /* by the token's lowest bit */
    struct worker *worker;
    finbox_slab *slabs[2];
    uint32_t taken;                     /* the word in `dispatch` that was dealt with last */
    bool is_running, has_ended;
    struct run run;
};

/* A thread that plays every `stride`-th core. */
struct worker {
    pthread_t thread;
    struct machine *machine;
    uint32_t first;
    uint32_t is_started;
    _Atomic uint32_t is_asleep;
    sem_t bell;
};

/* A chip and its memory. */
struct rank {
    struct machine *machine;
    uint32_t index;
    uint64_t base;                      /* the device address of host[0] */
    uint64_t mapped_bytes;
    uint8_t *host;
    uint64_t words;                     /* device address of the words of events */
    struct blocks blocks;
    struct core *cores;
    struct queue *queues, *event_queue;
};

/* A machine; `lock` guards the tables of kernels and events. */
struct machine {
    struct opened opened;
    struct finbox_machine facts;
    uint64_t delay_ns;                  /* option delay_us: what a DMA transfer takes at least */
    struct rank ranks[RANKS_MOST];
    struct core *cores;                 /* of all ranks */
    struct queue *queues;               /* of all ranks */
    struct worker workers[THREADS_MOST];
    uint32_t worker_count;
    struct dma dma;
    bool has_dma;
    atomic_bool is_stopping;
    pthread_mutex_t lock;
    struct kernel **kernels;
    size_t kernel_count, kernel_room;
    struct event events[EVENTS_MOST];
};

/* memory.c. Those that return int32_t refuse in words; addresses are device addresses. */
int32_t memory_open(struct rank *rank, uint64_t reserved_bytes, uint64_t arena_bytes);
void memory_close(struct rank *rank);
int32_t memory_allocate(struct rank *rank, uint64_t size_bytes, uint64_t align, uint64_t *address);
/* Where bytes are that were given out, or null. */
uint8_t *memory_given(struct machine *machine, uint64_t address, uint64_t size_bytes);
/* Where bytes of this rank are, given out or its device's own, or null. Waits for nobody. */
uint8_t *memory_mapped(const struct rank *rank, uint64_t address, uint64_t size_bytes);
void memory_copy_out(void *to, const uint8_t *from, uint64_t size_bytes);

/* kernel.c */
int32_t kernel_load(struct rank *rank, const struct finbox_op *ops, size_t count,
                    uint64_t *number);
void kernels_close(struct machine *machine);
void run_begin(struct run *run, struct rank *rank, finbox_slab *slab);
/* Goes on until the kernel ends (NEVER) or rests (the time at which to go on). */
uint64_t run_step(struct run *run);

/* core.c */
int32_t cores_start(struct machine *machine, uint32_t threads);
void cores_stop(struct machine *machine);
void port_fill(struct rank *rank, struct finbox_port *port);

/* event.c */
int32_t event_open(struct rank *rank, struct finbox_event *event);
int32_t event_close(struct machine *machine, const struct finbox_event *event);
int32_t event_copy(struct machine *machine, const struct finbox_event *event,
                   const struct finbox_event_copy *copy);

/* dma.c */
/* All queues of a machine, those of events behind the others. */
uint32_t queue_count(const struct machine *machine);
int32_t dma_start(struct machine *machine);
void dma_stop(struct machine *machine);
/* Returns the transfer's number in its queue, or 0 if there is no memory to note it. */
uint64_t dma_post(struct machine *machine, struct queue *queue, const struct transfer *what);
/* Raises counters, in so many ns from now; takes the list over. */
void dma_later(struct machine *machine, struct later *laters);

#endif
