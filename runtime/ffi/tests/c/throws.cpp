// The contract for callbacks that throw: the process ends, and says that it does. A parent watches.
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#include "finbox.hpp"

static int32_t throws(void *, finbox_status, const finbox_message *)
{
    throw std::runtime_error("from a callback");
}

alignas(FINBOX_LINE_BYTES) static unsigned char memory[8 * FINBOX_LINE_BYTES];

int main()
{
    pid_t child = fork();
    if (child == 0) {
        finbox::consumer consumer;
        finbox::producer producer;
        finbox_place_args args = finbox::place_args();
        args.memory = memory;
        args.size_bytes = sizeof memory;
        args.slots = 4;
        finbox::must(consumer.place(args));
        finbox::must(producer.open(consumer));
        finbox::must(producer.push_normal_done(1, 1, 0));
        finbox_drained drained = {};
        drained.struct_size = FINBOX_DRAINED_SIZE;
        try {
            finbox_consumer_try_drain_with(consumer.get(), 1, throws, nullptr, &drained);
        } catch (...) {
        }
        _exit(0);
    }
    int ended = 0;
    if (waitpid(child, &ended, 0) != child || !WIFSIGNALED(ended) || WTERMSIG(ended) != SIGABRT) {
        std::printf("it did not abort: %#x\n", ended);
        return 1;
    }
    std::puts("an exception that leaves a callback ends the process");
    return 0;
}
