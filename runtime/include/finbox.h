/**
 * libfinbox: the completion side of an accelerator's runtime, for firmware and drivers. A mailbox of
 * completions, and a scheduler of tasks over a port of functions, each usable alone.
 *
 * Made from runtime/ffi/src by its test `header`; do not edit.
 *
 * Every call that can be refused returns a finbox_status; a refused one has changed nothing unless
 * it says so. No call blocks, waits or allocates, but those that say so. Handles live in storage of the caller's, all zero
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
#define FINBOX_ABI_MINOR 5

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
 * Most parts of a message.
 */
#define FINBOX_MESSAGE_PARTS 3

/**
 * Flag of `finbox_place_args`: no other process maps the memory, and producers are made with
 * `finbox_producer_open` alone. Messages then cost a little less.
 */
#define FINBOX_PLACE_OWN 1

/**
 * Most workers of a work ring.
 */
#define FINBOX_MAX_WORKERS 256

/**
 * What memory of a scheduler must begin at a multiple of.
 */
#define FINBOX_SCHEDULER_ALIGN 128

/**
 * Flag of a task: all its blocks start together, or not at all.
 */
#define FINBOX_TASK_SYNC_START 1

/**
 * Flag of a task: it goes before all that do not have this flag.
 */
#define FINBOX_TASK_HIGH_PRIORITY 2

/**
 * Flag of a task: whether it runs is decided when it could start, by its predicate. If that does
 * not hold it completes without running.
 */
#define FINBOX_TASK_PREDICATE 4

/**
 * The largest number that a task may bear.
 */
#define FINBOX_TASK_LAST 1099511627774

/**
 * Flag of `finbox_scheduler_lose_worker`: its item may be done twice, so it is pushed again.
 */
#define FINBOX_LOST_AGAIN 1

/**
 * The refusal of a packet that the executor has no function for.
 */
#define FINBOX_NO_FUNCTION 4294967295

/**
 * What a call says. 0 is success; 1 to 15 are ordinary answers of a mailbox, 16 to 31 mistakes
 * of the caller, 32 to 63 answers of a scheduler, a
 * device, a planner or a ring. A number never changes its meaning.
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
     * The mailbox has no room for any of the messages, or the ring for any of the packets or
     * items. Try again when some were taken.
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
     * All task slots, dependency nodes or output bytes are in use, and will be free one day. Run
     * passes or wait, then try again.
     */
    FINBOX_STATUS_NO_ROOM = 32,
    /**
     * There is no room before an open scope is closed, or the scheduler is too small for it.
     */
    FINBOX_STATUS_NEVER_ROOM = 33,
    /**
     * A task is none of this scheduler, or was reclaimed.
     */
    FINBOX_STATUS_UNKNOWN_TASK = 34,
    /**
     * What was waited for did not come in the time given. It goes on.
     */
    FINBOX_STATUS_TIMEOUT = 35,
    /**
     * Nothing moves, or a callback does not come back: the last error names it.
     */
    FINBOX_STATUS_STUCK = 36,
    /**
     * Threads of the library run the scheduler, and have what was asked for. Stop them first.
     */
    FINBOX_STATUS_STARTED = 37,
    /**
     * No thread of the library runs the scheduler, or it was stopped meanwhile.
     */
    FINBOX_STATUS_STOPPED = 38,
    /**
     * A core of the chip is at work for another run, or has ended.
     */
    FINBOX_STATUS_NOT_AT_REST = 39,
    /**
     * The operating system refused something: the last error is its word.
     */
    FINBOX_STATUS_SYSTEM = 40,
    /**
     * A device library is none, cannot be used, or refused: the last error has its words.
     */
    FINBOX_STATUS_DEVICE = 41,
    /**
     * No such timeline was opened here.
     */
    FINBOX_STATUS_UNKNOWN_TIMELINE = 42,
    /**
     * A use of a buffer that has ended, that nobody declared, or of bytes that it does not have.
     */
    FINBOX_STATUS_BAD_USE = 43,
    /**
     * Strict planning, and memory or a device whose uses nobody tracks.
     */
    FINBOX_STATUS_UNTRACKED = 44,
    /**
     * A wait for a timeline that somebody else moves must have a deadline.
     */
    FINBOX_STATUS_NO_DEADLINE = 45,
    /**
     * The launch would wait for itself: the last error names whom it waits for.
     */
    FINBOX_STATUS_CYCLE = 46,
    /**
     * The timeline has ended: the last error says why.
     */
    FINBOX_STATUS_POISONED = 47,
    /**
     * It was told, committed or done before, which counts once.
     */
    FINBOX_STATUS_DUPLICATE = 48,
    /**
     * Something that comes before it was not told, or not committed.
     */
    FINBOX_STATUS_OUT_OF_ORDER = 49,
    /**
     * What was made of this handle is in use: end that first.
     */
    FINBOX_STATUS_OUTSTANDING = 50,
    /**
     * The processor has stopped for good at a packet: the last error says which, and why.
     */
    FINBOX_STATUS_HALTED = 51,
    /**
     * There is no work.
     */
    FINBOX_STATUS_EMPTY = 52,
    /**
     * A producer stands between claim and publication of the next item. Ask again later.
     */
    FINBOX_STATUS_NOT_PUBLISHED = 53,
    /**
     * The worker has an item already: finish it first.
     */
    FINBOX_STATUS_HOLDING = 54,
    /**
     * The worker does not hold this position.
     */
    FINBOX_STATUS_NOT_HELD = 55,
    /**
     * No dead worker of this name left an item.
     */
    FINBOX_STATUS_NOTHING_LEFT = 56,
    /**
     * The work ring is closed: it takes no more items, and a worker, when everything in it was
     * taken, may go.
     */
    FINBOX_STATUS_CLOSED = 57,
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
    /**
     * A persistent worker is through with an item of a work ring. Drained, not pushed.
     */
    FINBOX_KIND_WORK_DONE = 2,
    /**
     * A persistent worker is gone, and may have left an item. Drained, not pushed.
     */
    FINBOX_KIND_WORKER_LOST = 3,
    /**
     * One or two CONDITIONs and perhaps the TASK_NORMAL_DONE behind them: `finbox_message_parts`
     * tells them apart. Drained, not pushed.
     */
    FINBOX_KIND_BUNDLE = 4,
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
 * Values of a task's `shape`: what each of its blocks needs.
 */
enum finbox_shape
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * One cube core.
     */
    FINBOX_SHAPE_AIC = 0,
    /**
     * One vector core.
     */
    FINBOX_SHAPE_AIV = 1,
    /**
     * Several cores of one cluster, as `subtasks` says.
     */
    FINBOX_SHAPE_MIX = 2,
    /**
     * One host lane.
     */
    FINBOX_SHAPE_HOST = 3,
    /**
     * Nothing: it orders others.
     */
    FINBOX_SHAPE_DUMMY = 4,
    /**
     * A persistent worker: it is one item of the scheduler's work ring. The low half of `args` is
     * the item's offset and the high half its length, the low half of `kernel` its rule set.
     * `run_budget_ns` begins when it is pushed, and ends when its worker was heard.
     */
    FINBOX_SHAPE_WORK = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_shape finbox_shape;
#else
typedef uint32_t finbox_shape;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `predicate_comparison`: how the word is compared with the value, both unsigned.
 */
enum finbox_comparison
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * `word == value`
     */
    FINBOX_COMPARISON_EQUAL = 0,
    /**
     * `word != value`
     */
    FINBOX_COMPARISON_NOT_EQUAL = 1,
    /**
     * `word < value`
     */
    FINBOX_COMPARISON_LESS = 2,
    /**
     * `word <= value`
     */
    FINBOX_COMPARISON_LESS_OR_EQUAL = 3,
    /**
     * `word > value`
     */
    FINBOX_COMPARISON_GREATER = 4,
    /**
     * `word >= value`
     */
    FINBOX_COMPARISON_GREATER_OR_EQUAL = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_comparison finbox_comparison;
#else
typedef uint32_t finbox_comparison;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of what `finbox_scheduler_fate` answers.
 */
enum finbox_fate
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It waits, runs, or waits for conditions.
     */
    FINBOX_FATE_UNFINISHED = 0,
    /**
     * It completed; or it failed more than 64 lives of its slot ago.
     */
    FINBOX_FATE_COMPLETED = 1,
    /**
     * It failed, or was cancelled because a task before it failed.
     */
    FINBOX_FATE_FAILED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_fate finbox_fate;
#else
typedef uint32_t finbox_fate;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of what `finbox_scheduler_fin_pass` found.
 */
enum finbox_step
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing is in flight and nothing is owed on any of the handler's cores.
     */
    FINBOX_STEP_IDLE = 0,
    /**
     * Cores are at work, and nothing changed.
     */
    FINBOX_STEP_NO_NEWS = 1,
    /**
     * Something changed that the dispatch pass may want to see.
     */
    FINBOX_STEP_PROGRESS = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_step finbox_step;
#else
typedef uint32_t finbox_step;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of a stall's `standing`: what a task waits for.
 */
enum finbox_standing
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Tasks before it: `waits_for` of them are unfinished.
     */
    FINBOX_STANDING_BLOCKED = 0,
    /**
     * A core, or room for its conditions.
     */
    FINBOX_STANDING_READY = 1,
    /**
     * A FIN: core `waits_for` has it.
     */
    FINBOX_STANDING_RUNNING = 2,
    /**
     * Conditions, each of which has a row of its own behind the tasks.
     */
    FINBOX_STANDING_WAITING = 3,
    /**
     * The row is a condition of the task in `slot`.
     */
    FINBOX_STANDING_CONDITION = 4,
    /**
     * A worker: the item stands at position `expected` of the work ring, and the worker named
     * `waits_for` holds it; 0: none took it.
     */
    FINBOX_STANDING_WORKER = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_standing finbox_standing;
#else
typedef uint32_t finbox_standing;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of a packet's `kind`. 0 is none: zeroed memory is no packet.
 */
enum finbox_packet_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing to do.
     */
    FINBOX_PACKET_KIND_NO_OP = 1,
    /**
     * Starts a kernel: `address` names it, `source` is its arguments' address, `count` its blocks,
     * at least 1, `detail` the arguments' bytes.
     */
    FINBOX_PACKET_KIND_LAUNCH = 2,
    /**
     * Waits until everything begun before has completed.
     */
    FINBOX_PACKET_KIND_BARRIER = 3,
    /**
     * Waits until the 32-bit counter at `address` has reached `count`; counters wrap.
     */
    FINBOX_PACKET_KIND_WAIT = 4,
    /**
     * Changes the counter at `address`: `detail` is a `finbox_signal_how`, `count` the value.
     */
    FINBOX_PACKET_KIND_SIGNAL = 5,
    /**
     * Copies `bytes` bytes from `source` to `address`.
     */
    FINBOX_PACKET_KIND_COPY = 6,
    /**
     * A barrier; behind it the statistics are published, and then the answer.
     */
    FINBOX_PACKET_KIND_FENCE = 7,
    /**
     * `count` packets, at least 1, that stand at `address`; `detail` is a `finbox_entry`.
     */
    FINBOX_PACKET_KIND_INDIRECT = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_packet_kind finbox_packet_kind;
#else
typedef uint32_t finbox_packet_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a signal does with its value.
 */
enum finbox_signal_how
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The counter becomes the value.
     */
    FINBOX_SIGNAL_HOW_STORE = 0,
    /**
     * The value is added, wrapping.
     */
    FINBOX_SIGNAL_HOW_ADD = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_signal_how finbox_signal_how;
#else
typedef uint32_t finbox_signal_how;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happens behind the last packet of an indirect buffer.
 */
enum finbox_entry
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The packet behind the one that entered it.
     */
    FINBOX_ENTRY_CALL = 0,
    /**
     * What would have come behind the buffer that it was entered from. From the ring a call.
     */
    FINBOX_ENTRY_JUMP = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_entry finbox_entry;
#else
typedef uint32_t finbox_entry;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an executor's functions answer. Any other number: it will never be done, and the processor
 * stops there for good; the number is the executor's own.
 */
enum finbox_answer
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It has completed; or what was asked for is there.
     */
    FINBOX_ANSWER_DONE = 0,
    /**
     * It has begun, and its completion will be told.
     */
    FINBOX_ANSWER_RUNNING = 1,
    /**
     * Nothing happened; it is asked again.
     */
    FINBOX_ANSWER_NOT_YET = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_answer finbox_answer;
#else
typedef uint32_t finbox_answer;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a completion was noticed. One that is noticed twice counts once.
 */
enum finbox_route
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Somebody looked: a register, a counter, a queue.
     */
    FINBOX_ROUTE_POLLED = 0,
    /**
     * It came by itself: a message, an interrupt.
     */
    FINBOX_ROUTE_TOLD = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_route finbox_route;
#else
typedef uint32_t finbox_route;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_arrival`'s `verdict`: why a drain took longer than its budget.
 */
enum finbox_verdict
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It did not: it arrived, or was halted.
     */
    FINBOX_VERDICT_NONE = 0,
    /**
     * It moves, or something that it began does: give it longer.
     */
    FINBOX_VERDICT_SLOW = 1,
    /**
     * It stood before something that others must bring, a packet or a counter: look there.
     */
    FINBOX_VERDICT_STARVED = 2,
    /**
     * It carries out packets and comes back to those it had: no budget is enough.
     */
    FINBOX_VERDICT_LIVELOCK = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_verdict finbox_verdict;
#else
typedef uint32_t finbox_verdict;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_blocker`'s `waits_for`.
 */
enum finbox_waits_for
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing stands in the way.
     */
    FINBOX_WAITS_FOR_NOTHING = 0,
    /**
     * Nobody has claimed this position.
     */
    FINBOX_WAITS_FOR_SUBMISSION = 1,
    /**
     * Somebody claimed this position and has not published it.
     */
    FINBOX_WAITS_FOR_PUBLICATION = 2,
    /**
     * A counter is too small.
     */
    FINBOX_WAITS_FOR_COUNTER = 3,
    /**
     * What was begun before has not completed.
     */
    FINBOX_WAITS_FOR_COMPLETIONS = 4,
    /**
     * The executor said "not yet".
     */
    FINBOX_WAITS_FOR_EXECUTOR = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_waits_for finbox_waits_for;
#else
typedef uint32_t finbox_waits_for;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_halt`'s `cause`.
 */
enum finbox_halt_cause
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It has not stopped.
     */
    FINBOX_HALT_CAUSE_NONE = 0,
    /**
     * The words are no packet.
     */
    FINBOX_HALT_CAUSE_BAD_PACKET = 1,
    /**
     * The executor will never carry it out.
     */
    FINBOX_HALT_CAUSE_REFUSED = 2,
    /**
     * Indirect buffers within each other have a bound, which was reached.
     */
    FINBOX_HALT_CAUSE_TOO_DEEP = 3,
    /**
     * The executor panicked at it; what it was doing is left as it was.
     */
    FINBOX_HALT_CAUSE_PANICKED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_halt_cause finbox_halt_cause;
#else
typedef uint32_t finbox_halt_cause;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_planner_args`' `mode`: what happens to memory that nobody tracks.
 */
enum finbox_plan_mode
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A launch that uses it is refused.
     */
    FINBOX_PLAN_MODE_STRICT = 0,
    /**
     * It passes, in no order with anything, and is listed as a gap.
     */
    FINBOX_PLAN_MODE_PERMISSIVE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_plan_mode finbox_plan_mode;
#else
typedef uint32_t finbox_plan_mode;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_timeline_args`' `kind`.
 */
enum finbox_timeline_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Launches take its values one behind the other.
     */
    FINBOX_TIMELINE_KIND_STREAM = 0,
    /**
     * As a stream, of a device that does not track uses: its buffers count as untracked.
     */
    FINBOX_TIMELINE_KIND_UNTRACKED = 1,
    /**
     * Somebody else moves it: another process, or a device's own events.
     */
    FINBOX_TIMELINE_KIND_FOREIGN = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_timeline_kind finbox_timeline_kind;
#else
typedef uint32_t finbox_timeline_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_use`'s `access`.
 */
