/* bench: training steps beside the machine's own speed. */
#include <math.h>
#include <string.h>

#include "ask/shared/run_line.h"
#include "base/platform/thread.h"
#include "base/stop.h"
#include "clearhead/bench.h"

typedef struct bench_settings {
    clh_run_line run;
    double seconds;
} bench_settings;
_Static_assert(offsetof(bench_settings, run) == 0, "clh_run_line_set() wants it first");

static const clh_key own =
    CLH_ROW(bench_settings, seconds, REAL, "1", "[0, 3600]", "how long to time each row");

/* This, then every key of a run: set once. */
static clh_once once = CLH_ONCE_INIT;
static clh_key all[1 + CLH_RUN_LINE_KEYS];
static size_t all_count;

static void build(void)
{
    all[0] = own;
    all_count = 1 + clh_run_line_keys(all + 1, NULL);
}

static const clh_key *make_keys(size_t *count)
{
    clh_once_do(&once, build);
    *count = all_count;
    return all;
}

static const clh_field columns[] = {
    {"seconds", "s", "of a step: median over rounds", NULL, 6, CLH_BAND_RANGE, CLH_HEADLINE,
     .panel = "seconds a step"},
    {"step_rate", "steps/s", "steps in a second", .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT(
        "operations", "1",
        "operations of a step, counted conventionally: two a multiply-add, causal attention, the "
        "backward pass twice the forward"),
    CLH_FIELD_COUNT("speed", "1/s", "operations in a second"),
    CLH_FIELD_COUNT("peak", "1/s",
                    "multiply-adds from registers on as many threads, operations in a second"),
    {"ratio", "1", "speed / peak", .decimals = 2, .flags = CLH_HEADLINE},
    {"peak_at_clock", "1/s", "the same as peak, straight after steps: at the clock they leave",
     .flags = CLH_DETAIL},
    {"ratio_at_clock", "1", "speed / peak_at_clock", .decimals = 2, .flags = CLH_HEADLINE},
    {"rounds", NULL, "how many rounds were timed", .flags = CLH_DETAIL},
    {0}};
static const clh_field part_columns[] = {
    {"seconds", "s", "of the part in a step: median over rounds", NULL, 6, CLH_BAND_RANGE,
     CLH_HEADLINE, .panel = "seconds a step"},
    CLH_FIELD_COUNT(
        "operations", "1",
        "operations of the part: of forward and backward those of the step, of the update "
        "each addition, multiplication, quotient and root"),
    CLH_FIELD_COUNT(
        "bytes", "bytes",
        "between memory and processor at least: parameters read, gradients written, what "
        "the optimizer reads and writes"),
    CLH_FIELD_COUNT("speed", "1/s", "operations in a second"),
    {"ratio", "1", "speed / peak", .decimals = 2, .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("bandwidth", "bytes/s",
                    "a stream through memory on as many threads, bytes in a second"),
    {"limit", "1", "the ratio that memory lets it have at most, where nothing stays in caches",
     "min(1, operations / bytes x bandwidth / peak); Williams et al. 2009, Roofline", 2,
     .flags = CLH_HEADLINE},
    CLH_FIELD_TEXT("bound", "what sets the limit: multiply-adds, or memory", CLH_HEADLINE),
    {0}};
static const clh_field numbers[] = {
    CLH_FIELD_TEXT("isa", "instruction set in use", 0),
    CLH_FIELD_COUNT("second_cache", "bytes", "cache of a processor that products are cut for"),
    {0},
};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "machine", NULL, .fields = numbers},
    {CLH_PART_TABLE, "steps", "training steps beside the machine's own speed",
     .keys = "path,#threads", .draw = "rows", .fields = columns},
    {CLH_PART_TABLE, "parts", "forward, backward and update of these steps",
     .keys = "path,#threads,part", .draw = "rows", .fields = part_columns},
    {0},
};

/* The machine on so many threads. */
typedef struct machine {
    size_t threads;
    double peak, bandwidth;
} machine;

static void put_part(clh_result *out, const clh_bench_result *b, clh_bench_part part,
                     const machine *m)
{
    const clh_bench_timed *p = &b->part[part];
    const double speed = p->operations / p->seconds;
    const double limit = clh_bench_limit(p, m->peak, m->bandwidth);
    char text[24];
    clh_result_row(out, "parts", b->backend, clh_key_text(text, m->threads),
                   clh_bench_part_name(part));
    clh_row_put(out, "seconds", (clh_value){p->seconds, p->seconds_least, p->seconds_most});
    clh_row_put_numbers(out, {"operations", p->operations}, {"bytes", p->bytes}, {"speed", speed},
                        {"ratio", speed / m->peak}, {"bandwidth", m->bandwidth}, {"limit", limit});
    clh_row_text(out, "bound", limit < 1 ? "memory" : "multiply-adds");
}

