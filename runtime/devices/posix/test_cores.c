/* What posix-device's cores and DMA queues do with their tokens. */
#include <pthread.h>

#include "test.h"

static uint32_t word_of(float value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static void every_operation_does_what_it_says(void)
{
    static const uint8_t pattern[11] = {0x7e, 0x82, 0xf2, 0x42, 0x2b, 0xec,
                                        0x0d, 0x12, 0x0c, 0xa0, 0x17};
    struct drive drive;
    uint64_t a, b, c;
    uint32_t words[64];
    uint8_t bytes[12];
    float floats[2];

    drive_open(&drive, 2, 3, "");
    a = drive_allocate(&drive, 0, 256);
    b = drive_allocate(&drive, 1, 256);
    c = drive_allocate(&drive, 0, 256);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = a, .count = 64, .value = 0xFFFFFFFE},
        {.kind = FINBOX_OP_KIND_BUSY, .value = 1000},
        {.kind = FINBOX_OP_KIND_ADD_U32, .from = a, .to = b, .count = 64, .value = 5},
        {.kind = FINBOX_OP_KIND_COPY, .from = b + 1, .to = b, .count = 255},
        {.kind = FINBOX_OP_KIND_ACCUMULATE_U32, .from = a, .to = b, .count = 64},
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = c, .count = 2, .value = word_of(1.5F)},
        {.kind = FINBOX_OP_KIND_ADD_F32, .from = c, .to = c, .count = 2, .value = word_of(2.0F)},
        {.kind = FINBOX_OP_KIND_SCALE_F32, .from = c, .to = c, .count = 1, .value = word_of(-2.0F)},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = c + 64, .value = 3},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = c + 64, .value = 4},
        {.kind = FINBOX_OP_KIND_ADD_COUNTER_F32, .from = c, .to = c, .count = 2, .value = c + 64},
        {.kind = FINBOX_OP_KIND_FILL_PATTERN, .to = c + 129, .count = 11, .value = 7},
        {.kind = FINBOX_OP_KIND_COPY, .from = 0, .to = 0, .count = 0},
    };
    drive_run(&drive, 0, 1, ops, sizeof ops / sizeof ops[0]);
    drive_read(&drive, words, b, sizeof words);
    EXPECT(words[0] == 0x02FFFFFE && words[62] == 0x02FFFFFE && words[63] == 0xFFFFFFFE);
    drive_read(&drive, floats, c, sizeof floats);
    EXPECT(floats[0] == 0.0F && floats[1] == 10.5F);
    drive_read(&drive, bytes, c + 129, 12);
    EXPECT(memcmp(bytes, pattern, 11) == 0 && bytes[11] == 0);
    drive_close(&drive);
}

static void blocks_are_a_stride_apart_and_subtasks_do_their_own(void)
{
    struct drive drive;
    struct finbox_launch launch = {.block = 2, .blocks = 3};
    struct finbox_slab slab;
    uint64_t at;
    uint32_t words[5];

    drive_open(&drive, 1, 3, "");
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = at, .count = 1, .value = 7, .stride = 4},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = at + 12, .value = 1,
         .subtasks = FINBOX_SUBTASK_AIC | FINBOX_SUBTASK_AIV1},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = at + 16, .value = 1, .subtasks = FINBOX_SUBTASK_AIV0},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = at + 16, .value = 1},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 4);
    launch.subtask = FINBOX_SUBTASK_AIV1;
    drive_run_launch(&drive, 0, 2, &launch, &slab);
    drive_read(&drive, words, at, sizeof words);
    EXPECT(words[0] == 0 && words[2] == 7 && words[3] == 1 && words[4] == 1);
    launch.subtask = 0;
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    drive_read(&drive, words, at, sizeof words);
    EXPECT(words[3] == 2 && words[4] == 3);
    drive_close(&drive);
}

