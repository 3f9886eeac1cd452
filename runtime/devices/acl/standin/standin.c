/* A stand-in for AscendCL, for tests on machines without a board: the functions of acl_symbols.h
 * that anybody calls, asynchronous as a board's are. Tasks of a stream run in order, on a few
 * threads that all streams share, so that streams end out of order with each other.
 *
 * It is strict where a board would be, or would not even notice: device memory is no host memory
 * (its addresses fault), copies stay within what was allocated and go the way they say, a thread
 * needs a context, and a stream belongs to one.
 *
 * FINBOX_ACL_STANDIN is a list of what goes wrong, separated by commas:
 *
 *   devices=N        how many devices there are (2)
 *   delay=Nus        a task takes 0 to N us (20)
 *   seed=N           of those delays
 *   refuse=F:N:C     the N-th call of function F returns code C; N counts from 1
 *   fail=F:N:C       the N-th task of function F fails with C; if its stream is to stop on failure,
 *                    so do all of its context, and if not, nobody is told
 *   hang=F:N         the N-th task of function F does not end until its stream is aborted
 *
 * It comes from the same table as the library under test, so it can never show that a signature in
 * there is wrong. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../acl_symbols.h"

#define EXPORT __attribute__((visibility("default")))
#define ACL_DECLARE(returns, name, parameters) EXPORT returns name parameters;
#define ACL_LEAVE_OUT(returns, name, parameters)
ACL_SYMBOLS(ACL_DECLARE, ACL_DECLARE, ACL_LEAVE_OUT)
#undef ACL_DECLARE
#undef ACL_LEAVE_OUT

enum { THREADS = 4, RULES = 16, NAME_BYTES = 48 };

/* What a device's address is away from the memory that stands for it. */
#define DEVICE_BIT (UINT64_C(1) << 62)

enum what { REFUSE, FAIL, HANG };

struct rule {
    enum what what;
    char function[NAME_BYTES];
    unsigned long nth, seen;
    int code;
};

struct memory {
    struct memory *next;
    uint64_t address;
    size_t size;
};

/* `code` is not 0 once a stream of it stopped that was to stop on failure: then all have. */
struct context {
    int32_t device;
    int code;
};

struct stream;

struct event {
    struct stream *stream;
    uint64_t recorded, reached;
};

enum work { COPY, SET, RECORD };

struct task {
    struct task *next;
    enum work work;
    uint8_t *to;
    const uint8_t *from;
    size_t size;
    int32_t value;
    struct event *event;
    uint64_t number;
    int code;
    bool hangs;
};

