/* Drives acl-device on the stand-in for AscendCL, well behaved and not. Each test is a process of
 * its own, because a process loads AscendCL once.
 *
 * usage: test libfinbox_acl_device.so libascendcl_standin.so */
#define _DEFAULT_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "../drive.h"
#include "acl_symbols.h"

const struct finbox_device_library *drive_library;

static const char *library_path, *standin_path;

static void starts(const char *acl_path, const char *plan)
{
    setenv("FINBOX_ACL_LIB", acl_path, 1);
    setenv("FINBOX_ACL_STANDIN", plan, 1);
    drive_load(library_path);
}

static void refused_open(const char *what, const char *why)
{
    struct finbox_machine machine;

    EXPECT(drive_open_args(2, 3, "", &machine) != 0);
    EXPECT(strstr(drive_error(), what) != NULL && strstr(drive_error(), why) != NULL);
}

static void no_library_is_named(void)
{
    starts("/nowhere/libascendcl.so", "");
    refused_open("/nowhere/libascendcl.so", "FINBOX_ACL_LIB");
}

static void missing_symbols_are_all_named(void)
{
    starts("libm.so.6", "");
    refused_open("aclInit", "aclrtMemsetAsync");
    EXPECT(strstr(drive_error(), "aclrtStreamAbort") == NULL);
}

static void an_unknown_option_is_named(void)
{
    struct finbox_machine machine;

    starts(standin_path, "");
    EXPECT(drive_open_args(2, 3, "delay=3", &machine) != 0);
    EXPECT(strstr(drive_error(), "`delay`") != NULL);
}

/* Whatever fails while a machine is opened: it is told, and what was there is taken back. */
static void an_open_that_fails_tells_the_call_and_the_code(void)
{
    struct drive drive;

    starts(standin_path, "refuse=aclInit:1:507018,refuse=aclrtGetDeviceCount:1:107000,"
           "refuse=aclrtCreateContext:2:107001,refuse=aclrtMalloc:2:207001,"
           "refuse=aclrtMallocHost:4:207001,refuse=aclrtCreateStream:20:207001,"
           "refuse=aclrtCreateEventExWithFlag:25:207000,"
           "refuse=aclrtDeviceEnablePeerAccess:2:207000,"
           "refuse=aclrtSetStreamFailureMode:40:107000");
    refused_open("aclInit", "507018");
    refused_open("aclrtGetDeviceCount", "107000");
    refused_open("aclrtCreateContext", "no such device");
    refused_open("aclrtMalloc", "out of memory");
    refused_open("aclrtMallocHost", "207001");
    refused_open("aclrtCreateStream", "stand-in: aclrtCreateStream: as planned");
    refused_open("aclrtCreateEventExWithFlag", "cannot do that");
    refused_open("aclrtDeviceEnablePeerAccess", "207000");
    refused_open("aclrtSetStreamFailureMode", "107000");
    drive_open(&drive, 2, 3, "");
    drive_close(&drive);
}

static void memory_that_the_board_refuses_is_given_back(void)
{
    struct drive drive;
    uint64_t all = 0;

    starts(standin_path, "refuse=aclrtMemcpy:1:507018,refuse=aclrtMemcpy:3:107000");
    drive_open(&drive, 1, 1, "");
    EXPECT(drive_library->allocate(drive.machine.context, 0, 1 << 20, 64, &all) == 507018);
    EXPECT(strstr(drive_error(), "control CPU") != NULL);
    all = drive_allocate(&drive, 0, 1 << 20);
    EXPECT(drive_library->copy_in(drive.machine.context, all, "four", 4) == 107000);
    drive_write(&drive, all, "four", 4);
    drive_close(&drive);
}