static void conditions_stand_in_the_slab_up_to_64(void)
{
    struct finbox_op ops[65];
    struct drive drive;
    struct finbox_launch launch = {.blocks = 1};
    struct finbox_slab slab;
    uint64_t at;

    drive_open(&drive, 1, 1, "");
    at = drive_allocate(&drive, 0, 260);
    memset(ops, 0, sizeof ops);
    for (uint32_t i = 0; i < 65; i++) {
        ops[i] = (struct finbox_op){.kind = FINBOX_OP_KIND_AWAIT, .from = at + 4 * i,
                                    .value = i + 1, .count = 1000 + i};
    }
    launch.kernel = drive_kernel(&drive, 0, ops, 64);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.count == 64 && slab.error == 0);
    for (uint32_t i = 0; i < 64; i++) {
        const struct finbox_slab_entry *entry = &slab.entries[i];
        EXPECT(entry->addr == at + 4 * i && entry->expected == i + 1);
        EXPECT(entry->cookie == 1000 + i && entry->reserved == 0);
        EXPECT(entry->completion_type == FINBOX_COMPLETION_COUNTER);
    }
    launch.kernel = drive_kernel(&drive, 0, ops, 65);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.error == FINBOX_SLAB_ERROR_OVERFLOW);
    drive_close(&drive);
}

static void what_a_core_cannot_do_is_fatal_and_ends(void)
{
    struct drive drive;
    struct finbox_launch launch = {.blocks = 2, .kernel = 77};
    struct finbox_slab slab;
    uint64_t at;
    uint32_t word;

    drive_open(&drive, 2, 3, "");
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.error == FINBOX_SLAB_ERROR_FATAL);
    launch.kernel = drive_kernel(&drive, 1, NULL, 0);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.error == FINBOX_SLAB_ERROR_FATAL);
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = at, .count = 16, .value = 7, .stride = 64},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = at, .value = 1},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 2);
    launch.block = 1;
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.error == FINBOX_SLAB_ERROR_FATAL);
    drive_read(&drive, &word, at, sizeof word);
    EXPECT(word == 0);
    launch.block = 0;
    EXPECT(drive_library->release(drive.machine.context, 0, at) == 0);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.error == FINBOX_SLAB_ERROR_FATAL);
    drive_close(&drive);
}

/* Case 2 of the protocol: ACK of the second says that the first has ended. */
static void a_token_behind_another_is_taken_after_its_fin(void)
{
    struct drive drive;
    struct finbox_launch launch = {.blocks = 1};
    struct finbox_slab slab;
    uint64_t at;
    uint32_t word;

    drive_open(&drive, 1, 3, "threads=1");
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_BUSY, .value = 300000},
        {.kind = FINBOX_OP_KIND_AWAIT, .from = at, .value = 1},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = at, .value = 1},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 3);
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t first = drive_ring(&drive, 0, 0, &launch), second;
        uint32_t cond = drive.ports[0].load_cond(drive.ports[0].context, 0);
        while (cond != first && cond != (first | FINBOX_COND_FIN)) {
            sched_yield();
            cond = drive.ports[0].load_cond(drive.ports[0].context, 0);
        }
        second = drive_ring(&drive, 0, 0, &launch);
        drive_await_cond(&drive, 0, 0, second | FINBOX_COND_FIN);
        drive_slab(&drive, 0, 0, first, &slab);
        EXPECT(slab.count == 1 && slab.error == 0);
        drive_slab(&drive, 0, 0, second, &slab);
        EXPECT(slab.count == 1 && slab.error == 0);
        drive_read(&drive, &word, at, sizeof word);
        EXPECT(word == 2 * (round + 1));
    }
    drive_close(&drive);
}

static void behind_the_largest_token_comes_0(void)
{
    struct drive drive;
    uint64_t at;
    uint32_t word;

    drive_open(&drive, 1, 1, "");
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op op = {.kind = FINBOX_OP_KIND_NOTIFY, .to = at, .value = 1};
    drive.tokens[0][0] = FINBOX_TOKEN_LAST - 2;
    for (uint32_t round = 0; round < 5; round++) {
        drive_run(&drive, 0, 0, &op, 1);
    }
    EXPECT(drive.tokens[0][0] == 2);
    drive_read(&drive, &word, at, sizeof word);
    EXPECT(word == 5);
    drive_close(&drive);
}