enum finbox_access
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The launch reads the bytes.
     */
    FINBOX_ACCESS_IN = 0,
    /**
     * It writes all of them.
     */
    FINBOX_ACCESS_OUT = 1,
    /**
     * It reads and writes them.
     */
    FINBOX_ACCESS_INOUT = 2,
    /**
     * It touches memory that nobody declared.
     */
    FINBOX_ACCESS_EXTERNAL = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_access finbox_access;
#else
typedef uint32_t finbox_access;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_explanation`'s `root`: what the coming of a point hangs on in the end.
 */
enum finbox_root
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It was reached.
     */
    FINBOX_ROOT_REACHED = 0,
    /**
     * A committed launch all of whose waits are met: it runs, or is about to.
     */
    FINBOX_ROOT_RUNNING = 1,
    /**
     * A launch that was planned and neither committed nor dropped.
     */
    FINBOX_ROOT_UNCOMMITTED = 2,
    /**
     * A value that nobody has planned a launch for.
     */
    FINBOX_ROOT_UNRESERVED = 3,
    /**
     * Somebody else's timeline.
     */
    FINBOX_ROOT_FOREIGN = 4,
    /**
     * A timeline that ended.
     */
    FINBOX_ROOT_POISONED = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_root finbox_root;
#else
typedef uint32_t finbox_root;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Values of `finbox_plan_gap`'s `kind`.
 */
enum finbox_plan_gap_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The stream's device does not track uses.
     */
    FINBOX_PLAN_GAP_KIND_UNTRACKED = 0,
    /**
     * Nobody declared the memory.
     */
    FINBOX_PLAN_GAP_KIND_EXTERNAL = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum finbox_plan_gap_kind finbox_plan_gap_kind;
#else
typedef uint32_t finbox_plan_gap_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A message, and a slot of a mailbox. A CONDITION uses all fields; a TASK_NORMAL_DONE `task`,
 * `slot`, `expected` and `kind`; a WORK_DONE `addr`, `expected`, `engine` and `kind`, a
 * WORKER_LOST `addr`, `expected` and `kind`; `task` and `slot` of both are all ones. A BUNDLE is
 * laid out in its own way.
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
     * CONDITION: device address that it watches. WORK_DONE: position of the item in the work
     * ring. WORKER_LOST: the worker's name.
     */
    uint64_t addr;
    /**
     * CONDITION: the engine's own value (post id, queue handle).
     */
    uint64_t cookie;
    /**
     * CONDITION: value to reach. TASK_NORMAL_DONE: number of conditions to expect. WORK_DONE: 0,
     * or the worker's own code: the item failed. WORKER_LOST: 1 if its item may be done twice.
     */
    uint32_t expected;
    /**
     * CONDITION: a `finbox_engine`. WORK_DONE: what the item bore as its correlation.
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
 * What a work ring is to be.
 */
typedef struct finbox_work_ring_args {
    /**
     * `FINBOX_WORK_RING_ARGS_SIZE`.
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
     * How large it is: at least what `finbox_work_ring_bytes` says.
     */
    size_t size_bytes;
    /**
     * Capacity in items: a power of two of at least 2.
     */
    uint32_t slots;
    /**
     * Most workers at once, up to `FINBOX_MAX_WORKERS`.
     */
    uint32_t workers;
    /**
     * 0.
     */
    uint64_t flags;
} finbox_work_ring_args;

/**
 * Storage for a work ring. All zero before it is first used, and never copied or moved while it is
 * a handle.
 */
typedef struct finbox_work_ring {
    /**
     * The library's.
     */
    uint64_t opaque[12];
} finbox_work_ring;

/**
 * One piece of work. A slot has it at byte 8, a worker's line at byte 16.
 */
typedef struct finbox_work_item {
    /**
     * Where the input begins, in bytes from the beginning of the input buffer.
     */
    uint32_t offset;
    /**
     * How long the input is, in bytes.
     */
    uint32_t length;
    /**
     * Which rule set it is judged by.
     */
    uint32_t rule_set;
    /**
     * What comes back with the completion; the producer's own number.
     */
    uint32_t correlation;
} finbox_work_item;

/**
 * Storage for a worker. All zero before it is first used, and never copied or moved while it is a
 * handle.
 */
typedef struct finbox_worker {
    /**
     * The library's.
     */
    uint64_t opaque[20];
} finbox_worker;

/**
 * An item in hand.
 */
typedef struct finbox_work {
    /**
     * Where it was pushed.
     */
    uint64_t position;
    /**
     * What is to be done.
     */
    struct finbox_work_item item;
} finbox_work;

/**
 * What `finbox_scheduler_bytes` and `finbox_scheduler_place` want to know. 0 stands for the
 * default, where there is one.
 */
typedef struct finbox_scheduler_args {
    /**
     * `FINBOX_SCHEDULER_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const void *next;
    /**
     * The memory, on a boundary of `FINBOX_SCHEDULER_ALIGN`; it may hold anything.
     */
    void *memory;
    /**
     * How large it is: at least what `finbox_scheduler_bytes` says.
     */
    size_t size_bytes;
    /**
     * The chip's port. The table is copied; its functions and its context must outlive the
     * scheduler.
     */
    const finbox_port *port;
    /**
     * Output bytes of each ring, a multiple of 64; 0: tasks may have no output.
     */
    uint64_t heap_bytes;
    /**
     * Longest time in ns from a token's start to its FIN, where a task does not say; 0: for ever.
     */
    uint64_t run_ns;
    /**
     * Longest time in ns from a condition's arrival until it holds, where a task does not say; 0:
     * for ever.
     */
    uint64_t wait_ns;
    /**
     * Longest time in ns that a claimed mailbox position may stay unpublished; 0: a second.
     */
    uint64_t gap_ns;
    /**
     * How long in ns nothing may move before a wait says STUCK, and a thread may stay in a
     * callback before a stop does; 0: ten seconds. Firmware does not look at it.
     */
    uint64_t patience_ns;
    /**
     * The chip family: a `FINBOX_TARGET_*`; 0: the library's, if it was built for one.
     */
    uint32_t target;
    /**
     * Cubes and vectors in use, 1 to the chip's, which is the default.
     */
    uint32_t cores;
    /**
     * Host lanes behind them, 0 and more; 0 is none.
     */
    uint32_t host_lanes;
    /**
     * FIN handlers, 1 to 8; 0: the chip's usual number.
     */
    uint32_t handlers;
    /**
     * Rings, 1 to 4; 0: one.
     */
    uint32_t rings;
    /**
     * Tasks in flight at once in each ring, 1 to 2^24 in all; 0: 16384.
     */
    uint32_t task_slots;
    /**
     * Scopes open at once, 1 to 255; 0: 255.
     */
    uint32_t scopes;
    /**
     * Dependencies of unfinished tasks at once, up to 2^30; 0: 262144.
     */
    uint32_t edge_nodes;
    /**
     * Conditions stored or promised at once, 64 to 2^30; 0: 65536.
     */
    uint32_t condition_room;
    /**
     * URMA completion queues that conditions may name, up to 65536; 0: 64.
     */
    uint32_t urma_queues;
    /**
     * Messages in the mailbox at once, a power of two, 2 to 2^24; 0: 4096.
     */
    uint32_t mailbox_slots;
    /**
     * Epoch of the run: messages bear it, and tasks of another epoch are refused; 0: 1.
     */
    uint32_t epoch;
    /**
     * Items for persistent workers in the work ring at once, a power of two, 2 to 2^24; 0: no such
     * ring, and tasks of the shape WORK are refused.
     */
    uint32_t work_slots;
    /**
     * Persistent workers at once, up to `FINBOX_MAX_WORKERS`.
     */
    uint32_t workers;
} finbox_scheduler_args;

/**
 * Storage for a scheduler. All zero before it is first used, and never copied or moved while it is
 * a handle.
 */
typedef struct finbox_scheduler {
    /**
     * The library's.
     */
    uint64_t opaque[8];
} finbox_scheduler;

/**
 * A task that was submitted. Plain data, to be copied; it names the task for ever.
 */
typedef struct finbox_task {
    /**
     * Its slot: ring 8 bits, index 24, generation 32.
     */
    uint64_t slot;
    /**
     * Whose it is: tasks of another scheduler, or of one placed with another epoch, are refused.
     */
    uint64_t owner;
} finbox_task;

/**
 * A task as it is submitted. 0 stands for the default, where there is one.
 */
typedef struct finbox_task_args {
    /**
     * `FINBOX_TASK_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const void *next;
    /**
     * Tasks that must have finished before it starts; if one failed, it is cancelled.
     */
    const struct finbox_task *after;
    /**
     * How many.
     */
    size_t after_count;
    /**
     * Tasks whose slot and output are kept until it has finished.
     */
    const struct finbox_task *retained;
    /**
     * How many.
     */
    size_t retained_count;
    /**
     * The number that launches, messages and reports bear, up to `FINBOX_TASK_LAST`.
     */
    uint64_t task;
    /**
     * The kernel, as the machine knows it.
     */
    uint64_t kernel;
    /**
     * The kernel's arguments, as the machine knows them.
     */
    uint64_t args;
    /**
     * Output memory that it takes from its ring's heap, in bytes.
     */
    uint64_t output_bytes;
    /**
     * Longest time in ns from a token's start to its FIN; 0: the scheduler's.
     */
    uint64_t run_budget_ns;
    /**
     * Longest time in ns from a condition's arrival until it holds; 0: the scheduler's.
     */
    uint64_t wait_budget_ns;
    /**
     * With `FINBOX_TASK_PREDICATE`: device address of an aligned word that the control CPU may
     * read.
     */
    uint64_t predicate_address;
    /**
     * A `finbox_shape`.
     */
    uint32_t shape;
    /**
     * Which cores of a cluster a block of a mixed task needs, a sum of `FINBOX_SUBTASK_*`.
     */
    uint32_t subtasks;
    /**
     * Blocks, 1 to 32767; 0: one.
     */
    uint32_t blocks;
    /**
     * Most conditions that all its blocks may register together, 0 to 64; 0: its slabs are not
     * read.
     */
    uint32_t defers;
    /**
     * With `FINBOX_TASK_PREDICATE`: a `finbox_comparison`.
     */
    uint32_t predicate_comparison;
    /**
     * With `FINBOX_TASK_PREDICATE`: what the word is compared with.
     */
    uint32_t predicate_value;
    /**
     * A sum of `FINBOX_TASK_*`.
     */
    uint64_t flags;
} finbox_task_args;

/**
 * Where a task's output lies in the range that all rings share.
 */
typedef struct finbox_output {
    /**
     * `FINBOX_OUTPUT_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * Offset of its first byte.
     */
    uint64_t offset;
    /**
     * How many bytes; 0 if it has none, or was reclaimed.
     */
    uint64_t size_bytes;
} finbox_output;

/**
 * What `finbox_scheduler_dispatch_pass` did.
 */
typedef struct finbox_pass {
    /**
     * `FINBOX_PASS_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The earliest time of the port's clock at which something must be done though nothing
     * happens; all ones: never.
     */
    uint64_t deadline_ns;
    /**
     * 1 if something moved.
     */
    uint32_t progress;
    /**
     * 1 if something may change without a FIN or a submission: pass again soon.
     */
    uint32_t watching;
    /**
     * A bit for each handler whose cores got work: let it pass.
     */
    uint32_t handlers;
    /**
     * Conditions that were looked at in vain.
     */
    uint32_t polled;
} finbox_pass;

/**
 * What was counted since the scheduler was placed. When every task has finished and nothing was
 * pushed from outside: `submitted == completed + failed + cancelled`; `fins_received ==
 * fins_applied + fins_duplicate + fins_stale + fins_unknown`; `messages_accepted ==
 * messages_delivered + messages_reported`; `completed == inline_completed + deferred + worked`;
 * `work_offered == work_done + work_late + work_left + work_again`.
 */
typedef struct finbox_ledger {
    /**
     * `FINBOX_LEDGER_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * Tasks submitted.
     */
    uint64_t submitted;
    /**
     * Tasks that completed.
     */
    uint64_t completed;
    /**
     * Tasks that failed.
     */
    uint64_t failed;
    /**
     * Tasks that were cancelled because something they depend on failed.
     */
    uint64_t cancelled;
    /**
     * Tasks whose predicate was false: they completed without running.
     */
    uint64_t skipped;
    /**
     * Tasks that completed without the mailbox.
     */
    uint64_t inline_completed;
    /**
     * Tasks that completed through the mailbox.
     */
    uint64_t deferred;
    /**
     * COND words that were news.
     */
    uint64_t fins_received;
    /**
     * FINs that retired a subtask.
     */
    uint64_t fins_applied;
    /**
     * FINs of the token that had finished last.
     */
    uint64_t fins_duplicate;
    /**
     * FINs of older tokens, or of tasks already finished.
     */
    uint64_t fins_stale;
    /**
     * FINs of tokens that were never dispatched.
     */
    uint64_t fins_unknown;
    /**
     * Messages that the mailbox accepted from FIN handlers, from workers, and about lost ones. A
     * BUNDLE is one, however much it carries.
     */
    uint64_t messages_accepted;
    /**
     * Messages acted on.
     */
    uint64_t messages_delivered;
    /**
     * Messages that could not be acted on.
     */
    uint64_t messages_reported;
    /**
     * CONDITIONs delivered, counted one by one, those in BUNDLEs too.
     */
    uint64_t conditions;
    /**
     * TASK_NORMAL_DONEs delivered, those in BUNDLEs too.
     */
    uint64_t normal_done;
    /**
     * Pushes that found the mailbox full, wholly or in part.
     */
    uint64_t full;
    /**
     * Most messages seen waiting in the mailbox.
     */
    uint64_t mailbox_high_water;
    /**
     * Most tasks that waited for conditions at once.
     */
    uint64_t waiting_high_water;
    /**
     * Conditions polled.
     */
    uint64_t polls;
    /**
     * Lines made current to look at conditions.
     */
    uint64_t lines_refreshed;
    /**
     * Counters that stood beyond the value waited for when the wait ended.
     */
    uint64_t overshoots;
    /**
     * Times that a counter stood lower than when it was looked at before.
     */
    uint64_t went_back;
    /**
     * Tasks that completed because a worker said that it was through with their item.
     */
    uint64_t worked;
    /**
     * Items pushed into the work ring, those pushed again included.
     */
    uint64_t work_offered;
    /**
     * Items taken back from lost workers, to be pushed again.
     */
    uint64_t work_again;
    /**
     * Items that a lost worker left, or that nobody was left to take, and whose task failed for
     * it, or had its outcome before.
     */
    uint64_t work_left;
    /**
     * Items that a worker said it was through with.
     */
    uint64_t work_done;
    /**
     * Items that came back when their task had its outcome.
     */
    uint64_t work_late;
    /**
     * Messages of workers about items that had come back before.
     */
    uint64_t work_duplicate;
    /**
     * Messages of workers about an earlier life of an item's task.
     */
    uint64_t work_stale;
    /**
     * Messages of workers about what is no item.
     */
    uint64_t work_unknown;
} finbox_ledger;

/**
 * The first thing that went wrong. Its texts live as long as the library.
 */
typedef struct finbox_fault {
    /**
     * `FINBOX_FAULT_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The fault's number, which never changes its meaning; 0: there was none, and all else is 0.
     */
    uint64_t code;
    /**
     * The number of the task that it befell; all ones: none in particular.
     */
    uint64_t task;
    /**
     * Its name.
     */
    finbox_text name;
    /**
     * What happened.
     */
    finbox_text what;
    /**
     * What was lost.
     */
    finbox_text lost;
    /**
     * What to do next.
     */
    finbox_text hint;
} finbox_fault;

/**
 * A row of a stall report: an unfinished task, or a condition that does not hold.
 */
