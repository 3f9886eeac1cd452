// The contract for a port's function that throws: the process ends, and the function is named. A
// parent watches, and reads what its child says.
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "chip.h"
#include "finbox.hpp"

static void nothing(const finbox_launch *, finbox_slab *) {}

static uint64_t throws(void *)
{
    throw std::runtime_error("from a callback");
}

static int child()
{
    static struct chip chip;
    finbox_port port;
    chip_open(&chip, &port);
    finbox_scheduler_args args = finbox::scheduler_args();
    args.port = &port;
    args.target = FINBOX_TARGET_A5;
    args.cores = CHIP_CORES;
    args.task_slots = 16;
    args.condition_room = 64;
    args.wait_ns = 1;
    finbox::scheduler scheduler;
    port.now = throws;
    finbox::must(scheduler.place(args));
    finbox_task_args task = finbox::task_args();
    task.kernel = reinterpret_cast<uintptr_t>(&nothing);
    task.run_budget_ns = 1000;
    task.shape = FINBOX_SHAPE_AIV;
    finbox::task named{};
    finbox::must(scheduler.submit(task, {}, named));
    finbox_pass pass;
    try {
        (void)scheduler.dispatch_pass(pass);
    } catch (...) {
    }
    return 0;
}

int main()
{
    int ends[2];
    if (pipe(ends) != 0) {
        return 2;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        _exit(child());
    }
    close(ends[1]);
    std::string said;
    char some[256];
    for (ssize_t count = 0; (count = read(ends[0], some, sizeof some)) > 0;) {
        said.append(some, static_cast<size_t>(count));
    }
    int ended = 0;
    if (waitpid(pid, &ended, 0) != pid || !WIFSIGNALED(ended) || WTERMSIG(ended) != SIGABRT) {
        std::printf("it did not abort: %#x\n%s", ended, said.c_str());
        return 1;
    }
    std::fputs(said.c_str(), stdout);
    return 0;
}
