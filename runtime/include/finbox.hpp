/**
 * libfinbox for C++17: the handles of finbox.h as values that give themselves up.
 *
 * Header only. Whoever is refused gets the finbox_status; nothing throws but finbox::must. A handle
 * never moves, because its storage must not: hold it where it lives. Callbacks must not throw: an
 * exception that leaves one ends the process.
 */
#ifndef FINBOX_HPP
#define FINBOX_HPP

#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "finbox.h"

namespace finbox {

using message = finbox_message;
using status = finbox_status;
using task = finbox_task;

/** What the last refused call of this thread said. */
inline std::string last_error()
{
    size_t length = 0;
    finbox_last_error(nullptr, 0, &length);
    std::string text(length + 1, '\0');
    finbox_last_error(&text[0], text.size(), nullptr);
    text.resize(length);
    return text;
}

/** Throws what was refused. */
inline void must(status status)
{
    if (status != FINBOX_STATUS_OK) {
        std::string what = finbox_status_text(status);
        throw std::runtime_error(what + ": " + last_error());
    }
}

/** Arguments with their size, all else 0. */
inline finbox_place_args place_args()
{
    finbox_place_args args = {};
    args.struct_size = FINBOX_PLACE_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_attach_args attach_args()
{
    finbox_attach_args args = {};
    args.struct_size = FINBOX_ATTACH_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_scheduler_args scheduler_args()
{
    finbox_scheduler_args args = {};
    args.struct_size = FINBOX_SCHEDULER_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_task_args task_args()
{
    finbox_task_args args = {};
    args.struct_size = FINBOX_TASK_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_device_args device_args()
{
    finbox_device_args args = {};
    args.struct_size = FINBOX_DEVICE_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_planner_args planner_args()
{
    finbox_planner_args args = {};
    args.struct_size = FINBOX_PLANNER_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_launch_args launch_args()
{
    finbox_launch_args args = {};
    args.struct_size = FINBOX_LAUNCH_ARGS_SIZE;
    return args;
}

/** Arguments with their size, all else 0. */
inline finbox_command_ring_args command_ring_args()
{
    finbox_command_ring_args args = {};
    args.struct_size = FINBOX_COMMAND_RING_ARGS_SIZE;
    return args;
}

/** A text that `text` holds, for as long as that lives. */
inline finbox_text text_of(const std::string &text)
{
    return finbox_text{text.data(), text.size()};
}

/** The receiving end; destroyed with this value. */
class consumer {
public:
    consumer() = default;
    consumer(const consumer &) = delete;
    consumer &operator=(const consumer &) = delete;
    ~consumer() { finbox_consumer_destroy(&handle_); }

    [[nodiscard]] status place(const finbox_place_args &args)
    {
        return finbox_mailbox_place(&args, &handle_);
    }

    /** Copies up to `capacity` messages to `messages`; see finbox_consumer_try_drain. */
    [[nodiscard]] status try_drain(message *messages, uint32_t capacity, finbox_drained &drained)
    {
        drained = {};
        drained.struct_size = FINBOX_DRAINED_SIZE;
        return finbox_consumer_try_drain(&handle_, messages, capacity, &drained);
    }

    /** Calls `take(status, message)` for up to `budget` messages, until it returns false. */
    template <typename Take>
    [[nodiscard]] status try_drain_with(uint32_t budget, Take &&take, finbox_drained &drained)
    {
        drained = {};
        drained.struct_size = FINBOX_DRAINED_SIZE;
        auto call = [](void *context, status verdict, const message *message) -> int32_t {
            return (*static_cast<std::remove_reference_t<Take> *>(context))(verdict, *message) ? 0 : 1;
        };
        return finbox_consumer_try_drain_with(&handle_, budget, call, &take, &drained);
    }

    [[nodiscard]] status gap(finbox_gap &gap)
    {
        gap = {};
        gap.struct_size = FINBOX_GAP_SIZE;
        return finbox_consumer_gap(&handle_, &gap);
    }

    [[nodiscard]] status stats(finbox_stats &stats)
    {
        stats = {};
        stats.struct_size = FINBOX_STATS_SIZE;
        return finbox_consumer_stats(&handle_, &stats);
    }

    /** For the calls that have no method. */
    finbox_consumer *get() { return &handle_; }

private:
    finbox_consumer handle_ = FINBOX_ZERO;
};

/** The sending end; leaves with this value. */
class producer {
public:
    producer() = default;
    producer(const producer &) = delete;
    producer &operator=(const producer &) = delete;
    ~producer() { finbox_producer_leave(&handle_); }

    [[nodiscard]] status open(consumer &consumer, uint32_t name = 0)
    {
        return finbox_producer_open(consumer.get(), name, &handle_);
    }

    [[nodiscard]] status attach(const finbox_attach_args &args)
    {
        return finbox_producer_attach(&args, &handle_);
    }

    [[nodiscard]] status push(uint64_t task, uint64_t slot, const finbox_slab_entry &condition)
    {
        return finbox_producer_push_condition(&handle_, task, slot, &condition);
    }

    [[nodiscard]] status push_normal_done(uint64_t task, uint64_t slot, uint32_t expected)
    {
        return finbox_producer_push_normal_done(&handle_, task, slot, expected);
    }

    [[nodiscard]] status push(const message *messages, uint32_t count, uint32_t &accepted)
    {
        return finbox_producer_push_batch(&handle_, messages, count, &accepted);
    }

    /** For the calls that have no method. */
    finbox_producer *get() { return &handle_; }

private:
    finbox_producer handle_ = FINBOX_ZERO;
};

/** A machine behind a device library; closed with this value, which outlives its schedulers. */
class device {
public:
    device() = default;
    device(const device &) = delete;
    device &operator=(const device &) = delete;
    ~device() { finbox_device_close(&handle_); }

    [[nodiscard]] status open(const finbox_device_args &args)
    {
        return finbox_device_open(&args, &handle_);
    }

    /** Closes it before this value ends, and tells whether that went well. */
    [[nodiscard]] status close() { return finbox_device_close(&handle_); }

    [[nodiscard]] status describe(finbox_device_facts &facts)
    {
        facts = {};
        facts.struct_size = FINBOX_DEVICE_FACTS_SIZE;
        return finbox_device_describe(&handle_, &facts);
    }

    [[nodiscard]] status port(uint32_t rank, finbox_port &port)
    {
        port = {};
        port.struct_size = FINBOX_PORT_SIZE;
        return finbox_device_port(&handle_, rank, &port);
    }

    [[nodiscard]] status allocate(uint32_t rank, uint64_t size_bytes, uint64_t align,
                                  uint64_t &address)
    {
        return finbox_device_allocate(&handle_, rank, size_bytes, align, &address);
    }

    [[nodiscard]] status release(uint32_t rank, uint64_t address)
    {
        return finbox_device_release(&handle_, rank, address);
    }

    [[nodiscard]] status copy_in(uint64_t address, const void *from, size_t size_bytes)
    {
        return finbox_device_copy_in(&handle_, address, from, size_bytes);
    }

    [[nodiscard]] status copy_out(void *to, uint64_t address, size_t size_bytes)
    {
        return finbox_device_copy_out(&handle_, to, address, size_bytes);
    }

    [[nodiscard]] status load_kernel(uint32_t rank, std::initializer_list<finbox_op> ops,
                                     uint64_t &kernel)
    {
        return finbox_device_load_kernel(&handle_, rank, ops.begin(), ops.size(), &kernel);
    }

    /** For the calls that have no method. */
    finbox_device *get() { return &handle_; }

private:
    finbox_device handle_ = FINBOX_ZERO;
};

/**
 * A scheduler with its memory; stopped and destroyed with this value. If a thread of the library
 * does not come back from a callback, its memory is never freed: the thread may still use it.
 */
class scheduler {
public:
    scheduler() = default;
    scheduler(const scheduler &) = delete;
    scheduler &operator=(const scheduler &) = delete;
    ~scheduler()
    {
        finbox_scheduler_stop(&handle_);
        status ended = finbox_scheduler_destroy(&handle_);
        if (ended == FINBOX_STATUS_OK || ended == FINBOX_STATUS_DESTROYED ||
            ended == FINBOX_STATUS_NOT_A_HANDLE) {
            free_memory();
        }
    }

    /** Places it, on memory of its own if `args` names none. */
    [[nodiscard]] status place(finbox_scheduler_args args)
    {
        if (args.memory == nullptr && memory_ == nullptr) {
            status asked = finbox_scheduler_bytes(&args, &bytes_);
            if (asked != FINBOX_STATUS_OK) {
                return asked;
            }
            memory_ = ::operator new(bytes_, std::align_val_t(FINBOX_SCHEDULER_ALIGN));
        }
        if (args.memory == nullptr) {
            args.memory = memory_;
            args.size_bytes = bytes_;
        }
        return finbox_scheduler_place(&args, &handle_);
    }

    /** Submits a task behind `after`, which replaces that of `args`. */
    [[nodiscard]] status submit(finbox_task_args args, std::initializer_list<task> after,
                                task &submitted)
    {
        args.after = after.begin();
        args.after_count = after.size();
        return finbox_scheduler_submit(&handle_, &args, &submitted);
    }

    [[nodiscard]] status fin_pass(uint32_t handler, uint32_t &step)
    {
        return finbox_scheduler_fin_pass(&handle_, handler, &step);
    }

    [[nodiscard]] status dispatch_pass(finbox_pass &pass)
    {
        pass = {};
        pass.struct_size = FINBOX_PASS_SIZE;
        return finbox_scheduler_dispatch_pass(&handle_, &pass);
    }

    [[nodiscard]] status start() { return finbox_scheduler_start(&handle_); }
    [[nodiscard]] status stop() { return finbox_scheduler_stop(&handle_); }

    /** Waits for every task that was submitted. */
    [[nodiscard]] status wait(uint64_t timeout_ns = UINT64_MAX)
    {
        return finbox_scheduler_wait(&handle_, nullptr, 0, timeout_ns);
    }

    /** `fate` becomes a finbox_fate. */
    [[nodiscard]] status fate(task task, uint32_t &fate)
    {
        return finbox_scheduler_fate(&handle_, task, &fate);
    }

    [[nodiscard]] status ledger(finbox_ledger &ledger)
    {
        ledger = {};
        ledger.struct_size = FINBOX_LEDGER_SIZE;
        return finbox_scheduler_ledger(&handle_, &ledger);
    }

    /** Who is stuck and on what, a line each. */
    [[nodiscard]] status stalls(std::string &text)
    {
        size_t length = 0;
        status asked = finbox_scheduler_stall_text(&handle_, nullptr, 0, &length);
        if (asked != FINBOX_STATUS_OK) {
            return asked;
        }
        text.resize(length + 1);
        asked = finbox_scheduler_stall_text(&handle_, &text[0], text.size(), &length);
        text.resize(length < text.size() ? length : text.size() - 1);
        return asked;
    }

    /** For the calls that have no method. */
    finbox_scheduler *get() { return &handle_; }

private:
    void free_memory()
    {
        if (memory_ != nullptr) {
            ::operator delete(memory_, std::align_val_t(FINBOX_SCHEDULER_ALIGN));
        }
    }

    finbox_scheduler handle_ = FINBOX_ZERO;
    void *memory_ = nullptr;
    size_t bytes_ = 0;
};

/** Streams, buffers and their plans; destroyed with this value, which outlives its launches. */
class planner {
public:
    planner() = default;
    planner(const planner &) = delete;
    planner &operator=(const planner &) = delete;
    ~planner() { finbox_planner_destroy(&handle_); }

    [[nodiscard]] status create(const finbox_planner_args &args)
    {
        return finbox_planner_create(&args, &handle_);
    }

    /** Opens a timeline of a finbox_timeline_kind. */
    [[nodiscard]] status timeline(const std::string &name, uint32_t kind, uint64_t now_ns,
                                  uint32_t &timeline)
    {
        finbox_timeline_args args = {};
        args.struct_size = FINBOX_TIMELINE_ARGS_SIZE;
        args.name = text_of(name);
        args.now_ns = now_ns;
        args.kind = kind;
        return finbox_planner_timeline(&handle_, &args, &timeline);
    }

    [[nodiscard]] status declare(uint64_t size_bytes, uint64_t &buffer)
    {
        return finbox_planner_declare(&handle_, size_bytes, &buffer);
    }

    [[nodiscard]] status free(uint64_t buffer) { return finbox_planner_free(&handle_, buffer); }

    [[nodiscard]] status advance(finbox_point point, uint64_t now_ns)
    {
        return finbox_planner_advance(&handle_, &point, now_ns);
    }

    /** `fate` becomes a finbox_fate. */
    [[nodiscard]] status fate(finbox_point point, uint32_t &fate)
    {
        return finbox_planner_fate(&handle_, &point, &fate);
    }

    /** Who a point waits for, in words. */
    [[nodiscard]] status explain(finbox_point point, uint64_t now_ns, std::string &text)
    {
        size_t length = 0;
        status asked = finbox_planner_explain_text(&handle_, &point, now_ns, nullptr, 0, &length);
        if (asked != FINBOX_STATUS_OK) {
            return asked;
        }
        text.resize(length + 1);
        asked = finbox_planner_explain_text(&handle_, &point, now_ns, &text[0], text.size(),
                                            &length);
        text.resize(length < text.size() ? length : text.size() - 1);
        return asked;
    }

    /** For the calls that have no method. */
    finbox_planner *get() { return &handle_; }

private:
    finbox_planner handle_ = FINBOX_ZERO;
};

/** A planned launch; dropped with this value unless it was committed. */
class planned {
public:
    planned() = default;
    planned(const planned &) = delete;
    planned &operator=(const planned &) = delete;
    ~planned() { finbox_planned_destroy(&handle_); }

    [[nodiscard]] status plan(planner &planner, const finbox_launch_args &args,
                              finbox_point *point = nullptr)
    {
        return finbox_planner_plan(planner.get(), &args, &handle_, point);
    }

    [[nodiscard]] status commit(finbox_submitted &submitted)
    {
        submitted = {};
        submitted.struct_size = FINBOX_SUBMITTED_SIZE;
        return finbox_planned_commit(&handle_, &submitted);
    }

    [[nodiscard]] status waits(finbox_wait *waits, size_t capacity, size_t &count)
    {
        return finbox_planned_waits(&handle_, waits, capacity, &count);
    }

    /** Ends it before this value does; the value serves again. */
    [[nodiscard]] status destroy() { return finbox_planned_destroy(&handle_); }

private:
    finbox_planned handle_ = FINBOX_ZERO;
};

/** A command ring on memory of its own or the caller's; stopped and destroyed with this value. */
class command_ring {
public:
    command_ring() = default;
    command_ring(const command_ring &) = delete;
    command_ring &operator=(const command_ring &) = delete;
    ~command_ring()
    {
        finbox_command_ring_stop(&handle_, 0);
        finbox_command_ring_destroy(&handle_);
    }

    [[nodiscard]] status create(const finbox_command_ring_args &args)
    {
        return finbox_command_ring_create(&args, &handle_);
    }

    [[nodiscard]] status submit(const finbox_packet *packets, uint32_t count, uint64_t &first,
                                uint32_t &accepted)
    {
        return finbox_command_ring_submit(&handle_, packets, count, &first, &accepted);
    }

    [[nodiscard]] status target(uint64_t &target)
    {
        return finbox_command_ring_target(&handle_, &target);
    }

    [[nodiscard]] status notice(uint32_t route, uint64_t work)
    {
        return finbox_command_ring_notice(&handle_, route, work);
    }

    [[nodiscard]] status drain_until(uint64_t target, uint64_t budget_ns, finbox_arrival &arrival)
    {
        arrival = {};
        arrival.struct_size = FINBOX_ARRIVAL_SIZE;
        return finbox_command_ring_drain_until(&handle_, target, budget_ns, &arrival);
    }

    [[nodiscard]] status snapshot(finbox_command_snapshot &snapshot)
    {
        snapshot = {};
        snapshot.struct_size = FINBOX_COMMAND_SNAPSHOT_SIZE;
        return finbox_command_ring_snapshot(&handle_, &snapshot);
    }

    [[nodiscard]] status start() { return finbox_command_ring_start(&handle_); }
    [[nodiscard]] status stop(uint64_t patience_ns = 0)
    {
        return finbox_command_ring_stop(&handle_, patience_ns);
    }

    /** For the calls that have no method. */
    finbox_command_ring *get() { return &handle_; }

private:
    finbox_command_ring handle_ = FINBOX_ZERO;
};

/** A work ring on memory of the caller's, which outlives this value and its workers. */
class work_ring {
public:
    work_ring() = default;
    work_ring(const work_ring &) = delete;
    work_ring &operator=(const work_ring &) = delete;
    ~work_ring() { finbox_work_ring_destroy(&handle_); }

    [[nodiscard]] status place(void *memory, size_t size_bytes, uint32_t slots, uint32_t workers)
    {
        finbox_work_ring_args args = {};
        args.struct_size = FINBOX_WORK_RING_ARGS_SIZE;
        args.memory = memory;
        args.size_bytes = size_bytes;
        args.slots = slots;
        args.workers = workers;
        return finbox_work_ring_place(&args, &handle_);
    }

    [[nodiscard]] status push(const finbox_work_item &item, uint64_t &position)
    {
        return finbox_work_ring_push(&handle_, &item, &position);
    }

    /** Nothing more will be pushed: workers get CLOSED when everything was taken. */
    [[nodiscard]] status close() { return finbox_work_ring_close(&handle_); }

    [[nodiscard]] status is_done(uint64_t position, bool &is_done)
    {
        uint32_t found = 0;
        status asked = finbox_work_ring_is_done(&handle_, position, &found);
        is_done = found != 0;
        return asked;
    }

    /** For the calls that have no method. */
    finbox_work_ring *get() { return &handle_; }

private:
    finbox_work_ring handle_ = FINBOX_ZERO;
};

/** A worker; leaves with this value, and leaves behind what it has in hand. */
class worker {
public:
    worker() = default;
    worker(const worker &) = delete;
    worker &operator=(const worker &) = delete;
    ~worker() { finbox_worker_leave(&handle_); }

    [[nodiscard]] status enrol(work_ring &ring, uint32_t name)
    {
        return finbox_work_ring_register(ring.get(), name, &handle_);
    }

    /** Of a scheduler, which hears of what is done. */
    [[nodiscard]] status enrol(scheduler &scheduler, uint32_t name)
    {
        return finbox_scheduler_register_worker(scheduler.get(), name, &handle_);
    }

    [[nodiscard]] status claim(finbox_work &work) { return finbox_worker_claim(&handle_, &work); }

    [[nodiscard]] status done(uint64_t position, uint32_t *correlation = nullptr)
    {
        return finbox_worker_done(&handle_, position, correlation);
    }

    /** Of a scheduler's worker: the task fails. */
    [[nodiscard]] status fail(uint64_t position, uint32_t status)
    {
        return finbox_worker_fail(&handle_, position, status);
    }

private:
    finbox_worker handle_ = FINBOX_ZERO;
};

} // namespace finbox

#endif // FINBOX_HPP
