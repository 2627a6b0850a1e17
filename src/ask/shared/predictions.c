#include "ask/shared/predictions.h"

#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "model/memory/tensors.h"

/* ---- Sequences ---- */

static clh_status read_sequences(clh_predictions *out, clh_subject *s, const clh_predictions_of *of,
                                 clh_error *err)
{
    const clh_sample *sample = NULL;
    const clh_task *task = clh_subject_task(s);
    *out = (clh_predictions){0};
    if (clh_given_any(&of->given) || !task) {
        const clh_status given = clh_given_open(&out->batch, s, &of->given, 0, err);
        out->asked = out->batch.tokens.batch;
        return given;
    }
    out->asked = of->count;
    if (clh_task_split_size(task, CLH_SPLIT_TEST) == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no held-out sequences, want some that are given",
                        clh_subject_path(s));
    clh_status status = clh_subject_sample(&sample, s, of->count, err);
    return status ? status : clh_batch_of(&out->batch, sample, err);
}

/* ---- Positions ---- */

/* Where the first scored token stands, of sequences that say so or as a setting. */
static clh_status first_scored(const clh_predictions *p, size_t given, size_t *first,
                               clh_error *err)
{
    const size_t pos = p->batch.tokens.pos;
    *first = given == CLH_UNSET ? p->batch.first_scored : given;
    if (*first == 0 || *first >= pos)
        return clh_fail(err, CLH_ERANGE,
                        "predictions count from token %zu (first_scored), want it in [1, %zu] "
                        "for %zu tokens",
                        *first, pos - 1, pos);
    return CLH_OK;
}

static clh_status make_positions(clh_predictions *p, const clh_slices *slices, size_t first,
                                 const clh_metric *metric, clh_error *err)
{
    p->count = metric ? 1 : slices->index ? slices->count : p->batch.tokens.pos - first;
    p->position = clh_alloc_array(p->count, sizeof *p->position, err);
    p->text = clh_alloc_array(p->count, sizeof *p->text, err);
    p->label = clh_alloc_array(p->count, sizeof *p->label, err);
    if (!p->position || !p->text || !p->label)
        return CLH_ENOMEM;
    for (size_t i = 0; i < p->count; i++) {
        p->position[i] = metric          ? metric->position
                         : slices->index ? slices->index[i]
                                         : first - 1 + i;
        p->label[i] = clh_key_text(p->text[i], p->position[i]);
    }
    return CLH_OK;
}

static clh_status choose_positions(clh_predictions *p, const clh_predictions_of *of,
                                   const clh_metric *metric, clh_error *err)
{
    const size_t pos = p->batch.tokens.pos;
    clh_slices slices = {0};
    size_t first = 1;
    clh_status status = CLH_OK;
    if (!metric && pos < 2)
        return clh_fail(err, CLH_ERANGE, "1 token is given, want one to predict too");
    if (!metric && *of->positions)
        status = clh_slices_read(&slices, of->positions, "positions", pos - 1, err);
    else if (!metric)
        status = first_scored(p, of->first_scored, &first, err);
    if (!status)
        status = make_positions(p, &slices, first, metric, err);
    clh_slices_deinit(&slices);
    return status;
}

clh_status clh_predictions_open(clh_predictions *out, clh_subject *s, const clh_predictions_of *of,
                                const char *metric, const clh_watch *watch, clh_error *err)
{
    const clh_model *model = clh_subject_model(s);
    clh_watch_part part;
    const clh_hooks hooks = {.watch = clh_watch_part_of(&part, watch, 0, 0, 1)};
    clh_status status = read_sequences(out, s, of, err);
    out->right = !metric || strcmp(metric, "right") == 0;
    if (!status && !out->right)
        status = clh_metric_parse(&out->metric, metric, clh_subject_vocab(s), out->batch.tokens.pos,
                                  0, err);
    if (!status)
        status = choose_positions(out, of, out->right ? NULL : &out->metric, err);
    if (!status)
        status = clh_cache_open(&out->cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, &out->batch.tokens, out->cache, &hooks, err);
    return status ? status : clh_cache_check_watched(out->cache, hooks.watch, err);
}

void clh_predictions_row(clh_result *out, const clh_predictions *p, const clh_subject *s,
                         size_t index)
{
    const clh_task *task = clh_subject_task(s);
    const clh_tokens *t = &p->batch.tokens;
    const size_t next = p->position[index] + 1;
    char place[48] = "", token[CLH_SYMBOL_MAX] = "";
    if (task && next < t->pos)
        clh_task_label(task, t->pos, next, place);
    if (next < t->pos && t->batch == 1)
        (void)clh_vocab_symbol(clh_subject_vocab(s), t->ids[next], token);
    clh_result_row(out, "positions", p->label[index]);
    clh_row_text(out, "predicts", place);
    clh_row_text(out, "token", token);
}

/* ---- What is kept ---- */

static void close_kept(void *owner)
{
    clh_predictions_kept *kept = owner;
    clh_resid_fold_deinit(&kept->fold);
    clh_resid_grid_deinit(&kept->grid);
}

clh_predictions_kept *clh_predictions_keep(clh_result *out, clh_error *err)
{
    return clh_result_make(out, sizeof(clh_predictions_kept), close_kept, err);
}

clh_status clh_predictions_put_grid(clh_result *out, const char *name, const char *title,
                                    const char *axis, const clh_resid_grid *grid, size_t first,
                                    size_t rows, const clh_predictions *p, clh_error *err)
{
    const char **label = clh_alloc_array(rows, sizeof *label, err);
    if (!label)
        return CLH_ENOMEM;
    for (size_t r = 0; r < rows; r++)
        label[r] = grid->row[first + r].name;
    const clh_axis axes[] = {{axis, label}, {"position", p->label}};
    const clh_array view =
        clh_array_matrix(name, CLH_F64, grid->number + first * grid->count, rows, grid->count);
    clh_result_array(out, &view, axes, NULL, NULL);
    clh_result_array_title(out, title, SIZE_MAX);
    clh_free((void *)label);
    return CLH_OK;
}

void clh_predictions_put_fold(clh_result *out, const char *name, const char *title,
                              const clh_resid_fold *fold, const clh_predictions *p)
{
    char along[96];
    (void)snprintf(along, sizeof along, "predicted from positions %zu to %zu, row by row",
                   p->position[0], p->position[p->count - 1]);
    const clh_axis axes[] = {{"part", fold->title}, {"row", fold->row}, {along, fold->col}};
    const clh_array view =
        clh_array_cube(name, CLH_F64, fold->value, fold->parts, fold->rows, fold->cols);
    if (fold->rows == 0)
        return;
    clh_result_array(out, &view, axes, NULL, NULL);
    clh_result_array_title(out, title, SIZE_MAX);
}

void clh_predictions_deinit(clh_predictions *p)
{
    clh_cache_close(p->cache);
    clh_free((void *)p->label);
    clh_free(p->text);
    clh_free(p->position);
    clh_batch_deinit(&p->batch);
    *p = (clh_predictions){0};
}
