/**
 * The contract between finbox and a machine: what a port of a chip is, and what a device library
 * offers. Whoever writes either needs this header alone, and links nothing.
 *
 * Made from runtime/abi/src by the test `header` of runtime/ffi; do not edit.
 *
 * Structs that begin with struct_size want their FINBOX_..._SIZE there, and 0 in every field that is
 * not used. Structs grow at their ends; what a number or a function means never changes.
 */

#ifndef FINBOX_DEVICE_H
#define FINBOX_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/* The size of `type` up to its field `last`: what struct_size counts. */
#define FINBOX_SIZE_UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/**
 * Most conditions of a task, entries of a slab.
 */
#define FINBOX_MAX_CONDITIONS 64

/**
 * What a core writes into its slab's error field when its kernel cannot go on.
 */
#define FINBOX_SLAB_ERROR_FATAL 9

/**
 * What a core writes into its slab's error field when it has more conditions than fit.
 */
#define FINBOX_SLAB_ERROR_OVERFLOW 102

/**
 * What stands in COND before a core took its first token, and after a reset.
 */
#define FINBOX_COND_RESET 2147483647

/**
 * The bit of COND that says FIN; without it the token below was taken (ACK).
 */
#define FINBOX_COND_FIN 2147483648

/**
 * The token that ends a core: it answers with ACK of it, and takes nothing more.
 */
#define FINBOX_TOKEN_EXIT 2147483646

/**
 * The largest token of a task. A core's first is 1, the next is one more, and behind this one
 * comes 0, so that the lowest bits alternate. They never start again while the machine is open.
 */
#define FINBOX_TOKEN_LAST 2147483631

/**
 * A subtask that runs on its cluster's cube core.
 */
#define FINBOX_SUBTASK_AIC 1

/**
 * A subtask that runs on its cluster's first vector core.
 */
#define FINBOX_SUBTASK_AIV0 2

/**
 * A subtask that runs on its cluster's second vector core.
 */
#define FINBOX_SUBTASK_AIV1 4

/**
 * The contract's major version: another one is refused.
 */
#define FINBOX_DEVICE_ABI_MAJOR 1

/**
 * The contract's minor version: fields and bits were appended since a smaller one.
 */
#define FINBOX_DEVICE_ABI_MINOR 1

/**
 * Bit of `features`: there is a `finbox_device_events` among the library's extensions.
 */
#define FINBOX_FEATURE_EVENTS 1

/**
 * The `kind` of a `finbox_device_events`.
 */
#define FINBOX_EXTENSION_EVENTS 1

/**
 * What an event's word says for ever once a copy of it has failed: no value is so large.
 */
#define FINBOX_EVENT_FAILED 18446744073709551615ull

/**
 * Values of `engine`: who will make a condition true.
 */
enum finbox_engine
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * System DMA.
     */
    FINBOX_ENGINE_SDMA = 0,
    /**
     * RDMA over Ethernet.
     */
    FINBOX_ENGINE_ROCE = 1,
    /**
     * Unified remote memory access (a5).
     */
    FINBOX_ENGINE_URMA = 2,
    /**
     * Collective communication unit.
     */
    FINBOX_ENGINE_CCU = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_engine finbox_engine;
#else
typedef uint32_t finbox_engine;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `completion_type`: how a condition is read.
 */
enum finbox_completion
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * `(int32_t)(counter - expected) >= 0` for the 32-bit counter at `addr`.
     */
    FINBOX_COMPLETION_COUNTER = 0,
    /**
     * The 64-bit completed post id at `addr` is at least `cookie`.
     */
    FINBOX_COMPLETION_SDMA_EVENT_RECORD = 1,
    /**
     * The completion queue at `addr` was walked to the head in `cookie` (a5).
     */
    FINBOX_COMPLETION_URMA_EVENT_HANDLE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_completion finbox_completion;
#else
typedef int32_t finbox_completion;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of a `finbox_op`'s `kind`; bit `n` of a library's `operations` stands for the kind `n`.
 * Words are 32 bits, aligned; sums of integers wrap; `f32` operations round once a value.
 */
