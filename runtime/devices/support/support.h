/* What the C device libraries here share: refusals in words, the log, options, the machines that
 * are open, and which memory was given out. Nothing of it knows a device. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finbox_device.h"

enum { RANKS_MOST = 64, QUEUES_MOST = 64, LINE = 64 };

/* "At no time", and the size of a rank's place among the device addresses: rank r's memory begins
 * at (r + 1) * RANK_STRIDE. So no two ranks share an address, and none is a host pointer: whoever
 * follows one as if it were gets a fault at once. */
#define NEVER UINT64_MAX
#define RANK_STRIDE (UINT64_C(1) << 40)
#define PAGE UINT64_C(4096)

/* A finbox_text of a literal. */
#define TEXT(literal) {.bytes = literal, .length = sizeof literal - 1}

/* What functions of the table return; 0 is success. */
enum code { BAD_ARGUMENT = 1, NO_ROOM = 2, SYSTEM_REFUSED = 3 };

/* support.c. Whatever returns int32_t refuses in words, which `last_error` hands out. */
int32_t refuse(enum code code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void last_error(struct finbox_text *text);
void log_line(finbox_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t now_ns(void);
/* Makes room for one more element; `table` is the address of the table's pointer. */
bool grow(void *table, size_t *room, size_t count, size_t element_bytes);

/* What `finbox_device_query` answers: `library`, unless the program cannot use it. */
const struct finbox_device_library *answer_query(const struct finbox_device_host *program,
                                                 struct finbox_text *refusal,
                                                 const struct finbox_device_library *library);

/* An option, "name=number". */
struct option {
    const char *name;
    uint64_t most;
    uint64_t *value;
};

int32_t read_options(struct finbox_text text, const struct option *options, size_t count);
/* What a machine will be: what is asked for, or what the library likes. */
int32_t decide_facts(const struct finbox_open_args *args, const struct finbox_machine *machine,
                     const struct finbox_machine *likes, struct finbox_machine *facts);

/* The first member of every machine; a context is looked up here before it is followed. */
struct opened {
    struct opened *next;
};

void opened_add(struct opened *machine);
bool opened_remove(const void *context);
bool opened_has(const void *context);

/* Memory that was given out. */
struct block {
    uint64_t address;
    uint64_t size_bytes;
};

/* blocks.c: what was given out of start..end, first fit, in whole lines: what the control CPU
 * cleans and what a core writes never share one. */
struct blocks {
    pthread_mutex_t lock;
    uint32_t rank;
    uint64_t start, end;
    struct block *list;                 /* by address */
    size_t count, room;
};

void blocks_begin(struct blocks *blocks, uint32_t rank, uint64_t start, uint64_t end);
void blocks_end(struct blocks *blocks);
/* `taken` says how many bytes from `address` on are now the caller's. */
int32_t blocks_take(struct blocks *blocks, uint64_t size_bytes, uint64_t align, uint64_t *address,
                    uint64_t *taken);
int32_t blocks_release(struct blocks *blocks, uint64_t address);
bool blocks_have(struct blocks *blocks, uint64_t address, uint64_t size_bytes);

#endif
