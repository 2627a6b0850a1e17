#include "cli/cli_figure.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/strbuf.h"
#include "report/both/label.h"

/* As many panels as a heat map holds. */
enum { PANELS = 64 };

/** A picture about to be drawn: title and caption stand in both styles. */
typedef struct frame {
    const clh_figure_to *to;
    clh_figure_style figure;
    clh_terminal_style terminal;
    char title[192], caption[256];
} frame;

/* clh_figure_<kind>() and clh_terminal_<kind>() take the same data. */
#define DRAW(kind, f, data, err)                                                                   \
    ((f)->to->path ? clh_figure_##kind((f)->to->path, data, &(f)->figure, err)                     \
                   : clh_terminal_##kind((f)->to->text, data, &(f)->terminal, err))

const char *clh_figure_kind_name(clh_figure_kind kind)
{
    static const char *const names[CLH_FIGURE_KINDS] = {"loss", "positions", "attention",
                                                        "thresholds", "tokens"};
    assert(kind < CLH_FIGURE_KINDS);
    return names[kind];
}

clh_figure_ask clh_figure_ask_default(clh_figure_kind kind)
{
    return (clh_figure_ask){.kind = kind,
                            .head = CLH_ALL_HEADS,
                            .limit = 500,
                            .threshold = CLH_THRESHOLD_DEFAULT,
                            .destination = CLH_NO_DESTINATION};
}

static clh_status draw_loss(const clh_sitter *s, const frame *f, clh_error *err)
{
    const clh_metrics_log *log = &s->log;
    const clh_series series[] = {
        {.name = "training loss", .x = log->step, .y = log->loss, .count = log->steps},
        {.name = "held-out loss",
         .x = log->eval_step,
         .y = log->eval_loss,
         .count = log->evaluations,
         .points = true},
        {.name = "held-out accuracy",
         .x = log->eval_step,
         .y = log->token_accuracy,
         .count = log->evaluations,
         .points = true,
         .right = true}};
    const bool evaluated = log->evaluations > 0;
    const clh_curve_data data = {.series = series,
                                 .series_count = evaluated ? CLH_COUNT(series) : 1,
                                 .x_label = "step",
                                 .y_label = "loss, nats",
                                 .right_label = evaluated ? "token accuracy" : NULL};
    return DRAW(curve, f, &data, err);
}

/** Tokens that stand for what each position holds: those of the task's example. NULL where it has
 *  none of this length. */
static const char **typical_tokens(const clh_sitter *s, size_t count, char (**symbols)[16])
{
    const clh_task *task = clh_run_task(s->run);
    clh_sequence sequence = {.capacity = task ? clh_task_length_max(task) : 0};
    const char **tokens = clh_alloc_array(count, sizeof *tokens, NULL);
    sequence.tokens = clh_alloc_array(sequence.capacity, sizeof *sequence.tokens, NULL);
    *symbols = clh_alloc_array(count, sizeof **symbols, NULL);
    bool known = task && tokens && sequence.tokens && *symbols &&
                 !clh_task_example(task, &sequence, NULL) && sequence.length == count;
    for (size_t i = 0; i < count && known; i++) {
        clh_task_symbol(task, sequence.tokens[i], (*symbols)[i]);
        tokens[i] = (*symbols)[i];
    }
    clh_free(sequence.tokens);
    if (!known)
        clh_free(tokens);
    return known ? tokens : NULL;
}

static clh_status draw_positions(const clh_sitter *s, const frame *f, clh_error *err)
{
    char(*symbols)[16] = NULL;
    const clh_metrics_log *log = &s->log;
    const char **tokens = typical_tokens(s, log->positions, &symbols);
    size_t first = 0;
    while (first + 1 < log->positions && isnan(log->loss_per_position[first]))
        first++;
    const clh_positions_data data = {.values = log->loss_per_position + first,
                                     .count = log->positions - first,
                                     .tokens = tokens ? tokens + first : NULL,
                                     .first_position = first,
                                     .y_label = "held-out loss, nats"};
    clh_status status = DRAW(positions, f, &data, err);
    clh_free(tokens);
    clh_free(symbols);
    return status;
}

/** The heads that are asked for, side by side: as many as a figure holds. */
static clh_status draw_attention(const clh_sitter *s, const clh_figure_ask *ask, const frame *f,
                                 clh_error *err)
{
    clh_heatmap_panel panel[PANELS];
    char title[PANELS][24];
    const bool all = ask->head == CLH_ALL_HEADS;
    const size_t heads = clh_model_get_config(clh_run_model(s->run))->n_heads;
    const size_t pos = s->batch.tokens.pos, shown = pos < ask->limit ? pos : ask->limit;
    const size_t count = !all ? 1 : heads < PANELS ? heads : PANELS;
    for (size_t h = 0; h < count; h++) {
        (void)snprintf(title[h], sizeof title[h], "head %zu", h);
        panel[h] =
            (clh_heatmap_panel){.title = count > 1 ? title[h] : NULL,
                                .values = clh_sitter_pattern(s, ask->layer, all ? h : ask->head),
                                .stride = pos};
    }
    const char *const *labels = (const char *const *)s->labels;
    const clh_heatmap_data data = {.panels = panel,
                                   .panel_count = count,
                                   .rows = shown,
                                   .cols = shown,
                                   .row_labels = labels,
                                   .col_labels = labels,
                                   .x_label = "src_token",
                                   .y_label = "dst_token",
                                   .value_label = "attention",
                                   .causal = true};
    return DRAW(heatmap, f, &data, err);
}

static size_t one_head(const clh_figure_ask *ask)
{
    return ask->head == CLH_ALL_HEADS ? 0 : ask->head;
}

/* What stands in a row of the table of thresholds, into memory that its caller frees. */
static clh_status threshold_texts(const clh_threshold_row *row, char **cell, clh_error *err)
{
    clh_strbuf text[5] = {0};
    clh_status status = CLH_OK;
    char shown[CLH_LABEL_BYTES];
    (void)clh_token_show(shown, row->token);
    clh_strbuf_adds(&text[0], shown);
    clh_strbuf_addf(&text[1], "%zu", row->position);
    clh_strbuf_addf(&text[2], "%zu", row->count);
    clh_strbuf_addf(&text[3], "%.4f", row->maximum);
    for (size_t k = 0; k + 1 < row->count; k++)
        clh_strbuf_addf(&text[4], "%s%zu", k ? " " : "", row->gaps[k]);
    for (size_t i = 0; i < CLH_COUNT(text); i++)
        if (!(cell[i] = clh_strbuf_take(&text[i], err)))
            status = CLH_ENOMEM;
    return status;
}

static clh_status draw_thresholds(const clh_sitter *s, const clh_figure_ask *ask, const frame *f,
                                  clh_error *err)
{
    static const clh_table_column column[] = {
        {"token", false}, {"position", true}, {"count", true}, {"maximum", true}, {"gaps", false}};
    enum { COLUMNS = CLH_COUNT(column) };
    clh_threshold_table table = {0};
    clh_status status = clh_figure_thresholds(s, ask, &table, err);
    if (status)
        return status;
    char none[64], **cell = clh_alloc_zeroed(COLUMNS * table.row_count, sizeof *cell, err);
    status = cell ? CLH_OK : CLH_ENOMEM;
    for (size_t r = 0; r < table.row_count && !status; r++)
        status = threshold_texts(&table.rows[r], cell + r * COLUMNS, err);
    (void)snprintf(none, sizeof none, "no weight is above %g", ask->threshold);
    const clh_table_data data = {.column = column,
                                 .columns = COLUMNS,
                                 .cell = (const char *const *)cell,
                                 .rows = table.row_count,
                                 .none = none,
                                 .more = "source positions"};
    if (!status)
        status = DRAW(table, f, &data, err);
    for (size_t i = 0; cell && i < COLUMNS * table.row_count; i++)
        clh_free(cell[i]);
    clh_free(cell);
    clh_threshold_table_deinit(&table);
    return status;
}

static clh_status draw_tokens(const clh_sitter *s, const clh_figure_ask *ask, const frame *f,
                              clh_error *err)
{
    char label[64];
    const size_t pos = s->batch.tokens.pos, destination = clh_figure_destination(s, ask);
    (void)snprintf(label, sizeof label, "attention from %zu", destination);
    const clh_tokens_data data = {.tokens = s->tokens,
                                  .values = clh_sitter_pattern(s, ask->layer, one_head(ask)) +
                                            destination * pos,
                                  .count = pos,
                                  .destination = destination,
                                  .value_label = label};
    return DRAW(tokens, f, &data, err);
}

clh_status clh_figure_thresholds(const clh_sitter *subject, const clh_figure_ask *ask,
                                 clh_threshold_table *table, clh_error *err)
{
    /* above 0 is above the smallest number there is: 0 itself means the default */
    const clh_threshold_options options = {.threshold =
                                               ask->threshold > 0 ? ask->threshold : 0x1p-1074};
    return clh_threshold_table_init(table, clh_sitter_pattern(subject, ask->layer, one_head(ask)),
                                    subject->batch.tokens.pos, subject->tokens, &options, err);
}

/* Whether what stands there is only ever the last: there is more to see in what is before it. */
static bool closes(const clh_task *task, size_t length, size_t position)
{
    size_t count;
    const clh_token_row *kinds = clh_task_kinds(task, &count);
    const clh_token_kind kind = task ? clh_task_kind(task, length, position) : CLH_TOKEN_OTHER;
    return kind != CLH_TOKEN_OTHER && kinds[kind - 1].closes;
}

size_t clh_figure_destination(const clh_sitter *subject, const clh_figure_ask *ask)
{
    const clh_task *task = clh_run_task(subject->run);
    const size_t pos = subject->batch.tokens.pos;
    if (ask->destination != CLH_NO_DESTINATION)
        return ask->destination;
    size_t predicted = pos - 1;
    while (predicted > 1 && closes(task, pos, predicted))
        predicted--;
    return predicted > 0 ? predicted - 1 : 0;
}

static void make_title(frame *f, const clh_sitter *s, const clh_figure_ask *ask)
{
    const size_t heads = clh_model_get_config(clh_run_model(s->run))->n_heads;
    const size_t pos = s->batch.tokens.pos;
    char head[48] = "", part[80] = "";
    if (ask->head == CLH_ALL_HEADS && ask->kind == CLH_FIGURE_ATTENTION && heads > PANELS)
        (void)snprintf(head, sizeof head, ", heads 0 to %d of %zu", PANELS - 1, heads);
    else if (ask->head != CLH_ALL_HEADS || heads == 1 || ask->kind != CLH_FIGURE_ATTENTION)
        (void)snprintf(head, sizeof head, ", head %zu", one_head(ask));
    if (ask->kind == CLH_FIGURE_ATTENTION && ask->limit < pos)
        (void)snprintf(part, sizeof part, ", the first %zu of %zu positions", ask->limit, pos);
    switch (ask->kind) {
    case CLH_FIGURE_LOSS:
        (void)snprintf(f->title, sizeof f->title, "Loss");
        break;
    case CLH_FIGURE_POSITIONS:
        (void)snprintf(f->title, sizeof f->title, "Loss at each position");
        break;
    case CLH_FIGURE_THRESHOLDS:
        (void)snprintf(f->title, sizeof f->title, "Sources with attention above %g, layer %zu%s",
                       ask->threshold, ask->layer, head);
        break;
    default:
        (void)snprintf(f->title, sizeof f->title, "Attention, layer %zu%s%s", ask->layer, head,
                       part);
    }
    (void)snprintf(f->caption, sizeof f->caption, "%s, step %zu", clh_run_path(s->run),
                   clh_run_step(s->run));
}

clh_status clh_figure_draw(clh_sitter *subject, const clh_figure_ask *ask, const clh_figure_to *to,
                           clh_error *err)
{
    assert(subject && ask && to && (to->path || to->text));
    frame f = {.to = to, .terminal = to->style};
    clh_status status = clh_sitter_load(subject, ask, err);
    if (status)
        return status;
    make_title(&f, subject, ask);
    f.figure = (clh_figure_style){.title = f.title, .caption = f.caption};
    f.terminal.title = f.title;
    switch (ask->kind) {
    case CLH_FIGURE_LOSS:
        return draw_loss(subject, &f, err);
    case CLH_FIGURE_POSITIONS:
        return draw_positions(subject, &f, err);
    case CLH_FIGURE_ATTENTION:
        return draw_attention(subject, ask, &f, err);
    case CLH_FIGURE_THRESHOLDS:
        return draw_thresholds(subject, ask, &f, err);
    default:
        return draw_tokens(subject, ask, &f, err);
    }
}
