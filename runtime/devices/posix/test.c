/* Drives posix-device through its table and its ports, as a control CPU does: what it refuses, its
 * memory, and what the control CPU sees; test_cores.c has what runs.
 *
 * usage: test libfinbox_posix_device.so */
#include "test.h"

const struct finbox_device_library *drive_library;

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

static const struct finbox_device_events *events(void)
{
    EXPECT(drive_library->features == FINBOX_FEATURE_EVENTS);
    EXPECT(drive_library->extensions->kind == FINBOX_EXTENSION_EVENTS);
    return (const struct finbox_device_events *)(const void *)drive_library->extensions;
}

static void an_event_says_how_far_its_copies_are(void)
{
    const struct finbox_device_events *table = events();
    struct drive drive;
    struct finbox_event event, other;
    struct finbox_event_copy copy = {.size_bytes = 64};
    struct finbox_port *port = &drive.ports[1];
    uint8_t in[64], out[64];

    drive_open(&drive, 2, 3, "delay_us=200");
    copy.from = drive_allocate(&drive, 0, 64);
    copy.to = drive_allocate(&drive, 1, 64);
    EXPECT(table->event_open(drive.machine.context, 1, &event) == 0);
    EXPECT(event.rank == 1 && port->can_read(port->context, event.word, 8));
    for (copy.value = 5; copy.value < 50; copy.value += 5) {
        memset(in, (int)copy.value, sizeof in);
        drive_write(&drive, copy.from, in, sizeof in);
        EXPECT(table->event_copy(drive.machine.context, &event, &copy) == 0);
        while (port->load_u64(port->context, event.word) != copy.value) {
        }
        drive_read(&drive, out, copy.to, sizeof out);
        EXPECT(memcmp(in, out, sizeof in) == 0);
        EXPECT(table->event_copy(drive.machine.context, &event, &copy) != 0);
    }
    EXPECT(drive_library->copy_in(drive.machine.context, event.word, in, 8) != 0);
    EXPECT(table->event_open(drive.machine.context, 2, &other) != 0);
    EXPECT(table->event_open(NULL, 0, &other) != 0);
    EXPECT(table->event_open(drive.machine.context, 0, NULL) != 0);
    EXPECT(table->event_copy(drive.machine.context, &event, NULL) != 0);
    EXPECT(table->event_copy(drive.machine.context, NULL, &copy) != 0);
    EXPECT(table->event_close(drive.machine.context, &event) == 0);
    EXPECT(table->event_close(drive.machine.context, &event) != 0);
    drive_close(&drive);
}

static void an_event_whose_copy_failed_says_so_for_ever(void)
{
    const struct finbox_device_events *table = events();
    struct drive drive;
    struct finbox_event event, again;
    struct finbox_event_copy copy = {.value = 1, .size_bytes = 64};
    struct finbox_port *port = &drive.ports[0];

    drive_open(&drive, 1, 3, "delay_us=300000");
    copy.from = drive_allocate(&drive, 0, 64);
    copy.to = drive_allocate(&drive, 0, 64);
    EXPECT(table->event_open(drive.machine.context, 0, &event) == 0);
    EXPECT(table->event_copy(drive.machine.context, &event, &copy) == 0);
    EXPECT(drive_library->release(drive.machine.context, 0, copy.to) == 0);
    while (port->load_u64(port->context, event.word) == 0) {
    }
    EXPECT(port->load_u64(port->context, event.word) == FINBOX_EVENT_FAILED);
    copy.value = 2;
    copy.to = drive_allocate(&drive, 0, 64);
    EXPECT(table->event_copy(drive.machine.context, &event, &copy) != 0);
    while (table->event_close(drive.machine.context, &event) != 0) {
    }
    EXPECT(table->event_open(drive.machine.context, 0, &again) == 0);
    EXPECT(again.word == event.word && port->load_u64(port->context, again.word) == 0);
    drive_close(&drive);
}

static void an_event_with_copies_that_have_not_ended_is_not_closed(void)
{
    const struct finbox_device_events *table = events();
    struct drive drive;
    struct finbox_event event;
    struct finbox_event_copy copy = {.value = 7, .size_bytes = 64};

    drive_open(&drive, 1, 3, "delay_us=60000000");
    copy.from = drive_allocate(&drive, 0, 64);
    copy.to = drive_allocate(&drive, 0, 64);
    EXPECT(table->event_open(drive.machine.context, 0, &event) == 0);
    EXPECT(table->event_copy(drive.machine.context, &event, &copy) == 0);
    EXPECT(table->event_close(drive.machine.context, &event) != 0);
    EXPECT(strstr(drive_error(), "up to 7 have not ended") != NULL);
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
    an_event_says_how_far_its_copies_are();
    an_event_whose_copy_failed_says_so_for_ever();
    an_event_with_copies_that_have_not_ended_is_not_closed();
    test_cores();
    printf("posix-device: 23 tests passed\n");
    return 0;
}
