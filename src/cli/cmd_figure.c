/* clearhead figure: a picture of a run, as a file, in the terminal, or its numbers as JSON. */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "cli/cli_figure.h"
#include "cli/cli_measure.h"
#include "cli/cli_terminal.h"

static clh_status read_ask(const clh_invocation *inv, clh_figure_ask *ask, clh_error *err)
{
    unsigned kind = 0;
    clh_status status = clh_opt_choice(inv, "kind", &kind, err);
    *ask = clh_figure_ask_default((clh_figure_kind)kind);
    if (!status)
        status = clh_opt_size(inv, "layer", &ask->layer, err);
    if (!status)
        status = clh_opt_size(inv, "head", &ask->head, err);
    if (!status)
        status = clh_opt_size(inv, "limit", &ask->limit, err);
    if (!status)
        status = clh_opt_real(inv, "threshold", &ask->threshold, err);
    return status ? status : clh_opt_size(inv, "position", &ask->destination, err);
}

static clh_terminal_style terminal_style(const clh_invocation *inv)
{
    const char *depth = getenv("COLORTERM"), *ground = getenv("COLORFGBG");
    const char *back = ground ? strrchr(ground, ';') : NULL;
    clh_terminal_style style = {.width = clh_cli_columns(STDOUT_FILENO)};
    (void)setlocale(LC_CTYPE, "");
    style.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    (void)setlocale(LC_CTYPE, "C");
    if (inv->colour)
        style.colour =
            depth && clh_word_in("truecolor|24bit", '|', depth) ? CLH_COLOUR_TRUE : CLH_COLOUR_256;
    style.dark = back && atoi(back + 1) < 7; /* "15;0": white on black */
    return style;
}

/* ---- Numbers as JSON ---------------------------------------------------------------------------
 */

static void add_reals(clh_strbuf *text, const clh_real *values, size_t count)
{
    clh_strbuf_adds(text, "[");
    for (size_t i = 0; i < count; i++)
        clh_strbuf_addf(text, isfinite(values[i]) ? "%s%.9g" : "%snull", i ? ", " : "",
                        (double)values[i]);
    clh_strbuf_adds(text, "]");
}

static void add_tokens(clh_strbuf *text, const clh_sitter *s, size_t count)
{
    clh_strbuf_adds(text, ", \"tokens\": [");
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        clh_strbuf_add_json(text, s->tokens[i]);
    }
    clh_strbuf_adds(text, "]");
}

/** [head][dst][src] of the heads and positions asked for. */
static void add_attention(clh_strbuf *text, const clh_sitter *s, const clh_figure_ask *ask)
{
    const size_t heads = clh_model_get_config(clh_run_model(s->run))->n_heads;
    const size_t pos = s->batch.tokens.pos, shown = pos < ask->limit ? pos : ask->limit;
    const bool all = ask->head == CLH_ALL_HEADS;
    add_tokens(text, s, shown);
    clh_strbuf_adds(text, ", \"pattern\": [");
    for (size_t h = 0; h < (all ? heads : 1); h++) {
        const clh_real *pattern = clh_sitter_pattern(s, ask->layer, all ? h : ask->head);
        for (size_t i = 0; i < shown; i++) {
            clh_strbuf_adds(text, i ? ", " : h ? "], [" : "[");
            add_reals(text, pattern + i * pos, shown);
        }
    }
    clh_strbuf_adds(text, "]]");
}

static clh_status add_thresholds(clh_strbuf *text, const clh_sitter *s, const clh_figure_ask *ask,
                                 clh_error *err)
{
    clh_threshold_table table = {0};
    clh_status status = clh_figure_thresholds(s, ask, &table, err);
    if (status)
        return status;
    clh_strbuf_addf(text, ", \"threshold\": %.9g, \"rows\": [", ask->threshold);
    for (size_t r = 0; r < table.row_count; r++) {
        const clh_threshold_row *row = &table.rows[r];
        clh_strbuf_adds(text, r ? ", {\"token\": " : "{\"token\": ");
        clh_strbuf_add_json(text, row->token);
        clh_strbuf_addf(text, ", \"position\": %zu, \"maximum\": %.9g, \"destinations\": [",
                        row->position, row->maximum);
        for (size_t k = 0; k < row->count; k++)
            clh_strbuf_addf(text, "%s%zu", k ? ", " : "", row->destinations[k]);
        clh_strbuf_adds(text, "], \"gaps\": [");
        for (size_t k = 0; k + 1 < row->count; k++)
            clh_strbuf_addf(text, "%s%zu", k ? ", " : "", row->gaps[k]);
        clh_strbuf_adds(text, "]}");
    }
    clh_strbuf_adds(text, "]");
    clh_threshold_table_deinit(&table);
    return CLH_OK;
}

