/* audit: a task before anything is trained. */
#include <math.h>
#include <stdio.h>

#include "ask/shared/run_line.h"
#include "base/platform/thread.h"
#include "measure/audit/audit_report.h"

typedef struct audit_settings {
    clh_run_line run;
    size_t count;
} audit_settings;
_Static_assert(offsetof(audit_settings, run) == 0, "clh_run_line_set() wants it first");

static const clh_key own = CLH_ROW(audit_settings, count, SIZE, "5000", "[1, 10000000]",
                                   "how many sequences of each split, all where there are no more");

static clh_once once = CLH_ONCE_INIT;
static clh_key all[1 + CLH_RUN_LINE_KEYS];
static size_t all_count;

/* What decides the sequences. */
static bool is_of_task(size_t place)
{
    const clh_key *key = &clh_run_keys()[place];
    return clh_run_key_task(place) || clh_word_in(key->section, ' ', "task") ||
           clh_word_in(key->name, ' ', "test_sequences");
}

static void build(void)
{
    all[0] = own;
    all_count = 1 + clh_run_line_keys(all + 1, is_of_task);
}

static const clh_key *make_keys(size_t *count)
{
    clh_once_do(&once, build);
    *count = all_count;
    return all;
}

#define NUMBER(type, name, ...) CLH_FIELD(#name, __VA_ARGS__, CLH_FROM(clh_audit_report, name)),
static const clh_field numbers[] = {CLH_FIELD_TEXT("task", "what is audited", 0),
#include "measure/audit/audit_numbers.def"
                                    {0}};
static const clh_field overlap[] = {
#include "measure/audit/audit_overlap.def"
    {0}};
#undef NUMBER

static const clh_field shortcut_columns[] = {
    CLH_FIELD_SHARE("token_accuracy", "of scored predictions, those that are right", CLH_HEADLINE,
                    .band = CLH_BAND_BOOTSTRAP, .panel = "accuracy of a shortcut",
                    CLH_FROM(clh_audit_row, token_accuracy)),
    CLH_FIELD_SHARE("sequence_accuracy", "of sequences, those without a mistake", CLH_HEADLINE,
                    .band = CLH_BAND_EXACT, .panel = "whole sequences",
                    CLH_FROM(clh_audit_row, sequence_accuracy)),
    {0}};
static const clh_field kind_columns[] = {
    CLH_FIELD_SHARE("token_accuracy",
                    "of the tokens of this kind, those that the shortcut has right", 0),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_NUMBERS, "overlap", "what held-out sequences and those trained on share",
     .fields = overlap},
    {CLH_PART_TABLE, "shortcuts", "rules without a model, learned from training sequences",
     .keys = "rule", .draw = "rows", .fields = shortcut_columns},
    {CLH_PART_TABLE, "kinds", "the same by kind of token", .keys = "rule,kind", .flags = CLH_DETAIL,
     .fields = kind_columns},
    {0}};

static void put_rules(clh_result *out, const clh_audit_report *r, const clh_task *task)
{
    size_t kinds;
    const clh_token_row *kind = clh_task_kinds(task, &kinds);
    for (size_t i = 0; i < CLH_AUDIT_RULES; i++) {
        const clh_measure *m = &r->audit.rule[i];
        clh_result_row(out, "shortcuts", r->rule[i].name);
        clh_row_label(out, r->rule[i].text, NULL);
        clh_row_read(out, &r->rule[i]);
        for (size_t k = 1; k <= kinds; k++)
            if (m->total.kind_count[k] > 0) {
                clh_result_row(out, "kinds", r->rule[i].name, kind[k - 1].name);
                clh_row_put_number(out, "token_accuracy",
                                   clh_tally_ratio(&m->total, CLH_RATIO_OF(k)));
            }
    }
}

static void put(clh_result *out, const clh_audit_report *r, const clh_task *task)
{
    static const char *const why = "the domain is too large to be counted";
    static const char *const all_of[] = {"", " (all)"};
    const clh_audit *audit = &r->audit;
    char text[96];
    (void)snprintf(text, sizeof text, "%zu sequences to train on%s, %zu held out%s",
                   audit->sequences[CLH_SPLIT_TRAIN], all_of[audit->whole[CLH_SPLIT_TRAIN]],
                   audit->sequences[CLH_SPLIT_TEST], all_of[audit->whole[CLH_SPLIT_TEST]]);
    clh_result_stamp(out, "sample", text);
    clh_result_read(out, "numbers", r);
    clh_result_read(out, "overlap", r);
    if (!audit->floor_known)
        clh_result_absent(out, "entropy_floor", why);
    if (isnan(r->domain))
        clh_result_absent(out, "domain", why);
    if (audit->side != CLH_SPLIT_TEST)
        clh_result_absent_each(out, "nothing is held out", "same_sequence", "same_prompt",
                               "same_answer", "wrong_side");
    else if (isnan(r->wrong_side))
        clh_result_absent(out, "wrong_side", "the domain is not counted: there are no ranks");
    put_rules(out, r, task);
}

static clh_status ask_audit(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const audit_settings *set = settings;
    clh_run_config config;
    clh_audit_report report = {0};
    clh_task *task = NULL;
    char *notes = NULL, *about = NULL;
    (void)s;
    clh_status status = clh_run_line_gather(&config, &notes, &set->run, err);
    if (!status)
        status = clh_run_config_task(&task, &config, err);
    if (!status)
        status = clh_audit_report_make(&report, task, set->count, config.seed, how, err);
    if (!status && !(about = clh_run_config_describe(&config, err)))
        status = CLH_ENOMEM;
    if (!status) {
        put(out, &report, task);
        clh_result_put_text(out, "task", about);
        clh_result_note_lines(out, notes);
    }
    clh_free(about);
    clh_audit_report_deinit(&report);
    clh_task_close(task);
    clh_free(notes);
    return status;
}

const clh_question clh_question_audit = {
    .name = "audit",
    .summary = "a task before training: entropy floor, shortcuts, overlap",
    .description =
        "Looks at a task without a model. The entropy floor is the least loss there is on the scored "
        "predictions, counted exactly over the domain. Beside it stand an even guess and shortcuts: "
        "rules that copy the last token or one a fixed distance back, say the most frequent token "
        "(of all, at the position, after the token before), or go on as before. What they know they "
        "learn from training sequences; what they are worth is counted on held-out ones. Overlap says "
        "how much of what is held out was trained on.\n\n"
        "Where a split has no more than --count sequences all of it is looked at, and shares have no "
        "interval.",
    .examples =
        "clearhead audit --task modular_addition --p 59 # before a model is trained on it\n"
        "clearhead audit --task sorting --sort-length 5 --figure sorting.pdf # shortcuts, drawn\n"
        "clearhead audit --config runs/five/config.json # the task of a run",
    .make_keys = make_keys,
    .settings_size = sizeof(audit_settings),
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .set = clh_run_line_set,
    .ask = ask_audit};