static void put_row(clh_result *out, const clh_bench_result *b, const machine *m)
{
    const double speed = b->operations / b->seconds;
    char text[24];
    clh_result_row(out, "steps", b->backend, clh_key_text(text, m->threads));
    clh_row_put(out, "seconds", (clh_value){b->seconds, b->seconds_least, b->seconds_most});
    clh_row_put_numbers(
        out, {"step_rate", 1 / b->seconds}, {"operations", b->operations}, {"speed", speed},
        {"peak", m->peak}, {"ratio", speed / m->peak}, {"peak_at_clock", b->peak_at_clock},
        {"ratio_at_clock", speed / b->peak_at_clock}, {"rounds", (double)b->rounds});
    for (int p = 0; p < CLH_BENCH_PARTS; p++)
        put_part(out, b, (clh_bench_part)p, m);
}

enum { STEP = 1000, ALL = 4 * STEP }; /* of the watch */

static clh_status measure(machine *m, const clh_how *how, clh_error *err)
{
    clh_watch_part part;
    clh_how one = {how->threads, clh_watch_part_of(&part, how->watch, 0, STEP, ALL)};
    m->threads = how->threads;
    clh_status status = clh_bench_peak(&m->peak, &one, err);
    one.watch = clh_watch_part_of(&part, how->watch, STEP, STEP, ALL);
    return status ? status : clh_bench_bandwidth(&m->bandwidth, &one, err);
}

/* The machine, the fast path, and the general one where that is another. */
static clh_status bench_threads(clh_result *out, const clh_run_config *config, double seconds,
                                const clh_how *how, clh_error *err)
{
    const char *best = NULL;
    machine m = {0};
    clh_status status = measure(&m, how, err);
    for (int path = CLH_BENCH_BEST; path <= CLH_BENCH_GENERAL && !status; path++) {
        clh_bench_result b = {0};
        if (best && strcmp(best, "general") == 0)
            return CLH_OK;
        const size_t begin = (path == CLH_BENCH_BEST ? 2 : 3) * (size_t)STEP;
        clh_watch_part part;
        const clh_how one = {how->threads, clh_watch_part_of(&part, how->watch, begin, STEP, ALL)};
        status = clh_bench_step(&b, config, (clh_bench_path)path, seconds, &one, err);
        if (status)
            return status;
        best = b.backend;
        put_row(out, &b, &m);
    }
    return status;
}

static clh_status ask_bench(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const bench_settings *set = settings;
    clh_run_config config;
    char *notes = NULL;
    (void)s;
    clh_status status = clh_run_line_gather(&config, &notes, &set->run, err);
    const size_t most = status ? 0 : config.threads;
    if (!status) {
        clh_result_put_text(out, "isa", clh_bench_isa());
        clh_result_put_number(out, "second_cache", (double)clh_bench_second_cache());
        clh_result_note_lines(out, notes);
    }
    for (size_t threads = 1; threads <= most && !status; threads += most > 1 ? most - 1 : 1) {
        const clh_how some = {threads, how->watch};
        status = bench_threads(out, &config, set->seconds, &some, err);
    }
    clh_free(notes);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    clh_run_config config;
    char *notes = NULL;
    (void)s;
    clh_status status =
        clh_run_line_gather(&config, &notes, &((const bench_settings *)settings)->run, err);
    clh_free(notes);
    return status;
}

const clh_question clh_question_bench = {
    .name = "bench",
    .summary = "time training steps beside the machine's own speed",
    .description =
        "Times training steps of a configuration, on the fast path where there is one and on the "
        "general one, with one thread and with --threads, beside the machine's own speed: "
        "multiply-adds from registers, measured in the same process. Operations are counted "
        "conventionally (two a multiply-add, causal attention, the backward pass twice the "
        "forward), so a path that needs fewer may pass the peak. A processor may lower its clock "
        "for products; ratio_at_clock is beside multiply-adds straight after steps, at that clock. The table "
        "parts has forward, backward and update, each beside the peak and beside its limit (the roofline): "
        "what memory lets it have, by a stream through 128 MB measured in the same process. Forward is "
        "timed by itself over the same blocks, update within the step; backward is what is left.",
    .examples = "clearhead bench # the notebook's step\n"
                "clearhead bench --n 5 --threads 2 # five letters, one and two threads\n"
                "clearhead bench --n-layers 2 --n-heads 4 --attn-only=false # any model",
    .make_keys = make_keys,
    .settings_size = sizeof(bench_settings),
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .set = clh_run_line_set,
    .check = check,
    .ask = ask_bench};