static void add_destination(clh_strbuf *text, const clh_sitter *s, const clh_figure_ask *ask)
{
    const size_t pos = s->batch.tokens.pos, destination = clh_figure_destination(s, ask);
    const size_t head = ask->head == CLH_ALL_HEADS ? 0 : ask->head;
    add_tokens(text, s, pos);
    clh_strbuf_addf(text, ", \"position\": %zu, \"values\": ", destination);
    add_reals(text, clh_sitter_pattern(s, ask->layer, head) + destination * pos, pos);
}

static clh_status print_numbers(clh_sitter *s, const clh_figure_ask *ask, clh_error *err)
{
    clh_strbuf text = {0};
    clh_status status = clh_sitter_load(s, ask, err);
    if (status)
        return status;
    const clh_metrics_log *log = &s->log;
    clh_strbuf_addf(&text, "{\"kind\": \"%s\"", clh_figure_kind_name(ask->kind));
    switch (ask->kind) {
    case CLH_FIGURE_LOSS:
        clh_cli_add_numbers(&text, "step", log->step, log->steps);
        clh_cli_add_numbers(&text, "loss", log->loss, log->steps);
        clh_cli_add_numbers(&text, "eval_step", log->eval_step, log->evaluations);
        clh_cli_add_numbers(&text, "eval_loss", log->eval_loss, log->evaluations);
        clh_cli_add_numbers(&text, "token_accuracy", log->token_accuracy, log->evaluations);
        break;
    case CLH_FIGURE_POSITIONS:
        clh_cli_add_numbers(&text, "loss_per_position", log->loss_per_position, log->positions);
        break;
    case CLH_FIGURE_ATTENTION:
        add_attention(&text, s, ask);
        break;
    case CLH_FIGURE_THRESHOLDS:
        status = add_thresholds(&text, s, ask, err);
        break;
    default:
        add_destination(&text, s, ask);
    }
    if (!status)
        status = clh_strbuf_check(&text, err);
    if (!status)
        (void)printf("%s}\n", clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}

/* ---- The command -------------------------------------------------------------------------------
 */

static clh_status draw_file(const clh_invocation *inv, clh_sitter *s, const clh_figure_ask *ask,
                            const char *path, clh_error *err)
{
    clh_strbuf text = {0};
    const clh_figure_to to = {.path = path};
    clh_status status = clh_figure_draw(s, ask, &to, err);
    if (status)
        return status;
    clh_strbuf_add_json(&text, path);
    if (inv->json)
        (void)printf("{\"kind\": \"%s\", \"file\": %s}\n", clh_figure_kind_name(ask->kind),
                     clh_strbuf_view(&text));
    else
        (void)puts(path);
    clh_strbuf_deinit(&text);
    return CLH_OK;
}

static clh_status draw_text(const clh_invocation *inv, clh_sitter *s, const clh_figure_ask *ask,
                            clh_error *err)
{
    char *text = NULL;
    const clh_figure_to to = {.style = terminal_style(inv), .text = &text};
    clh_status status = clh_figure_draw(s, ask, &to, err);
    if (!status)
        (void)fputs(text, stdout);
    clh_free(text);
    return status;
}

static clh_status draw(const clh_invocation *inv, clh_run *run, clh_error *err)
{
    const char *out = clh_opt_text(inv, "out");
    clh_figure_ask ask;
    clh_sitter subject = clh_sitter_make(run);
    clh_status status = read_ask(inv, &ask, err);
    bool words =
        clh_opt_given(inv, "letters") || clh_opt_given(inv, "text") || clh_opt_given(inv, "tokens");
    if (!status && words)
        status = clh_cli_batch_init(&subject.batch, inv, run, err);
    if (!status && out)
        status = draw_file(inv, &subject, &ask, out, err);
    else if (!status)
        status =
            inv->json ? print_numbers(&subject, &ask, err) : draw_text(inv, &subject, &ask, err);
    clh_sitter_deinit(&subject);
    return status;
}

int clh_cmd_figure(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_status status = clh_cli_open_run(inv, &run, &err);
    if (!status)
        status = draw(inv, run, &err);
    clh_run_close(run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