/* Fills, copies and blocks: one byte, other words in more than one piece, to a peer and back. */
static void streams_do_what_kernels_say(void)
{
    enum { WORDS = 40000 };
    static uint32_t words[WORDS];
    struct drive drive;
    uint64_t a, b, c, kernel;

    starts(standin_path, "delay=300us");
    drive_open(&drive, 2, 3, "");
    a = drive_allocate(&drive, 0, sizeof words);
    b = drive_allocate(&drive, 1, sizeof words);
    c = drive_allocate(&drive, 0, sizeof words);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = a, .count = WORDS, .value = 0x01020304},
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = a + 4, .count = 1, .value = 0x55555555},
        {.kind = FINBOX_OP_KIND_BUSY, .value = 1000},
        {.kind = FINBOX_OP_KIND_COPY, .from = a, .to = b, .count = sizeof words},
        {.kind = FINBOX_OP_KIND_COPY, .from = b + 3, .to = c + 1, .count = sizeof words - 4},
        {.kind = FINBOX_OP_KIND_COPY, .from = b, .to = c, .count = 1},
        {.kind = FINBOX_OP_KIND_COPY, .count = 0},
        {.kind = FINBOX_OP_KIND_COPY, .from = c, .to = c + 64, .count = 128},
    };
    drive_run(&drive, 0, 1, ops, 8);
    drive_read(&drive, words, b, sizeof words);
    EXPECT(words[0] == 0x01020304 && words[1] == 0x55555555 && words[WORDS - 1] == 0x01020304);
    drive_read(&drive, words, c, sizeof words);
    EXPECT(words[0] == 0x55550104 && words[1] == 0x03045555);
    EXPECT(words[16] == words[0] && words[17] == words[1] && words[47] == words[31]);
    EXPECT(words[32] != words[0] && words[32] == words[31]);
    const struct finbox_op bad[] = {
        {.kind = FINBOX_OP_KIND_ADD_U32, .from = a, .to = a, .count = 1},
        {.kind = FINBOX_OP_KIND_COPY, .from = a, .to = 0, .count = 8},
        {.kind = FINBOX_OP_KIND_AWAIT, .from = b},
    };
    for (int i = 0; i < 3; i++) {
        EXPECT(drive_library->load_kernel(drive.machine.context, 0, &bad[i], 1, &kernel) != 0);
    }
    drive_close(&drive);
}

/* Streams end out of order with each other; a count still comes behind its bytes. */
static void a_notification_comes_after_what_stands_before_it(const char *plan)
{
    enum { ROUNDS = 60, CORES = 6 };
    struct drive drive;
    struct finbox_launch launch = {.blocks = CORES};
    struct finbox_slab slab;
    uint64_t source, mailbox, counter;
    uint32_t words[CORES * 16], last[CORES];

    starts(standin_path, plan);
    drive_open(&drive, 2, CORES, "");
    source = drive_allocate(&drive, 0, sizeof words);
    mailbox = drive_allocate(&drive, 1, sizeof words);
    counter = drive_allocate(&drive, 1, 4);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_COPY, .from = source, .to = mailbox, .count = 64, .stride = 64},
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = counter, .value = 1},
        {.kind = FINBOX_OP_KIND_AWAIT, .from = source, .value = 7, .count = 9},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 3);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (uint32_t word = 0; word < CORES * 16; word++) {
            words[word] = round * 1000 + word;
        }
        drive_write(&drive, source, words, sizeof words);
        for (uint16_t core = 0; core < CORES; core++) {
            launch.block = core;
            last[core] = drive_ring(&drive, 0, core, &launch);
        }
        drive_await_counter(&drive, 1, counter, round * CORES);
        drive_read(&drive, words, mailbox, sizeof words);
        for (uint32_t word = 0; word < CORES * 16; word++) {
            EXPECT(words[word] == round * 1000 + word);
        }
        for (uint16_t core = 0; core < CORES; core++) {
            drive_await_cond(&drive, 0, core, last[core] | FINBOX_COND_FIN);
            drive_slab(&drive, 0, core, last[core], &slab);
            EXPECT(slab.count == 1 && slab.error == 0 && slab.entries[0].cookie == 9);
        }
    }
    drive_close(&drive);
}

static void on_two_devices(void)
{
    a_notification_comes_after_what_stands_before_it("delay=2000us,seed=7");
}

static void on_one_device(void)
{
    a_notification_comes_after_what_stands_before_it("devices=1,delay=500us");
}

static void posts_end_in_order_and_failures_are_entered_before(void)
{
    struct drive drive;
    struct finbox_launch launch = {.blocks = 2, .block = 1};
    struct finbox_port *port = &drive.ports[0];
    struct finbox_slab slab;
    uint64_t a, b, record;
    uint32_t word;

    starts(standin_path, "fail=aclrtMemcpyAsync:4:507018");
    drive_open(&drive, 1, 1, "");
    a = drive_allocate(&drive, 0, 64);
    b = drive_allocate(&drive, 0, 64);
    drive_write(&drive, a, "\1\2\3\4", 4);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_POST, .from = a, .to = b, .count = 4},
        {.kind = FINBOX_OP_KIND_POST, .from = a, .to = b, .count = 64, .stride = 64},
        {.kind = FINBOX_OP_KIND_POST, .from = b, .to = a + 32, .count = 4},
        {.kind = FINBOX_OP_KIND_AWAIT_POST},
    };
    launch.kernel = drive_kernel(&drive, 0, ops, 4);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    EXPECT(slab.count == 1 && slab.error == 0 && slab.entries[0].cookie == 3);
    record = slab.entries[0].addr;
    drive_await_record(&drive, 0, record, 3);
    drive_read(&drive, &word, b, 4);
    EXPECT(word == 0x04030201);
    EXPECT(port->load_u64(port->context, record + 8) == 2);
    EXPECT(port->load_u64(port->context, record + 16) == (UINT64_C(14) << 48 | 2));
    EXPECT(port->load_u64(port->context, record + 24) == (UINT64_C(7018) << 48 | 3));
    drive_close(&drive);
}