struct stream {
    struct stream *next;
    struct context *context;
    struct task *first, *last;
    bool is_running, is_aborted, stops;
    int code;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static pthread_t threads[THREADS];
static unsigned thread_count;
static bool is_stopping, is_planned;
static unsigned long devices = 2, delay_us = 20;
static uint64_t seed = 1;
static struct rule rules[RULES];
static size_t rule_count;
static struct memory *memories;
static struct stream *streams;
static _Thread_local struct context *current;
static _Thread_local char recent[160];

static void plan_part(char *part)
{
    static const char *const names[] = {"refuse=", "fail=", "hang="};
    struct rule *rule = &rules[rule_count];

    if (sscanf(part, "devices=%lu", &devices) == 1 || sscanf(part, "delay=%luus", &delay_us) == 1) {
        return;
    }
    if (strncmp(part, "seed=", 5) == 0) {
        seed = strtoull(part + 5, NULL, 10) | 1;
        return;
    }
    for (int what = REFUSE; what <= HANG && rule_count < RULES; what++) {
        size_t length = strlen(names[what]);
        int wanted = what == HANG ? 2 : 3;
        if (strncmp(part, names[what], length) == 0 &&
            sscanf(part + length, "%47[^:]:%lu:%d", rule->function, &rule->nth, &rule->code) >=
                wanted) {
            rule->what = (enum what)what;
            rule_count++;
            return;
        }
    }
    fprintf(stderr, "FINBOX_ACL_STANDIN: `%s` is not understood; see standin.c\n", part);
    abort();
}

/* Reads the plan once. The lock is held. */
static void plan(void)
{
    const char *text = getenv("FINBOX_ACL_STANDIN");
    char copy[1024], *rest = copy, *part;

    if (is_planned) {
        return;
    }
    is_planned = true;
    snprintf(copy, sizeof copy, "%s", text == NULL ? "" : text);
    while ((part = strsep(&rest, ",")) != NULL) {
        if (part[0] != '\0') {
            plan_part(part);
        }
    }
}

/* The rule that falls due with this call, if one does. The lock is held. */
static const struct rule *due(const char *function, bool is_task)
{
    const struct rule *found = NULL;

    plan();
    for (size_t index = 0; index < rule_count; index++) {
        struct rule *rule = &rules[index];
        if ((rule->what != REFUSE) == is_task && strcmp(rule->function, function) == 0 &&
            ++rule->seen == rule->nth) {
            found = rule;
        }
    }
    return found;
}

/* The code that a stream has stopped with; 0 while it goes on. */
static int code_of(const struct stream *stream)
{
    return stream->code != 0 ? stream->code : stream->context->code;
}

/* Says why a call is refused; the lock is held. */
static int said(const char *function, int code, const char *why)
{
    if (code != 0) {
        snprintf(recent, sizeof recent, "stand-in: %s: %s", function, why);
    }
    return code;
}

/* What every call begins with: the plan, and whether the thread has a context. Takes the lock. */
static int enter(const char *function, bool wants_context)
{
    const struct rule *rule;

    pthread_mutex_lock(&lock);
    rule = due(function, false);
    if (rule != NULL) {
        return said(function, rule->code, "as planned");
    }
    return wants_context && current == NULL ? said(function, ACL_NO_CONTEXT, "no context") : 0;
}

static int leave(int code)
{
    pthread_mutex_unlock(&lock);
    return code;
}

static uint64_t shifted(const void *address)
{
    return (uint64_t)(uintptr_t)address;
}

/* The memory that stands for a device's address, or a host's that was allocated here; null if it is
 * not so. Host memory of others is taken where `is_loose`. The lock is held. */
static uint8_t *real(const void *address, size_t size, bool is_device, bool is_loose)
{
    uint64_t at = shifted(address);

    for (struct memory *memory = memories; memory != NULL; memory = memory->next) {
        if (at >= memory->address && at - memory->address <= memory->size &&
            size <= memory->size - (at - memory->address) &&
            ((memory->address & DEVICE_BIT) != 0) == is_device) {
            return (uint8_t *)(uintptr_t)(at & ~DEVICE_BIT);
        }
    }
    return is_device || !is_loose || (at & DEVICE_BIT) != 0 ? NULL : (uint8_t *)(uintptr_t)at;
}

static int allocated(const char *function, void **place, size_t size, uint64_t bit)
{
    struct memory *memory = malloc(sizeof *memory);
    void *bytes = NULL;

    if (memory == NULL || size == 0 || posix_memalign(&bytes, 4096, size) != 0) {
        free(memory);
        return said(function, ACL_OUT_OF_MEMORY, "no memory");
    }
    memset(bytes, 0xA5, size);
    memory->address = shifted(bytes) | bit;
    memory->size = size;
    memory->next = memories;
    memories = memory;
    *place = (void *)(uintptr_t)memory->address;
    return 0;
}

static int released(const char *function, const void *address, bool is_device)
{
    uint64_t at = shifted(address);
    struct memory **place = &memories, *memory;

    while (*place != NULL && (*place)->address != at) {
        place = &(*place)->next;
    }
    memory = *place;
    if (memory == NULL || ((at & DEVICE_BIT) != 0) != is_device) {
        return said(function, ACL_PARAM_INVALID, "this was not allocated so");
    }
    *place = memory->next;
    free((void *)(uintptr_t)(at & ~DEVICE_BIT));
    free(memory);
    return 0;
}

static uint64_t random_below(uint64_t most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return most == 0 ? 0 : seed % most;
}

/* A stream that a thread may go on with, from a place by chance. The lock is held. */
static struct stream *pick(void)
{
    uint64_t skip = random_below(8);
    struct stream *found = NULL;