/* Who sees the count sees the bytes: read by another rank's core, and by the program. */
static void a_notification_comes_after_what_stands_before_it(void)
{
    enum { ROUNDS = 500, WORDS = 256 };
    struct drive drive;
    uint64_t source, mailbox, counter, result;
    uint32_t words[WORDS];

    drive_open(&drive, 2, 3, "");
    source = drive_allocate(&drive, 0, sizeof words);
    mailbox = drive_allocate(&drive, 1, sizeof words);
    counter = drive_allocate(&drive, 1, 4);
    result = drive_allocate(&drive, 1, sizeof words);
    const struct finbox_op produce[] = {
        {.kind = FINBOX_OP_KIND_ADD_U32, .from = source, .to = source, .count = WORDS, .value = 1},
        {.kind = FINBOX_OP_KIND_COPY, .from = source, .to = mailbox, .count = sizeof words},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = counter, .value = 1},
    };
    const struct finbox_op consume[] = {
        {.kind = FINBOX_OP_KIND_COPY, .from = mailbox, .to = result, .count = sizeof words},
    };
    struct finbox_launch launch = {.blocks = 1, .kernel = drive_kernel(&drive, 0, produce, 3)};
    struct finbox_launch other = {.blocks = 1, .kernel = drive_kernel(&drive, 1, consume, 1)};
    struct finbox_slab slab;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t token = drive_ring(&drive, 0, round % 3, &launch);
        drive_await_counter(&drive, 1, counter, round);
        drive_read(&drive, words, mailbox, sizeof words);
        EXPECT(words[0] == round && words[WORDS - 1] == round);
        drive_run_launch(&drive, 1, round % 2, &other, &slab);
        drive_read(&drive, words, result, sizeof words);
        EXPECT(words[0] == round && words[WORDS - 1] == round);
        drive_await_cond(&drive, 0, round % 3, token | FINBOX_COND_FIN);
    }
    drive_close(&drive);
}

static void posts_end_in_order_and_failures_are_entered_before(void)
{
    struct drive drive;
    struct finbox_launch launch = {.blocks = 2};
    struct finbox_slab slab;
    struct finbox_port *port = &drive.ports[0];
    uint64_t a, b, record;
    uint32_t words[16];

    drive_open(&drive, 2, 3, "delay_us=200");
    a = drive_allocate(&drive, 0, 64);
    b = drive_allocate(&drive, 1, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_AWAIT_POST, .queue = 0},
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = a, .count = 16, .value = 9},
        {.kind = FINBOX_OP_KIND_POST, .from = a, .to = b, .count = 64, .queue = 1},
        {.kind = FINBOX_OP_KIND_POST, .from = b, .to = a + 32, .count = 4, .queue = 1},
        {.kind = FINBOX_OP_KIND_AWAIT_POST, .queue = 1},
        {.kind = FINBOX_OP_KIND_POST, .from = a, .to = b, .count = 64, .queue = 1, .stride = 64},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 6);
    for (uint32_t round = 0; round < 8; round++) {
        launch.block = 1;
        drive_run_launch(&drive, 0, 0, &launch, &slab);
        EXPECT(slab.count == 1 && slab.error == 0);
        record = slab.entries[0].addr;
        EXPECT(slab.entries[0].completion_type == FINBOX_COMPLETION_SDMA_EVENT_RECORD);
        EXPECT(slab.entries[0].cookie == 3 * round + 2 && record % 64 == 0);
        EXPECT(port->can_read(port->context, record, 64));
        drive_await_record(&drive, 0, record, slab.entries[0].cookie);
        drive_read(&drive, words, b, sizeof words);
        EXPECT(words[0] == 9 && words[15] == 9);
        drive_await_record(&drive, 0, record, slab.entries[0].cookie + 1);
        EXPECT(port->load_u64(port->context, record + 8) == round + 1);
        if (round < 6) {
            EXPECT(port->load_u64(port->context, record + 16 + 8 * round) << 16 ==
                   (uint64_t)(3 * round + 3) << 16);
            EXPECT(port->load_u64(port->context, record + 16 + 8 * round) >> 48 != 0);
        }
    }
    drive_close(&drive);
}

static void counters_are_raised_after_the_kernels_end(void)
{
    struct drive drive;
    uint64_t at;

    drive_open(&drive, 2, 3, "");
    at = drive_allocate(&drive, 1, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_LATER, .to = at, .value = 2000000},
        {.kind = FINBOX_OP_KIND_LATER, .to = at + 4, .value = 1000},
        {.kind = FINBOX_OP_KIND_LATER, .to = at + 8, .value = UINT64_MAX},
    };
    for (uint32_t round = 1; round <= 20; round++) {
        drive_run(&drive, 0, 0, ops, 3);
        drive_await_counter(&drive, 1, at + 4, round);
        drive_await_counter(&drive, 1, at, round);
    }
    EXPECT(drive.ports[1].load_u32(drive.ports[1].context, at + 8) == 0);
    drive_close(&drive);
}