static void counters_are_raised_later_and_exit_is_answered(void)
{
    struct drive drive;
    struct finbox_port *port = &drive.ports[0];
    uint64_t at;

    starts(standin_path, "");
    drive_open(&drive, 2, 2, "");
    at = drive_allocate(&drive, 1, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_LATER, .to = at, .value = 1000000},
        {.kind = FINBOX_OP_KIND_LATER, .to = at + 4, .value = UINT64_MAX},
    };
    drive_run(&drive, 0, 0, ops, 2);
    drive_await_counter(&drive, 1, at, 1);
    EXPECT(drive.ports[1].load_u32(drive.ports[1].context, at + 4) == 0);
    port->ring_doorbell(port->context, 0, FINBOX_TOKEN_EXIT);
    drive_await_cond(&drive, 0, 0, FINBOX_TOKEN_EXIT);
    drive_close(&drive);
}

/* The service thread changes its context for another rank's counter, and back for the next core. */
static void notifications_to_peers_leave_other_cores_alone(void)
{
    struct drive drive;
    struct finbox_launch launches[2] = {{.blocks = 1}, {.blocks = 1}};
    struct finbox_slab slab;
    uint64_t a, counter;
    uint32_t tokens[2];

    starts(standin_path, "delay=0us");
    drive_open(&drive, 2, 2, "");
    a = drive_allocate(&drive, 0, 128);
    counter = drive_allocate(&drive, 1, 4);
    const struct finbox_op notify = {.kind = FINBOX_OP_KIND_NOTIFY, .to = counter, .value = 1};
    const struct finbox_op copy = {.kind = FINBOX_OP_KIND_COPY, .from = a, .to = a + 64,
                                   .count = 64};
    launches[0].kernel = drive_kernel(&drive, 0, &notify, 1);
    launches[1].kernel = drive_kernel(&drive, 0, &copy, 1);
    for (uint32_t round = 1; round <= 500; round++) {
        for (uint32_t core = 0; core < 2; core++) {
            tokens[core] = drive_ring(&drive, 0, core, &launches[core]);
        }
        for (uint32_t core = 0; core < 2; core++) {
            drive_await_cond(&drive, 0, core, tokens[core] | FINBOX_COND_FIN);
            drive_slab(&drive, 0, core, tokens[core], &slab);
            EXPECT(slab.error == 0);
        }
    }
    drive_await_counter(&drive, 1, counter, 500);
    drive_close(&drive);
}

/* Runs a copy on a core and says what its slab tells. */
static int32_t copied(struct drive *drive, uint32_t rank, uint32_t core, uint64_t from, uint64_t to)
{
    struct finbox_op op = {.kind = FINBOX_OP_KIND_COPY, .from = from, .to = to, .count = 64};
    struct finbox_launch launch = {.blocks = 1, .kernel = drive_kernel(drive, rank, &op, 1)};
    struct finbox_slab slab;

    drive_run_launch(drive, rank, core, &launch, &slab);
    return slab.error;
}

static void a_call_that_is_refused_fails_its_kernel_alone(void)
{
    struct drive drive;
    uint64_t a, b;

    starts(standin_path, "refuse=aclrtMemcpyAsync:1:107000,refuse=aclrtRecordEvent:2:107003");
    drive_open(&drive, 1, 2, "");
    a = drive_allocate(&drive, 0, 64);
    b = drive_allocate(&drive, 0, 64);
    EXPECT(copied(&drive, 0, 0, a, b) == 107000);
    EXPECT(copied(&drive, 0, 0, a, b) == 107003);
    EXPECT(copied(&drive, 0, 0, a, b) == 0);
    drive_close(&drive);
}

/* AscendCL stops all streams of a context. */
static void a_stream_that_stops_fails_its_rank_and_no_other(void)
{
    struct drive drive;
    uint64_t a, b;
    uint32_t word;

    starts(standin_path, "fail=aclrtMemcpyAsync:1:507015");
    drive_open(&drive, 2, 2, "");
    a = drive_allocate(&drive, 0, 64);
    b = drive_allocate(&drive, 1, 64);
    drive_write(&drive, a, "\1\2\3\4", 4);
    EXPECT(copied(&drive, 0, 0, a, b) == 507015);
    drive_read(&drive, &word, b, 4);
    EXPECT(word == 0);
    EXPECT(copied(&drive, 0, 0, a, b) == 507015);
    EXPECT(copied(&drive, 0, 1, a, b) == 507015);
    EXPECT(copied(&drive, 1, 1, a, b) == 0);
    drive_read(&drive, &word, b, 4);
    EXPECT(word == 0x04030201);
    drive_close(&drive);
}

