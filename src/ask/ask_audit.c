/* audit: a task before anything is trained. */
#include <math.h>
#include <stdio.h>

#include "ask/ratios.h"
#include "ask/run_line.h"
#include "base/platform/thread.h"
#include "base/stop.h"
#include "clearhead/audit.h"

typedef struct audit_settings {
    clh_run_line run;
    size_t count;
} audit_settings;

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
    all_count = 1 + clh_run_line_keys(all + 1, offsetof(audit_settings, run), is_of_task);
}

static const clh_key *make_keys(size_t *count)
{
    clh_once_do(&once, build);
    *count = all_count;
    return all;
}

static const clh_field numbers[] = {
    CLH_FIELD_TEXT("task", "what is audited", 0),
    CLH_FIELD_COUNT("domain", NULL, "elements in all"),
    CLH_FIELD_COUNT("train_size", NULL, "elements of the training split"),
    CLH_FIELD_COUNT("test_size", NULL, "elements that are held out"),
    CLH_FIELD_COUNT("tokens_out", NULL, "token ids that can be predicted"),
    CLH_FIELD("entropy_floor", "nats/token",
              "the loss of who knows the task exactly: no model is better but by chance",
              "mean over scored tokens of -log(elements that begin as the sequence does up to and "
              "with the token / elements that begin so up to it)",
              6, CLH_BAND_BOOTSTRAP, .flags = CLH_HEADLINE),
    CLH_FIELD("chance_loss", "nats/token", "the loss of an even guess", "log(tokens_out)", 6,
              .flags = CLH_HEADLINE),
    CLH_FIELD_SHARE("chance_accuracy",
                    "of scored predictions, those an even guess has right: 1 / tokens_out",
                    CLH_HEADLINE),
    CLH_FIELD_SHARE("best_shortcut_accuracy",
                    "of scored predictions, those the best shortcut has right", CLH_HEADLINE),
    CLH_FIELD_COUNT("distance", "token", "how far back the rule \"fixed distance\" looks"),
    {0}};

static const clh_field overlap[] = {
    CLH_FIELD_SHARE("same_sequence", "of held-out sequences, those that are one of training too",
                    CLH_HEADLINE),
    CLH_FIELD_SHARE("same_prompt",
                    "of held-out sequences, those that begin, up to the first scored token, as one "
                    "of training does",
                    0),
    CLH_FIELD_SHARE("same_answer",
                    "of held-out sequences, those whose scored tokens are those of one of training",
                    0),
    CLH_FIELD_SHARE("wrong_side", "of held-out sequences, those whose rank belongs to training",
                    CLH_HEADLINE),
    {0}};