static void exit_is_answered_and_then_nothing_is_taken(void)
{
    struct drive drive;
    struct finbox_port *port = &drive.ports[0];
    struct finbox_launch launch = {.blocks = 1};

    drive_open(&drive, 1, 3, "threads=1");
    launch.kernel = drive_kernel(&drive, 0, NULL, 0);
    port->ring_doorbell(port->context, 0, FINBOX_TOKEN_EXIT);
    drive_await_cond(&drive, 0, 0, FINBOX_TOKEN_EXIT);
    (void)drive_ring(&drive, 0, 0, &launch);
    for (int round = 0; round < 100; round++) {
        drive_run(&drive, 0, 1, NULL, 0);
    }
    EXPECT(port->load_cond(port->context, 0) == FINBOX_TOKEN_EXIT);
    drive_close(&drive);
}

static void a_machine_closes_under_kernels_that_do_not_end(void)
{
    struct drive drive;
    uint64_t at;

    drive_open(&drive, 2, 3, "delay_us=60000000");
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_LATER, .to = at, .value = 1},
        {.kind = FINBOX_OP_KIND_POST, .from = at, .to = at + 32, .count = 8},
        {.kind = FINBOX_OP_KIND_BUSY, .value = UINT64_MAX},
    };
    struct finbox_launch launch = {.blocks = 1, .kernel = drive_kernel(&drive, 0, ops, 3)};
    drive_await_cond(&drive, 0, 1, FINBOX_COND_RESET);
    drive_await_cond(&drive, 0, 1, drive_ring(&drive, 0, 1, &launch));
    drive_close(&drive);
}

/* One control CPU: rings all its cores, two tokens deep, and waits for all, again and again. */
struct control {
    struct drive *drive;
    uint32_t rank;
    uint64_t kernel;
    uint32_t rounds;
};

static void *control_main(void *argument)
{
    struct control *control = argument;
    struct drive *drive = control->drive;
    struct finbox_launch launch = {.blocks = 1, .kernel = control->kernel};

    for (uint32_t round = 0; round < control->rounds; round++) {
        for (uint32_t core = 0; core < drive->machine.cores; core++) {
            (void)drive_ring(drive, control->rank, core, &launch);
        }
        for (uint32_t core = 0; core < drive->machine.cores; core++) {
            uint32_t token = drive->tokens[control->rank][core];
            drive_await_cond(drive, control->rank, core, token | FINBOX_COND_FIN);
        }
        /* Long enough that the machine's threads go to sleep. */
        for (uint32_t turn = 0; turn < round % 3 * 100; turn++) {
            sched_yield();
        }
    }
    return NULL;
}

static void no_doorbell_is_lost_on_ranks_of_many_cores(void)
{
    enum { ROUNDS = 60, CORES = 24 };
    struct drive drive;
    struct control controls[2];
    pthread_t threads[2];
    uint64_t counters;
    uint32_t words[32];

    drive_open(&drive, 2, CORES, "");
    counters = drive_allocate(&drive, 0, sizeof words);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = counters, .value = 1},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = counters + 64, .value = 0xFFFFFFFF},
    };
    for (uint32_t rank = 0; rank < 2; rank++) {
        controls[rank] = (struct control){&drive, rank, drive_kernel(&drive, rank, ops, 2), ROUNDS};
        EXPECT(pthread_create(&threads[rank], NULL, control_main, &controls[rank]) == 0);
    }
    for (uint32_t rank = 0; rank < 2; rank++) {
        EXPECT(pthread_join(threads[rank], NULL) == 0);
    }
    drive_read(&drive, words, counters, sizeof words);
    EXPECT(words[0] == 2 * ROUNDS * CORES && words[16] == 0U - 2 * ROUNDS * CORES);
    drive_close(&drive);
}

void test_cores(void)
{
    every_operation_does_what_it_says();
    blocks_are_a_stride_apart_and_subtasks_do_their_own();
    conditions_stand_in_the_slab_up_to_64();
    what_a_core_cannot_do_is_fatal_and_ends();
    a_token_behind_another_is_taken_after_its_fin();
    behind_the_largest_token_comes_0();
    a_notification_comes_after_what_stands_before_it();
    posts_end_in_order_and_failures_are_entered_before();
    counters_are_raised_after_the_kernels_end();
    exit_is_answered_and_then_nothing_is_taken();
    a_machine_closes_under_kernels_that_do_not_end();
    no_doorbell_is_lost_on_ranks_of_many_cores();
}
