/**
 * libfinbox: the mailbox of an accelerator's completions, for firmware and drivers.
 *
 * Made from runtime/ffi/src by its test `header`; do not edit.
 *
 * Every call that can be refused returns a finbox_status; a refused one has changed nothing unless
 * it says so. No call blocks, waits or allocates. Handles live in storage of the caller's, all zero
 * before its first use. Structs that begin with struct_size want their FINBOX_..._SIZE there, and 0
 * in every field that is not used. Pointers must not be null unless it is said that they may.
 *
 * A major version of 0 may still change; from 1 on, structs, numbers and functions only grow.
 */

#ifndef FINBOX_H
#define FINBOX_H

#include <stddef.h>
#include <stdint.h>
#include "finbox_device.h"

/* What storage of a handle holds before its first use. */
#define FINBOX_ZERO {{0}}

/**
 * Major version of the ABI: something was removed, retyped or reordered.
 */
#define FINBOX_ABI_MAJOR 0

/**
 * Minor version of the ABI: something was appended.
 */
#define FINBOX_ABI_MINOR 1

/**
 * Bit of `finbox_targets`: chips with 24 clusters, whose DMA is not coherent.
 */
#define FINBOX_TARGET_A2A3 1

/**
 * Bit of `finbox_targets`: chips with 36 clusters on two dies.
 */
#define FINBOX_TARGET_A5 2

/**
 * Bytes of the unit that mailbox memory is measured in, and its alignment.
 */
#define FINBOX_LINE_BYTES 64

/**
 * What stands at byte 16 of a placed mailbox.
 */
#define FINBOX_MAILBOX_MAGIC 72154691476015430

/**
 * Most producers of a mailbox that have a name.
 */
#define FINBOX_MAX_PRODUCERS 64

/**
 * Flag of `finbox_place_args`: no other process maps the memory, and producers are made with
 * `finbox_producer_open` alone. Messages then cost a little less.
 */
#define FINBOX_PLACE_OWN 1

/**
 * What a call says. 0 is success; 1 to 15 are ordinary answers of a mailbox, 16 and up mistakes
 * of the caller. A number never changes its meaning.
 */
enum finbox_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    FINBOX_STATUS_OK = 0,
    /**
     * The mailbox has no room for any of the messages. Try again when its consumer has drained.
     */
    FINBOX_STATUS_FULL = 1,
    /**
     * Another call uses this handle. It goes on; try again later.
     */
    FINBOX_STATUS_BUSY = 2,
    /**
     * A callback of this handle is running: from inside it the handle cannot be used.
     */
    FINBOX_STATUS_REENTERED = 3,
    /**
     * The mailbox takes and delivers nothing any more. Recover it, then place it anew.
     */
    FINBOX_STATUS_CONDEMNED = 4,
    /**
     * Every claim line has an owner. Give the mailbox more of them, or push without a name.
     */
    FINBOX_STATUS_NO_LINE = 5,
    /**
     * Messages were claimed and not drained. Drain them before the reset.
     */
    FINBOX_STATUS_UNDRAINED = 6,
    /**
     * The memory has a mailbox whose consumer is not known gone.
     */
    FINBOX_STATUS_OCCUPIED = 7,
    /**
     * Producers of the condemned mailbox have neither left nor been buried.
     */
    FINBOX_STATUS_ATTACHED = 8,
    /**
     * No mailbox stands in the memory, or its placement has not ended.
     */
    FINBOX_STATUS_NO_MAILBOX = 9,
    /**
     * The mailbox was placed by another version of the memory layout.
     */
    FINBOX_STATUS_LAYOUT_VERSION = 10,
    /**
     * The mailbox's header does not fit its memory.
     */
    FINBOX_STATUS_DAMAGED_HEADER = 11,
    /**
     * A pointer that must not be null is.
     */
    FINBOX_STATUS_NULL_ARGUMENT = 16,
    /**
     * A pointer is not aligned as its type wants, or mailbox memory not to 64 bytes.
     */
    FINBOX_STATUS_MISALIGNED = 17,
    /**
     * A struct's size is below what the function needs, or above anything sensible.
     */
    FINBOX_STATUS_STRUCT_SIZE = 18,
    /**
     * A struct asks for something that this version of the library does not know.
     */
    FINBOX_STATUS_UNSUPPORTED = 19,
    /**
     * The storage holds no handle: never made, copied from elsewhere, or overwritten.
     */
    FINBOX_STATUS_NOT_A_HANDLE = 20,
    /**
     * The handle was destroyed.
     */
    FINBOX_STATUS_DESTROYED = 21,
    /**
     * The storage is not free for a new handle: neither all zero nor destroyed.
     */
    FINBOX_STATUS_IN_USE = 22,
    /**
     * A number is out of its range.
     */
    FINBOX_STATUS_INVALID_ARGUMENT = 23,
    /**
     * The memory is too small for the mailbox.
     */
    FINBOX_STATUS_TOO_SMALL = 24,
    /**
     * A message has a kind, an engine, a type or a reserved word that no message has.
     */
    FINBOX_STATUS_MALFORMED_MESSAGE = 25,
    /**
     * Rust code panicked, here or in a callback. What the call had done until then stands.
     */
    FINBOX_STATUS_PANIC = 64,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_status finbox_status;
