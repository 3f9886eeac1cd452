/* Drives posix-device through its table and its ports, as a control CPU does.
 *
 * usage: test libfinbox_posix_device.so */
#include <pthread.h>

#include "../drive.h"

static void a_program_of_another_version_is_refused_in_words(const char *path)
{
    finbox_device_query_fn query = drive_query(path);
    struct finbox_device_host other = drive_host;
    struct finbox_text refusal = {NULL, 0};

    other.abi_major = 2;
    EXPECT(query(&other, &refusal) == NULL && refusal.length > 20);
    EXPECT(query(NULL, &refusal) == NULL && refusal.length > 20);
    EXPECT(query(NULL, NULL) == NULL);
    EXPECT(query(&drive_host, &refusal) == query(&drive_host, NULL));
    EXPECT(query(&drive_host, NULL)->abi_major == FINBOX_DEVICE_ABI_MAJOR);
}

static void refused_open(uint32_t ranks, uint32_t cores, const char *options, const char *why)
{
    struct finbox_machine machine;

    EXPECT(drive_open_args(ranks, cores, options, &machine) != 0);
    EXPECT(strstr(drive_error(), why) != NULL);
    EXPECT(machine.context == NULL);
}

static void what_cannot_be_opened_is_named(void)
{
    struct finbox_machine machine = {.struct_size = FINBOX_MACHINE_SIZE};
    struct finbox_open_args args = {.struct_size = 8};

    refused_open(2, 3, "thread=4", "`thread`");
    refused_open(2, 3, "threads", "`threads`");
    refused_open(2, 3, "threads=4,delay_us=99999999999999999999999", "delay_us");
    refused_open(2, 3, "threads=4x", "threads=4x");
    refused_open(65, 3, "", "65 ranks");
    refused_open(2, 109, "", "109 cores");
    EXPECT(drive_library->open(&args, &machine) != 0);
    EXPECT(drive_library->open(NULL, &machine) != 0);
    args = (struct finbox_open_args){.struct_size = FINBOX_OPEN_ARGS_SIZE, .target = 3};
    EXPECT(drive_library->open(&args, &machine) != 0);
    EXPECT(drive_library->open(&args, NULL) != 0);
    EXPECT(drive_library->close(NULL) != 0);
    EXPECT(drive_library->close(&args) != 0);
}

static void a_machine_that_was_closed_is_not_followed(void)
{
    struct drive drive;
    uint64_t number;
    uint8_t byte = 0;

    drive_open(&drive, 1, 1, "");
    drive_close(&drive);
    EXPECT(drive_library->close(drive.machine.context) != 0);
    EXPECT(drive_library->port(drive.machine.context, 0, &drive.ports[0]) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 64, 64, &number) != 0);
    EXPECT(drive_library->copy_in(drive.machine.context, 1, &byte, 1) != 0);
    EXPECT(drive_library->load_kernel(drive.machine.context, 0, NULL, 0, &number) != 0);
}

static void memory_is_zeroed_aligned_disjoint_and_comes_back(void)
{
    static const uint8_t dirt[300] = {1, 2, 3};
    struct drive drive;
    uint64_t first, second, third, far;
    uint8_t bytes[300];

    drive_open(&drive, 2, 3, "");
    first = drive_allocate(&drive, 0, 300);
    second = drive_allocate(&drive, 0, 1);
    far = drive_allocate(&drive, 1, 300);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 5, 4096, &third) == 0);
    EXPECT(first % 64 == 0 && third % 4096 == 0 && far != first);
    EXPECT(second >= first + 300 && third >= second + 1);
    drive_write(&drive, first, dirt, sizeof dirt);
    EXPECT(drive_library->release(drive.machine.context, 0, first) == 0);
    EXPECT(drive_library->release(drive.machine.context, 0, first) != 0);
    EXPECT(drive_library->release(drive.machine.context, 1, second) != 0);
    EXPECT(drive_allocate(&drive, 0, 290) == first);
    drive_read(&drive, bytes, first, 290);
    for (int i = 0; i < 290; i++) {
        EXPECT(bytes[i] == 0);
    }
    drive_close(&drive);
}

static void memory_that_cannot_be_had_is_refused(void)
{
    struct drive drive;
    uint64_t all, address;

    drive_open(&drive, 1, 3, "");
    EXPECT(drive_library->allocate(drive.machine.context, 0, 64, 3, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 64, 0, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 0, 64, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 1, 64, 64, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, UINT64_MAX, 64, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 64, 1ULL << 63, &address) != 0);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 64, 64, NULL) != 0);
    all = drive_allocate(&drive, 0, drive.machine.memory_bytes);
    EXPECT(drive_library->allocate(drive.machine.context, 0, 1, 1, &address) != 0);
    EXPECT(strstr(drive_error(), "release something") != NULL);
    EXPECT(drive_library->release(drive.machine.context, 0, all) == 0);
    EXPECT(drive_allocate(&drive, 0, 1) == all);
    drive_close(&drive);
}

static void copies_stay_within_what_was_given_out(void)
{
    struct drive drive;
    uint64_t at;
    uint8_t in[100], out[100];

    drive_open(&drive, 1, 3, "");
    at = drive_allocate(&drive, 0, 128);
    for (int i = 0; i < 100; i++) {
        in[i] = (uint8_t)(i * 7);
    }
    drive_write(&drive, at + 5, in, 100);
    drive_read(&drive, out, at + 5, 100);
    EXPECT(memcmp(in, out, 100) == 0);
    EXPECT(drive_library->copy_in(drive.machine.context, at + 64, in, 65) != 0);
    EXPECT(drive_library->copy_out(drive.machine.context, out, at - 1, 1) != 0);
    EXPECT(drive_library->copy_out(drive.machine.context, out, UINT64_MAX, 100) != 0);
    EXPECT(drive_library->copy_out(drive.machine.context, out, at, UINT64_MAX) != 0);
    EXPECT(drive_library->copy_out(drive.machine.context, NULL, at, 1) != 0);
    drive_close(&drive);
}

