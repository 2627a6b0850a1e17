/* clearhead causal: which part of a model does what, by some twenty interventions, on held-out
 * sequences and on inputs unlike them. */
#include <math.h>

#include "base/base.h"
#include "clearhead/causal.h"
#include "clearhead/figure.h"
#include "clearhead/variant.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

enum { ROUNDS = 1000 };

/* One kind of input. */
typedef struct part {
    size_t count;      /* sequences; 0: not asked for */
    clh_status status; /* other than CLH_OK: the task has none of it, `error` says why */
    clh_error error;
    clh_causal_row row[CLH_INTERVENTIONS];
    bool left_out[CLH_INTERVENTIONS];
} part;

/* A ratio that is shown, and its heading. */
typedef struct column {
    clh_ratio ratio;
    const char *heading;
} column;

typedef struct causal_job {
    const clh_invocation *inv;
    const clh_run *run;
    bool shows; /* progress */
    const clh_task *task;
    size_t count, other_count, threads;
    uint64_t seed;
    clh_sample base;
    clh_causal *causal;
    part part[CLH_VARIANTS_MAX];
    size_t variants;
    column shown[CLH_RATIOS]; /* tokens, the task's kinds of them, whole sequences */
    size_t shown_count;
    clh_ratio other; /* what is told of other inputs: letters, of a task without them tokens */
} causal_job;

static void choose_columns(causal_job *j)
{
    size_t count;
    const clh_token_row *kinds = clh_task_kinds(j->task, &count);
    const clh_token_kind letter = clh_task_letter_kind(j->task);
    j->shown[j->shown_count++] = (column){CLH_RATIO_ACCURACY, "tokens"};
    for (clh_token_kind k = 1; k <= count; k++)
        if (kinds[k - 1].accuracy)
            j->shown[j->shown_count++] = (column){CLH_RATIO_OF(k), kinds[k - 1].heading};
    j->shown[j->shown_count++] = (column){CLH_RATIO_SEQUENCES, "whole"};
    j->other = letter ? CLH_RATIO_OF(letter) : CLH_RATIO_ACCURACY;
}

static clh_status measure_part(causal_job *j, part *p, const clh_sample *sample, const char *name,
                               clh_error *err)
{
    clh_causal_result result = {0};
    const clh_watch watch = j->shows ? clh_cli_progress(j->inv, name) : (clh_watch){0};
    clh_status status = clh_causal_run(&result, j->causal, sample, j->threads, &watch, err);
    if (!status)
        status = clh_causal_rows(p->row, &result, ROUNDS, 0.95, j->seed, err);
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        p->left_out[i] = result.left_out[i];
    clh_causal_result_deinit(&result);
    return status;
}

static clh_status measure_variant(causal_job *j, clh_variant variant, clh_error *err)
{
    part *p = &j->part[variant];
    clh_sample sample = {0};
    p->count = variant == CLH_VARIANT_NONE ? j->count : j->other_count;
    if (variant == CLH_VARIANT_NONE)
        return measure_part(j, p, &j->base, clh_variant_name(j->task, variant), err);
    if (p->count == 0)
        return CLH_OK;
    p->status = clh_variant_check(j->task, variant, &p->error);
    if (p->status)
        return CLH_OK;
    clh_status status = clh_variant_draw(&sample, variant, j->task, p->count, 0, err);
    if (!status)
        status = measure_part(j, p, &sample, clh_variant_name(j->task, variant), err);
    clh_sample_deinit(&sample);
    return status;
}

static clh_status compute(causal_job *j, clh_error *err)
{
    clh_status status = clh_opt_size(j->inv, "count", &j->count, err);
    if (!status)
        status = clh_opt_size(j->inv, "others", &j->other_count, err);
    if (!status)
        status = clh_cli_threads(j->inv, &j->threads, err);
    if (!status)
        status = clh_cli_task(j->run, &j->task, err);
    if (!status)
        status = clh_cli_held_out_sample(&j->base, j->run, j->count, err);
    if (status)
        return status;
    choose_columns(j);
    j->variants = clh_variant_count(j->task);
    j->seed = clh_run_get_config(j->run)->seed;
    status = clh_causal_open(&j->causal, clh_run_model(j->run), &j->base, j->seed, err);
    for (clh_variant v = 0; v < j->variants && !status; v++)
        status = measure_variant(j, v, err);
    return status;
}

