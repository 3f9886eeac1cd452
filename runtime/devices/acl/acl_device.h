/* Private to acl-device: what its files share.
 *
 *   acl_symbols.h   every function of AscendCL that is called, a line each
 *   load.c          finds the library, its functions, and words for its errors
 *   device.c        the exported function, the table, open and close
 *   memory.c        a rank's memory, on the device and as the control CPU sees it
 *   kernel.c        lists of operations: checked when loaded, given to streams when run
 *   service.c       registers of the cores, a rank's port, and the one thread that calls AscendCL
 *                   once a machine is open
 *
 * Rank r is device r modulo the number of devices; each core and each DMA queue is a stream.
 *
 * What a core writes on the device is copied to the host behind it, in the same stream, into the
 * rank's image: so that what the control CPU reads, a counter above all, is a plain load, and no
 * function of the port ever waits for a board. It costs the link every byte that a kernel writes.
 *
 * AscendCL has counters (aclrtCntNotify), but they are no words in memory, and it cannot add to a
 * word. NOTIFY is therefore done on the host: all NOTIFY and LATER of all ranks go through the
 * service thread, which adds to the image when everything in front of it has ended, and writes the
 * sum through to the device. This relies on every rank of a machine living in this process, and on
 * nobody else writing counters. */
#ifndef ACL_DEVICE_H
#define ACL_DEVICE_H

#include <semaphore.h>
#include <stdatomic.h>

#include "../support/support.h"
#include "acl_symbols.h"

/* AscendCL's functions by their names; null where one that is not required is not there. */
struct acl {
#define ACL_MEMBER(returns, name, parameters) returns (*name) parameters;
    ACL_SYMBOLS(ACL_MEMBER, ACL_MEMBER, ACL_MEMBER)
#undef ACL_MEMBER
};

extern struct acl acl;

struct machine;

struct later {
    struct later *next;
    uint64_t due_ns;
    uint64_t address;
};

/* A copy that stands in a DMA queue. */
struct transfer {
    struct transfer *next;
    uint64_t from, to, size_bytes;
};

/* A stream, and an event that says how far it has come. */
struct lane {
    aclrtStream stream;
    aclrtEvent event;
    bool is_waiting;                    /* the event was recorded and has not been seen complete */
    uint64_t deadline_ns;
};

struct queue {
    struct lane lane;
    struct transfer *first, *last;
    uint64_t posted;
    finbox_event_record *record;
    uint64_t record_address;
};

/* An operation, and what FILL_U32 copies from: host memory that the device can reach. */
struct step {
    struct finbox_op op;
    void *constant;
    uint64_t constant_bytes;
};

struct kernel {
    uint32_t rank;
    size_t count;
    struct step steps[];
};

struct run {
    const struct kernel *kernel;
    size_t next;                        /* the operation that comes next */
    bool has_pending;                   /* something was given to the stream, and no event behind */
    uint64_t busy_until_ns;
    struct finbox_launch launch;
    finbox_slab *slab;
    uint32_t conditions;
    int32_t error;
    struct later *laters;
    uint64_t posted[QUEUES_MOST];
};

/* A core. The control CPU writes `dispatch` and `launches` and reads `cond`; the rest is the
 * service thread's. */
struct core {
    _Alignas(LINE) _Atomic uint32_t dispatch;
    _Atomic uint32_t cond;
    struct finbox_launch launches[2];
    finbox_slab *slabs[2];
    uint32_t taken;
    bool is_running, has_ended;
    struct lane lane;
    struct run run;
};

struct rank {
    struct machine *machine;
    uint32_t index;
    int32_t device;
    aclrtContext context;
    uint64_t base;                      /* the device address of image[0] */
    uint64_t mapped_bytes, reserved_bytes;
    uint8_t *image;                     /* slabs and event records, then memory as last seen */
    uint8_t *memory;                    /* on the device: what lies behind the reserved bytes */
    struct blocks blocks;
    struct core *cores;
    struct queue *queues;
};

struct machine {
    struct opened opened;
    struct finbox_machine facts;
    uint64_t timeout_ns;
    struct rank ranks[RANKS_MOST];
    struct core *cores;
    struct queue *queues;
    struct later *laters;               /* the service thread's, by time */
    pthread_t service;
    bool has_service;
    atomic_bool is_stopping;
    _Atomic uint32_t is_asleep;
    sem_t bell;
    pthread_mutex_t lock;               /* of the kernels */
    struct kernel **kernels;
    size_t kernel_count, kernel_room;
};

/* load.c. Both say what was being done, the code, its meaning, and what the driver says. */
int32_t acl_load(void);
int32_t acl_refuse(const char *doing, aclError code);
void acl_log(const char *doing, uint32_t rank, aclError code);

/* memory.c */
int32_t memory_open(struct rank *rank, uint64_t reserved_bytes, uint64_t arena_bytes);
bool memory_close(struct rank *rank);
int32_t memory_allocate(struct rank *rank, uint64_t size_bytes, uint64_t align, uint64_t *address);
int32_t memory_copy_in(struct rank *rank, uint64_t address, const void *from, uint64_t size_bytes);
void memory_copy_out(void *to, const uint8_t *from, uint64_t size_bytes);
/* The rank whose memory these bytes are, given out; or null. */
struct rank *memory_rank(struct machine *machine, uint64_t address, uint64_t size_bytes);
uint8_t *memory_on_device(const struct rank *rank, uint64_t address);
/* Where bytes of this rank's image are, or null. Waits for nobody. */
uint8_t *memory_image(const struct rank *rank, uint64_t address, uint64_t size_bytes);
/* Gives a copy to a stream of `by`, whose context is current, and its image's behind it. */
aclError memory_move(struct rank *by, aclrtStream stream, const struct transfer *what);
/* Copies to the image what the device has at `address`. */
aclError memory_show(struct rank *of, aclrtStream stream, uint64_t address, uint64_t size_bytes);
/* Adds to a counter, on the device and then in the image. Only the service thread may. */
aclError memory_add(struct rank *of, uint64_t address, uint32_t value);

/* kernel.c. What streams and the host can do without a program for the cores. */
#define BIT(kind) (UINT64_C(1) << (kind))
#define KERNEL_OPERATIONS \
    (BIT(FINBOX_OP_KIND_BUSY) | BIT(FINBOX_OP_KIND_COPY) | BIT(FINBOX_OP_KIND_FILL_U32) | \
     BIT(FINBOX_OP_KIND_NOTIFY) | BIT(FINBOX_OP_KIND_AWAIT) | BIT(FINBOX_OP_KIND_POST) | \
     BIT(FINBOX_OP_KIND_AWAIT_POST) | BIT(FINBOX_OP_KIND_LATER))
int32_t kernel_load(struct rank *rank, const struct finbox_op *ops, size_t count,
                    uint64_t *number);
void kernels_close(struct machine *machine);
void run_begin(struct run *run, struct rank *rank, finbox_slab *slab);
/* Goes on until the kernel ends (NEVER) or rests: the time at which to look again. */
uint64_t run_step(struct run *run, struct rank *rank, struct lane *lane);

/* service.c */
int32_t service_start(struct machine *machine);
void service_stop(struct machine *machine);
void port_fill(struct rank *rank, struct finbox_port *port);
bool lane_record(struct lane *lane, const struct rank *rank, aclError *error);
/* Whether what was recorded has ended; `error` is not 0 if it never will. */
bool lane_has_ended(struct lane *lane, aclError *error);

#endif