typedef struct finbox_stall {
    /**
     * The task's slot, as in its `finbox_task`.
     */
    uint64_t slot;
    /**
     * The task's number; of a condition 0.
     */
    uint64_t task;
    /**
     * A `finbox_standing`.
     */
    uint32_t standing;
    /**
     * BLOCKED: how many tasks; RUNNING: which core; WORKER: its name.
     */
    uint32_t waits_for;
    /**
     * CONDITION: the device address that it watches.
     */
    uint64_t address;
    /**
     * CONDITION: the engine's own value.
     */
    uint64_t cookie;
    /**
     * CONDITION: the value that it waits for; WORKER: the item's position.
     */
    uint64_t expected;
    /**
     * CONDITION: the value that was seen first.
     */
    uint64_t first;
    /**
     * CONDITION: the value that was seen last.
     */
    uint64_t observed;
    /**
     * CONDITION: for how many ns it has been known.
     */
    uint64_t age_ns;
    /**
     * CONDITION: a `finbox_engine`.
     */
    uint32_t engine;
    /**
     * CONDITION: a `finbox_completion`.
     */
    int32_t completion_type;
} finbox_stall;

/**
 * Which machine is wanted. 0: as its library likes.
 */
typedef struct finbox_device_args {
    /**
     * `FINBOX_DEVICE_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * The device library: a path, or a name to be looked for as the guide says; empty: what the
     * environment's `FINBOX_DEVICE` names. Read until the call returns.
     */
    finbox_text library;
    /**
     * The library's own options, in its own words. Read until the call returns.
     */
    finbox_text options;
    /**
     * Chip family: a `FINBOX_TARGET_*`.
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
     * DMA queues of a rank, or more.
     */
    uint32_t dma_queues;
    /**
     * Bytes of memory of a rank, or more.
     */
    uint64_t memory_bytes;
} finbox_device_args;

/**
 * Storage for a machine behind a device library. All zero before it is first used, and never
 * copied or moved while it is a handle.
 */
typedef struct finbox_device {
    /**
     * The library's.
     */
    uint64_t opaque[8];
} finbox_device;

/**
 * What an opened machine is. It never changes; its texts live until the device is closed.
 */
typedef struct finbox_device_facts {
    /**
     * `FINBOX_DEVICE_FACTS_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The device library's name.
     */
    finbox_text name;
    /**
     * The device library's own version.
     */
    finbox_text version;
    /**
     * Chip family: a `FINBOX_TARGET_*`.
     */
    uint32_t target;
    /**
     * Ranks, counted from 0.
     */
    uint32_t ranks;
    /**
     * Cubes and vectors of a rank: `cores` of a scheduler on it.
     */
    uint32_t cores;
    /**
     * Host lanes of a rank: `host_lanes` of a scheduler on it.
     */
    uint32_t host_lanes;
    /**
     * DMA queues of a rank.
     */
    uint32_t dma_queues;
    /**
     * 1 if the control CPU sees without a refresh what cores and DMA wrote.
     */
    uint32_t is_coherent;
    /**
     * Bytes of memory of a rank that can be allocated.
     */
    uint64_t memory_bytes;
    /**
     * What its cores can do: bit `n` for the `finbox_op_kind` with the number `n`.
     */
    uint64_t operations;
    /**
     * Optional features of its library: a sum of `FINBOX_FEATURE_*`, and perhaps others.
     */
    uint64_t features;
} finbox_device_facts;

/**
 * Storage for a command ring. All zero before it is first used, and never copied or moved while
 * it is a handle.
 */
typedef struct finbox_command_ring {
    /**
     * The library's.
     */
    uint64_t opaque[8];
} finbox_command_ring;

/**
 * What stands in a processor's way.
 */
typedef struct finbox_blocker {
    /**
     * Position in the ring, of the packet itself or of the one that led to it.
     */
    uint64_t position;
    /**
     * Address of the innermost indirect buffer; 0 in the ring.
     */
    uint64_t buffer;
    /**
     * Since when, in ns since the ring was made.
     */
    uint64_t since_ns;
    /**
     * COUNTER: its address.
     */
    uint64_t address;
    /**
     * COMPLETIONS: the ring position that began the oldest.
     */
    uint64_t oldest;
    /**
     * A `finbox_waits_for`.
     */
    uint32_t waits_for;
    /**
     * A `finbox_packet_kind`; 0: nothing stands there yet.
     */
    uint32_t kind;
    /**
     * How many indirect buffers deep; 0: in the ring.
     */
    uint32_t depth;
    /**
     * Which packet of the innermost.
     */
    uint32_t index;
    /**
     * COUNTER: the value to reach.
     */
    uint32_t wanted;
    /**
     * COUNTER: the value it has.
     */
    uint32_t found;
    /**
     * COUNTER: 1 if it could be read.
     */
    uint32_t is_read;
    /**
     * COMPLETIONS: how many run.
     */
    uint32_t running;
    /**
     * PUBLICATION: name of the producer that claimed it; 0 if it has none.
     */
    uint32_t claimer;
    /**
     * PUBLICATION: how many other producers announced the position as well.
     */
    uint32_t others;
} finbox_blocker;

/**
 * How a drain ended.
 */