#else
typedef int32_t finbox_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of a message's `kind`.
 */
enum finbox_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * One thing a deferred task waits for.
     */
    FINBOX_KIND_CONDITION = 0,
    /**
     * The last subtask of a deferred task retired.
     */
    FINBOX_KIND_NORMAL_DONE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_kind finbox_kind;
#else
typedef uint32_t finbox_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What ended a drain: values of `finbox_drained`'s `stop`.
 */
enum finbox_stop
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing more can be taken now: empty, or a producer is between claim and publish.
     */
    FINBOX_STOP_GAP = 0,
    /**
     * The room or the budget is used up; there may be more.
     */
    FINBOX_STOP_BUDGET = 1,
    /**
     * The mailbox is condemned: a drain takes nothing, a recovery is through.
     */
    FINBOX_STOP_CONDEMNED = 2,
    /**
     * The callback wanted no more.
     */
    FINBOX_STOP_CALLBACK = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_stop finbox_stop;
#else
typedef uint32_t finbox_stop;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_salvage`'s `what`.
 */
enum finbox_found
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A message of this run.
     */
    FINBOX_FOUND_MESSAGE = 0,
    /**
     * Something else was published here.
     */
    FINBOX_FOUND_MALFORMED = 1,
    /**
     * Nothing: claimed and never published.
     */
    FINBOX_FOUND_MISSING = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_found finbox_found;
#else
typedef uint32_t finbox_found;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What `finbox_mailbox_place` wants to know.
 */
typedef struct finbox_place_args {
    /**
     * `FINBOX_PLACE_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const void *next;
    /**
     * The memory, on a 64-byte boundary; it may hold anything.
     */
    void *memory;
    /**
     * How large it is: at least what `finbox_mailbox_bytes` says. What is beyond the slots
     * serves as claim lines, up to 64.
     */
    size_t size_bytes;
    /**
     * First position, 0 unless a test wants another.
     */
    uint64_t start;
    /**
     * Capacity in messages: a power of two of at least 2.
     */
    uint32_t slots;
    /**
     * Epoch of the run: messages bear it, and another run's are told apart by it.
     */
    uint32_t epoch;
    /**
     * Name of the consumer, such as a process id: who places here next is refused with it. 0 is
     * taken as all ones.
     */
    uint32_t name;
    /**
     * Name of the consumer that is replaced because it is known dead; 0 for none.
     */
    uint32_t instead_of;
    /**
     * A sum of `FINBOX_PLACE_*`.
     */
    uint64_t flags;
} finbox_place_args;

