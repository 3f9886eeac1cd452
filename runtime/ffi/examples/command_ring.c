/*
 * Packets for a device that this program plays itself: copies and counters at once, kernels on a
 * thread that tells the ring when each has ended.
 *
 * First the packets are drained on this thread, then by one of the library's; the statistics have
 * the same digest. At the end a drain that cannot arrive says why.
 */
#include <finbox.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 50u
#define SECOND_NS 1000000000u

static void must(finbox_status status, const char *what)
{
    char text[512];
    if (status == FINBOX_STATUS_OK) {
        return;
    }
    finbox_last_error(text, sizeof text, NULL);
    fprintf(stderr, "%s: %s: %s\n", what, finbox_status_text((int32_t)status), text);
    exit(1);
}

/* The device. Addresses are offsets in its memory; a kernel adds 1 to each byte of its arguments. */
struct device {
    unsigned char memory[256];
    uint32_t counter;
    finbox_packet buffer[2];
    finbox_command_ring *ring;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t work[64]; /* a queue: begun, and not ended */
    uint32_t begin, end;
    int is_over;
};

/* The kernels' thread: carries out what was launched, and tells the ring of each end. */
static void *run_kernels(void *context)
{
    struct device *device = context;
    pthread_mutex_lock(&device->lock);
    for (;;) {
        while (device->begin == device->end && !device->is_over) {
            pthread_cond_wait(&device->changed, &device->lock);
        }
        if (device->begin == device->end) {
            break;
        }
        uint64_t work = device->work[device->begin++ % 64];
        for (size_t byte = 0; byte < 64; byte++) {
            device->memory[byte]++;
        }
        pthread_mutex_unlock(&device->lock);
        while (finbox_command_ring_notice(device->ring, FINBOX_ROUTE_TOLD, work) ==
               FINBOX_STATUS_FULL) {
            sched_yield();
        }
        pthread_mutex_lock(&device->lock);
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

static uint32_t launch(void *context, uint64_t work, uint64_t kernel, uint64_t args,
                       uint32_t args_bytes, uint32_t blocks)
{
    struct device *device = context;
    (void)args, (void)args_bytes, (void)blocks;
    if (kernel != 1) {
        return 404; /* the executor's own number: the processor stops here for good */
    }
    pthread_mutex_lock(&device->lock);
    int is_full = device->end - device->begin == 64;
    if (!is_full) {
        device->work[device->end++ % 64] = work;
        pthread_cond_signal(&device->changed);
    }
    pthread_mutex_unlock(&device->lock);
    return is_full ? FINBOX_ANSWER_NOT_YET : FINBOX_ANSWER_RUNNING;
}

static uint32_t copy(void *context, uint64_t work, uint64_t to, uint64_t from, uint64_t bytes)
{
    struct device *device = context;
    (void)work;
    memmove(device->memory + to, device->memory + from, bytes);
    return FINBOX_ANSWER_DONE;
}

static uint32_t signal_counter(void *context, uint64_t work, uint64_t counter, uint32_t value,
                               uint32_t how)
{
    struct device *device = context;
    (void)work, (void)counter;
    device->counter = how == FINBOX_SIGNAL_HOW_ADD ? device->counter + value : value;
    return FINBOX_ANSWER_DONE;
}

static uint32_t read_counter(void *context, uint64_t counter, uint32_t *value)
{
    struct device *device = context;
    (void)counter;
    *value = device->counter;
    return FINBOX_ANSWER_DONE;
}

static uint32_t fetch(void *context, uint64_t buffer, uint32_t index, finbox_packet *packet)
{
    struct device *device = context;
    (void)buffer;
    *packet = device->buffer[index % 2];
    return FINBOX_ANSWER_DONE;
}

/* One round: a kernel, its end awaited, its result copied and counted by an indirect buffer. */
static void submit(finbox_command_ring *ring, uint32_t round)
{
    finbox_packet packets[5];
    uint64_t first;
    uint32_t accepted;
    packets[0] = finbox_packet_launch(round, 1, 1, 0, 0);
    packets[1] = finbox_packet_of(FINBOX_PACKET_KIND_BARRIER, round);
    packets[2] = finbox_packet_indirect(round, 7, 2, FINBOX_ENTRY_CALL);
    packets[3] = finbox_packet_wait(round, 8, round + 1);
    packets[4] = finbox_packet_of(FINBOX_PACKET_KIND_FENCE, round);
    must(finbox_command_ring_submit(ring, packets, 5, &first, &accepted), "submit");
    if (accepted != 5) {
        fprintf(stderr, "the ring is drained after each round, and has 16 slots\n");
        exit(1);
    }
}

/* Runs all rounds, and returns the statistics' digest. */
static uint64_t run(int threaded, int *is_right)
{
    static struct device device;
    finbox_command_ring ring = FINBOX_ZERO;
    finbox_executor executor = {.struct_size = FINBOX_EXECUTOR_SIZE, .context = &device};
    executor.launch = launch;
    executor.copy = copy;
    executor.signal = signal_counter;
    executor.counter = read_counter;
    executor.fetch = fetch;
    finbox_command_ring_args args = {.struct_size = FINBOX_COMMAND_RING_ARGS_SIZE, .slots = 16};
    args.executor = &executor;
    args.epoch = 1;
    must(finbox_command_ring_create(&args, &ring), "create");

    memset(&device, 0, sizeof device);
    device.ring = &ring;
    device.buffer[0] = finbox_packet_copy(0, 128, 0, 64);
    device.buffer[1] = finbox_packet_signal(0, 8, 1, FINBOX_SIGNAL_HOW_ADD);
    device.buffer[0].epoch = device.buffer[1].epoch = args.epoch;
    pthread_mutex_init(&device.lock, NULL);
    pthread_cond_init(&device.changed, NULL);
    pthread_t kernels;
    pthread_create(&kernels, NULL, run_kernels, &device);
    if (threaded) {
        must(finbox_command_ring_start(&ring), "start");
    }
    uint64_t target;
    finbox_arrival arrival = {.struct_size = FINBOX_ARRIVAL_SIZE};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        submit(&ring, round);
        must(finbox_command_ring_target(&ring, &target), "target");
        must(finbox_command_ring_drain_until(&ring, target, 60ull * SECOND_NS, &arrival), "drain");
    }
    finbox_command_snapshot snapshot = {.struct_size = FINBOX_COMMAND_SNAPSHOT_SIZE};
    must(finbox_command_ring_snapshot(&ring, &snapshot), "snapshot");
    *is_right &= device.memory[128 + 63] == ROUNDS && device.counter == ROUNDS &&
                 snapshot.answered == target && snapshot.completed == ROUNDS;

    /* A drain to where nobody submitted anything: it ends within its budget, and says why. */
    finbox_status late = finbox_command_ring_drain_until(&ring, target + 1, 1000000, &arrival);
    *is_right &= late == FINBOX_STATUS_TIMEOUT && arrival.verdict == FINBOX_VERDICT_STARVED &&
                 arrival.blocker.waits_for == FINBOX_WAITS_FOR_SUBMISSION;

    pthread_mutex_lock(&device.lock);
    device.is_over = 1;
    pthread_cond_signal(&device.changed);
    pthread_mutex_unlock(&device.lock);
    pthread_join(kernels, NULL);
    must(finbox_command_ring_stop(&ring, 0), "stop");
    must(finbox_command_ring_destroy(&ring), "destroy");
    pthread_cond_destroy(&device.changed);
    pthread_mutex_destroy(&device.lock);
    printf("%s: %llu packets, digest %016llx\n", threaded ? "threaded" : "inline",
           (unsigned long long)target, (unsigned long long)snapshot.digest);
    return snapshot.digest;
}

int main(void)
{
    int is_right = 1;
    uint64_t alone = run(0, &is_right), threaded = run(1, &is_right);
    is_right &= alone == threaded;
    printf("%s\n", is_right ? "max_diff 0" : "wrong");
    return !is_right;
}
