// A graph of empty tasks as a flow graph of oneTBB: one continue_node a task.
//
// usage: flow_graph FILE THREADS. FILE holds 64-bit little-endian words: how many tasks, then for each task
// how many consumers it has and which. Prints the ns from the first root to the last task's end; the graph is
// built before the clock starts.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <vector>

#include <tbb/flow_graph.h>
#include <tbb/global_control.h>

using tbb::flow::continue_msg;
using Task = tbb::flow::continue_node<continue_msg>;

static std::uint64_t word(std::istream &file) {
    std::uint64_t word = 0;
    if (!file.read(reinterpret_cast<char *>(&word), sizeof word)) {
        std::cerr << "the graph ends too early\n";
        std::exit(1);
    }
    return word;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: flow_graph FILE THREADS\n";
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const auto parallelism = tbb::global_control::max_allowed_parallelism;
    tbb::global_control threads(parallelism, std::strtoul(argv[2], nullptr, 10));
    tbb::flow::graph graph;
    std::atomic<std::uint64_t> ran{0};
    const std::uint64_t tasks = word(file);
    std::deque<Task> nodes;
    for (std::uint64_t task = 0; task < tasks; task++) {
        nodes.emplace_back(graph, [&ran](const continue_msg &) {
            ran.fetch_add(1, std::memory_order_relaxed);
        });
    }
    std::vector<bool> waits(tasks, false);
    for (std::uint64_t task = 0; task < tasks; task++) {
        for (std::uint64_t left = word(file); left > 0; left--) {
            const std::uint64_t consumer = word(file);
            tbb::flow::make_edge(nodes.at(task), nodes.at(consumer));
            waits.at(consumer) = true;
        }
    }
    const auto once = [&] {
        ran = 0;
        const auto begin = std::chrono::steady_clock::now();
        for (std::uint64_t task = 0; task < tasks; task++) {
            if (!waits[task]) {
                nodes[task].try_put(continue_msg());
            }
        }
        graph.wait_for_all();
        return std::chrono::steady_clock::now() - begin;
    };
    once(); // Its threads start and its memory is touched, as the others' were in the round before.
    const auto took = once();
    if (ran.load() != tasks) {
        std::cerr << ran.load() << " of " << tasks << " tasks ran\n";
        return 1;
    }
    std::cout << std::chrono::duration_cast<std::chrono::nanoseconds>(took).count() << "\n";
    return 0;
}