static void a_port_knows_its_slabs_and_what_may_be_read(void)
{
    struct drive drive;
    struct finbox_port *port = &drive.ports[0];
    uint64_t at, far, slab;
    uint64_t before;

    drive_open(&drive, 2, 24, "");
    at = drive_allocate(&drive, 0, 64);
    far = drive_allocate(&drive, 1, 64);
    EXPECT(port->can_read(port->context, at, 64) && !port->can_read(port->context, far, 64));
    EXPECT(!port->can_read(port->context, 0, 1) && !port->can_read(port->context, at, 1ULL << 40));
    EXPECT(!port->can_read(port->context, UINT64_MAX - 3, 8));
    EXPECT(port->load_u32(port->context, 0) == 0 && port->load_u64(port->context, far) == 0);
    for (uint32_t core = 0; core < 24; core++) {
        for (uint32_t parity = 0; parity < 2; parity++) {
            slab = port->slab_address(port->context, core, parity);
            EXPECT(slab != 0 && slab % 64 == 0);
            EXPECT(port->can_read(port->context, slab, sizeof(struct finbox_slab)));
            EXPECT(port->load_u64(port->context, slab) == 0);
            port->store_u64(port->context, slab, (uint64_t)core << 1 | parity);
        }
        EXPECT(port->load_cond(port->context, core) == FINBOX_COND_RESET);
    }
    for (uint32_t core = 0; core < 24; core++) {
        slab = port->slab_address(port->context, core, 1);
        EXPECT(port->load_u64(port->context, slab) == ((uint64_t)core << 1 | 1));
    }
    EXPECT(port->load_cond(port->context, 24) == FINBOX_COND_RESET);
    port->ring_doorbell(port->context, 99, 1);
    before = port->now(port->context);
    EXPECT(port->now(port->context) >= before);
    drive_close(&drive);
}

static void refused_kernel(struct drive *drive, struct finbox_op op, const char *why)
{
    uint64_t kernel;

    EXPECT(drive_library->load_kernel(drive->machine.context, 0, &op, 1, &kernel) != 0);
    EXPECT(strstr(drive_error(), why) != NULL);
}

static void kernels_that_cannot_run_are_refused(void)
{
    struct drive drive;
    uint64_t at, far;

    drive_open(&drive, 2, 3, "");
    at = drive_allocate(&drive, 0, 64);
    far = drive_allocate(&drive, 1, 64);
    refused_kernel(&drive, (struct finbox_op){.kind = 14}, "kind 14");
    refused_kernel(&drive, (struct finbox_op){.kind = 1, .from = at, .to = 8, .count = 1}, "copy");
    refused_kernel(&drive, (struct finbox_op){.kind = 2, .to = at, .count = 17}, "fill_u32");
    refused_kernel(&drive, (struct finbox_op){.kind = 2, .to = at, .count = 1ULL << 62}, "fill");
    refused_kernel(&drive, (struct finbox_op){.kind = 9, .to = at + 2}, "aligned");
    refused_kernel(&drive, (struct finbox_op){.kind = 10, .from = far}, "another rank's");
    refused_kernel(&drive, (struct finbox_op){.kind = 8, .value = 4}, "counter");
    refused_kernel(&drive, (struct finbox_op){.kind = 11, .queue = 2}, "queue 2");
    refused_kernel(&drive, (struct finbox_op){.kind = 0, .subtasks = 8}, "subtasks");
    refused_kernel(&drive, (struct finbox_op){.kind = 0, .reserved = {0, 1, 0}}, "reserved");
    EXPECT(drive_library->load_kernel(drive.machine.context, 0, NULL, 1, &at) != 0);
    EXPECT(drive_library->load_kernel(drive.machine.context, 0, NULL, 0, NULL) != 0);
    drive_close(&drive);
}

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

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s libfinbox_posix_device.so\n", arguments[0]);
        return 2;
    }
    a_program_of_another_version_is_refused_in_words(arguments[1]);
    drive_load(arguments[1]);
    what_cannot_be_opened_is_named();
    a_machine_that_was_closed_is_not_followed();
    memory_is_zeroed_aligned_disjoint_and_comes_back();
    memory_that_cannot_be_had_is_refused();
    copies_stay_within_what_was_given_out();
    a_port_knows_its_slabs_and_what_may_be_read();
    kernels_that_cannot_run_are_refused();
    every_operation_does_what_it_says();
    blocks_are_a_stride_apart_and_subtasks_do_their_own();
    conditions_stand_in_the_slab_up_to_64();
    what_a_core_cannot_do_is_fatal_and_ends();
    a_token_behind_another_is_taken_after_its_fin();
    a_notification_comes_after_what_stands_before_it();
    posts_end_in_order_and_failures_are_entered_before();
    counters_are_raised_after_the_kernels_end();
    exit_is_answered_and_then_nothing_is_taken();
    a_machine_closes_under_kernels_that_do_not_end();
    no_doorbell_is_lost_on_ranks_of_many_cores();
    printf("posix-device: 19 tests passed\n");
    return 0;
}