/**
 * Storage for the receiving end of a mailbox. All zero before it is first used, and never copied
 * or moved while it is a handle.
 */
typedef struct finbox_consumer {
    /**
     * The library's.
     */
    uint64_t opaque[32];
} finbox_consumer;

/**
 * Where delivery stands still, and who may have left it so.
 */
typedef struct finbox_gap {
    /**
     * `FINBOX_GAP_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The position that is claimed and not published.
     */
    uint64_t position;
    /**
     * 1 if there is a gap, else 0 and all else is 0.
     */
    uint32_t is_gap;
    /**
     * Name of the producer that claimed it; 0 if it has none.
     */
    uint32_t claimer;
    /**
     * How many other producers announced the position as well and may be the ones.
     */
    uint32_t others;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_gap;

/**
 * What a consumer has seen so far.
 */
typedef struct finbox_stats {
    /**
     * `FINBOX_STATS_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * Messages taken, the malformed ones among them.
     */
    uint64_t taken;
    /**
     * Messages that were no message of this run.
     */
    uint64_t malformed;
    /**
     * Positions that a recovery found missing.
     */
    uint64_t missing;
    /**
     * Capacity in messages.
     */
    uint32_t slots;
    /**
     * Epoch of the run.
     */
    uint32_t epoch;
    /**
     * Messages claimed and not yet taken; stale when it arrives.
     */
    uint32_t depth_hint;
    /**
     * 1 once condemned.
     */
    uint32_t is_condemned;
} finbox_stats;

/**
 * Storage for the sending end of a mailbox. All zero before it is first used, and never copied or
 * moved while it is a handle.
 */
typedef struct finbox_producer {
    /**
     * The library's.
     */
    uint64_t opaque[16];
} finbox_producer;

/**
 * What `finbox_producer_attach` wants to know.
 */
typedef struct finbox_attach_args {
    /**
     * `FINBOX_ATTACH_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const void *next;
    /**
     * Where the mailbox stands in this process, on a 64-byte boundary.
     */
    void *memory;
    /**
     * How large the memory is.
     */
    size_t size_bytes;
    /**
     * Name that gaps of this producer bear, such as a process id; 0 for none.
     */
    uint32_t name;
    /**
     * 0.
     */
    uint32_t flags;
} finbox_attach_args;

/**
 * A message, and a slot of a mailbox. A CONDITION uses all fields; a TASK_NORMAL_DONE `task`,
 * `slot`, `expected` and `kind`.
 */
typedef struct finbox_message {
    /**
     * Position in the mailbox + 1. Written by the library; ignored in what is pushed.
     */
    uint64_t seq;
    /**
     * Task id: ring in bits 39..32, local number in bits 31..0; all ones is none.
     */
    uint64_t task;
    /**
     * CONDITION: device address that it watches.
     */
    uint64_t addr;
    /**
     * CONDITION: the engine's own value (post id, queue handle).
     */
    uint64_t cookie;
    /**
     * CONDITION: value to reach. TASK_NORMAL_DONE: number of conditions to expect.
     */
    uint32_t expected;
    /**
     * CONDITION: a `finbox_engine`.
     */
    uint32_t engine;
    /**
     * CONDITION: a `finbox_completion`.
     */
    int32_t completion_type;
    /**
     * A `finbox_kind`.
     */
    uint32_t kind;
    /**
     * The task's slot: ring 8 bits, index 24, generation 32.
     */
    uint64_t slot;
    /**
     * Run epoch. Written by the library; ignored in what is pushed.
     */
    uint32_t epoch;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_message;

/**
 * Writes message `index` of a batch into `message`, which is all zero before. Must not unwind, and
 * must not use a producer that has a name and is being pushed with.
 */
typedef void (*finbox_fill)(void *context, uint32_t index, struct finbox_message *message);

/**
 * How much a drain took and what ended it.
 */
typedef struct finbox_drained {
    /**
     * `FINBOX_DRAINED_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * Messages of this run.
     */
    uint32_t taken;
    /**
     * What is no message of this run: unknown kinds, void messages, another epoch's.
     */
    uint32_t malformed;
    /**
     * A recovery: positions that were claimed and never published.
     */
    uint32_t missing;
    /**
     * A `finbox_stop`.
     */
    uint32_t stop;
} finbox_drained;

/**
 * Gets a copy of each message, in order, after its slot went back to the producers. `verdict` is
 * OK, or MALFORMED_MESSAGE for what is no message of this run. Returns 0 to go on, anything else
 * to end the drain. Must not unwind; the consumer answers REENTERED from inside it.
 */
typedef int32_t (*finbox_take)(void *context,
                               finbox_status verdict,
                               const struct finbox_message *message);

/**
 * What a recovery found at a position.
 */
typedef struct finbox_salvage {
    /**
     * Where.
     */
    uint64_t position;
    /**
     * A `finbox_found`.
     */
    uint32_t what;
    /**
     * Missing: name of the producer that claimed it; 0 if it has none.
     */
    uint32_t claimer;
    /**
     * Missing: how many other producers announced the position as well and may be the ones.
     */
    uint32_t others;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * What was published; all zero where nothing was.
     */
    struct finbox_message message;
} finbox_salvage;

/**
 * The first two lines of a mailbox, for debuggers and for firmware that speaks the layout itself.
 * Every field is an atomic and may change at any time.
 */
typedef struct finbox_mailbox_header {
    /**
     * Next position to be claimed; far away once the mailbox is condemned.
     */
    uint64_t head;
    /**
     * A copy of `tail` that may lag.
     */
    uint64_t tail_copy;
    /**
     * `FINBOX_MAILBOX_MAGIC` once all else is written.
     */
    uint64_t magic;
    /**
     * Version of this layout.
     */
    uint32_t version;
    /**
     * Capacity in messages, a power of two.
     */
    uint32_t slots;
    /**
     * Epoch of the run.
     */
    uint32_t epoch;
    /**
     * Claim lines behind the slots.
     */
    uint32_t claimers;
    /**
     * 1 once condemned.
     */
    uint32_t state;
    /**
     * Name of the consumer, 0 if it gave the mailbox up.
     */
    uint32_t consumer;
    /**
     * Up to the end of the line.
     */
    uint8_t reserved[16];
    /**
     * Next position to be taken, as far as the producers are told.
     */
    uint64_t tail;
    /**
     * Up to the end of the line.
     */
    uint8_t reserved_tail[56];
} finbox_mailbox_header;

/**
 * A claim line: what one named producer has in hand. Every field is an atomic.
 */
typedef struct finbox_claim_line {
    /**
     * The producer's name, 0 if the line is free.
     */
    uint32_t owner;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Low half: first position, high half: how many positions are claimed and not published.
     */
    uint64_t in_hand;
    /**
     * Up to the end of the line.
     */
    uint8_t reserved_tail[48];
} finbox_claim_line;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `FINBOX_ABI_MAJOR << 16 | FINBOX_ABI_MINOR` of the library that runs. A program that was
 * compiled with the same major version and a minor version up to this one may use it. Any thread.
 */
uint32_t finbox_abi_version(void);

/**
 * The library's version in words, such as "0.1.0". Lives for ever. Any thread.
 */
const char *finbox_version(void);

/**
 * The chips that the library was built for: a sum of `FINBOX_TARGET_*`. Any thread.
 */
uint32_t finbox_targets(void);

/**
 * What a status means, in a few words; of a number that is no status, that it is none. Lives for
 * ever. Any thread.
 */
const char *finbox_status_text(int32_t status);

/**
 * Copies what the last refused call of this thread said, with the numbers, to `buffer`: at most
 * `capacity` bytes, of which the last is 0. `length`, unless null, becomes what the whole text
 * has, without the 0. A call that succeeds leaves the text alone. Firmware keeps no texts: there
 * it is always empty. Any thread.
 *
 * @pre `buffer` has room for `capacity` bytes, or `capacity` is 0; `length` is null or writable.
 */
finbox_status finbox_last_error(char *buffer, size_t capacity, size_t *length);

/**
 * How many bytes a mailbox of `slots` messages needs, with claim lines for `producers` that have
 * names, 0 to 64. Any thread.
 *
 * @pre `bytes` points to a number.
 */
finbox_status finbox_mailbox_bytes(uint32_t slots, uint32_t producers, size_t *bytes);

/**
 * Places a mailbox on memory of the caller's, and makes `consumer` its only receiving end.
 *
 * OCCUPIED if a mailbox stands there whose consumer has neither been destroyed nor is the one that
 * is replaced; ATTACHED if it is condemned and has producers that have neither left nor been
 * buried. The memory is the library's until `consumer` is destroyed and every producer has left.
 *
 * @pre `args` points to what its size says. Its memory is readable and writable for as long as it is
 * the library's, and nobody reads or writes it but through this library and by atomics.
 * `consumer` points to storage that lives until the call returns.
 */
finbox_status finbox_mailbox_place(const struct finbox_place_args *args,
                                   struct finbox_consumer *consumer);

/**
 * Gives the mailbox up: what was not drained is lost, and another consumer may be placed on the
 * memory. The storage serves again.
 *
 * Refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` points to storage that lives until the call returns.
 */
finbox_status finbox_consumer_destroy(struct finbox_consumer *consumer);

/**
 * Whether delivery stands still, where, and who may have left it so. For an instant that is
 * ordinary; a gap that lasts is a producer that died or hangs.
 *
 * Refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` points to a consumer's storage, `gap` to what its size says; both live until the call
 * returns.
 */
finbox_status finbox_consumer_gap(struct finbox_consumer *consumer, struct finbox_gap *gap);

/**
 * Condemns the mailbox: every push was before this, or is refused for good. Then recover what is
 * in it, bury who died, wait until the others have left, destroy `consumer` and place anew.
 *
 * Refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` points to a consumer's storage that lives until the call returns.
 */
finbox_status finbox_consumer_condemn(struct finbox_consumer *consumer);

/**
 * Gives back the claim lines of the producers called `name`, which are known dead; `buried`,
 * unless null, becomes how many there were.
 *
 * Refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` points to a consumer's storage that lives until the call returns; `buried` is null or
 * points to a number.
 */
finbox_status finbox_consumer_bury(struct finbox_consumer *consumer,
                                   uint32_t name,
                                   uint32_t *buried);

/**
 * Ends a run: from here on messages bear `epoch`. Positions go on and nothing is zeroed.
 *
 * Every producer must be at rest and be made anew afterwards: what an old one still pushes bears
 * the old epoch and arrives as malformed. UNDRAINED while there are messages. Refused with BUSY
 * while another thread uses `consumer`.
 *
 * @pre `consumer` points to a consumer's storage that lives until the call returns.
 */
finbox_status finbox_consumer_reset(struct finbox_consumer *consumer, uint32_t epoch);

/**
 * What the consumer has seen so far.
 *
 * Refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` points to a consumer's storage, `stats` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_consumer_stats(struct finbox_consumer *consumer, struct finbox_stats *stats);

/**
 * Makes a producer of the mailbox that `consumer` drains, in the consumer's own process.
 *
 * With a `name` other than 0 it owns a claim line: a gap that it leaves bears the name, and one
 * thread at a time may use it. Without, any number of threads may, and its gaps are nameless.
 * It serves until `finbox_producer_leave`, and the mailbox's memory must live as long.
 *
 * May be refused with BUSY while another thread uses `consumer`.
 *
 * @pre `consumer` and `producer` point to storage of theirs that lives until the call returns.
 */
finbox_status finbox_producer_open(struct finbox_consumer *consumer,
                                   uint32_t name,
                                   struct finbox_producer *producer);

/**
 * Makes a producer of a mailbox that another process placed in memory that both map, or that this
 * process placed there without `FINBOX_PLACE_OWN`. As `finbox_producer_open` otherwise.
 *
 * @pre `args` points to what its size says. Its memory is mapped, readable and writable, until the
 * producer has left, and nobody reads or writes it but through this library and by atomics.
 * `producer` points to storage that lives until the call returns.
 */
finbox_status finbox_producer_attach(const struct finbox_attach_args *args,
                                     struct finbox_producer *producer);

/**
 * Gives the producer up, and its claim line if it has one. What it pushed stays. Its storage
 * serves again.
 *
 * @pre `producer` points to a producer's storage, and no other thread uses it from now on.
 */
finbox_status finbox_producer_leave(struct finbox_producer *producer);

/**
 * Pushes one CONDITION of `task` in `slot`: what a core registered in `entry`.
 *
 * FULL and CONDEMNED leave it yours. Never blocks, takes no lock and allocates nothing; a producer
 * without a name may be used by any number of threads at once, one with a name by one.
 *
 * @pre `producer` points to a producer's storage, `entry` to an entry; both live until the call
 * returns.
 */
finbox_status finbox_producer_push_condition(struct finbox_producer *producer,
                                             uint64_t task,
                                             uint64_t slot,
                                             const finbox_slab_entry *entry);

/**
 * Pushes one TASK_NORMAL_DONE: the last subtask of `task` in `slot` retired, and `expected`
 * CONDITIONs belong to it. As `finbox_producer_push_condition` otherwise.
 *
 * @pre `producer` points to a producer's storage that lives until the call returns.
 */
finbox_status finbox_producer_push_normal_done(struct finbox_producer *producer,
                                               uint64_t task,
                                               uint64_t slot,
                                               uint32_t expected);

/**
 * Pushes the first of `count` messages, as many as fit, in order and in neighbouring positions;
 * `accepted` becomes how many. OK if that is at least one, or `count` is 0.
 *
 * All are looked at before: if one is malformed, none is pushed. One exchange, whatever the count.
 * As `finbox_producer_push_condition` otherwise.
 *
 * @pre `producer` points to a producer's storage, `messages` to `count` messages that nobody writes,
 * `accepted` to a number; all live until the call returns.
 */
finbox_status finbox_producer_push_batch(struct finbox_producer *producer,
                                         const struct finbox_message *messages,
                                         uint32_t count,
                                         uint32_t *accepted);

/**
 * Claims room for up to `count` messages, then has `fill` write one after another into it;
 * `accepted` becomes how many were written. OK if that is at least one, or `count` is 0.
 *
 * Delivery stands still behind a message that is being written. If one is malformed, or `fill`
 * panics, the rest of what was claimed is published as void messages, which the consumer finds
 * malformed: no gap is left. As `finbox_producer_push_condition` otherwise; a producer with a
 * name answers REENTERED from inside `fill`.
 *
 * @pre As for `finbox_producer_push_batch`; `fill` may be called with `context`.
 */
finbox_status finbox_producer_push_batch_with(struct finbox_producer *producer,
                                              uint32_t count,
                                              finbox_fill fill,
                                              void *context,
                                              uint32_t *accepted);

/**
 * How many messages seem to be claimed and not taken: a statistic, stale when it arrives. Any
 * thread that may push with `producer`.
 *
 * @pre `producer` points to a producer's storage, `depth` to a number; both live until the call
 * returns.
 */
finbox_status finbox_producer_depth_hint(struct finbox_producer *producer, uint32_t *depth);

/**
 * Takes up to `capacity` messages in order and copies them to `messages`. Those of this run stand
 * in front, `taken` of them in order; what is no message of this run stands at the end of the
 * array, the first of it last, `malformed` of it. Never blocks.
 *
 * One thread at a time: another gets BUSY. OK also when there was nothing; a condemned mailbox
 * gives nothing and says so in `stop`.
 *
 * @pre `consumer` points to a consumer's storage, `messages` to room for `capacity` messages, `drained`
 * to what its size says; all live until the call returns.
 */
finbox_status finbox_consumer_try_drain(struct finbox_consumer *consumer,
                                        struct finbox_message *messages,
                                        uint32_t capacity,
                                        struct finbox_drained *drained);

/**
 * Takes up to `budget` messages in order and gives a copy of each to `take`, whose slot is free
 * again before: however long `take` needs, no producer waits for it.
 *
 * One thread at a time: another gets BUSY, or REENTERED while `take` runs. If `take` panics, the
 * message counts as taken. Otherwise as `finbox_consumer_try_drain`.
 *
 * @pre `consumer` points to a consumer's storage, `drained` to what its size says; both live until the
 * call returns. `take` may be called with `context`.
 */
finbox_status finbox_consumer_try_drain_with(struct finbox_consumer *consumer,
                                             uint32_t budget,
                                             finbox_take take,
                                             void *context,
                                             struct finbox_drained *drained);

/**
 * Condemns the mailbox if it is not yet, and copies up to `capacity` of the positions that were
 * claimed and not drained to `found`, each once and in order: every published message, gaps or
 * not, and for every other who claimed it. Call it until `stop` is CONDEMNED.
 *
 * One thread at a time: another gets BUSY.
 *
 * @pre `consumer` points to a consumer's storage, `found` to room for `capacity` of them, `drained` to
 * what its size says; all live until the call returns.
 */
finbox_status finbox_consumer_recover(struct finbox_consumer *consumer,
                                      struct finbox_salvage *found,
                                      uint32_t capacity,
                                      struct finbox_drained *drained);

/**
 * Defined by the firmware: told `length` bytes about a broken invariant, it stops the core. It
 * must not return.
 */
extern void finbox_firmware_panic(const char *text, size_t length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* What struct_size is to be, by struct. */
#define FINBOX_PLACE_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_place_args, flags)
#define FINBOX_GAP_SIZE FINBOX_SIZE_UP_TO(finbox_gap, reserved)
#define FINBOX_STATS_SIZE FINBOX_SIZE_UP_TO(finbox_stats, is_condemned)
#define FINBOX_ATTACH_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_attach_args, flags)
#define FINBOX_DRAINED_SIZE FINBOX_SIZE_UP_TO(finbox_drained, stop)

/* What follows holds when this header compiles. */
FINBOX_ASSERT(sizeof(finbox_message) == 64);
FINBOX_ASSERT(offsetof(finbox_message, seq) == 0);
FINBOX_ASSERT(offsetof(finbox_message, task) == 8);
FINBOX_ASSERT(offsetof(finbox_message, addr) == 16);
FINBOX_ASSERT(offsetof(finbox_message, cookie) == 24);
FINBOX_ASSERT(offsetof(finbox_message, expected) == 32);
FINBOX_ASSERT(offsetof(finbox_message, engine) == 36);
FINBOX_ASSERT(offsetof(finbox_message, completion_type) == 40);
FINBOX_ASSERT(offsetof(finbox_message, kind) == 44);
FINBOX_ASSERT(offsetof(finbox_message, slot) == 48);
FINBOX_ASSERT(offsetof(finbox_message, epoch) == 56);
FINBOX_ASSERT(offsetof(finbox_message, reserved) == 60);
FINBOX_ASSERT(sizeof(finbox_mailbox_header) == 128);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, head) == 0);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, tail_copy) == 8);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, magic) == 16);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, version) == 24);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, slots) == 28);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, epoch) == 32);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, claimers) == 36);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, state) == 40);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, consumer) == 44);
FINBOX_ASSERT(offsetof(finbox_mailbox_header, tail) == 64);
FINBOX_ASSERT(sizeof(finbox_claim_line) == 64);
FINBOX_ASSERT(offsetof(finbox_claim_line, owner) == 0);
FINBOX_ASSERT(offsetof(finbox_claim_line, in_hand) == 8);
FINBOX_ASSERT(sizeof(finbox_producer) == 128);
FINBOX_ASSERT(offsetof(finbox_producer, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_consumer) == 256);
FINBOX_ASSERT(offsetof(finbox_consumer, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_place_args) == 64);
FINBOX_ASSERT(offsetof(finbox_place_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_place_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_place_args, memory) == 16);
FINBOX_ASSERT(offsetof(finbox_place_args, size_bytes) == 24);
FINBOX_ASSERT(offsetof(finbox_place_args, start) == 32);
FINBOX_ASSERT(offsetof(finbox_place_args, slots) == 40);
FINBOX_ASSERT(offsetof(finbox_place_args, epoch) == 44);
FINBOX_ASSERT(offsetof(finbox_place_args, name) == 48);
FINBOX_ASSERT(offsetof(finbox_place_args, instead_of) == 52);
FINBOX_ASSERT(offsetof(finbox_place_args, flags) == 56);
FINBOX_ASSERT(sizeof(finbox_attach_args) == 40);
FINBOX_ASSERT(offsetof(finbox_attach_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_attach_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_attach_args, memory) == 16);
FINBOX_ASSERT(offsetof(finbox_attach_args, size_bytes) == 24);
FINBOX_ASSERT(offsetof(finbox_attach_args, name) == 32);
FINBOX_ASSERT(offsetof(finbox_attach_args, flags) == 36);
FINBOX_ASSERT(sizeof(finbox_gap) == 32);
FINBOX_ASSERT(offsetof(finbox_gap, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_gap, position) == 8);
FINBOX_ASSERT(offsetof(finbox_gap, is_gap) == 16);
FINBOX_ASSERT(offsetof(finbox_gap, claimer) == 20);
FINBOX_ASSERT(offsetof(finbox_gap, others) == 24);
FINBOX_ASSERT(offsetof(finbox_gap, reserved) == 28);
FINBOX_ASSERT(sizeof(finbox_stats) == 48);
FINBOX_ASSERT(offsetof(finbox_stats, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_stats, taken) == 8);
FINBOX_ASSERT(offsetof(finbox_stats, malformed) == 16);
FINBOX_ASSERT(offsetof(finbox_stats, missing) == 24);
FINBOX_ASSERT(offsetof(finbox_stats, slots) == 32);
FINBOX_ASSERT(offsetof(finbox_stats, epoch) == 36);
FINBOX_ASSERT(offsetof(finbox_stats, depth_hint) == 40);
FINBOX_ASSERT(offsetof(finbox_stats, is_condemned) == 44);
FINBOX_ASSERT(sizeof(finbox_drained) == 24);
FINBOX_ASSERT(offsetof(finbox_drained, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_drained, taken) == 8);
FINBOX_ASSERT(offsetof(finbox_drained, malformed) == 12);
FINBOX_ASSERT(offsetof(finbox_drained, missing) == 16);
FINBOX_ASSERT(offsetof(finbox_drained, stop) == 20);
FINBOX_ASSERT(sizeof(finbox_salvage) == 88);
FINBOX_ASSERT(offsetof(finbox_salvage, position) == 0);
FINBOX_ASSERT(offsetof(finbox_salvage, what) == 8);
FINBOX_ASSERT(offsetof(finbox_salvage, claimer) == 12);
FINBOX_ASSERT(offsetof(finbox_salvage, others) == 16);
FINBOX_ASSERT(offsetof(finbox_salvage, reserved) == 20);
FINBOX_ASSERT(offsetof(finbox_salvage, message) == 24);

#endif  /* FINBOX_H */
