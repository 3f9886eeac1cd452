// A mailbox between threads of one process, in C++17: two push, one drains.
//
// c++ -std=c++17 mailbox.cpp $(pkg-config --cflags --libs finbox) -pthread && ./a.out
#include <atomic>
#include <cstdio>
#include <new>
#include <thread>
#include <vector>

#include "finbox.hpp"

namespace {

constexpr uint32_t slots = 64, producers = 2, each = 5000;

struct alignas(FINBOX_LINE_BYTES) line {
    unsigned char bytes[FINBOX_LINE_BYTES];
};

// One condition a task, then its TASK_NORMAL_DONE, as a batch.
void push_all(finbox::producer &producer)
{
    for (uint32_t task = 0; task < each; task++) {
        finbox::message batch[2] = {};
        batch[0].task = batch[1].task = task;
        batch[1].kind = FINBOX_KIND_NORMAL_DONE;
        batch[1].expected = 1;
        for (uint32_t done = 0; done < 2;) {
            uint32_t accepted = 0;
            finbox::status status = producer.push(batch + done, 2 - done, accepted);
            if (status == FINBOX_STATUS_FULL) {
                std::this_thread::yield();
            } else {
                finbox::must(status);
            }
            done += accepted;
        }
    }
}

} // namespace

int main()
{
    size_t size_bytes = 0;
    finbox::must(finbox_mailbox_bytes(slots, producers, &size_bytes));
    std::vector<line> memory(size_bytes / sizeof(line));

    finbox::consumer consumer;
    finbox_place_args args = finbox::place_args();
    args.memory = memory.data();
    args.size_bytes = size_bytes;
    args.slots = slots;
    args.epoch = 1;
    args.flags = FINBOX_PLACE_OWN;
    finbox::must(consumer.place(args));

    finbox::producer senders[producers];
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < producers; i++) {
        finbox::must(senders[i].open(consumer, i + 1));
        threads.emplace_back(push_all, std::ref(senders[i]));
    }

    uint64_t conditions = 0, done = 0, malformed = 0;
    auto take = [&](finbox::status verdict, const finbox::message &message) {
        malformed += verdict != FINBOX_STATUS_OK;
        conditions += message.kind == FINBOX_KIND_CONDITION;
        done += message.kind == FINBOX_KIND_NORMAL_DONE;
        return true;
    };
    while (done < uint64_t(producers) * each) {
        finbox_drained drained;
        finbox::must(consumer.try_drain_with(slots, take, drained));
        if (drained.taken == 0) {
            std::this_thread::yield();
        }
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    std::printf("%llu conditions and %llu ends of tasks\n", (unsigned long long)conditions,
                (unsigned long long)done);
    return conditions == done && malformed == 0 ? 0 : 1;
}