/* ---- Text --------------------------------------------------------------------------------------
 */

static void print_value(double value, int width)
{
    char text[CLH_NUMBER_TEXT];
    (void)printf("  %*s", width, clh_cli_number(text, value, 4));
}

static void print_interval(const clh_interval *v)
{
    char value[CLH_NUMBER_TEXT], low[CLH_NUMBER_TEXT], high[CLH_NUMBER_TEXT];
    if (isnan(v->low))
        (void)printf("  %8s %19s", "-", "");
    else
        (void)printf("  %8s [%8s,%8s]", clh_cli_number(value, v->value, 5),
                     clh_cli_number(low, v->low, 5), clh_cli_number(high, v->high, 5));
}

static void print_part(const causal_job *j)
{
    const part *p = &j->part[CLH_VARIANT_NONE];
    const column *shown = j->shown;
    (void)printf("%-20s  %-28s", "", "loss");
    for (size_t s = 0; s < j->shown_count; s++)
        (void)printf("  %-7s", shown[s].heading);
    (void)puts("  recovered");
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        (void)printf("%-20s", clh_intervention_name((clh_intervention)i));
        if (p->left_out[i]) {
            (void)puts("  left out: the task has no letters");
            continue;
        }
        print_interval(&p->row[i].ratio[CLH_RATIO_LOSS]);
        for (size_t s = 0; s < j->shown_count; s++)
            print_value(p->row[i].ratio[shown[s].ratio].value, 7);
        print_interval(&p->row[i].recovered);
        (void)puts("");
    }
}

/* One number of every intervention on every kind of input. */
static void print_others(const causal_job *j, const char *what, int ratio)
{
    (void)printf("\n%s, on %zu sequences of each kind (held out: %zu)\n%-20s", what, j->other_count,
                 j->count, "");
    for (clh_variant v = 0; v < j->variants; v++)
        if (!j->part[v].status)
            (void)printf("  %12s", clh_variant_name(j->task, v));
    (void)puts("");
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        (void)printf("%-20s", clh_intervention_name((clh_intervention)i));
        for (clh_variant v = 0; v < j->variants; v++) {
            const clh_causal_row *row = &j->part[v].row[i];
            if (!j->part[v].status)
                print_value(j->part[v].left_out[i] ? NAN
                            : ratio < CLH_RATIOS   ? row->ratio[ratio].value
                                                   : row->recovered.value,
                            12);
        }
        (void)puts("");
    }
}

static void print_text(const causal_job *j)
{
    (void)printf("%s on %zu held-out sequences, with 95 %% bootstrap intervals\n\n",
                 clh_run_path(j->run), j->count);
    print_part(j);
    if (j->other_count > 0) {
        print_others(j, j->other == CLH_RATIO_ACCURACY ? "token accuracy" : "letter accuracy",
                     (int)j->other);
        print_others(j, "loss", CLH_RATIO_LOSS);
        print_others(j, "loss recovered", CLH_RATIOS);
    }
    (void)puts("");
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        (void)printf("%-20s  %s\n", clh_intervention_name((clh_intervention)i),
                     clh_intervention_text((clh_intervention)i));
    for (clh_variant v = 1; v < j->variants && j->other_count > 0; v++)
        if (j->part[v].status)
            (void)printf("%-20s  left out: %s\n", clh_variant_name(j->task, v),
                         j->part[v].error.message);
    clh_help_wrap(
        stdout,
        "\nMeans, and the other sequence (one for each, drawn with replacement), are those of the "
        "held-out sequences, also where other inputs are measured. Recovered is (L_reference - L) "
        "/ "
        "(L_reference - L_none): 1 when nothing is lost; there is none where the reference is no "
        "worse than the model.",
        0, 0, 100);
    (void)puts("");
}

