/* What figures of a run are made of: its metrics, and attention on one sequence. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "cli/cli_figure.h"
#include "model/tensors.h"

clh_sitter clh_sitter_make(const clh_run *run)
{
    assert(run);
    return (clh_sitter){.run = run};
}

static clh_status load_metrics(clh_sitter *s, clh_error *err)
{
    if (s->log.step)
        return CLH_OK;
    char *path = clh_path_join(clh_run_path(s->run), "metrics.jsonl", err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status =
        clh_path_exists(path)
            ? clh_metrics_read(&s->log, path, err)
            : clh_fail(err, CLH_EINPUT,
                       "%s has no metrics.jsonl, want the folder of a run that was trained",
                       clh_run_path(s->run));
    clh_free(path);
    return status;
}

static clh_status check_metrics(const clh_sitter *s, clh_figure_kind kind, clh_error *err)
{
    if (kind == CLH_FIGURE_LOSS && s->log.steps + s->log.evaluations == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no step in its metrics yet", clh_run_path(s->run));
    if (kind == CLH_FIGURE_POSITIONS && s->log.positions == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no evaluation in its metrics yet",
                        clh_run_path(s->run));
    return CLH_OK;
}

/** The first held-out sequence where nothing else was asked for. */
static clh_status load_batch(clh_sitter *s, clh_error *err)
{
    clh_sequence sequence = {0};
    if (s->batch.ids)
        return CLH_OK;
    clh_status status = clh_cli_held_out(s->run, 0, &sequence, err);
    s->batch.ids = sequence.tokens;
    s->batch.tokens = (clh_tokens){sequence.tokens, 1, sequence.length};
    return status;
}

static clh_status load_symbols(clh_sitter *s, clh_error *err)
{
    const size_t pos = s->batch.tokens.pos;
    const clh_task *task = clh_run_task(s->run);
    s->symbols = clh_alloc_array(pos, sizeof *s->symbols, err);
    s->tokens = clh_alloc_array(pos, sizeof *s->tokens, err);
    if (!s->symbols || !s->tokens)
        return CLH_ENOMEM;
    for (size_t i = 0; i < pos; i++) {
        if (task)
            clh_task_symbol(task, s->batch.ids[i], s->symbols[i]);
        else
            (void)snprintf(s->symbols[i], sizeof *s->symbols, "<%u>", (unsigned)s->batch.ids[i]);
        s->tokens[i] = s->symbols[i];
    }
    s->labels = clh_position_labels_make(s->tokens, pos, err);
    return s->labels ? CLH_OK : CLH_ENOMEM;
}

static clh_status load_attention(clh_sitter *s, clh_error *err)
{
    const clh_model *model = clh_run_model(s->run);
    if (s->cache)
        return CLH_OK;
    clh_status status = load_batch(s, err);
    if (!status)
        status = load_symbols(s, err);
    if (!status)
        status = clh_cache_open(&s->cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (status)
        return status;
    const clh_tokens first = {s->batch.ids, 1, s->batch.tokens.pos};
    status = clh_forward(model, &first, s->cache, NULL, err);
    return status ? status : clh_cache_check(s->cache, err);
}

static clh_status check_ask(const clh_sitter *s, const clh_figure_ask *ask, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(clh_run_model(s->run));
    if (ask->layer >= c->n_layers)
        return clh_fail(err, CLH_ERANGE, "layer is %zu, want less than %zu (n_layers)", ask->layer,
                        c->n_layers);
    if (ask->head != CLH_ALL_HEADS && ask->head >= c->n_heads)
        return clh_fail(err, CLH_ERANGE, "head is %zu, want less than %zu (n_heads)", ask->head,
                        c->n_heads);
    if (ask->destination != CLH_NO_DESTINATION && ask->destination >= s->batch.tokens.pos)
        return clh_fail(err, CLH_ERANGE,
                        "position is %zu, want less than %zu, the tokens there are",
                        ask->destination, s->batch.tokens.pos);
    return CLH_OK;
}

clh_status clh_sitter_load(clh_sitter *subject, const clh_figure_ask *ask, clh_error *err)
{
    assert(subject && ask && ask->kind < CLH_FIGURE_KINDS);
    clh_status status;
    if (ask->kind == CLH_FIGURE_LOSS || ask->kind == CLH_FIGURE_POSITIONS) {
        status = load_metrics(subject, err);
        return status ? status : check_metrics(subject, ask->kind, err);
    }
    status = load_attention(subject, err);
    return status ? status : check_ask(subject, ask, err);
}

const clh_real *clh_sitter_pattern(const clh_sitter *subject, size_t layer, size_t head)
{
    const clh_tensor pattern = clh_cache_act(subject->cache, CLH_A_PATTERN, layer);
    assert(pattern.data && head < pattern.shape[1]);
    return pattern.data + clh_tensor_at(&pattern, 0, head, 0, 0);
}

void clh_sitter_deinit(clh_sitter *subject)
{
    clh_cli_batch_deinit(&subject->batch);
    clh_metrics_log_deinit(&subject->log);
    clh_cache_close(subject->cache);
    clh_free(subject->symbols);
    clh_free(subject->tokens);
    clh_free(subject->labels);
    *subject = (clh_sitter){0};
}