enum finbox_op_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Takes about `value` ns.
     */
    FINBOX_OP_KIND_BUSY = 0,
    /**
     * Copies `count` bytes from `from` to `to`, on any byte, in the memories of any ranks; they do
     * not overlap.
     */
    FINBOX_OP_KIND_COPY = 1,
    /**
     * Writes the word `value` to `count` words at `to`.
     */
    FINBOX_OP_KIND_FILL_U32 = 2,
    /**
     * Writes `count` bytes of pattern `value` at `to`: 64-bit word `i`, in little endian, is
     * `mix(value + mix(i))`, where `mix` is the finaliser of SplitMix64 behind its increment.
     */
    FINBOX_OP_KIND_FILL_PATTERN = 3,
    /**
     * `to[i] = from[i] + value`, for `count` words.
     */
    FINBOX_OP_KIND_ADD_U32 = 4,
    /**
     * `to[i] += from[i]`, for `count` words.
     */
    FINBOX_OP_KIND_ACCUMULATE_U32 = 5,
    /**
     * `to[i] = from[i] + value`, for `count` values of `f32`; the low half of `value` is one.
     */
    FINBOX_OP_KIND_ADD_F32 = 6,
    /**
     * `to[i] = from[i] * value`, as `AddF32`.
     */
    FINBOX_OP_KIND_SCALE_F32 = 7,
    /**
     * As `AddF32`, of what the counter at device address `value` says then: an unsigned number, as
     * the nearest `f32`. No stride is added to that address.
     */
    FINBOX_OP_KIND_ADD_COUNTER_F32 = 8,
    /**
     * Adds `value` to the counter, a word, at `to`, on any rank: atomically, and after everything
     * that stands before it in this kernel.
     */
    FINBOX_OP_KIND_NOTIFY = 9,
    /**
     * Registers a condition in the slab: the counter at `from`, on the core's own rank, has
     * reached `value`, compared as `(int32_t)(counter - value) >= 0`. `count` becomes the
     * condition's cookie; its engine is `Sdma`, its type `Counter`. One that does not fit any more
     * sets the slab's error to `FINBOX_SLAB_ERROR_OVERFLOW`.
     */
    FINBOX_OP_KIND_AWAIT = 10,
    /**
     * Posts to DMA queue `queue` of the core's rank: copy `count` bytes from `from` to `to`, one
     * of which is on that rank. It happens some time after. Those of a queue end one after
     * another.
     */
    FINBOX_OP_KIND_POST = 11,
    /**
     * Registers a condition in the slab: what this kernel posted last to DMA queue `queue` has
     * ended. Nothing, if it posted nothing there. It watches the queue's `finbox_event_record`,
     * its cookie is the transfer's number, its engine `Sdma`, its type `SdmaEventRecord`, and it
     * expects 0.
     */
    FINBOX_OP_KIND_AWAIT_POST = 12,
    /**
     * About `value` ns after the kernel's end adds 1 to the counter at `to`, on any rank.
     */
    FINBOX_OP_KIND_LATER = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_op_kind finbox_op_kind;
#else
typedef uint32_t finbox_op_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a line of a log matters: values of `log`'s `level`.
 */
enum finbox_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something failed.
     */
    FINBOX_LOG_LEVEL_ERROR = 1,
    /**
     * Something is wrong, and it goes on.
     */
    FINBOX_LOG_LEVEL_WARN = 2,
    /**
     * Something that people may want to know.
     */
    FINBOX_LOG_LEVEL_INFO = 3,
    /**
     * For whoever writes the library.
     */
    FINBOX_LOG_LEVEL_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_log_level finbox_log_level;
#else
typedef uint32_t finbox_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * One condition as a core registers it in its slab.
 */