typedef struct finbox_arrival {
    /**
     * `FINBOX_ARRIVAL_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The first position that was not passed.
     */
    uint64_t position;
    /**
     * Packets claimed and not reached.
     */
    uint64_t not_reached;
    /**
     * TIMEOUT: ring positions passed in this drain.
     */
    uint64_t distance;
    /**
     * TIMEOUT: packets that took effect in this drain, those of indirect buffers included.
     */
    uint64_t packets;
    /**
     * TIMEOUT: what it began that completed in this drain.
     */
    uint64_t completed;
    /**
     * TIMEOUT: times in this drain that a jump came back to where one had been.
     */
    uint64_t revisits;
    /**
     * TIMEOUT: how long the drain took, in ns.
     */
    uint64_t took_ns;
    /**
     * TIMEOUT: what stands in the way, the oldest of it.
     */
    struct finbox_blocker blocker;
    /**
     * A `finbox_verdict`.
     */
    uint32_t verdict;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_arrival;

/**
 * A packet, and a slot of a command ring. What a kind does not use is 0, and checked. Made by
 * `finbox_packet_launch` and its like.
 */
typedef struct finbox_packet {
    /**
     * Position in the ring + 1. Written by the library; ignored in what is submitted.
     */
    uint64_t seq;
    /**
     * A `finbox_packet_kind`.
     */
    uint32_t kind;
    /**
     * Epoch of the run. Written by the library in what is submitted; in an indirect buffer it
     * must be the ring's.
     */
    uint32_t epoch;
    /**
     * The submitter's own; nothing looks at it.
     */
    uint64_t tag;
    /**
     * LAUNCH: the kernel. WAIT, SIGNAL: the counter. COPY: the first byte written. INDIRECT: the
     * first packet.
     */
    uint64_t address;
    /**
     * LAUNCH: the arguments. COPY: the first byte read.
     */
    uint64_t source;
    /**
     * COPY: how many bytes.
     */
    uint64_t bytes;
    /**
     * LAUNCH: blocks. WAIT, SIGNAL: the value. INDIRECT: packets.
     */
    uint32_t count;
    /**
     * LAUNCH: bytes of arguments. SIGNAL: a `finbox_signal_how`. INDIRECT: a `finbox_entry`.
     */
    uint32_t detail;
    /**
     * 0.
     */
    uint64_t reserved;
} finbox_packet;

/**
 * Where and why a processor has stopped for good.
 */
typedef struct finbox_halt {
    /**
     * Position in the ring, of the packet itself or of the one that led to it.
     */
    uint64_t position;
    /**
     * Address of the innermost indirect buffer; 0 in the ring.
     */
    uint64_t buffer;
    /**
     * Packets claimed in the ring behind it, which are lost.
     */
    uint64_t behind;
    /**
     * A `finbox_halt_cause`.
     */
    uint32_t cause;
    /**
     * REFUSED: the executor's number.
     */
    uint32_t refusal;
    /**
     * How many indirect buffers deep; 0: in the ring.
     */
    uint32_t depth;
    /**
     * Which packet of the innermost.
     */
    uint32_t index;
    /**
     * What stands there; zeroes if it could not be fetched. Its `seq` is 0.
     */
    struct finbox_packet packet;
} finbox_halt;

/**
 * A processor as it saw itself last.
 */
typedef struct finbox_command_snapshot {
    /**
     * `FINBOX_COMMAND_SNAPSHOT_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The first ring position that was not passed.
     */
    uint64_t position;
    /**
     * Every packet before this position is answered for; all else here is at least that new.
     */
    uint64_t answered;
    /**
     * Packets that took effect, those of indirect buffers included: of kind `n` at `n - 1`.
     */
    uint64_t passed[8];
    /**
     * How many of them stood in an indirect buffer.
     */
    uint64_t nested;
    /**
     * What took effect, where and in which order, as one number: the same, whoever did it.
     */
    uint64_t digest;
    /**
     * Launches, copies and signals that began and completed later, and have.
     */
    uint64_t completed;
    /**
     * Completions noticed again, by `finbox_route`.
     */
    uint64_t duplicate[2];
    /**
     * Completions of what never began, by `finbox_route`.
     */
    uint64_t unknown[2];
    /**
     * Times that a packet could not be carried out yet.
     */
    uint64_t not_yet;
    /**
     * How often the jumps at this position came back to where they had been.
     */
    uint64_t revisits;
    /**
     * Packets claimed in the ring and not passed.
     */
    uint64_t left;
    /**
     * What stands in the way now.
     */
    struct finbox_blocker blocker;
    /**
     * Why it stopped for good, if it did.
     */
    struct finbox_halt halt;
    /**
     * Launches, copies and signals that run.
     */
    uint32_t running;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_command_snapshot;

/**
 * Tells the processor that `work` has completed; for `look`, with what it was given. 0 if there is
 * such a `finbox_route`.
 */
typedef int32_t (*finbox_tell)(void *told, uint32_t route, uint64_t work);

/**
 * The device, as a processor sees it. One thread at a time calls its functions, which must neither
 * wait nor unwind, and call of the library nothing but submissions, notices and targets. A null
 * function refuses its packets with `FINBOX_NO_FUNCTION`; a null `look` tells nothing.
 */
typedef struct finbox_executor {
    /**
     * `FINBOX_EXECUTOR_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * The executor's; handed to all its functions.
     */
    void *context;
    /**
     * Starts a kernel; `work` is what its completion is told by, if it answers RUNNING. A
     * `finbox_answer`.
     */
    uint32_t (*launch)(void *context,
                       uint64_t work,
                       uint64_t kernel,
                       uint64_t args,
                       uint32_t args_bytes,
                       uint32_t blocks);
    /**
     * Copies bytes. A `finbox_answer`.
     */
    uint32_t (*copy)(void *context, uint64_t work, uint64_t to, uint64_t from, uint64_t bytes);
    /**
     * Changes a counter; `how` is a `finbox_signal_how`. A `finbox_answer`.
     */
    uint32_t (*signal)(void *context, uint64_t work, uint64_t counter, uint32_t value, uint32_t how);
    /**
     * Reads a counter: DONE with its value, or NOT_YET if it cannot be read now.
     */
    uint32_t (*counter)(void *context, uint64_t counter, uint32_t *value);
    /**
     * Reads the packet at `index` of an indirect buffer: DONE with the packet.
     */
    uint32_t (*fetch)(void *context, uint64_t buffer, uint32_t index, struct finbox_packet *packet);
    /**
     * Tells of everything that completed since it was asked last, with `tell(told, route, work)`.
     */
    void (*look)(void *context, finbox_tell tell, void *told);
} finbox_executor;

/**
 * What a command ring is to be.
 */
typedef struct finbox_command_ring_args {
    /**
     * `FINBOX_COMMAND_RING_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * The memory, on a 64-byte boundary; it may hold anything. Null: the library allocates it.
     */
    void *memory;
    /**
     * How large it is: at least what `finbox_command_ring_bytes` says.
     */
    size_t size_bytes;
    /**
     * What carries the packets out; copied.
     */
    const struct finbox_executor *executor;
    /**
     * First position, 0 unless a test wants another.
     */
    uint64_t start;
    /**
     * Capacity in packets: a power of two of at least 2.
     */
    uint32_t slots;
    /**
     * Epoch of the run.
     */
    uint32_t epoch;
    /**
     * 0.
     */
    uint64_t flags;
} finbox_command_ring_args;

/**
 * Storage for a planner. All zero before it is first used, and never copied or moved while it is
 * a handle.
 */
typedef struct finbox_planner {
    /**
     * The library's.
     */
    uint64_t opaque[8];
} finbox_planner;

/**
 * A value on a timeline: known when a launch is planned, reached when it has finished.
 */
typedef struct finbox_point {
    /**
     * The value, from 1; every timeline begins at 0.
     */
    uint64_t value;
    /**
     * Which timeline.
     */
    uint32_t timeline;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_point;

/**
 * What is known about the coming of a point.
 */
typedef struct finbox_explanation {
    /**
     * `FINBOX_EXPLANATION_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * The value that is wanted.
     */
    uint64_t wanted;
    /**
     * Where its timeline is.
     */
    uint64_t current;
    /**
     * Since when that has not moved, in ns.
     */
    uint64_t age_ns;
    /**
     * How many points its launch waits for and has not got.
     */
    uint64_t wait_count;
    /**
     * The root's point; all 0 if it was reached.
     */
    struct finbox_point root_point;
    /**
     * Where the root's timeline is: RUNNING, UNCOMMITTED, UNRESERVED and FOREIGN.
     */
    uint64_t root_current;
    /**
     * Since when that has not moved, in ns: of the same.
     */
    uint64_t root_age_ns;
    /**
     * A `finbox_root`.
     */
    uint32_t root;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_explanation;

/**
 * Uses that a permissive planner let pass: nothing orders them.
 */
typedef struct finbox_plan_gap {
    /**
     * How many launches had it.
     */
    uint64_t count;
    /**
     * EXTERNAL: where the memory is.
     */
    uint64_t address;
    /**
     * Which argument, from 0.
     */
    uint32_t argument;
    /**
     * A `finbox_plan_gap_kind`.
     */
    uint32_t kind;
} finbox_plan_gap;

/**
 * What a planner counted.
 */
typedef struct finbox_plan_stats {
    /**
     * `FINBOX_PLAN_STATS_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * Launches planned; allocations are not among them.
     */
    uint64_t planned;
    /**
     * Of these, committed.
     */
    uint64_t committed;
    /**
     * Of these, dropped.
     */
    uint64_t dropped;
    /**
     * Uses that were remembered, over all launches.
     */
    uint64_t tracked_uses;
    /**
     * Points that were told to be reached more than once.
     */
    uint64_t duplicates;
} finbox_plan_stats;

/**
 * What a launch does with some memory.
 */
typedef struct finbox_use {
    /**
     * The argument's name in errors and gaps; may be empty. Read until the call returns.
     */
    finbox_text label;
    /**
     * The buffer; EXTERNAL: the memory's address.
     */
    uint64_t buffer;
    /**
     * First byte, from the buffer's start; EXTERNAL: 0.
     */
    uint64_t begin;
    /**
     * One behind the last byte; EXTERNAL: 0.
     */
    uint64_t end;
    /**
     * A `finbox_access`.
     */
    uint32_t access;
    /**
     * 0.
     */
    uint32_t reserved;
} finbox_use;

/**
 * A wait for a point.
 */
typedef struct finbox_wait {
    /**
     * What for.
     */
    struct finbox_point point;
    /**
     * When to give up, in ns on the clock that the planner is told; 0: never. A wait for a
     * foreign timeline must have one.
     */
    uint64_t deadline_ns;
} finbox_wait;

/**
 * A launch as it is recorded.
 */
typedef struct finbox_launch_args {
    /**
     * `FINBOX_LAUNCH_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * What people know it by. Read until the call returns.
     */
    finbox_text name;
    /**
     * What it does with which memory.
     */
    const struct finbox_use *uses;
    /**
     * How many.
     */
    size_t use_count;
    /**
     * What it waits for, whatever its uses say.
     */
    const struct finbox_wait *waits;
    /**
     * How many.
     */
    size_t wait_count;
    /**
     * The stream.
     */
    uint32_t stream;
    /**
     * 0.
     */
    uint32_t flags;
} finbox_launch_args;

/**
 * Storage for a launch that was planned. All zero before it is first used, and never copied or
 * moved while it is a handle.
 */
typedef struct finbox_planned {
    /**
     * The library's.
     */
    uint64_t opaque[16];
} finbox_planned;

/**
 * A committed launch: what to launch it behind, and what to tell when it has finished.
 */
typedef struct finbox_submitted {
    /**
     * `FINBOX_SUBMITTED_SIZE`, set by the caller.
     */
    size_t struct_size;
    /**
     * What it signals when it has finished.
     */
    struct finbox_point point;
    /**
     * The point of its own stream that it comes behind; value 0 is reached from the beginning.
     */
    struct finbox_point behind;
    /**
     * How many points it waits for besides: `finbox_planned_waits` has them.
     */
    uint64_t wait_count;
    /**
     * How many of its uses are remembered.
     */
    uint64_t tracked_uses;
} finbox_submitted;

/**
 * What a planner is to be. 0: the default.
 */
typedef struct finbox_planner_args {
    /**
     * `FINBOX_PLANNER_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * A `finbox_plan_mode`.
     */
    uint32_t mode;
    /**
     * 0.
     */
    uint32_t flags;
} finbox_planner_args;

/**
 * A timeline that is to be opened.
 */
typedef struct finbox_timeline_args {
    /**
     * `FINBOX_TIMELINE_ARGS_SIZE`.
     */
    size_t struct_size;
    /**
     * Null: no extension exists yet.
     */
    const finbox_extension *next;
    /**
     * What people know it by. Read until the call returns.
     */
    finbox_text name;
    /**
     * The time now, in ns on the clock that the planner is told.
     */
    uint64_t now_ns;
    /**
     * A `finbox_timeline_kind`.
     */
    uint32_t kind;
    /**
     * 0.
     */
    uint32_t flags;
} finbox_timeline_args;

/**
 * A buffer whose memory is free again.
 */
typedef struct finbox_freed {
    /**
     * Which one.
     */
    uint64_t buffer;
    /**
     * Its size.
     */
    uint64_t size_bytes;
} finbox_freed;

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
 * has, without the 0: at most 4 KiB, a longer one is cut. A call that succeeds leaves the text
 * alone. Firmware keeps no texts: there it is always empty. Any thread.
 *
 * @pre `buffer` has room for `capacity` bytes, or `capacity` is 0; `length` is null or writable.
 */
finbox_status finbox_last_error(char *buffer, size_t capacity, size_t *length);

/**
 * Takes a BUNDLE apart: `parts` become its CONDITIONs and then its TASK_NORMAL_DONE, `count` how
 * many these are; what is left of `parts` is zero. Any other message is its own only part.
 *
 * MALFORMED_MESSAGE: it is a BUNDLE that no producer made.
 *
 * @pre `message` points to a message, `parts` to room for `FINBOX_MESSAGE_PARTS`, `count` to a number;
 * all live until the call returns.
 */
finbox_status finbox_message_parts(const struct finbox_message *message,
                                   struct finbox_message *parts,
                                   uint32_t *count);

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
 * How many bytes a work ring of `slots` items and so many workers needs. Any thread.
 *
 * @pre `bytes` points to a number.
 */
finbox_status finbox_work_ring_bytes(uint32_t slots, uint32_t workers, size_t *bytes);

/**
 * Makes a work ring on memory of the caller's, which is the library's until `ring` is destroyed
 * and every worker has left.
 *
 * @pre `args` points to what its size says. Its memory is readable and writable for as long as it is
 * the library's, and nobody but this library, in this process, reads or writes it. `ring` points
 * to storage that lives until it is destroyed.
 */
finbox_status finbox_work_ring_place(const struct finbox_work_ring_args *args,
                                     struct finbox_work_ring *ring);

/**
 * Ends the ring's handle. Items and workers stay what they are until the workers have left. No
 * other call with this handle may be inside. The storage serves again.
 *
 * @pre `ring` points to a work ring's storage that lives until the call returns.
 */
finbox_status finbox_work_ring_destroy(struct finbox_work_ring *ring);

/**
 * Pushes one item; `position` becomes where it stands, by which `finbox_work_ring_is_done` knows
 * it. FULL, or CLOSED if the ring was closed, leaves it yours. Never blocks, takes no lock and
 * allocates nothing; any number of threads at once.
 *
 * @pre `ring` points to a work ring's storage, `item` to an item, `position` to a number; all live
 * until the call returns.
 */
finbox_status finbox_work_ring_push(struct finbox_work_ring *ring,
                                    const struct finbox_work_item *item,
                                    uint64_t *position);

/**
 * Pushes the first of `count` items, as many as fit, in order and in neighbouring positions:
 * `first` becomes the first's position, `accepted` how many. OK if that is at least one, or
 * `count` is 0. Otherwise as `finbox_work_ring_push`.
 *
 * @pre `ring` points to a work ring's storage, `items` to `count` items that nobody writes, `first` and
 * `accepted` to numbers; all live until the call returns.
 */
finbox_status finbox_work_ring_push_batch(struct finbox_work_ring *ring,
                                          const struct finbox_work_item *items,
                                          uint32_t count,
                                          uint64_t *first,
                                          uint32_t *accepted);

/**
 * Has every further push refused: workers get CLOSED when everything in the ring was taken, and
 * may go. Any thread; a push beside it is before it, or gets CLOSED.
 *
 * @pre `ring` points to a work ring's storage that lives until the call returns.
 */
finbox_status finbox_work_ring_close(struct finbox_work_ring *ring);

/**
 * Whether the item of `position` was finished: `is_done` becomes 1 or 0, and is right for ever,
 * also when its slot was used again. If 1, what its worker did before is visible. Any thread.
 *
 * @pre `ring` points to a work ring's storage, `is_done` to a number; both live until the call returns.
 */
finbox_status finbox_work_ring_is_done(struct finbox_work_ring *ring,
                                       uint64_t position,
                                       uint32_t *is_done);

/**
 * Who has `position`: `holder` becomes the name of the worker that is taking it, or holds it, or
 * died with it; 0 if there is none. Any thread.
 *
 * @pre `ring` points to a work ring's storage, `holder` to a number; both live until the call returns.
 */
finbox_status finbox_work_ring_holder(struct finbox_work_ring *ring,
                                      uint64_t position,
                                      uint32_t *holder);

/**
 * How many items were pushed and not finished: a statistic, right when nobody moves. Any thread.
 *
 * @pre `ring` points to a work ring's storage, `in_flight` to a number; both live until the call
 * returns.
 */
finbox_status finbox_work_ring_in_flight(struct finbox_work_ring *ring, uint64_t *in_flight);

/**
 * Makes a worker of a ring, called `name`, not 0: a core's number, a process id. NO_LINE if every
 * line is taken, or has an item that a dead worker left. Any thread.
 *
 * @pre `ring` points to a work ring's storage that lives until the call returns, `worker` to storage
 * that lives until it leaves.
 */
finbox_status finbox_work_ring_register(struct finbox_work_ring *ring,
                                        uint32_t name,
                                        struct finbox_worker *worker);

/**
 * Says that the workers called `name` are dead and never left: each gives its line back, or leaves
 * its item on it. `left`, unless null, becomes how many did, to be recovered.
 *
 * @pre `ring` points to a work ring's storage that lives until the call returns; `left` is null or
 * points to a number. Nothing runs any more that could use a worker of this name, and whatever it
 * did is visible to the caller. Their storage is not used again.
 */
finbox_status finbox_work_ring_bury(struct finbox_work_ring *ring, uint32_t name, uint32_t *left);

/**
 * Makes a worker, called `heir`, that has in hand what a worker called `dead` left: one item a
 * call, at its position. NOTHING_LEFT if there is none. Any thread.
 *
 * @pre `ring` points to a work ring's storage that lives until the call returns, `worker` to storage
 * that lives until it leaves.
 */
finbox_status finbox_work_ring_recover(struct finbox_work_ring *ring,
                                       uint32_t dead,
                                       uint32_t heir,
                                       struct finbox_worker *worker);

/**
 * Takes the next item, in the order of positions. EMPTY; NOT_PUBLISHED if a producer stands
 * between claim and publication of it; HOLDING if this worker has one already; CLOSED if the ring
 * was closed and everything in it was taken: this worker may go. Never blocks. One thread at a
 * time: another gets BUSY.
 *
 * @pre `worker` points to a worker's storage, `work` to a work; both live until the call returns.
 */
finbox_status finbox_worker_claim(struct finbox_worker *worker, struct finbox_work *work);

/**
 * Says that the item of `position`, which this worker holds, is done: what it wrote before is
 * visible to whoever finds it done. `correlation`, unless null, becomes the producer's number.
 * DUPLICATE if it is done already, NOT_HELD if it is not this worker's; nothing changed then. One
 * thread at a time: another gets BUSY.
 *
 * A scheduler's worker tells the scheduler first, through its mailbox, and wakes the library's
 * dispatch thread: that completes the task. FULL if the mailbox is: nothing changed, say it again.
 * CONDEMNED if that is condemned: the item is out of its hand, and the task fails.
 *
 * @pre `worker` points to a worker's storage that lives until the call returns; `correlation` is null
 * or points to a number.
 */
finbox_status finbox_worker_done(struct finbox_worker *worker,
                                 uint64_t position,
                                 uint32_t *correlation);

/**
 * As `finbox_worker_done`, of a scheduler's worker: the item failed with a `status` of the
 * program's, not 0, and so does its task. INVALID_ARGUMENT of any other worker.
 *
 * @pre `worker` points to a worker's storage that lives until the call returns.
 */
finbox_status finbox_worker_fail(struct finbox_worker *worker, uint64_t position, uint32_t status);

/**
 * What a worker has to finish before it gets more: `work` becomes that; EMPTY if it has nothing in
 * hand. One thread at a time: another gets BUSY.
 *
 * @pre `worker` points to a worker's storage, `work` to a work; both live until the call returns.
 */
finbox_status finbox_worker_in_hand(struct finbox_worker *worker, struct finbox_work *work);

/**
 * Gives a worker up, and its line; an item in hand stays on it, to be recovered, or, a
 * scheduler's, lost. The storage serves again.
 *
 * @pre `worker` points to a worker's storage, and no other thread uses it from now on.
 */
finbox_status finbox_worker_leave(struct finbox_worker *worker);

/**
 * How many bytes of memory a scheduler of these sizes needs. Memory and port of `args` are not
 * looked at. Any thread.
 *
 * @pre `args` points to what its size says, `bytes` to a number.
 */
finbox_status finbox_scheduler_bytes(const struct finbox_scheduler_args *args, size_t *bytes);

/**
 * Places a scheduler on memory of the caller's, for the chip behind a port. Whatever stood in the
 * memory is forgotten; tokens go on from what each core's COND says, which is read once.
 *
 * NOT_AT_REST if a core is at work for somebody else: wait, or reset the chip. TOO_SMALL,
 * MISALIGNED, INVALID_ARGUMENT with the field's name and range, NULL_ARGUMENT with the name of a
 * function that the port lacks. The memory is the library's until `scheduler` is destroyed.
 *
 * @pre `args` and its port point to what their sizes say. The memory is readable and writable, and
 * nobody else's, until the scheduler is destroyed; so long the port's functions do what
 * `finbox_port` says. `scheduler` points to storage that lives as long.
 */
finbox_status finbox_scheduler_place(const struct finbox_scheduler_args *args,
                                     struct finbox_scheduler *scheduler);

/**
 * Ends a scheduler: what was not finished is lost, and its memory is the caller's again. The
 * storage serves again.
 *
 * BUSY while a call is inside, a wait among them; STARTED while threads of the library run: stop
 * them first. OUTSTANDING, with its name, while a worker has neither left nor been lost. No other
 * call may begin any more, and producers of its mailbox must have left.
 *
 * @pre `scheduler` points to storage that lives until the call returns.
 */
finbox_status finbox_scheduler_destroy(struct finbox_scheduler *scheduler);

/**
 * Makes a producer of the scheduler's own mailbox, without a name: for completions that come by
 * another way than a FIN. Wake the dispatch thread behind what was pushed. A message that fits no
 * deferred task of this run is counted as reported, and nothing else.
 *
 * Any thread. It must leave before the scheduler is destroyed.
 *
 * @pre `scheduler` and `producer` point to storage of theirs that lives until the call returns.
 */
finbox_status finbox_scheduler_open_producer(struct finbox_scheduler *scheduler,
                                             struct finbox_producer *producer);

/**
 * Tells the library's dispatch thread that something was pushed or may have changed; nothing where
 * no thread of the library runs. Any thread.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns.
 */
finbox_status finbox_scheduler_wake(struct finbox_scheduler *scheduler);

/**
 * Submits a task, to start when all before it have finished; `task`, unless null, becomes its
 * name. Wakes the library's dispatch thread, if there is one.
 *
 * NO_ROOM: all of something is in use, and will be free one day: run passes, and try again.
 * NEVER_ROOM: a scope must be closed first, or the scheduler is too small. UNKNOWN_TASK: a task
 * before it is none of this scheduler, or was reclaimed and is to be retained. INVALID_ARGUMENT
 * with the field and its range. Refused, it has changed nothing. One thread at a time: another
 * gets BUSY.
 *
 * @pre `scheduler` points to a scheduler's storage, `args` to what its size says with as many tasks as
 * it says, `task` to one or it is null; all live and stay as they are until the call returns.
 */
finbox_status finbox_scheduler_submit(struct finbox_scheduler *scheduler,
                                      const struct finbox_task_args *args,
                                      struct finbox_task *task);

/**
 * Opens a scope inside those that are open: tasks submitted before it is closed keep their slots
 * and outputs until then. NEVER_ROOM if as many are open as may be. One thread at a time.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns.
 */
finbox_status finbox_scheduler_open_scope(struct finbox_scheduler *scheduler);

/**
 * Closes the innermost scope: its tasks are reclaimed when they have finished. INVALID_ARGUMENT if
 * none is open. One thread at a time.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns.
 */
finbox_status finbox_scheduler_close_scope(struct finbox_scheduler *scheduler);

/**
 * What became of a task: `fate` becomes a `finbox_fate`. What a task did before it finished is
 * visible to whoever is told so. UNKNOWN_TASK if it is none of this scheduler. BUSY while another
 * thread submits.
 *
 * @pre `scheduler` points to a scheduler's storage, `fate` to a number; both live until the call
 * returns.
 */
finbox_status finbox_scheduler_fate(struct finbox_scheduler *scheduler,
                                    struct finbox_task task,
                                    uint32_t *fate);

/**
 * Where a task's output lies. UNKNOWN_TASK if it is none of this scheduler. BUSY while another
 * thread submits.
 *
 * @pre `scheduler` points to a scheduler's storage, `output` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_scheduler_output(struct finbox_scheduler *scheduler,
                                      struct finbox_task task,
                                      struct finbox_output *output);

/**
 * Lets FIN handler `handler` look at each of its cores that has something in flight, once; `step`,
 * unless null, becomes a `finbox_step`. Never blocks, as long as the port's functions do not.
 *
 * A handler is for one thread at a time: another gets BUSY; several handlers may pass at once.
 * REENTERED from inside a callback of a port; in firmware BUSY. STARTED while threads of the
 * library run. INVALID_ARGUMENT if there is no such handler.
 *
 * @pre `scheduler` points to a scheduler's storage, `step` to a number or it is null; both live until
 * the call returns.
 */
finbox_status finbox_scheduler_fin_pass(struct finbox_scheduler *scheduler,
                                        uint32_t handler,
                                        uint32_t *step);

/**
 * One turn of dispatch: takes messages, looks at conditions, finishes tasks, and gives ready ones
 * to cores. Never blocks, as long as the port's functions do not.
 *
 * One thread at a time: another gets BUSY. REENTERED from inside a callback of a port; in firmware
 * BUSY. STARTED while threads of the library run.
 *
 * @pre `scheduler` points to a scheduler's storage, `pass` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_scheduler_dispatch_pass(struct finbox_scheduler *scheduler,
                                             struct finbox_pass *pass);

/**
 * Starts threads of the library's: one a FIN handler, one for dispatch. They rest while nothing
 * changes, and have these roles until they are stopped.
 *
 * STARTED if they run already, BUSY while a pass is inside, SYSTEM with the operating system's
 * word if it has no more threads. Any thread. Not in firmware.
 *
 * @pre `scheduler` points to a scheduler's storage, which lives until it was stopped.
 */
finbox_status finbox_scheduler_start(struct finbox_scheduler *scheduler);

/**
 * Waits until each of `count` tasks has its outcome; with a `count` of 0, until every task has
 * that was submitted. OK says that they finished, not that they completed: ask
 * `finbox_scheduler_fate`.
 *
 * TIMEOUT after `timeout_ns`, all ones for none; STUCK if nothing moved for as long as patience
 * lasts. The last error of both names a callback that did not come back meanwhile. STOPPED if no
 * thread of the library runs or somebody stops them; UNKNOWN_TASK. Blocks. Any number of threads,
 * and others may submit meanwhile. Not in firmware.
 *
 * @pre `scheduler` points to a scheduler's storage, `tasks` to `count` tasks; both live and stay as
 * they are until the call returns.
 */
finbox_status finbox_scheduler_wait(struct finbox_scheduler *scheduler,
                                    const struct finbox_task *tasks,
                                    size_t count,
                                    uint64_t timeout_ns);

/**
 * Ends the library's threads, each when it comes back from the pass it is in; tasks stay as they
 * are, and go on when something passes again. OK also if none run.
 *
 * STUCK if a thread does not come back for as long as patience lasts: the last error names the
 * callback that it is inside, the scheduler stays what it is, and this may be called again. PANIC
 * if a thread had panicked. Blocks for that long at most. BUSY if another thread starts or stops.
 * Not in firmware.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns.
 */
finbox_status finbox_scheduler_stop(struct finbox_scheduler *scheduler);

/**
 * Makes a worker of the scheduler's work ring, called `name`, not 0, which no other worker of it
 * bears. It takes items, each of which is a task of the shape WORK, with `finbox_worker_claim`,
 * and says what came of them with `finbox_worker_done` and `finbox_worker_fail`. An item's
 * correlation is the library's.
 *
 * INVALID_ARGUMENT if the scheduler was placed without a work ring; NO_LINE if every line is
 * taken, or has an item that a lost worker left. Any thread. It must have left, or be lost, before
 * the scheduler is destroyed.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns, `worker` to
 * storage that lives until it leaves.
 */
finbox_status finbox_scheduler_register_worker(struct finbox_scheduler *scheduler,
                                               uint32_t name,
                                               struct finbox_worker *worker);

/**
 * Says that the worker called `name` is gone: it left, with an item in hand or without, or died
 * and never will. What it had said before counts. Its item's task fails with WORKER_LOST (fault
 * 114), or, with `FINBOX_LOST_AGAIN` among the `flags`, its item is pushed again, at another
 * position. Where it was the last one of a ring that was closed, the items that nobody took fail
 * with NO_WORKER_LEFT (fault 115). Wakes the library's dispatch thread.
 *
 * FULL if the mailbox is full: say it again. CONDEMNED if that is condemned: the task fails with
 * MAILBOX_GAP. INVALID_ARGUMENT without a work ring. Any thread.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns. Nothing runs any
 * more that could use a worker of this name, and whatever it did is visible to the caller. Its
 * storage is not used again.
 */
finbox_status finbox_scheduler_lose_worker(struct finbox_scheduler *scheduler,
                                           uint32_t name,
                                           uint32_t flags);

/**
 * Says that no item will be offered any more: workers get CLOSED when everything in the ring was
 * taken, and may go. A task of the shape WORK that becomes ready behind this fails with
 * NO_WORKER_LEFT (fault 115). If all workers are gone already, lose one of them again: what is in
 * the ring fails then with NO_WORKER_LEFT. INVALID_ARGUMENT without a work ring. Any thread.
 *
 * @pre `scheduler` points to a scheduler's storage that lives until the call returns.
 */
finbox_status finbox_scheduler_close_work(struct finbox_scheduler *scheduler);

/**
 * What was counted so far. BUSY while a pass or a submission is inside, STARTED while threads of
 * the library run. Any thread.
 *
 * @pre `scheduler` points to a scheduler's storage, `ledger` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_scheduler_ledger(struct finbox_scheduler *scheduler,
                                      struct finbox_ledger *ledger);

/**
 * The first thing that went wrong since the scheduler was placed. Any thread, any time.
 *
 * @pre `scheduler` points to a scheduler's storage, `fault` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_scheduler_first_fault(struct finbox_scheduler *scheduler,
                                           struct finbox_fault *fault);

/**
 * Copies up to `capacity` rows of the stall report to `stalls`, and says in `count` how many there
 * are: none, if nothing is unfinished. BUSY while a pass is inside, STARTED while threads of the
 * library run. Any thread.
 *
 * @pre `scheduler` points to a scheduler's storage, `stalls` to room for `capacity` rows, `count` to a
 * number; all live until the call returns.
 */
finbox_status finbox_scheduler_stalls(struct finbox_scheduler *scheduler,
                                      struct finbox_stall *stalls,
                                      size_t capacity,
                                      size_t *count);

/**
 * Writes the stall report in words to `buffer`, a line a row: at most `capacity` bytes, of which
 * the last is 0. `length`, unless null, becomes what the whole report has, without the 0.
 * Otherwise as `finbox_scheduler_stalls`.
 *
 * @pre `scheduler` points to a scheduler's storage, `buffer` to room for `capacity` bytes, `length` to
 * a number or it is null; all live until the call returns.
 */
finbox_status finbox_scheduler_stall_text(struct finbox_scheduler *scheduler,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *length);

/**
 * Loads a device library and opens a machine with it. The library's code runs in this process:
 * whoever names it trusts it like the program itself.
 *
 * DEVICE if there is no such library, it does not keep the contract of `finbox_device.h`, or it
 * opens no such machine: the last error says which, and what to do. UNSUPPORTED with an extension.
 * Blocks for as long as the library does. Any thread. Not in firmware.
 *
 * @pre `args` points to what its size says with texts that live until the call returns, `device` to
 * storage that lives until it is closed. The library keeps its contract.
 */
finbox_status finbox_device_open(const struct finbox_device_args *args,
                                 struct finbox_device *device);

/**
 * Ends a machine; its library is unloaded with the last machine of it. BUSY, with the rank, while
 * a scheduler lives on one of its ports as `finbox_device_port` gave it: destroy that first, and
 * one on a port that wraps another yourself. No other call may be inside. The storage serves
 * again, also if this answers DEVICE: then the machine did not end well, and its library stays
 * loaded.
 *
 * @pre `device` points to a device's storage that lives until the call returns.
 */
finbox_status finbox_device_close(struct finbox_device *device);

/**
 * What a machine is. Any thread.
 *
 * @pre `device` points to a device's storage, `facts` to what its size says; both live until the call
 * returns.
 */
finbox_status finbox_device_describe(struct finbox_device *device,
                                     struct finbox_device_facts *facts);

/**
 * The port of a rank, for `finbox_scheduler_place`: valid until the device is closed. A rank has
 * one scheduler at a time. INVALID_ARGUMENT if there is no such rank. Any thread.
 *
 * @pre `device` points to a device's storage, `port` to what its size says; both live until the call
 * returns.
 */
finbox_status finbox_device_port(struct finbox_device *device, uint32_t rank, finbox_port *port);

/**
 * Gives out zeroed memory of a rank, at a multiple of `align`, a power of two: readable by its
 * control CPU, its cores, and its peers' cores and DMA. `address` becomes its device address.
 * Any thread.
 *
 * @pre `device` points to a device's storage, `address` to a number; both live until the call returns.
 */
finbox_status finbox_device_allocate(struct finbox_device *device,
                                     uint32_t rank,
                                     uint64_t size_bytes,
                                     uint64_t align,
                                     uint64_t *address);

/**
 * Takes memory of a rank back, by the address that was given out. Any thread.
 *
 * @pre `device` points to a device's storage that lives until the call returns.
 */
finbox_status finbox_device_release(struct finbox_device *device, uint32_t rank, uint64_t address);

/**
 * Copies `size_bytes` at `from` to device memory that was given out; kernels that start afterwards
 * see them. Any thread.
 *
 * @pre `device` points to a device's storage, `from` to so many bytes; both live until the call
 * returns.
 */
finbox_status finbox_device_copy_in(struct finbox_device *device,
                                    uint64_t address,
                                    const void *from,
                                    size_t size_bytes);

/**
 * Copies `size_bytes` of device memory that was given out to `to`: what kernels wrote before their
 * FIN is there. Any thread.
 *
 * @pre `device` points to a device's storage, `to` to room for so many bytes; both live until the call
 * returns.
 */
finbox_status finbox_device_copy_out(struct finbox_device *device,
                                     void *to,
                                     uint64_t address,
                                     size_t size_bytes);

/**
 * Makes a kernel of `count` operations for the cores of a rank; `kernel` becomes what tasks name
 * it by. One without operations, for which `ops` may be null, ends at once. Any thread.
 *
 * @pre `device` points to a device's storage, `ops` to `count` operations, `kernel` to a number; all
 * live until the call returns.
 */
finbox_status finbox_device_load_kernel(struct finbox_device *device,
                                        uint32_t rank,
                                        const finbox_op *ops,
                                        size_t count,
                                        uint64_t *kernel);

/**
 * Makes an event of a rank: a timeline that the device advances, a 64-bit word that begins at 0.
 * UNSUPPORTED if `finbox_device_facts` has no `FINBOX_FEATURE_EVENTS`. Any thread.
 *
 * @pre `device` points to a device's storage, `event` to an event; both live until the call returns.
 */
finbox_status finbox_device_event_open(struct finbox_device *device,
                                       uint32_t rank,
                                       finbox_event *event);

/**
 * Ends an event. DEVICE if copies of it have not ended. Any thread.
 *
 * @pre `device` points to a device's storage, `event` to an event; both live until the call returns.
 */
finbox_status finbox_device_event_close(struct finbox_device *device, const finbox_event *event);

/**
 * Has the device copy bytes, some time after, and then advance the event to the copy's value.
 * DEVICE if the value does not grow, or bytes are not given out. Any thread.
 *
 * @pre `device` points to a device's storage, `event` to an event, `copy` to a copy; all live until the
 * call returns.
 */
finbox_status finbox_device_event_copy(struct finbox_device *device,
                                       const finbox_event *event,
                                       const finbox_event_copy *copy);

/**
 * How far an event is: `value` becomes that of the last copy whose bytes are there, 0 before the
 * first, `FINBOX_EVENT_FAILED` for ever if one failed: that is no value to advance a timeline to,
 * poison it. INVALID_ARGUMENT if its word cannot be read. Any thread.
 *
 * @pre `device` points to a device's storage, `event` to an event, `value` to a number; all live until
 * the call returns.
 */
finbox_status finbox_device_event_value(struct finbox_device *device,
                                        const finbox_event *event,
                                        uint64_t *value);

/**
 * Carries out packets, or waits until the ring's thread or another caller has, until the target is
 * reached or `budget_ns` is used up, whichever comes first. Packets behind the target stay in the
 * ring; a launch is passed when it has begun: a barrier or a command fence before the target makes
 * it wait for the end. With a budget of 0 it is a poll.
 *
 * TIMEOUT with the evidence in `arrival` and in words; HALTED if the processor has stopped for
 * good before the target: `finbox_command_ring_snapshot` has the packet. Blocks for about the
 * budget at most, if the executor does not. Any number of threads; not from inside the executor.
 *
 * @pre `ring` points to a command ring's storage, `arrival` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_command_ring_drain_until(struct finbox_command_ring *ring,
                                              uint64_t target,
                                              uint64_t budget_ns,
                                              struct finbox_arrival *arrival);

/**
 * The processor as it saw itself last. Any thread.
 *
 * @pre `ring` points to a command ring's storage, `snapshot` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_command_ring_snapshot(struct finbox_command_ring *ring,
                                           struct finbox_command_snapshot *snapshot);

/**
 * How many bytes a command ring of `slots` packets needs. Any thread. Not in firmware.
 *
 * @pre `bytes` points to a number.
 */
finbox_status finbox_command_ring_bytes(uint32_t slots, size_t *bytes);

/**
 * Makes a command ring, on memory of the caller's or of its own. Nobody carries packets out before
 * `finbox_command_ring_drain_until` or `finbox_command_ring_start`. Allocates.
 *
 * @pre `args` points to what its size says, with an executor whose functions may be called with its
 * context, by one thread at a time, until the ring is destroyed. The memory, if there is one, is
 * the library's alone until then. `ring` points to storage that lives as long.
 */
finbox_status finbox_command_ring_create(const struct finbox_command_ring_args *args,
                                         struct finbox_command_ring *ring);

/**
 * Ends a command ring: what was not passed is lost. STARTED while its thread runs. No other call
 * may be inside. The storage and the memory serve again.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_destroy(struct finbox_command_ring *ring);

/**
 * Submits the first of `count` packets, as many as fit, in order and in neighbouring positions:
 * `first` becomes the first's position, `accepted` how many. OK if that is at least one, or
 * `count` is 0. All are looked at before: MALFORMED_MESSAGE if one is no packet, and none is
 * submitted.
 *
 * FULL and HALTED leave them yours. Never blocks and takes no lock; two exchanges, whatever the
 * count; the ring's thread is woken once. Any thread, also from inside the executor.
 *
 * @pre `ring` points to a command ring's storage, `packets` to `count` packets that nobody writes,
 * `first` and `accepted` to numbers; all live until the call returns.
 */
finbox_status finbox_command_ring_submit(struct finbox_command_ring *ring,
                                         const struct finbox_packet *packets,
                                         uint32_t count,
                                         uint64_t *first,
                                         uint32_t *accepted);

/**
 * The position behind everything that was submitted before this: where a drain is to arrive that
 * waits for all of it. Any thread.
 *
 * @pre `ring` points to a command ring's storage, `target` to a number; both live until the call
 * returns.
 */
finbox_status finbox_command_ring_target(struct finbox_command_ring *ring, uint64_t *target);

/**
 * Says that `work`, which the executor began, has completed; `route` is a `finbox_route`. What is
 * told twice, here or by `look`, counts once. FULL if 256 notices wait for the processor: tell it
 * again. Never blocks and takes no lock. Any thread, also from inside the executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_notice(struct finbox_command_ring *ring,
                                         uint32_t route,
                                         uint64_t work);

/**
 * Starts a thread that carries packets out, and sleeps while there is nothing to do. STARTED if it
 * runs; STOPPED if one has run before: a ring has one in its life; SYSTEM. Not from inside the
 * executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the thread was stopped.
 */
finbox_status finbox_command_ring_start(struct finbox_command_ring *ring);

/**
 * Ends the thread, when it comes back from the turn that it is in; what it has not passed stays,
 * and may be drained. OK also if none runs. STUCK if it does not come back from the executor for
 * `patience_ns` (0: 10 s): the ring stays what it is, and this may be called again. Blocks for
 * that long at most. Not from inside the executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_stop(struct finbox_command_ring *ring, uint64_t patience_ns);

/**
 * How many bytes a command ring of `slots` packets needs. Any thread. Not in firmware.
 *
 * @pre `bytes` points to a number.
 */
finbox_status finbox_command_ring_bytes(uint32_t slots, size_t *bytes);

/**
 * Makes a command ring, on memory of the caller's or of its own. Nobody carries packets out before
 * `finbox_command_ring_drain_until` or `finbox_command_ring_start`. Allocates.
 *
 * @pre `args` points to what its size says, with an executor whose functions may be called with its
 * context, by one thread at a time, until the ring is destroyed. The memory, if there is one, is
 * the library's alone until then. `ring` points to storage that lives as long.
 */
finbox_status finbox_command_ring_create(const struct finbox_command_ring_args *args,
                                         struct finbox_command_ring *ring);

/**
 * Ends a command ring: what was not passed is lost. STARTED while its thread runs. No other call
 * may be inside. The storage and the memory serve again.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_destroy(struct finbox_command_ring *ring);

/**
 * Submits the first of `count` packets, as many as fit, in order and in neighbouring positions:
 * `first` becomes the first's position, `accepted` how many. OK if that is at least one, or
 * `count` is 0. All are looked at before: MALFORMED_MESSAGE if one is no packet, and none is
 * submitted.
 *
 * FULL and HALTED leave them yours. Never blocks and takes no lock; two exchanges, whatever the
 * count; the ring's thread is woken once. Any thread, also from inside the executor.
 *
 * @pre `ring` points to a command ring's storage, `packets` to `count` packets that nobody writes,
 * `first` and `accepted` to numbers; all live until the call returns.
 */
finbox_status finbox_command_ring_submit(struct finbox_command_ring *ring,
                                         const struct finbox_packet *packets,
                                         uint32_t count,
                                         uint64_t *first,
                                         uint32_t *accepted);

/**
 * The position behind everything that was submitted before this: where a drain is to arrive that
 * waits for all of it. Any thread.
 *
 * @pre `ring` points to a command ring's storage, `target` to a number; both live until the call
 * returns.
 */
finbox_status finbox_command_ring_target(struct finbox_command_ring *ring, uint64_t *target);

/**
 * Says that `work`, which the executor began, has completed; `route` is a `finbox_route`. What is
 * told twice, here or by `look`, counts once. FULL if 256 notices wait for the processor: tell it
 * again. Never blocks and takes no lock. Any thread, also from inside the executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_notice(struct finbox_command_ring *ring,
                                         uint32_t route,
                                         uint64_t work);

/**
 * Starts a thread that carries packets out, and sleeps while there is nothing to do. STARTED if it
 * runs; STOPPED if one has run before: a ring has one in its life; SYSTEM. Not from inside the
 * executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the thread was stopped.
 */
finbox_status finbox_command_ring_start(struct finbox_command_ring *ring);

/**
 * Ends the thread, when it comes back from the turn that it is in; what it has not passed stays,
 * and may be drained. OK also if none runs. STUCK if it does not come back from the executor for
 * `patience_ns` (0: 10 s): the ring stays what it is, and this may be called again. Blocks for
 * that long at most. Not from inside the executor.
 *
 * @pre `ring` points to a command ring's storage that lives until the call returns.
 */
finbox_status finbox_command_ring_stop(struct finbox_command_ring *ring, uint64_t patience_ns);

/**
 * Carries out packets, or waits until the ring's thread or another caller has, until the target is
 * reached or `budget_ns` is used up, whichever comes first. Packets behind the target stay in the
 * ring; a launch is passed when it has begun: a barrier or a command fence before the target makes
 * it wait for the end. With a budget of 0 it is a poll.
 *
 * TIMEOUT with the evidence in `arrival` and in words; HALTED if the processor has stopped for
 * good before the target: `finbox_command_ring_snapshot` has the packet. Blocks for about the
 * budget at most, if the executor does not. Any number of threads; not from inside the executor.
 *
 * @pre `ring` points to a command ring's storage, `arrival` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_command_ring_drain_until(struct finbox_command_ring *ring,
                                              uint64_t target,
                                              uint64_t budget_ns,
                                              struct finbox_arrival *arrival);

/**
 * The processor as it saw itself last. Any thread.
 *
 * @pre `ring` points to a command ring's storage, `snapshot` to what its size says; both live until the
 * call returns.
 */
finbox_status finbox_command_ring_snapshot(struct finbox_command_ring *ring,
                                           struct finbox_command_snapshot *snapshot);

/**
 * What a point waits for, as of `now_ns`: what is wanted, where its timeline is, and what its
 * coming hangs on in the end. UNKNOWN_TIMELINE. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `explanation` to what its size
 * says; all live until the call returns.
 */
finbox_status finbox_planner_explain(struct finbox_planner *planner,
                                     const struct finbox_point *point,
                                     uint64_t now_ns,
                                     struct finbox_explanation *explanation);

/**
 * Writes the same in words to `buffer`: at most `capacity` bytes, of which the last is 0.
 * `length`, unless null, becomes what the whole text has, without the 0. Otherwise as
 * `finbox_planner_explain`.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `buffer` to room for `capacity`
 * bytes, `length` to a number or it is null; all live until the call returns.
 */
finbox_status finbox_planner_explain_text(struct finbox_planner *planner,
                                          const struct finbox_point *point,
                                          uint64_t now_ns,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *length);

/**
 * Copies up to `capacity` of the uses that a permissive planner let pass to `gaps`; `count`
 * becomes how many there are. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `gaps` to room for `capacity` rows, `count` to a
 * number; all live until the call returns.
 */
finbox_status finbox_planner_gaps(struct finbox_planner *planner,
                                  struct finbox_plan_gap *gaps,
                                  size_t capacity,
                                  size_t *count);

/**
 * Writes the gaps in words to `buffer`, a line each, in the order of `finbox_planner_gaps`: at
 * most `capacity` bytes, of which the last is 0. `length`, unless null, becomes what the whole
 * text has, without the 0. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `buffer` to room for `capacity` bytes, `length` to a
 * number or it is null; all live until the call returns.
 */
finbox_status finbox_planner_gap_text(struct finbox_planner *planner,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *length);

/**
 * What a planner counted. Any thread.
 *
 * @pre `planner` points to a planner's storage, `stats` to what its size says; both live until the call
 * returns.
 */
finbox_status finbox_planner_stats(struct finbox_planner *planner, struct finbox_plan_stats *stats);

/**
 * Records a launch and plans it: it gets its point, and its place among all that use its buffers,
 * at once or not at all. `planned` becomes a handle of it, and `point`, unless null, its point:
 * others may wait for it already. Commit it then; destroyed without, it is a launch that does
 * nothing, whose point is reached when its waits are met.
 *
 * BAD_USE, UNTRACKED, UNKNOWN_TIMELINE, NO_DEADLINE, CYCLE, POISONED, and INVALID_ARGUMENT on a
 * foreign timeline or for a wait whose value is 2^31 values away or more: nothing was planned, and
 * the last error names launch and argument. Has the planning lock for an instant, and allocates
 * nothing in the steady state. Any thread.
 *
 * @pre `planner` points to a planner's storage; `args` to what its size says, with arrays and texts
 * that live, and `point` to a point or it is null, until the call returns. `planned` points to
 * storage that lives until it is destroyed.
 */
finbox_status finbox_planner_plan(struct finbox_planner *planner,
                                  const struct finbox_launch_args *args,
                                  struct finbox_planned *planned,
                                  struct finbox_point *point);

/**
 * Commits a planned launch: whoever launches it waits for its waits, and tells its point with
 * `finbox_planner_advance` when it has finished. Cannot be refused but by a mistake in the call:
 * DUPLICATE if it was committed before.
 *
 * @pre `planned` points to a planned launch's storage, `submitted` to what its size says; both live
 * until the call returns.
 */
finbox_status finbox_planned_commit(struct finbox_planned *planned,
                                    struct finbox_submitted *submitted);

/**
 * Copies up to `capacity` of what a planned launch waits for besides its own stream to `waits`:
 * explicit waits first, then one a stream for its uses. `count` becomes how many there are. What
 * was reached when it was planned is not among them. Before the commit or behind it.
 *
 * @pre `planned` points to a planned launch's storage, `waits` to room for `capacity` waits, `count` to
 * a number; all live until the call returns.
 */
finbox_status finbox_planned_waits(struct finbox_planned *planned,
                                   struct finbox_wait *waits,
                                   size_t capacity,
                                   size_t *count);

/**
 * Ends the handle of a planned launch. One that was not committed becomes a launch that does
 * nothing, and is counted as dropped; of one that was, nothing changes. The storage serves again.
 *
 * @pre `planned` points to a planned launch's storage that lives until the call returns; its planner
 * was not destroyed.
 */
finbox_status finbox_planned_destroy(struct finbox_planned *planned);

/**
 * Makes a planner without timelines and buffers. Allocates. Any thread. Not in firmware.
 *
 * @pre `args` points to what its size says, `planner` to storage that lives until it is destroyed.
 */
finbox_status finbox_planner_create(const struct finbox_planner_args *args,
                                    struct finbox_planner *planner);

/**
 * Ends a planner: who waits for its points learns no more. OUTSTANDING while a planned launch of
 * it is a handle: destroy that first. No other call may be inside.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_destroy(struct finbox_planner *planner);

/**
 * Opens a timeline at 0; `timeline` becomes its number, counted from 0. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `args` to what its size says with a text that lives,
 * `timeline` to a number; all until the call returns.
 */
finbox_status finbox_planner_timeline(struct finbox_planner *planner,
                                      const struct finbox_timeline_args *args,
                                      uint32_t *timeline);

/**
 * Declares a buffer of `size_bytes` bytes that nobody has touched; `buffer` becomes what launches
 * name it by, never 0. May allocate. Any thread.
 *
 * @pre `planner` points to a planner's storage, `buffer` to a number; both live until the call returns.
 */
finbox_status finbox_planner_declare(struct finbox_planner *planner,
                                     uint64_t size_bytes,
                                     uint64_t *buffer);

/**
 * As `finbox_planner_declare`, of a buffer that exists from the next point of `stream`, which
 * counts as its first write: `point` becomes that, unless it is null. It is reached by itself.
 *
 * @pre `planner` points to a planner's storage, `buffer` to a number, `point` to a point or it is null;
 * all live until the call returns.
 */
finbox_status finbox_planner_allocate(struct finbox_planner *planner,
                                      uint32_t stream,
                                      uint64_t size_bytes,
                                      uint64_t *buffer,
                                      struct finbox_point *point);

/**
 * Ends a buffer's life at once: launches that are planned from here on must not use it. Its
 * memory is free when its last uses are over, which `finbox_planner_take_freed` tells. BAD_USE if
 * it has ended already. Any thread.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_free(struct finbox_planner *planner, uint64_t buffer);

/**
 * Copies up to `capacity` buffers whose last uses are over to `freed`, each once, the earliest
 * first; `count` becomes how many there were: those that found no room come with the next call.
 * May allocate. Any thread.
 *
 * @pre `planner` points to a planner's storage, `freed` to room for `capacity` rows, `count` to a
 * number; all live until the call returns.
 */
finbox_status finbox_planner_take_freed(struct finbox_planner *planner,
                                        struct finbox_freed *freed,
                                        size_t capacity,
                                        size_t *count);

/**
 * Says that the launch of a point has finished, or that a foreign timeline has come so far.
 *
 * DUPLICATE if it was told before, which is counted; OUT_OF_ORDER if the launch was not committed,
 * comes behind one that has not finished, or waits for something that is not reached; POISONED;
 * UNKNOWN_TIMELINE; INVALID_ARGUMENT if the value is `FINBOX_EVENT_FAILED`, which is none (end the
 * timeline with `finbox_planner_poison`), or if a foreign timeline that is waited for would come
 * 2^31 values further or more at once. Nothing was changed then. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point; both live until the call returns.
 */
finbox_status finbox_planner_advance(struct finbox_planner *planner,
                                     const struct finbox_point *point,
                                     uint64_t now_ns);

/**
 * Ends a timeline because of `cause`: nothing of it is reached any more, nor what waits for it,
 * when its turn comes. Other timelines go on. POISONED if it has ended already; UNKNOWN_TIMELINE.
 * Any thread. Allocates.
 *
 * @pre `planner` points to a planner's storage, `cause` to a text that lives or it is null; all until
 * the call returns.
 */
finbox_status finbox_planner_poison(struct finbox_planner *planner,
                                    uint32_t timeline,
                                    const finbox_text *cause,
                                    uint64_t now_ns);

/**
 * Ends every stream whose next launch waits past a deadline, as of `now_ns`. Any thread.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_expire(struct finbox_planner *planner, uint64_t now_ns);

/**
 * Whether a point was reached (COMPLETED), is to come, or never will be (FAILED): `fate` becomes a
 * `finbox_fate`. UNKNOWN_TIMELINE. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `fate` to a number; all live until
 * the call returns.
 */
finbox_status finbox_planner_fate(struct finbox_planner *planner,
                                  const struct finbox_point *point,
                                  uint32_t *fate);

/**
 * Makes a planner without timelines and buffers. Allocates. Any thread. Not in firmware.
 *
 * @pre `args` points to what its size says, `planner` to storage that lives until it is destroyed.
 */
finbox_status finbox_planner_create(const struct finbox_planner_args *args,
                                    struct finbox_planner *planner);

/**
 * Ends a planner: who waits for its points learns no more. OUTSTANDING while a planned launch of
 * it is a handle: destroy that first. No other call may be inside.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_destroy(struct finbox_planner *planner);

/**
 * Opens a timeline at 0; `timeline` becomes its number, counted from 0. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `args` to what its size says with a text that lives,
 * `timeline` to a number; all until the call returns.
 */
finbox_status finbox_planner_timeline(struct finbox_planner *planner,
                                      const struct finbox_timeline_args *args,
                                      uint32_t *timeline);

/**
 * Declares a buffer of `size_bytes` bytes that nobody has touched; `buffer` becomes what launches
 * name it by, never 0. May allocate. Any thread.
 *
 * @pre `planner` points to a planner's storage, `buffer` to a number; both live until the call returns.
 */
finbox_status finbox_planner_declare(struct finbox_planner *planner,
                                     uint64_t size_bytes,
                                     uint64_t *buffer);

/**
 * As `finbox_planner_declare`, of a buffer that exists from the next point of `stream`, which
 * counts as its first write: `point` becomes that, unless it is null. It is reached by itself.
 *
 * @pre `planner` points to a planner's storage, `buffer` to a number, `point` to a point or it is null;
 * all live until the call returns.
 */
finbox_status finbox_planner_allocate(struct finbox_planner *planner,
                                      uint32_t stream,
                                      uint64_t size_bytes,
                                      uint64_t *buffer,
                                      struct finbox_point *point);

/**
 * Ends a buffer's life at once: launches that are planned from here on must not use it. Its
 * memory is free when its last uses are over, which `finbox_planner_take_freed` tells. BAD_USE if
 * it has ended already. Any thread.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_free(struct finbox_planner *planner, uint64_t buffer);

/**
 * Copies up to `capacity` buffers whose last uses are over to `freed`, each once, the earliest
 * first; `count` becomes how many there were: those that found no room come with the next call.
 * May allocate. Any thread.
 *
 * @pre `planner` points to a planner's storage, `freed` to room for `capacity` rows, `count` to a
 * number; all live until the call returns.
 */
finbox_status finbox_planner_take_freed(struct finbox_planner *planner,
                                        struct finbox_freed *freed,
                                        size_t capacity,
                                        size_t *count);

/**
 * Records a launch and plans it: it gets its point, and its place among all that use its buffers,
 * at once or not at all. `planned` becomes a handle of it, and `point`, unless null, its point:
 * others may wait for it already. Commit it then; destroyed without, it is a launch that does
 * nothing, whose point is reached when its waits are met.
 *
 * BAD_USE, UNTRACKED, UNKNOWN_TIMELINE, NO_DEADLINE, CYCLE, POISONED, and INVALID_ARGUMENT on a
 * foreign timeline or for a wait whose value is 2^31 values away or more: nothing was planned, and
 * the last error names launch and argument. Has the planning lock for an instant, and allocates
 * nothing in the steady state. Any thread.
 *
 * @pre `planner` points to a planner's storage; `args` to what its size says, with arrays and texts
 * that live, and `point` to a point or it is null, until the call returns. `planned` points to
 * storage that lives until it is destroyed.
 */
finbox_status finbox_planner_plan(struct finbox_planner *planner,
                                  const struct finbox_launch_args *args,
                                  struct finbox_planned *planned,
                                  struct finbox_point *point);

/**
 * Commits a planned launch: whoever launches it waits for its waits, and tells its point with
 * `finbox_planner_advance` when it has finished. Cannot be refused but by a mistake in the call:
 * DUPLICATE if it was committed before.
 *
 * @pre `planned` points to a planned launch's storage, `submitted` to what its size says; both live
 * until the call returns.
 */
finbox_status finbox_planned_commit(struct finbox_planned *planned,
                                    struct finbox_submitted *submitted);

/**
 * Copies up to `capacity` of what a planned launch waits for besides its own stream to `waits`:
 * explicit waits first, then one a stream for its uses. `count` becomes how many there are. What
 * was reached when it was planned is not among them. Before the commit or behind it.
 *
 * @pre `planned` points to a planned launch's storage, `waits` to room for `capacity` waits, `count` to
 * a number; all live until the call returns.
 */
finbox_status finbox_planned_waits(struct finbox_planned *planned,
                                   struct finbox_wait *waits,
                                   size_t capacity,
                                   size_t *count);

/**
 * Ends the handle of a planned launch. One that was not committed becomes a launch that does
 * nothing, and is counted as dropped; of one that was, nothing changes. The storage serves again.
 *
 * @pre `planned` points to a planned launch's storage that lives until the call returns; its planner
 * was not destroyed.
 */
finbox_status finbox_planned_destroy(struct finbox_planned *planned);

/**
 * Says that the launch of a point has finished, or that a foreign timeline has come so far.
 *
 * DUPLICATE if it was told before, which is counted; OUT_OF_ORDER if the launch was not committed,
 * comes behind one that has not finished, or waits for something that is not reached; POISONED;
 * UNKNOWN_TIMELINE; INVALID_ARGUMENT if the value is `FINBOX_EVENT_FAILED`, which is none (end the
 * timeline with `finbox_planner_poison`), or if a foreign timeline that is waited for would come
 * 2^31 values further or more at once. Nothing was changed then. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point; both live until the call returns.
 */
finbox_status finbox_planner_advance(struct finbox_planner *planner,
                                     const struct finbox_point *point,
                                     uint64_t now_ns);

/**
 * Ends a timeline because of `cause`: nothing of it is reached any more, nor what waits for it,
 * when its turn comes. Other timelines go on. POISONED if it has ended already; UNKNOWN_TIMELINE.
 * Any thread. Allocates.
 *
 * @pre `planner` points to a planner's storage, `cause` to a text that lives or it is null; all until
 * the call returns.
 */
finbox_status finbox_planner_poison(struct finbox_planner *planner,
                                    uint32_t timeline,
                                    const finbox_text *cause,
                                    uint64_t now_ns);

/**
 * Ends every stream whose next launch waits past a deadline, as of `now_ns`. Any thread.
 *
 * @pre `planner` points to a planner's storage that lives until the call returns.
 */
finbox_status finbox_planner_expire(struct finbox_planner *planner, uint64_t now_ns);

/**
 * Whether a point was reached (COMPLETED), is to come, or never will be (FAILED): `fate` becomes a
 * `finbox_fate`. UNKNOWN_TIMELINE. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `fate` to a number; all live until
 * the call returns.
 */
finbox_status finbox_planner_fate(struct finbox_planner *planner,
                                  const struct finbox_point *point,
                                  uint32_t *fate);

/**
 * What a point waits for, as of `now_ns`: what is wanted, where its timeline is, and what its
 * coming hangs on in the end. UNKNOWN_TIMELINE. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `explanation` to what its size
 * says; all live until the call returns.
 */
finbox_status finbox_planner_explain(struct finbox_planner *planner,
                                     const struct finbox_point *point,
                                     uint64_t now_ns,
                                     struct finbox_explanation *explanation);

/**
 * Writes the same in words to `buffer`: at most `capacity` bytes, of which the last is 0.
 * `length`, unless null, becomes what the whole text has, without the 0. Otherwise as
 * `finbox_planner_explain`.
 *
 * @pre `planner` points to a planner's storage, `point` to a point, `buffer` to room for `capacity`
 * bytes, `length` to a number or it is null; all live until the call returns.
 */
finbox_status finbox_planner_explain_text(struct finbox_planner *planner,
                                          const struct finbox_point *point,
                                          uint64_t now_ns,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *length);

/**
 * Copies up to `capacity` of the uses that a permissive planner let pass to `gaps`; `count`
 * becomes how many there are. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `gaps` to room for `capacity` rows, `count` to a
 * number; all live until the call returns.
 */
finbox_status finbox_planner_gaps(struct finbox_planner *planner,
                                  struct finbox_plan_gap *gaps,
                                  size_t capacity,
                                  size_t *count);

/**
 * Writes the gaps in words to `buffer`, a line each, in the order of `finbox_planner_gaps`: at
 * most `capacity` bytes, of which the last is 0. `length`, unless null, becomes what the whole
 * text has, without the 0. Allocates. Any thread.
 *
 * @pre `planner` points to a planner's storage, `buffer` to room for `capacity` bytes, `length` to a
 * number or it is null; all live until the call returns.
 */
finbox_status finbox_planner_gap_text(struct finbox_planner *planner,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *length);

/**
 * What a planner counted. Any thread.
 *
 * @pre `planner` points to a planner's storage, `stats` to what its size says; both live until the call
 * returns.
 */
finbox_status finbox_planner_stats(struct finbox_planner *planner, struct finbox_plan_stats *stats);

/**
 * Defined by the firmware: told `length` bytes about a broken invariant, it stops the core. It
 * must not return.
 */
extern void finbox_firmware_panic(const char *text, size_t length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* Packets. In an indirect buffer set `epoch` to the ring's; what is submitted gets it there. */

/** A packet of a kind that has no more to say: NO_OP, BARRIER, FENCE. */
static inline finbox_packet finbox_packet_of(uint32_t kind, uint64_t tag)
{
    finbox_packet packet;
    packet.seq = 0;
    packet.kind = kind;
    packet.epoch = 0;
    packet.tag = tag;
    packet.address = 0;
    packet.source = 0;
    packet.bytes = 0;
    packet.count = 0;
    packet.detail = 0;
    packet.reserved = 0;
    return packet;
}

/** Starts `blocks` blocks of a kernel with the arguments at `args`. */
static inline finbox_packet finbox_packet_launch(uint64_t tag, uint64_t kernel, uint32_t blocks,
                                                 uint64_t args, uint32_t args_bytes)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_LAUNCH, tag);
    packet.address = kernel;
    packet.source = args;
    packet.count = blocks;
    packet.detail = args_bytes;
    return packet;
}

/** Waits until a counter has reached `value`. */
static inline finbox_packet finbox_packet_wait(uint64_t tag, uint64_t counter, uint32_t value)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_WAIT, tag);
    packet.address = counter;
    packet.count = value;
    return packet;
}

/** Stores `value` in a counter, or adds it; `how` is a finbox_signal_how. */
static inline finbox_packet finbox_packet_signal(uint64_t tag, uint64_t counter, uint32_t value,
                                                 uint32_t how)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_SIGNAL, tag);
    packet.address = counter;
    packet.count = value;
    packet.detail = how;
    return packet;
}