/* ---- Figure ------------------------------------------------------------------------------------
 */

enum { MEASURES_MOST = CLH_RATIOS };

/* Measures on held-out sequences, then one on every other kind that there is. */
typedef struct drawn {
    const char *label[CLH_INTERVENTIONS], *heading[CLH_INTERVENTIONS], *variant[CLH_VARIANTS_MAX],
        *measure_name[MEASURES_MOST];
    double loss[3][CLH_INTERVENTIONS], measure[CLH_INTERVENTIONS * MEASURES_MOST],
        other[CLH_INTERVENTIONS * CLH_VARIANTS_MAX];
    size_t variants, measures;
} drawn;

static void fill_drawn(drawn *d, const causal_job *j)
{
    const column *shown = j->shown + 1; /* without all tokens */
    const size_t ratios = j->shown_count - 1;
    for (size_t m = 0; m < ratios; m++)
        d->measure_name[m] = m + 1 < ratios ? shown[m].heading : "whole sequences";
    d->measure_name[ratios] = "loss recovered";
    d->measures = ratios + 1;
    for (clh_variant v = 1; v < j->variants; v++)
        if (j->part[v].count > 0 && !j->part[v].status)
            d->variant[d->variants++] = clh_variant_name(j->task, v);
    d->heading[CLH_CAUSAL_Q_POSITION] = "what queries, keys and values know";
    d->heading[CLH_CAUSAL_PATTERN_OTHER] = "the pattern";
    d->heading[CLH_CAUSAL_ONLY_ANSWER] = "the sources";
    d->heading[CLH_CAUSAL_ATTN_ZERO] = "what reaches the logits";
    for (size_t i = 0; i < CLH_INTERVENTIONS; i++) {
        const clh_causal_row *row = &j->part[0].row[i];
        const bool left_out = j->part[0].left_out[i];
        d->label[i] = clh_intervention_text((clh_intervention)i);
        d->loss[0][i] = left_out ? NAN : row->ratio[CLH_RATIO_LOSS].value;
        d->loss[1][i] = row->ratio[CLH_RATIO_LOSS].low;
        d->loss[2][i] = row->ratio[CLH_RATIO_LOSS].high;
        for (size_t m = 0; m < d->measures; m++)
            d->measure[i * d->measures + m] = left_out     ? NAN
                                              : m < ratios ? row->ratio[shown[m].ratio].value
                                                           : row->recovered.value;
        size_t at = 0;
        for (clh_variant v = 1; v < j->variants; v++)
            if (j->part[v].count > 0 && !j->part[v].status)
                d->other[i * d->variants + at++] =
                    j->part[v].left_out[i] ? NAN : j->part[v].row[i].ratio[j->other].value;
    }
}

