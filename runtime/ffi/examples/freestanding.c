/* Firmware without an operating system or a C library: places a mailbox, pushes and drains. As a
 * program for Linux, because a test wants its verdict: 0 if every message came.
 *
 * cc -ffreestanding -nostdlib -static -no-pie freestanding.c libfinbox.a (the firmware build) */
#include "finbox.h"

enum { SLOTS = 16, ROUNDS = 100 };

static _Alignas(FINBOX_LINE_BYTES) unsigned char memory[(2 + SLOTS + 1) * FINBOX_LINE_BYTES];
static finbox_consumer consumer;
static finbox_producer producer;

/* The end of the program, by a system call: the only thing here that knows Linux. */
static _Noreturn void stop(long status)
{
    for (;;) {
#if defined(__x86_64__)
        __asm__ volatile("syscall" : : "a"(60L), "D"(status) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
        register long x0 __asm__("x0") = status;
        register long x8 __asm__("x8") = 93;
        __asm__ volatile("svc 0" : : "r"(x0), "r"(x8) : "memory");
#else
#error "no way to stop on this machine"
#endif
    }
}

/* libfinbox needs this of its firmware, and what a compiler always needs: memcpy and the like. */
void finbox_firmware_panic(const char *text, size_t length)
{
    (void)text;
    (void)length;
    stop(101);
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    while (count-- > 0) {
        *target++ = *source++;
    }
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    unsigned char *target = to;
    while (count-- > 0) {
        *target++ = (unsigned char)byte;
    }
    return to;
}

static finbox_status place(void)
{
    finbox_place_args args = {0};

    args.struct_size = FINBOX_PLACE_ARGS_SIZE;
    args.memory = memory;
    args.size_bytes = sizeof memory;
    args.slots = SLOTS;
    args.epoch = 7;
    args.flags = FINBOX_PLACE_OWN;
    return finbox_mailbox_place(&args, &consumer);
}

/* Pushes more than fits, takes what came, and counts it. */
static long round_of(uint64_t first)
{
    finbox_message messages[SLOTS];
    finbox_drained drained = {.struct_size = FINBOX_DRAINED_SIZE};
    uint64_t task = first;

    while (finbox_producer_push_normal_done(&producer, task, task, 0) == FINBOX_STATUS_OK) {
        task++;
    }
    if (finbox_consumer_try_drain(&consumer, messages, SLOTS, &drained) != FINBOX_STATUS_OK) {
        return -1;
    }
    for (uint32_t i = 0; i < drained.taken; i++) {
        if (messages[i].task != first + i || messages[i].epoch != 7) {
            return -1;
        }
    }
    return (long)drained.taken;
}

static _Noreturn __attribute__((used)) void run(void)
{
    uint64_t task = 1;

    if (place() != FINBOX_STATUS_OK) {
        stop(1);
    }
    if (place() != FINBOX_STATUS_IN_USE) {
        stop(2);
    }
    if (finbox_producer_open(&consumer, 3, &producer) != FINBOX_STATUS_OK) {
        stop(3);
    }
    for (int round = 0; round < ROUNDS; round++) {
        long taken = round_of(task);
        if (taken != SLOTS) {
            stop(4);
        }
        task += (uint64_t)taken;
    }
    stop(finbox_consumer_destroy(&consumer) == FINBOX_STATUS_OK ? 0 : 5);
}

/* The stack is aligned to 16 bytes here, as a call expects it before its return address. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall run\n");
#else
__asm__(".globl _start\n_start:\n\tbl run\n");
#endif