/** Copies `bytes` bytes. */
static inline finbox_packet finbox_packet_copy(uint64_t tag, uint64_t to, uint64_t from,
                                               uint64_t bytes)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_COPY, tag);
    packet.address = to;
    packet.source = from;
    packet.bytes = bytes;
    return packet;
}

/** Carries out `packets` packets at `buffer`; `entry` is a finbox_entry. */
static inline finbox_packet finbox_packet_indirect(uint64_t tag, uint64_t buffer, uint32_t packets,
                                                   uint32_t entry)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_INDIRECT, tag);
    packet.address = buffer;
    packet.count = packets;
    packet.detail = entry;
    return packet;
}

/* What struct_size is to be, by struct. */
#define FINBOX_PLACE_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_place_args, flags)
#define FINBOX_GAP_SIZE FINBOX_SIZE_UP_TO(finbox_gap, reserved)
#define FINBOX_STATS_SIZE FINBOX_SIZE_UP_TO(finbox_stats, is_condemned)
#define FINBOX_ATTACH_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_attach_args, flags)
#define FINBOX_DRAINED_SIZE FINBOX_SIZE_UP_TO(finbox_drained, stop)
#define FINBOX_WORK_RING_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_work_ring_args, flags)
#define FINBOX_SCHEDULER_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_scheduler_args, workers)
#define FINBOX_TASK_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_task_args, flags)
#define FINBOX_OUTPUT_SIZE FINBOX_SIZE_UP_TO(finbox_output, size_bytes)
#define FINBOX_PASS_SIZE FINBOX_SIZE_UP_TO(finbox_pass, polled)
#define FINBOX_LEDGER_SIZE FINBOX_SIZE_UP_TO(finbox_ledger, work_unknown)
#define FINBOX_FAULT_SIZE FINBOX_SIZE_UP_TO(finbox_fault, hint)
#define FINBOX_DEVICE_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_device_args, memory_bytes)
#define FINBOX_DEVICE_FACTS_SIZE FINBOX_SIZE_UP_TO(finbox_device_facts, features)
#define FINBOX_ARRIVAL_SIZE FINBOX_SIZE_UP_TO(finbox_arrival, reserved)
#define FINBOX_COMMAND_SNAPSHOT_SIZE FINBOX_SIZE_UP_TO(finbox_command_snapshot, reserved)
#define FINBOX_EXECUTOR_SIZE FINBOX_SIZE_UP_TO(finbox_executor, look)
#define FINBOX_COMMAND_RING_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_command_ring_args, flags)
#define FINBOX_EXPLANATION_SIZE FINBOX_SIZE_UP_TO(finbox_explanation, reserved)
#define FINBOX_PLAN_STATS_SIZE FINBOX_SIZE_UP_TO(finbox_plan_stats, duplicates)
#define FINBOX_LAUNCH_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_launch_args, flags)
#define FINBOX_SUBMITTED_SIZE FINBOX_SIZE_UP_TO(finbox_submitted, tracked_uses)
#define FINBOX_PLANNER_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_planner_args, flags)
#define FINBOX_TIMELINE_ARGS_SIZE FINBOX_SIZE_UP_TO(finbox_timeline_args, flags)

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
FINBOX_ASSERT(sizeof(finbox_work_ring) == 96);
FINBOX_ASSERT(offsetof(finbox_work_ring, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_worker) == 160);
FINBOX_ASSERT(offsetof(finbox_worker, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_work_ring_args) == 48);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, memory) == 16);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, size_bytes) == 24);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, slots) == 32);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, workers) == 36);
FINBOX_ASSERT(offsetof(finbox_work_ring_args, flags) == 40);
FINBOX_ASSERT(sizeof(finbox_work_item) == 16);
FINBOX_ASSERT(offsetof(finbox_work_item, offset) == 0);
FINBOX_ASSERT(offsetof(finbox_work_item, length) == 4);
FINBOX_ASSERT(offsetof(finbox_work_item, rule_set) == 8);
FINBOX_ASSERT(offsetof(finbox_work_item, correlation) == 12);
FINBOX_ASSERT(sizeof(finbox_work) == 24);
FINBOX_ASSERT(offsetof(finbox_work, position) == 0);
FINBOX_ASSERT(offsetof(finbox_work, item) == 8);
FINBOX_ASSERT(sizeof(finbox_scheduler) == 64);
FINBOX_ASSERT(offsetof(finbox_scheduler, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_scheduler_args) == 136);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, memory) == 16);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, size_bytes) == 24);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, port) == 32);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, heap_bytes) == 40);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, run_ns) == 48);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, wait_ns) == 56);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, gap_ns) == 64);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, patience_ns) == 72);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, target) == 80);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, cores) == 84);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, host_lanes) == 88);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, handlers) == 92);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, rings) == 96);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, task_slots) == 100);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, scopes) == 104);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, edge_nodes) == 108);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, condition_room) == 112);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, urma_queues) == 116);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, mailbox_slots) == 120);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, epoch) == 124);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, work_slots) == 128);
FINBOX_ASSERT(offsetof(finbox_scheduler_args, workers) == 132);
FINBOX_ASSERT(sizeof(finbox_task) == 16);
FINBOX_ASSERT(offsetof(finbox_task, slot) == 0);
FINBOX_ASSERT(offsetof(finbox_task, owner) == 8);
FINBOX_ASSERT(sizeof(finbox_task_args) == 136);
FINBOX_ASSERT(offsetof(finbox_task_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_task_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_task_args, after) == 16);
FINBOX_ASSERT(offsetof(finbox_task_args, after_count) == 24);
FINBOX_ASSERT(offsetof(finbox_task_args, retained) == 32);
FINBOX_ASSERT(offsetof(finbox_task_args, retained_count) == 40);
FINBOX_ASSERT(offsetof(finbox_task_args, task) == 48);
FINBOX_ASSERT(offsetof(finbox_task_args, kernel) == 56);
FINBOX_ASSERT(offsetof(finbox_task_args, args) == 64);
FINBOX_ASSERT(offsetof(finbox_task_args, output_bytes) == 72);
FINBOX_ASSERT(offsetof(finbox_task_args, run_budget_ns) == 80);
FINBOX_ASSERT(offsetof(finbox_task_args, wait_budget_ns) == 88);
FINBOX_ASSERT(offsetof(finbox_task_args, predicate_address) == 96);
FINBOX_ASSERT(offsetof(finbox_task_args, shape) == 104);
FINBOX_ASSERT(offsetof(finbox_task_args, subtasks) == 108);
FINBOX_ASSERT(offsetof(finbox_task_args, blocks) == 112);
FINBOX_ASSERT(offsetof(finbox_task_args, defers) == 116);
FINBOX_ASSERT(offsetof(finbox_task_args, predicate_comparison) == 120);
FINBOX_ASSERT(offsetof(finbox_task_args, predicate_value) == 124);
FINBOX_ASSERT(offsetof(finbox_task_args, flags) == 128);
FINBOX_ASSERT(sizeof(finbox_device) == 64);
FINBOX_ASSERT(offsetof(finbox_device, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_device_args) == 72);
FINBOX_ASSERT(offsetof(finbox_device_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_device_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_device_args, library) == 16);
FINBOX_ASSERT(offsetof(finbox_device_args, options) == 32);
FINBOX_ASSERT(offsetof(finbox_device_args, target) == 48);
FINBOX_ASSERT(offsetof(finbox_device_args, ranks) == 52);
FINBOX_ASSERT(offsetof(finbox_device_args, cores) == 56);
FINBOX_ASSERT(offsetof(finbox_device_args, dma_queues) == 60);
FINBOX_ASSERT(offsetof(finbox_device_args, memory_bytes) == 64);
FINBOX_ASSERT(sizeof(finbox_device_facts) == 88);
FINBOX_ASSERT(offsetof(finbox_device_facts, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_device_facts, name) == 8);
FINBOX_ASSERT(offsetof(finbox_device_facts, version) == 24);
FINBOX_ASSERT(offsetof(finbox_device_facts, target) == 40);
FINBOX_ASSERT(offsetof(finbox_device_facts, ranks) == 44);
FINBOX_ASSERT(offsetof(finbox_device_facts, cores) == 48);
FINBOX_ASSERT(offsetof(finbox_device_facts, host_lanes) == 52);
FINBOX_ASSERT(offsetof(finbox_device_facts, dma_queues) == 56);
FINBOX_ASSERT(offsetof(finbox_device_facts, is_coherent) == 60);
FINBOX_ASSERT(offsetof(finbox_device_facts, memory_bytes) == 64);
FINBOX_ASSERT(offsetof(finbox_device_facts, operations) == 72);
FINBOX_ASSERT(offsetof(finbox_device_facts, features) == 80);
FINBOX_ASSERT(sizeof(finbox_output) == 24);
FINBOX_ASSERT(offsetof(finbox_output, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_output, offset) == 8);
FINBOX_ASSERT(offsetof(finbox_output, size_bytes) == 16);
FINBOX_ASSERT(sizeof(finbox_pass) == 32);
FINBOX_ASSERT(offsetof(finbox_pass, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_pass, deadline_ns) == 8);
FINBOX_ASSERT(offsetof(finbox_pass, progress) == 16);
FINBOX_ASSERT(offsetof(finbox_pass, watching) == 20);
FINBOX_ASSERT(offsetof(finbox_pass, handlers) == 24);
FINBOX_ASSERT(offsetof(finbox_pass, polled) == 28);
FINBOX_ASSERT(sizeof(finbox_ledger) == 272);
FINBOX_ASSERT(offsetof(finbox_ledger, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_ledger, submitted) == 8);
FINBOX_ASSERT(offsetof(finbox_ledger, completed) == 16);
FINBOX_ASSERT(offsetof(finbox_ledger, failed) == 24);
FINBOX_ASSERT(offsetof(finbox_ledger, cancelled) == 32);
FINBOX_ASSERT(offsetof(finbox_ledger, skipped) == 40);
FINBOX_ASSERT(offsetof(finbox_ledger, inline_completed) == 48);
FINBOX_ASSERT(offsetof(finbox_ledger, deferred) == 56);
FINBOX_ASSERT(offsetof(finbox_ledger, fins_received) == 64);
FINBOX_ASSERT(offsetof(finbox_ledger, fins_applied) == 72);
FINBOX_ASSERT(offsetof(finbox_ledger, fins_duplicate) == 80);
FINBOX_ASSERT(offsetof(finbox_ledger, fins_stale) == 88);
FINBOX_ASSERT(offsetof(finbox_ledger, fins_unknown) == 96);
FINBOX_ASSERT(offsetof(finbox_ledger, messages_accepted) == 104);
FINBOX_ASSERT(offsetof(finbox_ledger, messages_delivered) == 112);
FINBOX_ASSERT(offsetof(finbox_ledger, messages_reported) == 120);
FINBOX_ASSERT(offsetof(finbox_ledger, conditions) == 128);
FINBOX_ASSERT(offsetof(finbox_ledger, normal_done) == 136);
FINBOX_ASSERT(offsetof(finbox_ledger, full) == 144);
FINBOX_ASSERT(offsetof(finbox_ledger, mailbox_high_water) == 152);
FINBOX_ASSERT(offsetof(finbox_ledger, waiting_high_water) == 160);
FINBOX_ASSERT(offsetof(finbox_ledger, polls) == 168);
FINBOX_ASSERT(offsetof(finbox_ledger, lines_refreshed) == 176);
FINBOX_ASSERT(offsetof(finbox_ledger, overshoots) == 184);
FINBOX_ASSERT(offsetof(finbox_ledger, went_back) == 192);
FINBOX_ASSERT(offsetof(finbox_ledger, worked) == 200);
FINBOX_ASSERT(offsetof(finbox_ledger, work_offered) == 208);
FINBOX_ASSERT(offsetof(finbox_ledger, work_again) == 216);
FINBOX_ASSERT(offsetof(finbox_ledger, work_left) == 224);
FINBOX_ASSERT(offsetof(finbox_ledger, work_done) == 232);
FINBOX_ASSERT(offsetof(finbox_ledger, work_late) == 240);
FINBOX_ASSERT(offsetof(finbox_ledger, work_duplicate) == 248);
FINBOX_ASSERT(offsetof(finbox_ledger, work_stale) == 256);
FINBOX_ASSERT(offsetof(finbox_ledger, work_unknown) == 264);
FINBOX_ASSERT(sizeof(finbox_fault) == 88);
FINBOX_ASSERT(offsetof(finbox_fault, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_fault, code) == 8);
FINBOX_ASSERT(offsetof(finbox_fault, task) == 16);
FINBOX_ASSERT(offsetof(finbox_fault, name) == 24);
FINBOX_ASSERT(offsetof(finbox_fault, what) == 40);
FINBOX_ASSERT(offsetof(finbox_fault, lost) == 56);
FINBOX_ASSERT(offsetof(finbox_fault, hint) == 72);
FINBOX_ASSERT(sizeof(finbox_stall) == 80);
FINBOX_ASSERT(offsetof(finbox_stall, slot) == 0);
FINBOX_ASSERT(offsetof(finbox_stall, task) == 8);
FINBOX_ASSERT(offsetof(finbox_stall, standing) == 16);
FINBOX_ASSERT(offsetof(finbox_stall, waits_for) == 20);
FINBOX_ASSERT(offsetof(finbox_stall, address) == 24);
FINBOX_ASSERT(offsetof(finbox_stall, cookie) == 32);
FINBOX_ASSERT(offsetof(finbox_stall, expected) == 40);
FINBOX_ASSERT(offsetof(finbox_stall, first) == 48);
FINBOX_ASSERT(offsetof(finbox_stall, observed) == 56);
FINBOX_ASSERT(offsetof(finbox_stall, age_ns) == 64);
FINBOX_ASSERT(offsetof(finbox_stall, engine) == 72);
FINBOX_ASSERT(offsetof(finbox_stall, completion_type) == 76);
FINBOX_ASSERT(sizeof(finbox_planner) == 64);
FINBOX_ASSERT(offsetof(finbox_planner, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_planned) == 128);
FINBOX_ASSERT(offsetof(finbox_planned, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_planner_args) == 24);
FINBOX_ASSERT(offsetof(finbox_planner_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_planner_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_planner_args, mode) == 16);
FINBOX_ASSERT(offsetof(finbox_planner_args, flags) == 20);
FINBOX_ASSERT(sizeof(finbox_timeline_args) == 48);
FINBOX_ASSERT(offsetof(finbox_timeline_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_timeline_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_timeline_args, name) == 16);
FINBOX_ASSERT(offsetof(finbox_timeline_args, now_ns) == 32);
FINBOX_ASSERT(offsetof(finbox_timeline_args, kind) == 40);
FINBOX_ASSERT(offsetof(finbox_timeline_args, flags) == 44);
FINBOX_ASSERT(sizeof(finbox_point) == 16);
FINBOX_ASSERT(offsetof(finbox_point, value) == 0);
FINBOX_ASSERT(offsetof(finbox_point, timeline) == 8);
FINBOX_ASSERT(offsetof(finbox_point, reserved) == 12);
FINBOX_ASSERT(sizeof(finbox_wait) == 24);
FINBOX_ASSERT(offsetof(finbox_wait, point) == 0);
FINBOX_ASSERT(offsetof(finbox_wait, deadline_ns) == 16);
FINBOX_ASSERT(sizeof(finbox_use) == 48);
FINBOX_ASSERT(offsetof(finbox_use, label) == 0);
FINBOX_ASSERT(offsetof(finbox_use, buffer) == 16);
FINBOX_ASSERT(offsetof(finbox_use, begin) == 24);
FINBOX_ASSERT(offsetof(finbox_use, end) == 32);
FINBOX_ASSERT(offsetof(finbox_use, access) == 40);
FINBOX_ASSERT(offsetof(finbox_use, reserved) == 44);
FINBOX_ASSERT(sizeof(finbox_launch_args) == 72);
FINBOX_ASSERT(offsetof(finbox_launch_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_launch_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_launch_args, name) == 16);
FINBOX_ASSERT(offsetof(finbox_launch_args, uses) == 32);
FINBOX_ASSERT(offsetof(finbox_launch_args, use_count) == 40);
FINBOX_ASSERT(offsetof(finbox_launch_args, waits) == 48);
FINBOX_ASSERT(offsetof(finbox_launch_args, wait_count) == 56);
FINBOX_ASSERT(offsetof(finbox_launch_args, stream) == 64);
FINBOX_ASSERT(offsetof(finbox_launch_args, flags) == 68);
FINBOX_ASSERT(sizeof(finbox_submitted) == 56);
FINBOX_ASSERT(offsetof(finbox_submitted, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_submitted, point) == 8);
FINBOX_ASSERT(offsetof(finbox_submitted, behind) == 24);
FINBOX_ASSERT(offsetof(finbox_submitted, wait_count) == 40);
FINBOX_ASSERT(offsetof(finbox_submitted, tracked_uses) == 48);
FINBOX_ASSERT(sizeof(finbox_freed) == 16);
FINBOX_ASSERT(offsetof(finbox_freed, buffer) == 0);
FINBOX_ASSERT(offsetof(finbox_freed, size_bytes) == 8);
FINBOX_ASSERT(sizeof(finbox_explanation) == 80);
FINBOX_ASSERT(offsetof(finbox_explanation, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_explanation, wanted) == 8);
FINBOX_ASSERT(offsetof(finbox_explanation, current) == 16);
FINBOX_ASSERT(offsetof(finbox_explanation, age_ns) == 24);
FINBOX_ASSERT(offsetof(finbox_explanation, wait_count) == 32);
FINBOX_ASSERT(offsetof(finbox_explanation, root_point) == 40);
FINBOX_ASSERT(offsetof(finbox_explanation, root_current) == 56);
FINBOX_ASSERT(offsetof(finbox_explanation, root_age_ns) == 64);
FINBOX_ASSERT(offsetof(finbox_explanation, root) == 72);
FINBOX_ASSERT(offsetof(finbox_explanation, reserved) == 76);
FINBOX_ASSERT(sizeof(finbox_plan_gap) == 24);
FINBOX_ASSERT(offsetof(finbox_plan_gap, count) == 0);
FINBOX_ASSERT(offsetof(finbox_plan_gap, address) == 8);
FINBOX_ASSERT(offsetof(finbox_plan_gap, argument) == 16);
FINBOX_ASSERT(offsetof(finbox_plan_gap, kind) == 20);
FINBOX_ASSERT(sizeof(finbox_plan_stats) == 48);
FINBOX_ASSERT(offsetof(finbox_plan_stats, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_plan_stats, planned) == 8);
FINBOX_ASSERT(offsetof(finbox_plan_stats, committed) == 16);
FINBOX_ASSERT(offsetof(finbox_plan_stats, dropped) == 24);
FINBOX_ASSERT(offsetof(finbox_plan_stats, tracked_uses) == 32);
FINBOX_ASSERT(offsetof(finbox_plan_stats, duplicates) == 40);
FINBOX_ASSERT(sizeof(finbox_packet) == 64);
FINBOX_ASSERT(offsetof(finbox_packet, seq) == 0);
FINBOX_ASSERT(offsetof(finbox_packet, kind) == 8);
FINBOX_ASSERT(offsetof(finbox_packet, epoch) == 12);
FINBOX_ASSERT(offsetof(finbox_packet, tag) == 16);
FINBOX_ASSERT(offsetof(finbox_packet, address) == 24);
FINBOX_ASSERT(offsetof(finbox_packet, source) == 32);
FINBOX_ASSERT(offsetof(finbox_packet, bytes) == 40);
FINBOX_ASSERT(offsetof(finbox_packet, count) == 48);
FINBOX_ASSERT(offsetof(finbox_packet, detail) == 52);
FINBOX_ASSERT(offsetof(finbox_packet, reserved) == 56);
FINBOX_ASSERT(sizeof(finbox_command_ring) == 64);
FINBOX_ASSERT(offsetof(finbox_command_ring, opaque) == 0);
FINBOX_ASSERT(sizeof(finbox_command_ring_args) == 64);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, next) == 8);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, memory) == 16);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, size_bytes) == 24);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, executor) == 32);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, start) == 40);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, slots) == 48);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, epoch) == 52);
FINBOX_ASSERT(offsetof(finbox_command_ring_args, flags) == 56);
FINBOX_ASSERT(sizeof(finbox_executor) == 72);
FINBOX_ASSERT(offsetof(finbox_executor, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_executor, next) == 8);
FINBOX_ASSERT(offsetof(finbox_executor, context) == 16);
FINBOX_ASSERT(offsetof(finbox_executor, launch) == 24);
FINBOX_ASSERT(offsetof(finbox_executor, copy) == 32);
FINBOX_ASSERT(offsetof(finbox_executor, signal) == 40);
FINBOX_ASSERT(offsetof(finbox_executor, counter) == 48);
FINBOX_ASSERT(offsetof(finbox_executor, fetch) == 56);
FINBOX_ASSERT(offsetof(finbox_executor, look) == 64);
FINBOX_ASSERT(sizeof(finbox_blocker) == 80);
FINBOX_ASSERT(offsetof(finbox_blocker, position) == 0);
FINBOX_ASSERT(offsetof(finbox_blocker, buffer) == 8);
FINBOX_ASSERT(offsetof(finbox_blocker, since_ns) == 16);
FINBOX_ASSERT(offsetof(finbox_blocker, address) == 24);
FINBOX_ASSERT(offsetof(finbox_blocker, oldest) == 32);
FINBOX_ASSERT(offsetof(finbox_blocker, waits_for) == 40);
FINBOX_ASSERT(offsetof(finbox_blocker, kind) == 44);
FINBOX_ASSERT(offsetof(finbox_blocker, depth) == 48);
FINBOX_ASSERT(offsetof(finbox_blocker, index) == 52);
FINBOX_ASSERT(offsetof(finbox_blocker, wanted) == 56);
FINBOX_ASSERT(offsetof(finbox_blocker, found) == 60);
FINBOX_ASSERT(offsetof(finbox_blocker, is_read) == 64);
FINBOX_ASSERT(offsetof(finbox_blocker, running) == 68);
FINBOX_ASSERT(offsetof(finbox_blocker, claimer) == 72);
FINBOX_ASSERT(offsetof(finbox_blocker, others) == 76);
FINBOX_ASSERT(sizeof(finbox_halt) == 104);
FINBOX_ASSERT(offsetof(finbox_halt, position) == 0);
FINBOX_ASSERT(offsetof(finbox_halt, buffer) == 8);
FINBOX_ASSERT(offsetof(finbox_halt, behind) == 16);
FINBOX_ASSERT(offsetof(finbox_halt, cause) == 24);
FINBOX_ASSERT(offsetof(finbox_halt, refusal) == 28);
FINBOX_ASSERT(offsetof(finbox_halt, depth) == 32);
FINBOX_ASSERT(offsetof(finbox_halt, index) == 36);
FINBOX_ASSERT(offsetof(finbox_halt, packet) == 40);
FINBOX_ASSERT(sizeof(finbox_arrival) == 152);
FINBOX_ASSERT(offsetof(finbox_arrival, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_arrival, position) == 8);
FINBOX_ASSERT(offsetof(finbox_arrival, not_reached) == 16);
FINBOX_ASSERT(offsetof(finbox_arrival, distance) == 24);
FINBOX_ASSERT(offsetof(finbox_arrival, packets) == 32);
FINBOX_ASSERT(offsetof(finbox_arrival, completed) == 40);
FINBOX_ASSERT(offsetof(finbox_arrival, revisits) == 48);
FINBOX_ASSERT(offsetof(finbox_arrival, took_ns) == 56);
FINBOX_ASSERT(offsetof(finbox_arrival, blocker) == 64);
FINBOX_ASSERT(offsetof(finbox_arrival, verdict) == 144);
FINBOX_ASSERT(offsetof(finbox_arrival, reserved) == 148);
FINBOX_ASSERT(sizeof(finbox_command_snapshot) == 360);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, struct_size) == 0);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, position) == 8);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, answered) == 16);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, passed) == 24);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, nested) == 88);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, digest) == 96);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, completed) == 104);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, duplicate) == 112);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, unknown) == 128);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, not_yet) == 144);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, revisits) == 152);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, left) == 160);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, blocker) == 168);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, halt) == 248);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, running) == 352);
FINBOX_ASSERT(offsetof(finbox_command_snapshot, reserved) == 356);

#endif  /* FINBOX_H */