static void a_stream_that_hangs_is_given_up_in_time(void)
{
    struct drive drive;
    uint64_t a, b;

    starts(standin_path, "hang=aclrtMemcpyAsync:1");
    drive_open(&drive, 1, 2, "timeout_ms=50");
    a = drive_allocate(&drive, 0, 64);
    b = drive_allocate(&drive, 0, 64);
    EXPECT(copied(&drive, 0, 0, a, b) == 507046);
    EXPECT(copied(&drive, 0, 1, a, b) == 0);
    drive_close(&drive);
}

static void a_machine_closes_over_a_stream_that_hangs(void)
{
    struct drive drive;
    uint64_t a;
    struct finbox_launch launch = {.blocks = 1};

    starts(standin_path, "hang=aclrtMemcpyAsync:1");
    drive_open(&drive, 1, 1, "");
    a = drive_allocate(&drive, 0, 128);
    struct finbox_op op = {.kind = FINBOX_OP_KIND_COPY, .from = a, .to = a + 64, .count = 64};
    launch.kernel = drive_kernel(&drive, 0, &op, 1);
    drive_await_cond(&drive, 0, 0, drive_ring(&drive, 0, 0, &launch));
    drive_close(&drive);
}

/* The sum did not reach the device: the control CPU is not to see it either. */
static void a_notification_that_fails_adds_nothing(void)
{
    struct drive drive;
    struct finbox_launch launch = {.blocks = 1};
    struct finbox_slab slab;
    uint64_t at;
    uint32_t word;

    starts(standin_path, "refuse=aclrtMemcpy:2:507018");
    drive_open(&drive, 1, 1, "");
    at = drive_allocate(&drive, 0, 64);
    const struct finbox_op op = {.kind = FINBOX_OP_KIND_NOTIFY, .to = at, .value = 5};
    launch.kernel = drive_kernel(&drive, 0, &op, 1);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    drive_read(&drive, &word, at, 4);
    EXPECT(slab.error == 507018 && word == 0);
    drive_run_launch(&drive, 0, 0, &launch, &slab);
    drive_read(&drive, &word, at, 4);
    EXPECT(slab.error == 0 && word == 5);
    drive_close(&drive);
}

/* What follows a notification of another rank is done on the kernel's own board again. */
static void a_kernel_goes_on_behind_a_notification_of_a_peer(void)
{
    struct drive drive;
    uint64_t mine, peers;
    uint32_t word;

    starts(standin_path, "devices=2");
    drive_open(&drive, 2, 1, "");
    mine = drive_allocate(&drive, 0, 64);
    peers = drive_allocate(&drive, 1, 64);
    const struct finbox_op ops[] = {
        {.kind = FINBOX_OP_KIND_NOTIFY, .to = peers, .value = 5},
        {.kind = FINBOX_OP_KIND_FILL_U32, .to = mine, .count = 1, .value = 7}};
    drive_run(&drive, 0, 0, ops, 2);
    drive_read(&drive, &word, mine, 4);
    EXPECT(word == 7);
    drive_close(&drive);
}

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {
#define TEST(name) {#name, name}
    TEST(no_library_is_named),
    TEST(missing_symbols_are_all_named),
    TEST(an_unknown_option_is_named),
    TEST(an_open_that_fails_tells_the_call_and_the_code),
    TEST(memory_that_the_board_refuses_is_given_back),
    TEST(streams_do_what_kernels_say),
    TEST(on_two_devices),
    TEST(on_one_device),
    TEST(posts_end_in_order_and_failures_are_entered_before),
    TEST(counters_are_raised_later_and_exit_is_answered),
    TEST(notifications_to_peers_leave_other_cores_alone),
    TEST(a_call_that_is_refused_fails_its_kernel_alone),
    TEST(a_stream_that_stops_fails_its_rank_and_no_other),
    TEST(a_stream_that_hangs_is_given_up_in_time),
    TEST(a_machine_closes_over_a_stream_that_hangs),
    TEST(a_notification_that_fails_adds_nothing),
    TEST(a_kernel_goes_on_behind_a_notification_of_a_peer),
#undef TEST
};

int main(int count, char **arguments)
{
    size_t all = sizeof tests / sizeof tests[0];

    if (count != 3) {
        fprintf(stderr, "usage: %s libfinbox_acl_device.so libascendcl_standin.so\n", arguments[0]);
        return 2;
    }
    library_path = arguments[1];
    standin_path = arguments[2];
    for (size_t index = 0; index < all; index++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            tests[index].test();
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "FAILED: %s\n", tests[index].name);
            return 1;
        }
    }
    printf("acl-device on the stand-in: %zu tests passed\n", all);
    return 0;
}