static clh_status draw(const causal_job *j, const char *path, clh_error *err)
{
    drawn *d = clh_alloc_zeroed(1, sizeof *d, err);
    if (!d)
        return CLH_ENOMEM;
    fill_drawn(d, j);
    const clh_rows_panel panels[] = {
        {.title = "loss",
         .count = 1,
         .value = d->loss[0],
         .low = d->loss[1],
         .high = d->loss[2],
         .label = "nats a token, held out",
         .log = true},
        {.title = "held out",
         .cells = true,
         .count = d->measures,
         .names = d->measure_name,
         .value = d->measure},
        {.title =
             j->other == CLH_RATIO_ACCURACY ? "tokens on other inputs" : "letters on other inputs",
         .cells = true,
         .count = d->variants,
         .names = d->variant,
         .value = d->other},
    };
    const clh_rows_data data = {.rows = CLH_INTERVENTIONS,
                                .row_labels = d->label,
                                .headings = d->heading,
                                .panels = panels,
                                .panel_count = CLH_COUNT(panels) - (d->variants == 0)};
    char caption[256];
    (void)snprintf(caption, sizeof caption,
                   "%s, %zu held-out sequences, %zu of each other kind; accuracy by kind of token; "
                   "95 %% bootstrap intervals",
                   clh_run_path(j->run), j->count, j->other_count);
    const clh_figure_style style = {.title = "Which part does what", .caption = caption};
    clh_status status = clh_figure_rows(path, &data, &style, err);
    clh_free(d);
    return status;
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void add_row(clh_strbuf *text, const clh_task *task, const clh_causal_row *row)
{
    const clh_interval *v = &row->recovered;
    clh_cli_add_intervals(text, task, row->ratio);
    clh_cli_add_numbers(text, "recovered", (double[]){v->value, v->low, v->high}, 3);
}

static void add_part(clh_strbuf *text, const clh_task *task, const part *p)
{
    clh_strbuf_addf(text, ", \"sequences\": %zu, \"results\": [", p->count);
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        clh_strbuf_addf(text, "%s{\"name\": \"%s\", ", i ? ", " : "",
                        clh_intervention_name((clh_intervention)i));
        if (p->left_out[i])
            clh_strbuf_adds(text, "\"left_out\": \"the task has no letters\"");
        else
            add_row(text, task, &p->row[i]);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "]");
}

static void add_interventions(clh_strbuf *text)
{
    clh_strbuf_adds(text, ", \"interventions\": [");
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        const char *edits = clh_intervention_edits((clh_intervention)i);
        clh_strbuf_addf(text, "%s{\"name\": \"%s\", \"text\": ", i ? ", " : "",
                        clh_intervention_name((clh_intervention)i));
        clh_strbuf_add_json(text, clh_intervention_text((clh_intervention)i));
        clh_strbuf_addf(text, ", \"edits\": %s}", edits ? edits : "null");
    }
    clh_strbuf_adds(text, "]");
}

static void add_json(clh_strbuf *text, const causal_job *j)
{
    bool first = true;
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(j->run));
    if (clh_opt_flag(j->inv, "checkpoints"))
        clh_strbuf_addf(text, ", \"step\": %zu", clh_run_step(j->run));
    clh_strbuf_addf(text, ", \"statistics\": \"held out\", \"reference\": \"%s\"",
                    clh_intervention_name(CLH_CAUSAL_REFERENCE));
    add_interventions(text);
    clh_strbuf_adds(text, ", \"inputs\": [");
    for (clh_variant v = 0; v < j->variants; v++) {
        const part *p = &j->part[v];
        if (p->count == 0)
            continue;
        clh_strbuf_addf(text, "%s{\"variant\": \"%s\"", first ? "" : ", ",
                        clh_variant_name(j->task, v));
        first = false;
        if (p->status) {
            clh_strbuf_adds(text, ", \"left_out\": ");
            clh_strbuf_add_json(text, p->error.message);
        } else {
            add_part(text, j->task, p);
        }
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "]}");
}

/* Of one model; over training --figure is the film's. */
static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    const clh_invocation *inv = user;
    const char *figure = clh_opt_flag(inv, "checkpoints") ? NULL : clh_opt_text(inv, "figure");
    clh_status status = figure ? clh_figure_available(err) : CLH_OK;
    causal_job *j = status ? NULL : clh_alloc_zeroed(1, sizeof *j, err);
    if (!j)
        return status ? status : CLH_ENOMEM;
    j->inv = inv;
    j->run = frame->run;
    j->shows = frame->watch != NULL;
    status = compute(j, err);
    if (!status && figure)
        status = draw(j, figure, err);
    if (!status && frame->json)
        add_json(frame->json, j);
    else if (!status)
        print_text(j);
    clh_causal_close(j->causal);
    clh_sample_deinit(&j->base);
    clh_free(j);
    return status;
}

int clh_cmd_causal(const clh_invocation *inv)
{
    clh_error err = {0};
    const clh_film film = {measure, (void *)inv, "sequence", true};
    clh_status status = clh_cli_film(inv, &film, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
