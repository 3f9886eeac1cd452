/* Refusals, the log, options, and the machines that are open. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support.h"

static _Thread_local char last_error_text[1024];
static const struct finbox_device_host *_Atomic host;
static struct opened *machines;
static pthread_mutex_t machines_lock = PTHREAD_MUTEX_INITIALIZER;

int32_t refuse(enum code code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(last_error_text, sizeof last_error_text, format, values);
    va_end(values);
    return (int32_t)code;
}

void last_error(struct finbox_text *text)
{
    if (text != NULL) {
        text->bytes = last_error_text;
        text->length = strlen(last_error_text);
    }
}

void log_line(finbox_log_level level, const char *format, ...)
{
    const struct finbox_device_host *to = atomic_load_explicit(&host, memory_order_acquire);
    char line[1024];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (to != NULL) {
        to->log(level, line, strlen(line));
    }
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool grow(void *table, size_t *room, size_t count, size_t element_bytes)
{
    void *old, *new;

    if (count < *room) {
        return true;
    }
    memcpy(&old, table, sizeof old);
    new = realloc(old, (*room * 2 + 16) * element_bytes);
    if (new == NULL) {
        return false;
    }
    memcpy(table, &new, sizeof new);
    *room = *room * 2 + 16;
    return true;
}

static const struct finbox_device_library *no_library(struct finbox_text *refusal,
                                                      struct finbox_text why)
{
    if (refusal != NULL) {
        *refusal = why;
    }
    return NULL;
}

const struct finbox_device_library *answer_query(const struct finbox_device_host *program,
                                                 struct finbox_text *refusal,
                                                 const struct finbox_device_library *library)
{
    if (program == NULL || program->struct_size < FINBOX_DEVICE_HOST_SIZE ||
        program->log == NULL) {
        return no_library(refusal, (struct finbox_text)TEXT(
            "the program's table is null, too small, or without `log`"));
    }
    if (program->abi_major != FINBOX_DEVICE_ABI_MAJOR) {
        return no_library(refusal, (struct finbox_text)TEXT(
            "this library was built for version 1 of finbox_device.h, the program for another; "
            "build one of them anew"));
    }
    atomic_store_explicit(&host, program, memory_order_release);
    return library;
}

static bool read_number(const char *text, size_t length, uint64_t most, uint64_t *number)
{
    size_t at;

    *number = 0;
    for (at = 0; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
        *number = *number * 10 + (uint64_t)(text[at] - '0');
        if (*number > most) {
            return false;
        }
    }
    return at == length && length != 0;
}

/* How much of somebody else's text is shown. */
static int shown(size_t length)
{
    return length > 60 ? 60 : (int)length;
}

static int32_t read_option(const char *text, size_t length, const struct option *options,
                           size_t count)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - text), index;
    const struct option *option = NULL;

    for (index = 0; option == NULL && index < count; index++) {
        const char *name = options[index].name;
        if (strlen(name) == name_length && memcmp(name, text, name_length) == 0) {
            option = &options[index];
        }
    }
    if (option == NULL) {
        return refuse(BAD_ARGUMENT, "open: there is no option `%.*s`; the first that there is, is "
                      "%s=N", shown(name_length), text, options[0].name);
    }
    if (equals == NULL ||
        !read_number(equals + 1, length - name_length - 1, option->most, option->value)) {
        return refuse(BAD_ARGUMENT, "open: option `%.*s` wants a number of at most %" PRIu64,
                      shown(length), text, option->most);
    }
    return 0;
}

int32_t read_options(struct finbox_text text, const struct option *options, size_t count)
{
    size_t begin = 0;

    while (text.bytes != NULL && begin < text.length) {
        const char *comma = memchr(text.bytes + begin, ',', text.length - begin);
        size_t end = comma == NULL ? text.length : (size_t)(comma - text.bytes);
        int32_t refused = read_option(text.bytes + begin, end - begin, options, count);
        if (refused != 0) {
            return refused;
        }
        begin = end + 1;
    }
    return 0;
}

static uint64_t either(uint64_t asked, uint64_t otherwise)
{
    return asked == 0 ? otherwise : asked;
}

int32_t decide_facts(const struct finbox_open_args *args, const struct finbox_machine *machine,
                     const struct finbox_machine *likes, struct finbox_machine *facts)
{
    uint32_t cores_most;

    if (args == NULL || machine == NULL || args->struct_size < FINBOX_OPEN_ARGS_SIZE ||
        machine->struct_size < FINBOX_MACHINE_SIZE) {
        return refuse(BAD_ARGUMENT, "open: the arguments or the machine are null, or their "
                      "struct_size is less than %zu and %zu", FINBOX_OPEN_ARGS_SIZE,
                      FINBOX_MACHINE_SIZE);
    }
    *facts = *likes;
    facts->struct_size = machine->struct_size;
    facts->target = (uint32_t)either(args->target, likes->target);
    facts->ranks = (uint32_t)either(args->ranks, likes->ranks);
    facts->cores = (uint32_t)either(args->cores, likes->cores);
    facts->dma_queues = (uint32_t)either(args->dma_queues, likes->dma_queues);
    facts->memory_bytes = either(args->memory_bytes, likes->memory_bytes);
    cores_most = facts->target == 1 ? 72 : 108;
    if (facts->target > 2) {
        return refuse(BAD_ARGUMENT, "open: target %u; there are 1 (a2a3) and 2 (a5)",
                      facts->target);
    }
    if (facts->ranks > RANKS_MOST || facts->cores > cores_most ||
        facts->dma_queues > QUEUES_MOST) {
        return refuse(BAD_ARGUMENT, "open: %u ranks, %u cores, %u DMA queues; at most %u, %u, %u",
                      facts->ranks, facts->cores, facts->dma_queues, RANKS_MOST, cores_most,
                      QUEUES_MOST);
    }
    if (facts->memory_bytes > RANK_STRIDE / 2) {
        return refuse(BAD_ARGUMENT, "open: %" PRIu64 " bytes of memory a rank; at most %" PRIu64,
                      facts->memory_bytes, RANK_STRIDE / 2);
    }
    facts->memory_bytes = (facts->memory_bytes + PAGE - 1) / PAGE * PAGE;
    return 0;
}

void opened_add(struct opened *machine)
{
    pthread_mutex_lock(&machines_lock);
    machine->next = machines;
    machines = machine;
    pthread_mutex_unlock(&machines_lock);
}

bool opened_remove(const void *context)
{
    struct opened **place;
    bool is_open;

    pthread_mutex_lock(&machines_lock);
    for (place = &machines; *place != NULL && *place != context; place = &(*place)->next) {
    }
    is_open = *place != NULL;
    if (is_open) {
        *place = (*place)->next;
    }
    pthread_mutex_unlock(&machines_lock);
    return is_open;
}

bool opened_has(const void *context)
{
    const struct opened *machine;

    pthread_mutex_lock(&machines_lock);
    for (machine = machines; machine != NULL && machine != context; machine = machine->next) {
    }
    pthread_mutex_unlock(&machines_lock);
    return machine != NULL;
}