typedef struct finbox_slab_entry {
    /**
     * Device address that the condition watches.
     */
    uint64_t addr;
    /**
     * The engine's own value (post id, queue handle).
     */
    uint64_t cookie;
    /**
     * Value to reach.
     */
    uint32_t expected;
    /**
     * A `finbox_engine`.
     */
    uint32_t engine;
    /**
     * A `finbox_completion`.
     */
    int32_t completion_type;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_slab_entry;

/**
 * What a core leaves beside its FIN, on a 64-byte boundary. Zeroed by the control CPU before the
 * doorbell; the core writes the entries, then the count, cleans the lines, then writes COND.
 */
typedef struct finbox_slab {
    /**
     * How many entries there are, 0 to 64.
     */
    uint32_t count;
    /**
     * 0, a `FINBOX_SLAB_ERROR_*`, or a number of the device's own.
     */
    int32_t error;
    /**
     * The conditions.
     */
    struct finbox_slab_entry entries[FINBOX_MAX_CONDITIONS];
    /**
     * Up to the end of the last line.
     */
    uint8_t reserved[56];
} finbox_slab;

/**
 * Where a DMA queue says what has ended, on a 64-byte boundary. A failed transfer is entered
 * before it counts as ended.
 */
typedef struct finbox_event_record {
    /**
     * Number of the last transfer that has ended; they count from 1 and end in order.
     */
    uint64_t completed;
    /**
     * How many transfers have failed.
     */
    uint64_t failures;
    /**
     * The first six of them: number in bits 47..0, error code in bits 63..48.
     */
    uint64_t failed[6];
} finbox_event_record;

/**
 * One link of a chain that later versions hang things on.
 */
typedef struct finbox_extension {
    /**
     * The size of the struct that begins with this one.
     */
    size_t struct_size;
    /**
     * The next one, or null.
     */
    const struct finbox_extension *next;
    /**
     * What it is: a `FINBOX_EXTENSION_*`; what is not known is passed over.
     */
    uint64_t kind;
} finbox_extension;

/**
 * Text of somebody else: UTF-8, not ended by 0.
 */
typedef struct finbox_text {
    /**
     * Its first byte; null if it is empty.
     */
    const char *bytes;
    /**
     * How many bytes.
     */
    size_t length;
} finbox_text;

/**
 * What a machine is to be. 0: as the library likes.
 */
typedef struct finbox_open_args {
    /**
     * `FINBOX_OPEN_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * A chain of extensions, or null.
     */
    const struct finbox_extension *next;
    /**
     * The library's own options, as somebody typed them; it refuses what it does not know.
     */
    struct finbox_text options;
    /**
     * Chip family: 1 a2a3, 2 a5.
     */
    uint32_t target;
    /**
     * Ranks, each a chip with memory of its own, 1 to 64.
     */
    uint32_t ranks;
    /**
     * Cores of a rank, cubes and vectors, at most the chip's.
     */
    uint32_t cores;
    /**
     * DMA queues of a rank.
     */
    uint32_t dma_queues;
    /**
     * Bytes of memory of a rank.
     */
    uint64_t memory_bytes;
} finbox_open_args;

/**
 * A machine that was opened: what it is.
 */
typedef struct finbox_machine {
    /**
     * `FINBOX_MACHINE_SIZE`, set by the program.
     */
    size_t struct_size;
    /**
     * The library's; handed to all its functions.
     */
    void *context;
    /**
     * Chip family: 1 a2a3, 2 a5.
     */
    uint32_t target;
    /**
     * Ranks, 1 to 64.
     */
    uint32_t ranks;
    /**
     * Cubes and vectors of a rank. Core `n` of a cluster of three is a vector, a cube, a vector.
     */
    uint32_t cores;
    /**
     * Lanes for host tasks of a rank, behind its cores.
     */
    uint32_t host_lanes;
    /**
     * DMA queues of a rank.
     */
    uint32_t dma_queues;
    /**
     * Not 0 if the control CPU sees what cores and DMA wrote without a refresh. Where it is 0,
     * the target must be one whose memory is not coherent.
     */
    uint32_t is_coherent;
    /**
     * Bytes of memory of a rank that can be allocated.
     */
    uint64_t memory_bytes;
} finbox_machine;

/**
 * What a core needs to run one block of a task.
 */
typedef struct finbox_launch {
    /**
     * The task's slot: ring 8 bits, index 24, generation 32. Only to be told.
     */
    uint64_t slot;
    /**
     * Task id: ring in bits 39..32, local number in bits 31..0. Only to be told.
     */
    uint64_t task;
    /**
     * The kernel, as the task's submitter named it. One that `load_kernel` of this rank did not
     * give out runs nothing: the core leaves `FINBOX_SLAB_ERROR_FATAL` in its slab, and says FIN.
     */
    uint64_t kernel;
    /**
     * The kernel's arguments, as the task's submitter named them.
     */
    uint64_t args;
    /**
     * Which block of the task, from 0.
     */
    uint16_t block;
    /**
     * How many blocks the task has.
     */
    uint16_t blocks;
    /**
     * Which subtask of a mixed block: a `FINBOX_SUBTASK_*`; 0 for other shapes.
     */
    uint32_t subtask;
} finbox_launch;

/**
 * One rank's chip, as its control CPU sees it. All functions are called from several threads at
 * once, but for one core `load_cond` by one thread at a time, and `stage_payload`, `ring_doorbell`
 * and `store_u64` by one thread at a time. None may wait for another thread, call the library that
 * called it, or unwind. The table is copied; what `context` points to outlives every scheduler on
 * it.
 */
typedef struct finbox_port {
    /**
     * `FINBOX_PORT_SIZE`.
     */
    size_t struct_size;
    /**
     * Handed to every function.
     */
    void *context;
    /**
     * Reads a core's COND register: bit 31 FIN, bits 30..0 the token. Acquire: what the core wrote
     * and flushed before it wrote this value can be read afterwards, behind a `refresh` where
     * memory is not coherent.
     */
    uint32_t (*load_cond)(void *context, uint32_t core);
    /**
     * Writes a token to a core's dispatch register. Release: what was staged and stored before is
     * there for a core that sees it.
     */
    void (*ring_doorbell)(void *context, uint32_t core, uint32_t token);
    /**
     * Leaves a launch where the core will look for `token`'s; it has two places, by the token's
     * lowest bit. The launch is to be copied.
     */
    void (*stage_payload)(void *context,
                          uint32_t core,
                          uint32_t token,
                          const struct finbox_launch *launch);
    /**
     * Device address of the `finbox_slab` of a core for tokens with this lowest bit, a multiple of
     * 64 and not 0. Always the same; its bytes are those of no other slab, on no rank, and of no
     * memory that is given out.
     */
    uint64_t (*slab_address)(void *context, uint32_t core, uint32_t parity);
    /**
     * Makes the lines that cover these bytes current for the control CPU; nothing where memory is
     * coherent.
     */
    void (*refresh)(void *context, uint64_t address, uint64_t size_bytes);
    /**
     * Makes what the control CPU stored in these lines visible to the cores; nothing where memory
     * is coherent.
     */
    void (*clean)(void *context, uint64_t address, uint64_t size_bytes);
    /**
     * Not 0 if the control CPU may read these bytes. Asked before anything that a core left is
     * followed.
     */
    uint32_t (*can_read)(void *context, uint64_t address, uint64_t size_bytes);
    /**
     * Acquire load of the aligned word at an address that may be read.
     */
    uint32_t (*load_u32)(void *context, uint64_t address);
    /**
     * Acquire load of the aligned 64-bit word at an address that may be read.
     */
    uint64_t (*load_u64)(void *context, uint64_t address);
    /**
     * Stores the aligned 64-bit word at `address`, in a slab.
     */
    void (*store_u64)(void *context, uint64_t address, uint64_t value);
    /**
     * Nanoseconds from any start, never going back.
     */
    uint64_t (*now)(void *context);
    /**
     * How often the chip was reset since the table was filled in; counted up before any register
     * shows the value it has after the reset. May be null: it never is.
     */
    uint32_t (*incarnation)(void *context);
} finbox_port;

/**
 * One operation of a kernel. Fields that its kind does not name are 0.
 */
typedef struct finbox_op {
    /**
     * A `finbox_op_kind`.
     */
    uint32_t kind;
    /**
     * In a mixed block: the subtasks that do it, `FINBOX_SUBTASK_*`; 0: all of them. Ignored
     * elsewhere.
     */
    uint32_t subtasks;
    /**
     * Device address of what is read.
     */
    uint64_t from;
    /**
     * Device address of what is written.
     */
    uint64_t to;
    /**
     * How much, in the kind's units.
     */
    uint64_t count;
    /**
     * A value, as the kind says.
     */
    uint64_t value;
    /**
     * How far apart two blocks are: block `b` adds `b * stride` to `from` and `to`.
     */
    uint64_t stride;
    /**
     * A DMA queue of the core's rank, from 0.
     */
    uint32_t queue;
    /**
     * 0.
     */
    uint32_t reserved[3];
} finbox_op;

/**
 * What a library offers. It lives as long as the library is loaded. Functions return 0, or a
 * number of the library's; then `last_error` says on the same thread what happened, and nothing
 * has changed. None may unwind. All may be called from any thread; those that say so not two at
 * once on one machine.
 */
typedef struct finbox_device_library {
    /**
     * The size of this table, as the library knows it.
     */
    size_t struct_size;
    /**
     * `FINBOX_DEVICE_ABI_MAJOR` of the header that the library was built with.
     */
    uint32_t abi_major;
    /**
     * `FINBOX_DEVICE_ABI_MINOR` of that header.
     */
    uint32_t abi_minor;
    /**
     * Its name.
     */
    struct finbox_text name;
    /**
     * Its own version.
     */
    struct finbox_text version;
    /**
     * What its cores can do: bit `n` for the `finbox_op_kind` with the number `n`.
     */
    uint64_t operations;
    /**
     * Optional features: a sum of `FINBOX_FEATURE_*`; bits that are not known are passed over.
     */
    uint64_t features;
    /**
     * A chain of extensions, or null.
     */
    const struct finbox_extension *extensions;
    /**
     * Opens a machine and describes it. Not two at once.
     */
    int32_t (*open)(const struct finbox_open_args *args, struct finbox_machine *machine);
    /**
     * Ends a machine: no other function is running, and none of its ports is used any more.
     */
    int32_t (*close)(void *context);
    /**
     * Fills in the port of a rank; valid until the machine is closed.
     */
    int32_t (*port)(void *context, uint32_t rank, struct finbox_port *port);
    /**
     * Gives out memory of a rank, at a multiple of `align`, a power of two: zeroed, readable by
     * its control CPU, by its cores and by its peers' cores and DMA. `address` is not 0.
     */
    int32_t (*allocate)(void *context,
                        uint32_t rank,
                        uint64_t size_bytes,
                        uint64_t align,
                        uint64_t *address);
    /**
     * Takes memory of a rank back, by the address that was given out; refuses any other.
     */
    int32_t (*release)(void *context, uint32_t rank, uint64_t address);
    /**
     * Copies bytes into memory that was given out; cores that are started afterwards see them, and
     * the control CPU behind a `refresh`.
     */
    int32_t (*copy_in)(void *context, uint64_t address, const void *from, uint64_t size_bytes);
    /**
     * Copies bytes out of memory that was given out: what cores wrote before their FIN is there.
     */
    int32_t (*copy_out)(void *context, void *to, uint64_t address, uint64_t size_bytes);
    /**
     * Makes a kernel for the cores of a rank, under a number that no other kernel of the rank has;
     * the operations are to be copied. One without operations ends at once. Refuses kinds that are
     * none or not in `operations`, DMA queues that are not there, and operations that read or
     * write where no memory is given out now.
     */
    int32_t (*load_kernel)(void *context,
                           uint32_t rank,
                           const struct finbox_op *ops,
                           size_t count,
                           uint64_t *kernel);
    /**
     * What the library refused last on this thread; `text` lives until its next call here.
     */
    void (*last_error)(struct finbox_text *text);
} finbox_device_library;

/**
 * What the program that loads a library offers it. Lives as long as the program.
 */
typedef struct finbox_device_host {
    /**
     * `FINBOX_DEVICE_HOST_SIZE` of the program.
     */
    size_t struct_size;
    /**
     * The program's `FINBOX_DEVICE_ABI_MAJOR`.
     */
    uint32_t abi_major;
    /**
     * The program's `FINBOX_DEVICE_ABI_MINOR`.
     */
    uint32_t abi_minor;
    /**
     * Takes a line of the library's log; `level` is a `finbox_log_level`. Never null. Any thread.
     */
    void (*log)(uint32_t level, const char *text, size_t length);
} finbox_device_host;

/**
 * The type of the one function that a library exports, by the name `finbox_device_query`. It
 * returns the library's table, or null, and then why in `refusal`, which lives for ever. It may be
 * called many times, and changes nothing.
 */
typedef const struct finbox_device_library *(*finbox_device_query_fn)(const struct finbox_device_host *host,
                                                                      struct finbox_text *refusal);

/**
 * An event of a rank: a timeline that the device advances.
 */
typedef struct finbox_event {
    /**
     * The library's number for it.
     */
    uint64_t event;
    /**
     * Device address of its word, 64 bits on its rank, which begins at 0: the control CPU may read
     * it (`can_read`, `refresh`, `load_u64`), and nobody but the device writes it.
     */
    uint64_t word;
    /**
     * Its rank.
     */
    uint32_t rank;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_event;

/**
 * Bytes that a device copies by itself, and the value that says so.
 */
typedef struct finbox_event_copy {
    /**
     * What the event's word becomes when the bytes are there: larger than that of every copy
     * before, and less than `FINBOX_EVENT_FAILED`.
     */
    uint64_t value;
    /**
     * Device address of the first byte written, on any rank.
     */
    uint64_t to;
    /**
     * Device address of the first byte read, on any rank; the two do not overlap.
     */
    uint64_t from;
    /**
     * How many.
     */
    uint64_t size_bytes;
} finbox_event_copy;

/**
 * What a library with events offers besides: an extension of its table. Functions return as those
 * of the table do, and may be called from any thread.
 */
typedef struct finbox_device_events {
    /**
     * The size of this table, as the library knows it.
     */
    size_t struct_size;
    /**
     * The next extension, or null.
     */
    const struct finbox_extension *next;
    /**
     * `FINBOX_EXTENSION_EVENTS`.
     */
    uint64_t kind;
    /**
     * Makes an event of a rank. Its word is not memory that is given out.
     */
    int32_t (*event_open)(void *context, uint32_t rank, struct finbox_event *event);
    /**
     * Ends an event; refuses one that is none, or whose copies have not all ended.
     */
    int32_t (*event_close)(void *context, const struct finbox_event *event);
    /**
     * Has the device copy bytes some time after; copies of an event end one after another. Then
     * the event's word becomes `value`: whoever sees that, behind a `refresh`, sees the bytes. If
     * it fails after all, the word becomes `FINBOX_EVENT_FAILED`, and nothing behind it is done.
     * Refuses a value that is not larger than the one before, bytes that are not given out, and an
     * event that has failed.
     */
    int32_t (*event_copy)(void *context,
                          const struct finbox_event *event,
                          const struct finbox_event_copy *copy);
} finbox_device_events;

/* What struct_size is to be, by struct. */
#define FINBOX_EXTENSION_SIZE FINBOX_SIZE_UP_TO(finbox_extension, kind)
#define FINBOX_OPEN_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_open_args, memory_bytes)
#define FINBOX_MACHINE_SIZE FINBOX_SIZE_UP_TO(finbox_machine, memory_bytes)
#define FINBOX_PORT_SIZE FINBOX_SIZE_UP_TO(finbox_port, incarnation)
#define FINBOX_DEVICE_LIBRARY_SIZE FINBOX_SIZE_UP_TO(finbox_device_library, last_error)
#define FINBOX_DEVICE_HOST_SIZE FINBOX_SIZE_UP_TO(finbox_device_host, log)
#define FINBOX_DEVICE_EVENTS_SIZE FINBOX_SIZE_UP_TO(finbox_device_events, event_copy)

/* What follows holds when these headers compile. */
#if defined(__cplusplus)
#define FINBOX_ASSERT(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define FINBOX_ASSERT(condition) _Static_assert(condition, #condition)
#else
#define FINBOX_JOIN(a, b) a##b
#define FINBOX_NAME(line) FINBOX_JOIN(finbox_assert_, line)
#define FINBOX_ASSERT(condition) typedef char FINBOX_NAME(__LINE__)[(condition) ? 1 : -1]
#endif
FINBOX_ASSERT(sizeof(finbox_slab_entry) == 32);
FINBOX_ASSERT(offsetof(finbox_slab_entry, addr) == 0);
FINBOX_ASSERT(offsetof(finbox_slab_entry, cookie) == 8);
FINBOX_ASSERT(offsetof(finbox_slab_entry, expected) == 16);
FINBOX_ASSERT(offsetof(finbox_slab_entry, engine) == 20);
FINBOX_ASSERT(offsetof(finbox_slab_entry, completion_type) == 24);
FINBOX_ASSERT(offsetof(finbox_slab_entry, reserved) == 28);
FINBOX_ASSERT(sizeof(finbox_slab) == 2112);
FINBOX_ASSERT(offsetof(finbox_slab, count) == 0);
FINBOX_ASSERT(offsetof(finbox_slab, error) == 4);
FINBOX_ASSERT(offsetof(finbox_slab, entries) == 8);
FINBOX_ASSERT(offsetof(finbox_slab, reserved) == 2056);
FINBOX_ASSERT(sizeof(finbox_event_record) == 64);
FINBOX_ASSERT(offsetof(finbox_event_record, completed) == 0);
FINBOX_ASSERT(offsetof(finbox_event_record, failures) == 8);
FINBOX_ASSERT(offsetof(finbox_event_record, failed) == 16);
FINBOX_ASSERT(sizeof(finbox_launch) == 40);
FINBOX_ASSERT(offsetof(finbox_launch, slot) == 0);
FINBOX_ASSERT(offsetof(finbox_launch, task) == 8);
FINBOX_ASSERT(offsetof(finbox_launch, kernel) == 16);
FINBOX_ASSERT(offsetof(finbox_launch, args) == 24);
FINBOX_ASSERT(offsetof(finbox_launch, block) == 32);
FINBOX_ASSERT(offsetof(finbox_launch, blocks) == 34);
FINBOX_ASSERT(offsetof(finbox_launch, subtask) == 36);
FINBOX_ASSERT(sizeof(finbox_port) == 112);
FINBOX_ASSERT(offsetof(finbox_port, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_port, context) == 8);
FINBOX_ASSERT(offsetof(finbox_port, load_cond) == 16);
FINBOX_ASSERT(offsetof(finbox_port, ring_doorbell) == 24);
FINBOX_ASSERT(offsetof(finbox_port, stage_payload) == 32);
FINBOX_ASSERT(offsetof(finbox_port, slab_address) == 40);
FINBOX_ASSERT(offsetof(finbox_port, refresh) == 48);
FINBOX_ASSERT(offsetof(finbox_port, clean) == 56);
FINBOX_ASSERT(offsetof(finbox_port, can_read) == 64);
FINBOX_ASSERT(offsetof(finbox_port, load_u32) == 72);
FINBOX_ASSERT(offsetof(finbox_port, load_u64) == 80);
FINBOX_ASSERT(offsetof(finbox_port, store_u64) == 88);
FINBOX_ASSERT(offsetof(finbox_port, now) == 96);
FINBOX_ASSERT(offsetof(finbox_port, incarnation) == 104);
FINBOX_ASSERT(sizeof(finbox_op) == 64);
FINBOX_ASSERT(offsetof(finbox_op, kind) == 0);
FINBOX_ASSERT(offsetof(finbox_op, subtasks) == 4);
FINBOX_ASSERT(offsetof(finbox_op, from) == 8);
FINBOX_ASSERT(offsetof(finbox_op, to) == 16);
FINBOX_ASSERT(offsetof(finbox_op, count) == 24);
FINBOX_ASSERT(offsetof(finbox_op, value) == 32);
FINBOX_ASSERT(offsetof(finbox_op, stride) == 40);
FINBOX_ASSERT(offsetof(finbox_op, queue) == 48);
FINBOX_ASSERT(offsetof(finbox_op, reserved) == 52);
FINBOX_ASSERT(sizeof(finbox_text) == 16);
FINBOX_ASSERT(offsetof(finbox_text, bytes) == 0);
FINBOX_ASSERT(offsetof(finbox_text, length) == 8);
FINBOX_ASSERT(sizeof(finbox_device_host) == 24);
FINBOX_ASSERT(offsetof(finbox_device_host, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_device_host, abi_major) == 8);
FINBOX_ASSERT(offsetof(finbox_device_host, abi_minor) == 12);
FINBOX_ASSERT(offsetof(finbox_device_host, log) == 16);
FINBOX_ASSERT(sizeof(finbox_extension) == 24);
FINBOX_ASSERT(offsetof(finbox_extension, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_extension, next) == 8);
FINBOX_ASSERT(offsetof(finbox_extension, kind) == 16);
FINBOX_ASSERT(sizeof(finbox_open_args) == 56);
FINBOX_ASSERT(offsetof(finbox_open_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_open_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_open_args, options) == 16);
FINBOX_ASSERT(offsetof(finbox_open_args, target) == 32);
FINBOX_ASSERT(offsetof(finbox_open_args, ranks) == 36);
FINBOX_ASSERT(offsetof(finbox_open_args, cores) == 40);
FINBOX_ASSERT(offsetof(finbox_open_args, dma_queues) == 44);
FINBOX_ASSERT(offsetof(finbox_open_args, memory_bytes) == 48);
FINBOX_ASSERT(sizeof(finbox_machine) == 48);
FINBOX_ASSERT(offsetof(finbox_machine, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_machine, context) == 8);
FINBOX_ASSERT(offsetof(finbox_machine, target) == 16);
FINBOX_ASSERT(offsetof(finbox_machine, ranks) == 20);
FINBOX_ASSERT(offsetof(finbox_machine, cores) == 24);
FINBOX_ASSERT(offsetof(finbox_machine, host_lanes) == 28);
FINBOX_ASSERT(offsetof(finbox_machine, dma_queues) == 32);
FINBOX_ASSERT(offsetof(finbox_machine, is_coherent) == 36);
FINBOX_ASSERT(offsetof(finbox_machine, memory_bytes) == 40);
FINBOX_ASSERT(sizeof(finbox_device_library) == 144);
FINBOX_ASSERT(offsetof(finbox_device_library, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_device_library, abi_major) == 8);
FINBOX_ASSERT(offsetof(finbox_device_library, abi_minor) == 12);
FINBOX_ASSERT(offsetof(finbox_device_library, name) == 16);
FINBOX_ASSERT(offsetof(finbox_device_library, version) == 32);
FINBOX_ASSERT(offsetof(finbox_device_library, operations) == 48);
FINBOX_ASSERT(offsetof(finbox_device_library, features) == 56);
FINBOX_ASSERT(offsetof(finbox_device_library, extensions) == 64);
FINBOX_ASSERT(offsetof(finbox_device_library, open) == 72);
FINBOX_ASSERT(offsetof(finbox_device_library, close) == 80);
FINBOX_ASSERT(offsetof(finbox_device_library, port) == 88);
FINBOX_ASSERT(offsetof(finbox_device_library, allocate) == 96);
FINBOX_ASSERT(offsetof(finbox_device_library, release) == 104);
FINBOX_ASSERT(offsetof(finbox_device_library, copy_in) == 112);
FINBOX_ASSERT(offsetof(finbox_device_library, copy_out) == 120);
FINBOX_ASSERT(offsetof(finbox_device_library, load_kernel) == 128);
FINBOX_ASSERT(offsetof(finbox_device_library, last_error) == 136);
FINBOX_ASSERT(sizeof(finbox_event) == 24);
FINBOX_ASSERT(offsetof(finbox_event, event) == 0);
FINBOX_ASSERT(offsetof(finbox_event, word) == 8);
FINBOX_ASSERT(offsetof(finbox_event, rank) == 16);
FINBOX_ASSERT(offsetof(finbox_event, reserved) == 20);
FINBOX_ASSERT(sizeof(finbox_event_copy) == 32);
FINBOX_ASSERT(offsetof(finbox_event_copy, value) == 0);
FINBOX_ASSERT(offsetof(finbox_event_copy, to) == 8);
FINBOX_ASSERT(offsetof(finbox_event_copy, from) == 16);
FINBOX_ASSERT(offsetof(finbox_event_copy, size_bytes) == 24);
FINBOX_ASSERT(sizeof(finbox_device_events) == 48);
FINBOX_ASSERT(offsetof(finbox_device_events, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_device_events, next) == 8);
FINBOX_ASSERT(offsetof(finbox_device_events, kind) == 16);
FINBOX_ASSERT(offsetof(finbox_device_events, event_open) == 24);
FINBOX_ASSERT(offsetof(finbox_device_events, event_close) == 32);
FINBOX_ASSERT(offsetof(finbox_device_events, event_copy) == 40);

#endif  /* FINBOX_DEVICE_H */
