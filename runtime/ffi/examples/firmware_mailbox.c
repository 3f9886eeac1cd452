/* Two processes and one mailbox. The firmware's process is killed between claim and publish; the
 * survivor learns where and who, recovers every message that was published, and goes on.
 *
 * cc -std=c11 firmware_mailbox.c $(pkg-config --cflags --libs finbox) && ./a.out */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finbox.h"

enum { SLOTS = 8, PRODUCERS = 2 };

static void must(finbox_status status, const char *what)
{
    if (status != FINBOX_STATUS_OK) {
        char text[200];
        (void)finbox_last_error(text, sizeof text, NULL);
        fprintf(stderr, "%s: %s: %s\n", what, finbox_status_text(status), text);
        exit(1);
    }
}

static void expect(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

/* Writes the first message of a batch; at the second it tells the survivor, and waits for its end. */
static void fill_and_hang(void *pipe_end, uint32_t index, finbox_message *message)
{
    if (index == 1) {
        expect(write(*(int *)pipe_end, "x", 1) == 1, "the pipe takes a byte");
        for (;;) {
            pause();
        }
    }
    message->task = 2;
    message->kind = FINBOX_KIND_NORMAL_DONE;
}

/* What runs on the chip: registers under its process id, pushes, and never comes back. */
static void firmware(void *memory, size_t size_bytes, int pipe_end)
{
    finbox_producer producer = FINBOX_ZERO;
    finbox_attach_args args;
    finbox_slab_entry condition;
    uint32_t accepted;

    memset(&args, 0, sizeof args);
    args.struct_size = FINBOX_ATTACH_ARGS_SIZE;
    args.memory = memory;
    args.size_bytes = size_bytes;
    args.name = (uint32_t)getpid();
    must(finbox_producer_attach(&args, &producer), "attach");

    memset(&condition, 0, sizeof condition);
    condition.addr = 0x1000;
    condition.expected = 1;
    condition.engine = FINBOX_ENGINE_SDMA;
    condition.completion_type = FINBOX_COMPLETION_COUNTER;
    must(finbox_producer_push_condition(&producer, 1, 1, &condition), "push");
    must(finbox_producer_push_batch_with(&producer, 3, fill_and_hang, &pipe_end, &accepted), "push");
    exit(1);
}

static void place(void *memory, size_t size_bytes, finbox_consumer *consumer)
{
    finbox_place_args args;

    memset(&args, 0, sizeof args);
    args.struct_size = FINBOX_PLACE_ARGS_SIZE;
    args.memory = memory;
    args.size_bytes = size_bytes;
    args.slots = SLOTS;
    args.epoch = 1;
    args.name = (uint32_t)getpid();
    must(finbox_mailbox_place(&args, consumer), "place");
}

/* Everything that can be drained; returns how much. */
static uint32_t drain(finbox_consumer *consumer, finbox_message messages[SLOTS])
{
    finbox_drained drained;

    memset(&drained, 0, sizeof drained);
    drained.struct_size = FINBOX_DRAINED_SIZE;
    must(finbox_consumer_try_drain(consumer, messages, SLOTS, &drained), "drain");
    expect(drained.malformed == 0, "all are messages of this run");
    return drained.taken;
}

static void recover(finbox_consumer *consumer, uint32_t dead)
{
    finbox_salvage found[SLOTS];
    finbox_drained drained;
    uint32_t buried = 0;

    memset(&drained, 0, sizeof drained);
    drained.struct_size = FINBOX_DRAINED_SIZE;
    must(finbox_consumer_recover(consumer, found, SLOTS, &drained), "recover");
    expect(drained.stop == FINBOX_STOP_CONDEMNED, "the recovery is through");
    expect(drained.missing == 2 && drained.taken == 2, "two are missing, two are there");
    expect(found[0].claimer == dead && found[1].claimer == dead, "the missing have a name");
    expect(found[2].message.task == 10 && found[3].message.task == 11, "nothing else is lost");
    must(finbox_consumer_bury(consumer, dead, &buried), "bury");
    expect(buried == 1, "it had one claim line");
}

int main(void)
{
    finbox_consumer consumer = FINBOX_ZERO;
    finbox_producer producer = FINBOX_ZERO;
    finbox_message messages[SLOTS];
    finbox_gap gap;
    size_t size_bytes;
    void *memory;
    int ends[2], ended;
    char byte;
    pid_t child;

    must(finbox_mailbox_bytes(SLOTS, PRODUCERS, &size_bytes), "size");
    memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(memory != MAP_FAILED && pipe(ends) == 0, "memory and a pipe");
    place(memory, size_bytes, &consumer);

    child = fork();
    expect(child >= 0, "a second process");
    if (child == 0) {
        firmware(memory, size_bytes, ends[1]);
    }
    expect(read(ends[0], &byte, 1) == 1, "the firmware came between claim and publish");
    expect(kill(child, SIGKILL) == 0 && waitpid(child, &ended, 0) == child, "it is killed");

    must(finbox_producer_open(&consumer, 0, &producer), "open");
    must(finbox_producer_push_normal_done(&producer, 10, 10, 0), "push");
    must(finbox_producer_push_normal_done(&producer, 11, 11, 0), "push");
    expect(drain(&consumer, messages) == 2, "what it had published arrives");
    expect(messages[0].task == 1 && messages[0].addr == 0x1000, "its condition");
    expect(messages[1].task == 2 && messages[1].seq == 2, "and the first of its batch");

    memset(&gap, 0, sizeof gap);
    gap.struct_size = FINBOX_GAP_SIZE;
    must(finbox_consumer_gap(&consumer, &gap), "gap");
    expect(gap.is_gap && gap.position == 2 && gap.claimer == (uint32_t)child, "the gap has a name");

    recover(&consumer, (uint32_t)child);
    must(finbox_producer_leave(&producer), "leave");
    must(finbox_consumer_destroy(&consumer), "destroy");
    place(memory, size_bytes, &consumer);
    must(finbox_producer_open(&consumer, 0, &producer), "open");
    must(finbox_producer_push_normal_done(&producer, 12, 12, 0), "push");
    expect(drain(&consumer, messages) == 1 && messages[0].task == 12, "it serves again");
    must(finbox_producer_leave(&producer), "leave");
    must(finbox_consumer_destroy(&consumer), "destroy");

    printf("position %llu was claimed by process %ld, which is dead; nothing else was lost\n",
           (unsigned long long)gap.position, (long)child);
    return munmap(memory, size_bytes);
}
