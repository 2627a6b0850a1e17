/* repair: a model whose attention depends on positions alone, proved before and after. */
#include <math.h>

#include "ask/questions/questions.h"
#include "ask/shared/certified_more.h"
#include "ask/shared/ratios.h"
#include "prove/repair/repair_report.h"

typedef struct repair_settings {
    char by[CLH_PATH_MAX];
    unsigned domain;
    double sharpen;
    size_t rounds, count;
} repair_settings;

static const clh_key keys[] = {
    CLH_ROW(
        repair_settings, by, TEXT, "auto", "NAME|PROGRAM",
        "keys: W_K and b_K are refitted, so that a key is its position's mean over letters; queries: "
        "W_Q and b_Q likewise; both; auto: whichever of these leaves no failure, tried in turn. Or all "
        "four, so that attention is the model's own mean pattern (pattern), all on its strongest "
        "source (one-hot), what the model's program reads (program), or what that of a file "
        "does (docs/formats.md)"),
    CLH_ROW_AUTO(repair_settings, rounds, SIZE, "tries 1, then 2", "[1, 100]",
                 "how often in a row, each time for the means of the time before"),
    CLH_ROW_AUTO(repair_settings, sharpen, REAL, "tries 2, then 1", "[0.01, 1000]",
                 "what all attention scores are multiplied by; 1: nothing"),
    CLH_ROW(
        repair_settings, domain, CHOICE, "tuples", "sorted|ordered|tuples",
        "which inputs decide: different letters in the order of the vocabulary, in any order, any "
        "letters"),
    CLH_ROW_COUNT(repair_settings, "500", "[2, 1000000]"),
};

#define NUMBER(type, name, ...) CLH_FIELD(#name, __VA_ARGS__, CLH_FROM(clh_repair_report, name)),
static const clh_field numbers[] = {
#include "prove/repair/repair_numbers.def"
    {0}};
#undef NUMBER
static const clh_field verdicts[] = {CLH_REPAIR_VERDICT, {0}};
static const clh_field columns[] = {CLH_REPAIR_COLUMNS, {0}};
static const clh_schema schema[] = {{CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
                                    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "classes", "every class of inputs",
                                     .keys = "class", .draw = "rows", .fields = columns},
                                    {0}};

static clh_repair_asked asked(clh_subject *s, const repair_settings *set)
{
    return (clh_repair_asked){.model = clh_subject_model(s),
                              .task = clh_subject_task(s),
                              .domain = (clh_domain_kind)set->domain,
                              .by = set->by,
                              .rounds = set->rounds == CLH_UNSET ? 0 : (unsigned)set->rounds,
                              .sharpen = isnan(set->sharpen) ? 0 : set->sharpen};
}

static clh_status make(clh_model **out, clh_subject *s, const void *settings, const clh_how *how,
                       clh_error *err)
{
    const clh_repair_asked ask = asked(s, settings);
    return clh_repair_named(out, &ask, how, err);
}

static clh_status ask_repair(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const repair_settings *set = settings;
    clh_repair_asked ask = asked(s, set);
    clh_repair_report report = {0};
    clh_status status = clh_ask_sample(&ask.sample, out, s, set->count, err);
    if (!status)
        status = clh_subject_plain(&ask.plain, s, ask.sample, how, err);
    if (!status)
        status = clh_repair_report_make(&report, &ask, how, err);
    if (!status)
        clh_repair_put(out, &report, "numbers", "classes");
    if (!status) {
        clh_subject_made(s, &clh_question_repair, set, report.model);
        report.model = NULL;
    }
    clh_repair_report_deinit(&report);
    return status;
}

const clh_question clh_question_repair = {
    .name = "repair",
    .summary = "attention by position alone, proved before and after",
    .description =
        "Makes a hypothesis true in the weights: attention depends on positions alone. W_K and b_K (W_Q "
        "and b_Q) are refitted in closed form, by least squares over all positions and letters, so "
        "that a key (a query) is the mean over letters of its position; then scores are multiplied by "
        "--sharpen. Several ways are tried until every input of the domain is right, which "
        "certificates decide. What was taken out is what failures came from, as far as they are gone. "
        "Exit status 1 when an input still fails.\n\n"
        "--out with a path that has no ending writes the repaired model as a run, which every command "
        "takes. For models of one layer and one head, attention only, and tasks of letters.",
    .examples =
        "clearhead repair runs/notebook # proved on 14.8 million inputs\n"
        "clearhead repair runs/notebook --out runs/repaired # and the model as a run\n"
        "clearhead repair runs/notebook --by keys --sharpen 1 # least squares of keys alone\n"
        "clearhead repair runs/notebook --by one-hot # all attention on each position's strongest source\n"
        "clearhead repair runs/notebook --seeds 8 # of how many seeds is every input right?",
    CLH_SETTINGS(keys, repair_settings),
    .needs = CLH_NEEDS_BOUNDS,
    .schema = schema,
    .over = "failures_before, failures, loss_before, loss",
    .ask = ask_repair,
    .make = make};