static const clh_field shortcut_columns[] = {
    CLH_FIELD_SHARE("token_accuracy", "of scored predictions, those that are right", CLH_HEADLINE,
                    .band = CLH_BAND_BOOTSTRAP, .panel = "accuracy of a shortcut"),
    CLH_FIELD_SHARE("sequence_accuracy", "of sequences, those without a mistake", CLH_HEADLINE,
                    .band = CLH_BAND_EXACT, .panel = "whole sequences"),
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

/* What is shown, and how far. */
typedef struct shown {
    const clh_audit *audit;
    const clh_task *task;
    uint64_t seed;
    const clh_watch *watch;
    size_t ratios;
} shown;

enum { RATIOS = 1 + 2 * CLH_AUDIT_RULES, LOOK = RATIOS, ALL = LOOK + RATIOS };

/* A ratio with its interval; of all there are it has none. */
static clh_status put_ratio(clh_value *out, shown *s, const clh_measure *measure, clh_ratio ratio,
                            clh_error *err)
{
    clh_watch_part part;
    const clh_split side = s->audit->side;
    const bool whole = s->audit->whole[side];
    clh_status status = clh_measure_interval(
        out, measure, s->audit->sequences[side], ratio, whole ? 1 : CLH_ASK_ROUNDS, CLH_ASK_LEVEL,
        s->seed, clh_watch_part_of(&part, s->watch, LOOK + s->ratios++, 1, ALL), err);
    if (whole)
        out->low = out->high = NAN;
    return status;
}

static void put_kinds(clh_result *out, const clh_task *task, size_t rule, const clh_tally *total)
{
    size_t kinds;
    const clh_token_row *kind = clh_task_kinds(task, &kinds);
    for (size_t k = 1; k <= kinds; k++)
        if (total->kind_count[k] > 0) {
            clh_result_row(out, "kinds", clh_audit_rule_name(rule), kind[k - 1].name);
            clh_row_put_number(out, "token_accuracy",
                               (double)total->kind_correct[k] / (double)total->kind_count[k]);
        }
}

static clh_status put_shortcuts(clh_result *out, shown *s, clh_error *err)
{
    clh_status status = CLH_OK;
    double best = 0;
    for (size_t r = 0; r < CLH_AUDIT_RULES && !status; r++) {
        clh_value token, sequence;
        const clh_measure *m = &s->audit->rule[r];
        status = put_ratio(&token, s, m, CLH_RATIO_ACCURACY, err);
        if (!status)
            status = put_ratio(&sequence, s, m, CLH_RATIO_SEQUENCES, err);
        if (status)
            return status;
        clh_result_row(out, "shortcuts", clh_audit_rule_name(r));
        clh_row_label(out, clh_audit_rule_text(r), NULL);
        clh_row_put(out, "token_accuracy", token);
        clh_row_put(out, "sequence_accuracy", sequence);
        put_kinds(out, s->task, r, &m->total);
        best = fmax(best, token.value);
    }
    clh_result_put_number(out, "best_shortcut_accuracy", best);
    return status;
}

static void put_overlap(clh_result *out, const clh_audit *audit, bool counted)
{
    const double looked_at = (double)audit->sequences[CLH_SPLIT_TEST];
    const double shared[] = {(double)audit->same_sequence, (double)audit->same_prompt,
                             (double)audit->same_answer, (double)audit->wrong_side};
    for (size_t i = 0; i < CLH_COUNT(shared); i++)
        if (audit->side != CLH_SPLIT_TEST)
            clh_result_absent(out, overlap[i].name, "nothing is held out");
        else if (i == 3 && !counted)
            clh_result_absent(out, overlap[i].name,
                              "the domain is not counted: there are no ranks");
        else
            clh_result_put_number(out, overlap[i].name, shared[i] / looked_at);
}

static clh_status put_numbers(clh_result *out, shown *s, clh_error *err)
{
    const clh_task *task = s->task;
    const clh_audit *audit = s->audit;
    static const char *const why = "the domain is too large to be counted";
    const uint64_t domain = clh_task_domain_size(task);
    clh_value floor;
    clh_status status = CLH_OK;
    if (audit->floor_known)
        status = put_ratio(&floor, s, &audit->floor, CLH_RATIO_LOSS, err);
    if (status)
        return status;
    if (audit->floor_known)
        clh_result_put(out, "entropy_floor", floor);
    else
        clh_result_absent(out, "entropy_floor", why);
    if (domain > 0)
        clh_result_put_number(out, "domain", (double)domain);
    else
        clh_result_absent(out, "domain", why);
    clh_result_put_number(out, "train_size", (double)clh_task_split_size(task, CLH_SPLIT_TRAIN));
    clh_result_put_number(out, "test_size", (double)clh_task_split_size(task, CLH_SPLIT_TEST));
    clh_result_put_number(out, "tokens_out", (double)audit->tokens_out);
    clh_result_put_number(out, "chance_loss", log((double)audit->tokens_out));
    clh_result_put_number(out, "chance_accuracy", 1 / (double)audit->tokens_out);
    clh_result_put_number(out, "distance", (double)audit->distance);
    return CLH_OK;
}

/* What it rests on: "3830 sequences trained on (all) and 5000 held out". */
static void stamp_sample(clh_result *out, const clh_audit *audit)
{
    char text[96];
    const char *const all_of[] = {"", " (all)"};
    (void)snprintf(text, sizeof text, "%zu sequences to train on%s, %zu held out%s",
                   audit->sequences[CLH_SPLIT_TRAIN], all_of[audit->whole[CLH_SPLIT_TRAIN]],
                   audit->sequences[CLH_SPLIT_TEST], all_of[audit->whole[CLH_SPLIT_TEST]]);
    clh_result_stamp(out, "sample", text);
}

static clh_status show(clh_result *out, shown *s, const clh_run_config *config, clh_error *err)
{
    char *about = clh_run_config_describe(config, err);
    if (!about)
        return CLH_ENOMEM;
    stamp_sample(out, s->audit);
    clh_result_put_text(out, "task", about);
    clh_free(about);
    clh_status status = put_numbers(out, s, err);
    if (!status)
        status = put_shortcuts(out, s, err);
    put_overlap(out, s->audit, clh_task_domain_size(s->task) > 0);
    return status ? status : clh_watch_check(s->watch, ALL, ALL, "parts of the audit", err);
}

static clh_status ask_audit(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const audit_settings *set = settings;
    clh_run_config config;
    clh_audit audit = {0};
    clh_task *task = NULL;
    char *notes = NULL;
    clh_watch_part part;
    const clh_how look = {how->threads, clh_watch_part_of(&part, how->watch, 0, LOOK, ALL)};
    (void)s;
    clh_status status = clh_run_line_gather(&config, &notes, &set->run, err);
    if (!status)
        status = clh_run_config_task(&task, &config, err);
    if (!status)
        status = clh_audit_run(&audit, task, set->count, &look, err);
    if (!status) {
        shown all_of_it = {&audit, task, config.seed, how->watch, 0};
        status = show(out, &all_of_it, &config, err);
    }
    if (!status)
        clh_result_note_lines(out, notes);
    clh_audit_deinit(&audit);
    clh_task_close(task);
    clh_free(notes);
    return status;
}

static clh_status set_one(void *settings, const clh_key *key, const char *text, clh_error *err)
{
    audit_settings *set = settings;
    return clh_run_line_has(key) ? clh_run_line_set(&set->run, key, text, err)
                                 : clh_key_from_text(key, settings, text, err);
}

const clh_question clh_question_audit = {
    .name = "audit",
    .summary = "a task before training: entropy floor, shortcuts, overlap",
    .description =
        "Looks at a task without a model. The entropy floor is the least loss there is on the "
        "scored "
        "predictions, counted exactly over the domain. Beside it stand an even guess and "
        "shortcuts: "
        "rules that copy the last token or one a fixed distance back, say the most frequent token "
        "(of all, at the position, after the token before), or go on as before. What they know "
        "they "
        "learn from training sequences; what they are worth is counted on held-out ones. Overlap "
        "says "
        "how much of what is held out was trained on.\n\n"
        "Where a split has no more than --count sequences all of it is looked at, and shares have "
        "no "
        "interval.",
    .examples =
        "clearhead audit --task modular_addition --p 59 # before a model is trained on it\n"
        "clearhead audit --task sorting --sort-length 5 --figure sorting.pdf # shortcuts, drawn\n"
        "clearhead audit --config runs/five/config.json # the task of a run",
    .make_keys = make_keys,
    .settings_size = sizeof(audit_settings),
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .set = set_one,
    .ask = ask_audit};