    for (struct stream *stream = streams; stream != NULL; stream = stream->next) {
        bool is_stuck = stream->first != NULL && stream->first->hangs && !stream->is_aborted;
        if (stream->first != NULL && !stream->is_running && !is_stuck) {
            found = stream;
            if (skip-- == 0) {
                break;
            }
        }
    }
    return found;
}

/* What a task does to memory. */
static void work_on(const struct task *task)
{
    if (task->work == COPY) {
        memmove(task->to, task->from, task->size);
    } else if (task->work == SET) {
        memset(task->to, task->value, task->size);
    }
}

/* Does a stream's first task; a stream that stopped does nothing more. The lock is held, but not
 * while the task takes its time. */
static void run_first(struct stream *stream)
{
    struct task *task = stream->first;
    uint64_t delay_ns = task->work == RECORD ? 0 : random_below(delay_us * 1000);
    struct timespec delay = {.tv_nsec = (long)(delay_ns % 1000000000),
                             .tv_sec = (time_t)(delay_ns / 1000000000)};

    stream->is_running = true;
    pthread_mutex_unlock(&lock);
    nanosleep(&delay, NULL);
    pthread_mutex_lock(&lock);
    if (code_of(stream) == 0 && task->code == 0) {
        pthread_mutex_unlock(&lock);
        work_on(task);
        pthread_mutex_lock(&lock);
    }
    if (code_of(stream) == 0 && task->code != 0 && stream->stops) {
        stream->context->code = task->code;
    }
    if (task->work == RECORD && task->event->reached < task->number && code_of(stream) == 0) {
        task->event->reached = task->number;
    }
    stream->first = task->next;
    stream->is_running = false;
    free(task);
    pthread_cond_broadcast(&news);
}

static void *thread_main(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    while (!is_stopping) {
        struct stream *stream = pick();
        if (stream == NULL) {
            pthread_cond_wait(&news, &lock);
        } else {
            run_first(stream);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* The threads begin with the first stream and end with the process. The lock is held. */
static void start_threads(void)
{
    while (thread_count < THREADS &&
           pthread_create(&threads[thread_count], NULL, thread_main, NULL) == 0) {
        thread_count++;
    }
}

__attribute__((destructor)) static void stop_threads(void)
{
    pthread_mutex_lock(&lock);
    is_stopping = true;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&lock);
    while (thread_count != 0) {
        pthread_join(threads[--thread_count], NULL);
    }
}

/* Puts a task behind a stream's others. The lock is held. */
static int queue_up(const char *function, struct stream *stream, const struct task *task)
{
    const struct rule *rule = due(function, true);
    struct task *entry;

    if (stream->context != current) {
        return said(function, ACL_STREAM_CONTEXT, "the stream is of another context");
    }
    if (code_of(stream) != 0) {
        return said(function, code_of(stream), "the stream has stopped");
    }
    entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return said(function, ACL_OUT_OF_MEMORY, "no memory");
    }
    *entry = *task;
    entry->code = rule != NULL && rule->what == FAIL ? rule->code : 0;
    entry->hangs = rule != NULL && rule->what == HANG;
    if (stream->first == NULL) {
        stream->first = entry;
    } else {
        stream->last->next = entry;
    }
    stream->last = entry;
    pthread_cond_broadcast(&news);
    return 0;
}

aclError aclInit(const char *config_path)
{
    (void)config_path;
    return leave(enter("aclInit", false));
}

const char *aclGetRecentErrMsg(void)
{
    return recent;
}

const char *aclrtGetSocName(void)
{
    return "stand-in";
}

aclError aclrtGetDeviceCount(uint32_t *count)
{
    int code = enter("aclrtGetDeviceCount", false);
    if (code == 0) {
        *count = (uint32_t)devices;
    }
    return leave(code);
}

aclError aclrtDeviceCanAccessPeer(int32_t *can, int32_t device, int32_t peer)
{
    int code = enter("aclrtDeviceCanAccessPeer", false);
    if (code == 0) {
        *can = device != peer;
    }
    return leave(code);
}

aclError aclrtDeviceEnablePeerAccess(int32_t peer, uint32_t flags)
{
    int code = enter("aclrtDeviceEnablePeerAccess", true);
    if (code == 0 && (flags != 0 || peer < 0 || (unsigned long)peer >= devices)) {
        code = said("aclrtDeviceEnablePeerAccess", ACL_PARAM_INVALID, "no such peer");
    }
    return leave(code);
}

aclError aclrtCreateContext(aclrtContext *context, int32_t device)
{
    int code = enter("aclrtCreateContext", false);
    if (code == 0 && (device < 0 || (unsigned long)device >= devices)) {
        code = said("aclrtCreateContext", ACL_INVALID_DEVICE, "no such device");
    }
    if (code == 0) {
        struct context *made = malloc(sizeof *made);
        if (made == NULL) {
            return leave(said("aclrtCreateContext", ACL_OUT_OF_MEMORY, "no memory"));
        }
        *made = (struct context){device, 0};
        current = made;
        *context = made;
    }
    return leave(code);
}

aclError aclrtDestroyContext(aclrtContext context)
{
    int code = enter("aclrtDestroyContext", false);
    for (struct stream *stream = streams; code == 0 && stream != NULL; stream = stream->next) {
        if (stream->context == context) {
            code = said("aclrtDestroyContext", ACL_PARAM_INVALID, "it has streams");
        }
    }
    if (code == 0) {
        current = current == context ? NULL : current;
        free(context);
    }
    return leave(code);
}

aclError aclrtSetCurrentContext(aclrtContext context)
{
    int code = enter("aclrtSetCurrentContext", false);
    if (code == 0) {
        current = context;
    }
    return leave(code);
}

aclError aclrtCreateStream(aclrtStream *stream)
{
    int code = enter("aclrtCreateStream", true);
    if (code == 0) {
        struct stream *made = calloc(1, sizeof *made);
        if (made == NULL) {
            return leave(said("aclrtCreateStream", ACL_OUT_OF_MEMORY, "no memory"));
        }
        made->context = current;
        made->next = streams;
        streams = made;
        *stream = made;
        start_threads();
    }
    return leave(code);
}

/* Waits for the stream's tasks, as a board does. */
aclError aclrtDestroyStream(aclrtStream stream)
{
    struct stream *gone = stream, **place = &streams;
    int code = enter("aclrtDestroyStream", true);

    if (code != 0) {
        return leave(code);
    }
    while (gone->first != NULL || gone->is_running) {
        pthread_cond_wait(&news, &lock);
    }
    while (*place != gone) {
        place = &(*place)->next;
    }
    *place = gone->next;
    free(gone);
    return leave(0);
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout)
{
    struct stream *of = stream;
    struct timespec until;
    int code = enter("aclrtSynchronizeStreamWithTimeout", true);

    clock_gettime(CLOCK_REALTIME, &until);
    /* A task that hangs here will hang for ever: there is no point in the whole limit. */
    timeout = timeout > 200 ? 200 : timeout;
    until.tv_nsec += timeout * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (code == 0 && (of->first != NULL || of->is_running)) {
        bool hangs = of->first != NULL && of->first->hangs && !of->is_aborted;
        if (!hangs) {
            pthread_cond_wait(&news, &lock);
        } else if (pthread_cond_timedwait(&news, &lock, &until) != 0) {
            code = said("aclrtSynchronizeStreamWithTimeout", ACL_STREAM_TIMEOUT, "a task hangs");
        }
    }
    return leave(code != 0 ? code : code_of(of));
}

aclError aclrtStreamAbort(aclrtStream stream)
{
    int code = enter("aclrtStreamAbort", true);
    if (code == 0) {
        struct stream *of = stream;
        of->is_aborted = true;
        of->code = of->code == 0 ? ACL_TASK_ABORT : of->code;
        pthread_cond_broadcast(&news);
    }
    return leave(code);
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode)
{
    struct stream *of = stream;
    int code = enter("aclrtSetStreamFailureMode", true);
    if (code == 0 && (mode > 1 || of->stops)) {
        code = said("aclrtSetStreamFailureMode", ACL_PARAM_INVALID, "no such mode, or set before");
    }
    if (code == 0) {
        of->stops = mode == ACL_STOP_ON_FAILURE;
    }
    return leave(code);
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag)
{
    int code = enter("aclrtCreateEventExWithFlag", true);
    if (code == 0 && (flag & ~15U) != 0) {
        code = said("aclrtCreateEventExWithFlag", ACL_PARAM_INVALID, "no such flag");
    }
    if (code == 0) {
        *event = calloc(1, sizeof(struct event));
        code = *event == NULL ? ACL_OUT_OF_MEMORY : 0;
    }
    return leave(code);
}

aclError aclrtDestroyEvent(aclrtEvent event)
{
    int code = enter("aclrtDestroyEvent", true);
    if (code == 0) {
        free(event);
    }
    return leave(code);
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream)
{
    struct event *of = event;
    int code = enter("aclrtRecordEvent", true);

    if (code == 0) {
        struct task task = {.work = RECORD, .event = of, .number = of->recorded + 1};
        code = queue_up("aclrtRecordEvent", stream, &task);
        of->stream = stream;
        of->recorded += code == 0;
    }
    return leave(code);
}

aclError aclrtQueryEventStatus(aclrtEvent event, int *status)
{
    const struct event *of = event;
    int code = enter("aclrtQueryEventStatus", true);

    if (code == 0) {
        *status = of->reached == of->recorded ? ACL_EVENT_COMPLETE : ACL_EVENT_NOT_READY;
        if (*status == ACL_EVENT_NOT_READY && code_of(of->stream) != 0) {
            code = said("aclrtQueryEventStatus", code_of(of->stream), "the stream has stopped");
        }
    }
    return leave(code);
}

aclError aclrtMalloc(void **device, size_t size, int policy)
{
    int code = enter("aclrtMalloc", true);
    (void)policy;
    return leave(code != 0 ? code : allocated("aclrtMalloc", device, size, DEVICE_BIT));
}

aclError aclrtFree(void *device)
{
    int code = enter("aclrtFree", true);
    return leave(code != 0 ? code : released("aclrtFree", device, true));
}

aclError aclrtMallocHost(void **host, size_t size)
{
    int code = enter("aclrtMallocHost", true);
    return leave(code != 0 ? code : allocated("aclrtMallocHost", host, size, 0));
}

aclError aclrtFreeHost(void *host)
{
    int code = enter("aclrtFreeHost", false);
    return leave(code != 0 ? code : released("aclrtFreeHost", host, false));
}

/* Both ends of a copy, where they are what `kind` says. The lock is held. */
static int both(const char *function, struct task *task, void *to, size_t room, const void *from,
                int kind, bool is_loose)
{
    bool to_device = kind == ACL_HOST_TO_DEVICE || kind == ACL_DEVICE_TO_DEVICE;
    bool from_device = kind == ACL_DEVICE_TO_HOST || kind == ACL_DEVICE_TO_DEVICE;

    task->to = real(to, task->size, to_device, is_loose);
    task->from = real(from, task->size, from_device, is_loose);
    if (task->size > room || task->to == NULL || task->from == NULL) {
        return said(function, ACL_PARAM_INVALID, "an end of the copy is not what it says");
    }
    if (kind == ACL_DEVICE_TO_DEVICE && (shifted(to) | shifted(from)) % 64 != 0) {
        return said(function, ACL_PARAM_INVALID, "an end is not on a multiple of 64");
    }
    return 0;
}

aclError aclrtMemcpy(void *to, size_t room, const void *from, size_t size, int kind)
{
    struct task task = {.size = size};
    int code = enter("aclrtMemcpy", true);

    if (code == 0) {
        code = both("aclrtMemcpy", &task, to, room, from, kind, true);
    }
    (void)leave(code);
    if (code == 0) {
        memmove(task.to, task.from, size);
    }
    return code;
}

aclError aclrtMemcpyAsync(void *to, size_t room, const void *from, size_t size, int kind,
                          aclrtStream stream)
{
    struct task task = {.work = COPY, .size = size};
    int code = enter("aclrtMemcpyAsync", true);

    if (code == 0) {
        code = both("aclrtMemcpyAsync", &task, to, room, from, kind, false);
    }
    return leave(code != 0 ? code : queue_up("aclrtMemcpyAsync", stream, &task));
}

aclError aclrtMemsetAsync(void *to, size_t room, int32_t value, size_t size, aclrtStream stream)
{
    struct task task = {.work = SET, .size = size, .value = value};
    int code = enter("aclrtMemsetAsync", true);

    task.to = real(to, size, true, false);
    if (code == 0 && (task.to == NULL || size > room)) {
        code = said("aclrtMemsetAsync", ACL_PARAM_INVALID, "this is no such device memory");
    }
    return leave(code != 0 ? code : queue_up("aclrtMemsetAsync", stream, &task));
}
