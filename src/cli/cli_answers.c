#include "cli/cli_answers.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "clearhead/permutations.h"

enum { ROWS_MAX = 40, SERIES = 2, HEADING = 160 };

/* Shares have a second series: what chance gives. */
typedef struct page {
    size_t rows;
    const char *label[ROWS_MAX], *heading[ROWS_MAX];
    char text[CLH_QUESTIONS][HEADING];
    double share[ROWS_MAX][SERIES], low[ROWS_MAX][SERIES], high[ROWS_MAX][SERIES];
    double loss[ROWS_MAX], step[ROWS_MAX];
} page;

/* A row; what it has no number of is NaN. */
static void add(page *p, const char *label, double share, double loss, double step)
{
    const size_t r = p->rows++;
    assert(r < ROWS_MAX);
    p->label[r] = label;
    p->share[r][0] = share;
    p->loss[r] = loss;
    p->step[r] = step;
    p->share[r][1] = NAN;
    for (size_t s = 0; s < SERIES; s++)
        p->low[r][s] = p->high[r][s] = NAN;
}

/* The question and its answer above the next row. */
static void head(page *p, const clh_answers *a, clh_notebook_question question)
{
    (void)snprintf(p->text[question], HEADING, "%s  %s", clh_notebook_text(question),
                   clh_answers_verdict(a, question));
    p->heading[p->rows] = p->text[question];
}

static void add_share(page *p, const char *label, double share)
{
    add(p, label, share, NAN, NAN);
}

static void add_outcome(page *p, const char *label, const clh_outcome *o)
{
    add(p, label, o->accuracy, o->loss, NAN);
}

static void add_step(page *p, const clh_answers *a, const char *label, clh_swap swap,
                     clh_ratio ratio)
{
    const size_t at = clh_emergence_from(&a->emergence, swap, ratio, 0.99);
    add(p, label, NAN, NAN, at < a->emergence.count ? (double)a->emergence.row[at].step : NAN);
}

static void fill_circuits(page *p, const clh_answers *a)
{
    static const char *const cues[CLH_CUE_RANK + 1] = {
        "effect of the token", "of its place in the alphabet", "of its class",
        "of its rank among the letters"};
    static const char *const keys[CLH_CUE_RANK] = {
        "keys that do not know the token", "keys that do not know its place in the alphabet",
        "keys that do not know its class"};
    head(p, a, CLH_QUESTION_UNSEEN);
    add_outcome(p, "tokens right", &a->plain);
    add_share(p, "whole sequences right (95 % Wilson interval)",
              clh_tally_ratio(&a->held_out, CLH_RATIO_SEQUENCES));
    p->low[p->rows - 1][0] = a->whole_low;
    p->high[p->rows - 1][0] = a->whole_high;
    head(p, a, CLH_QUESTION_QK);
    add_outcome(p, "queries and keys know only their position", &a->qk_position);
    add_outcome(p, "queries and keys know only their token", &a->qk_token);
    add_share(p, "variance of scores that position explains", a->attention.scores.position);
    add_share(p, "variance of the pattern that position explains", a->attention.pattern.position);
    head(p, a, CLH_QUESTION_CUES);
    for (size_t f = 0; f <= CLH_CUE_RANK; f++) {
        add_share(p, cues[f], a->attention.cue[f].effect);
        p->share[p->rows - 1][1] = a->attention.cue[f].shuffled;
    }
    for (size_t f = 0; f < CLH_CUE_RANK; f++)
        add(p, keys[f], a->cue[f].accuracy_without, a->cue[f].loss_without, NAN);
    head(p, a, CLH_QUESTION_OV);
    add_share(p, "letters that OV raises above all others", a->copies);
    add_outcome(p, "values know only their token", &a->v_token);
    add_outcome(p, "values know only their position", &a->v_position);
}

static void fill_behaviour(page *p, const clh_answers *a)
{
    const clh_attention_report *r = &a->attention;
    head(p, a, CLH_QUESTION_ORDER);
    add_step(p, a, "spaces right", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE));
    add_step(p, a, "letters right", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER));
    add_step(p, a, "period right", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_PERIOD));
    add_step(p, a, "QK of then serves the final model", CLH_SWAP_QK_THEN,
             CLH_RATIO_OF(CLH_TOKEN_LETTER));
    add_step(p, a, "OV of then does", CLH_SWAP_OV_THEN, CLH_RATIO_OF(CLH_TOKEN_LETTER));
    head(p, a, CLH_QUESTION_DUPLICATES);
    add_share(p, "strongest source holds the right token", r->answer_top);
    add_share(p, "some source does", r->answer_possible);
    add_share(p, "attention on all that do", r->answer_mass);
    head(p, a, CLH_QUESTION_EARLY);
    add_share(p, "attention on the prompt", r->prompt_mass);
    add_share(p, "strongest source is in the prompt", r->top_prompt);
    add_share(p, "of right ones: it is the first", r->top_earliest);
    add_share(p, "of right ones: it is the last", r->top_latest);
    head(p, a, CLH_QUESTION_SPACING);
    add_share(p, "share of the most frequent distance", r->gap_share);
    head(p, a, CLH_QUESTION_LOSS);
    add_share(p, "of the whole loss at the three worst positions", a->worst_share);
}

clh_status clh_cli_answers_draw(const clh_answers *answers, const char *run, const char *path,
                                clh_error *err)
{
    static const char *const series[SERIES] = {"found", "by chance"};
    assert(answers && run && path);
    page *p = clh_alloc_zeroed(1, sizeof *p, err);
    if (!p)
        return CLH_ENOMEM;
    fill_circuits(p, answers);
    fill_behaviour(p, answers);
    const clh_rows_panel panels[] = {
        {.title = "share",
         .count = SERIES,
         .names = series,
         .value = p->share[0],
         .low = p->low[0],
         .high = p->high[0],
         .label = "accuracy, variance, attention",
         .most = 1},
        {.title = "loss", .count = 1, .value = p->loss, .label = "nats a token", .log = true},
        {.title = "from step", .count = 1, .value = p->step, .label = "step"},
    };
    const clh_rows_data data = {.rows = p->rows,
                                .row_labels = p->label,
                                .headings = p->heading,
                                .panels = panels,
                                .panel_count = CLH_COUNT(panels)};
    char caption[256];
    (void)snprintf(caption, sizeof caption, "%s, %zu held-out sequences", run, answers->sequences);
    const clh_figure_style style = {.title = "The notebook's questions", .caption = caption};
    clh_status status = clh_figure_rows(path, &data, &style, err);
    clh_free(p);
    return status;
}
