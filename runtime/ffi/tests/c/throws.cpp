// The contract for callbacks that throw: the process ends, and the callback is named. A parent
// watches, and reads what its child says.
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
    int said[2];
    if (pipe(said) != 0) {
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(said[1], STDERR_FILENO);
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
    close(said[1]);
    char text[1000] = {};
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < sizeof text - 1; length += static_cast<size_t>(got)) {
        got = read(said[0], text + length, sizeof text - 1 - length);
        if (got < 0) {
            return 1;
        }
    }
    int ended = 0;
    if (waitpid(child, &ended, 0) != child || !WIFSIGNALED(ended) || WTERMSIG(ended) != SIGABRT) {
        std::printf("it did not abort: %#x\n", ended);
        return 1;
    }
    std::fputs(text, stdout);
    return 0;
}
