/*
 * Two streams that share a buffer: what each launch uses decides what it waits for.
 *
 * `produce` writes a table, `consume` reads it on the other stream, and `refill` overwrites it when
 * that has read. A fourth launch waits for a device's own events, with a deadline: a gate. Nothing
 * runs here but plain functions, each when what its plan waits for was reached.
 */
#include <finbox.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 1000
#define LAUNCHES 4

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

static finbox_text text_of(const char *text)
{
    finbox_text result;
    result.bytes = text;
    result.length = strlen(text);
    return result;
}

/* What the launches work on. */
static uint64_t table[CELLS];
static uint64_t total;

static void produce(void)
{
    for (uint64_t cell = 0; cell < CELLS; cell++) {
        table[cell] = cell;
    }
}

static void consume(void)
{
    for (size_t cell = 0; cell < CELLS; cell++) {
        total += table[cell];
    }
}

static void refill(void)
{
    memset(table, 0xFF, sizeof table);
}

static void report(void)
{
    printf("the sum is %llu\n", (unsigned long long)total);
}

/* A launch between its commit and its point. */
struct launch {
    const char *name;
    void (*run)(void);
    finbox_submitted submitted;
    finbox_wait waits[4];
    int is_done;
};

static uint32_t open_timeline(finbox_planner *planner, const char *name, uint32_t kind)
{
    uint32_t timeline;
    finbox_timeline_args args = {.struct_size = FINBOX_TIMELINE_ARGS_SIZE, .kind = kind};
    args.name = text_of(name);
    must(finbox_planner_timeline(planner, &args, &timeline), name);
    return timeline;
}

/* Plans and commits a launch, and keeps what it waits for. */
static void plan(finbox_planner *planner, struct launch *launch, uint32_t stream,
                 const finbox_use *use, const finbox_wait *wait)
{
    size_t count;
    finbox_planned planned = FINBOX_ZERO;
    finbox_launch_args args = {.struct_size = FINBOX_LAUNCH_ARGS_SIZE, .stream = stream};
    args.name = text_of(launch->name);
    args.uses = use;
    args.use_count = use != NULL;
    args.waits = wait;
    args.wait_count = wait != NULL;
    must(finbox_planner_plan(planner, &args, &planned, NULL), launch->name);
    launch->submitted.struct_size = FINBOX_SUBMITTED_SIZE;
    must(finbox_planned_commit(&planned, &launch->submitted), launch->name);
    must(finbox_planned_waits(&planned, launch->waits, 4, &count), launch->name);
    must(finbox_planned_destroy(&planned), launch->name);
}

static int is_reached(finbox_planner *planner, const finbox_point *point)
{
    uint32_t fate;
    must(finbox_planner_fate(planner, point, &fate), "fate");
    return fate == FINBOX_FATE_COMPLETED;
}

/* Runs a launch if all that it waits for was reached. */
static int turn(finbox_planner *planner, struct launch *launch, uint64_t now_ns)
{
    if (launch->is_done || !is_reached(planner, &launch->submitted.behind)) {
        return 0;
    }
    for (size_t wait = 0; wait < launch->submitted.wait_count; wait++) {
        if (!is_reached(planner, &launch->waits[wait].point)) {
            return 0;
        }
    }
    printf("%s runs\n", launch->name);
    launch->run();
    launch->is_done = 1;
    must(finbox_planner_advance(planner, &launch->submitted.point, now_ns), launch->name);
    return 1;
}

static void turn_all(finbox_planner *planner, struct launch *launches, uint64_t now_ns)
{
    int moved = 1;
    while (moved) {
        moved = 0;
        /* From the last to the first: the order comes from the plans. */
        for (size_t next = LAUNCHES; next-- > 0;) {
            moved |= turn(planner, &launches[next], now_ns);
        }
    }
}

int main(void)
{
    finbox_planner planner = FINBOX_ZERO;
    finbox_planner_args args = {.struct_size = FINBOX_PLANNER_ARGS_SIZE};
    must(finbox_planner_create(&args, &planner), "planner");
    uint32_t copy = open_timeline(&planner, "copy", FINBOX_TIMELINE_KIND_STREAM);
    uint32_t compute = open_timeline(&planner, "compute", FINBOX_TIMELINE_KIND_STREAM);
    uint32_t events = open_timeline(&planner, "events", FINBOX_TIMELINE_KIND_FOREIGN);

    uint64_t buffer;
    must(finbox_planner_declare(&planner, sizeof table, &buffer), "declare");
    finbox_use writes = {.buffer = buffer, .end = sizeof table, .access = FINBOX_ACCESS_OUT};
    finbox_use reads = writes;
    writes.label = text_of("out");
    reads.label = text_of("in");
    reads.access = FINBOX_ACCESS_IN;
    finbox_wait gate = {.point = {.timeline = events, .value = 3}, .deadline_ns = 1000000};

    struct launch launches[LAUNCHES] = {{.name = "produce", .run = produce},
                                        {.name = "consume", .run = consume},
                                        {.name = "refill", .run = refill},
                                        {.name = "report", .run = report}};
    plan(&planner, &launches[0], copy, &writes, NULL);
    plan(&planner, &launches[1], compute, &reads, NULL);
    plan(&planner, &launches[2], copy, &writes, NULL);
    plan(&planner, &launches[3], compute, NULL, &gate);
    turn_all(&planner, launches, 10);

    char text[512];
    must(finbox_planner_explain_text(&planner, &launches[3].submitted.point, 60, text, sizeof text,
                                     NULL),
         "explain");
    printf("%s\n", text);
    must(finbox_planner_advance(&planner, &gate.point, 70), "events");
    turn_all(&planner, launches, 80);

    size_t freed;
    finbox_freed row;
    must(finbox_planner_free(&planner, buffer), "free");
    must(finbox_planner_take_freed(&planner, &row, 1, &freed), "take_freed");
    int is_right = total == (uint64_t)CELLS * (CELLS - 1) / 2 && freed == 1 && row.buffer == buffer;
    must(finbox_planner_destroy(&planner), "destroy");
    printf("%s\n", is_right ? "max_diff 0" : "wrong");
    return !is_right;
}
