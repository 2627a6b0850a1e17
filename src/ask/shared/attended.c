#include "ask/shared/attended.h"

#include <assert.h>

#include "clearhead/figure.h"
#include "model/memory/tensors.h"

static clh_status check(const clh_model_config *c, size_t layer, size_t head, clh_error *err)
{
    if (layer >= c->n_layers)
        return clh_fail(err, CLH_ERANGE, "layer is %zu, want less than %zu (n_layers)", layer,
                        c->n_layers);
    if (head >= c->n_heads)
        return clh_fail(err, CLH_ERANGE, "head is %zu, want less than %zu (n_heads)", head,
                        c->n_heads);
    return CLH_OK;
}

CLH_CLOSER(close_cache, clh_cache_close)

/* The pattern of the layer on the first sequence, in a cache that the result keeps. */
static clh_status run_model(clh_attended *a, clh_result *result, const clh_model *model,
                            size_t layer, clh_error *err)
{
    clh_cache *cache = NULL;
    const clh_tokens first = {a->batch.tokens.ids, 1, a->pos};
    clh_status status = clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (status)
        return status;
    status = clh_result_keep(result, cache, close_cache, err);
    if (!status)
        status = clh_forward(model, &first, cache, NULL, err);
    if (!status)
        status = clh_cache_check(cache, err);
    if (status)
        return status;
    const clh_tensor pattern = clh_cache_act(cache, CLH_A_PATTERN, layer);
    assert(pattern.data);
    a->pattern = pattern.data;
    return CLH_OK;
}

clh_status clh_attended_open(clh_attended *out, clh_result *result, clh_subject *s,
                             const clh_given *given, size_t layer, size_t head, clh_error *err)
{
    const clh_model *model = clh_subject_model(s);
    clh_attended a = {.heads = clh_model_get_config(model)->n_heads};
    clh_status status = check(clh_model_get_config(model), layer, head, err);
    if (!status)
        status = clh_given_open(&a.batch, s, given, 0, err);
    a.pos = a.batch.tokens.pos;
    if (!status)
        status = clh_symbols_make(&a.symbols, clh_subject_vocab(s), a.batch.tokens.ids, a.pos, err);
    if (!status) {
        a.token = a.symbols.name;
        a.labels = clh_position_labels_make(a.token, a.pos, err);
        a.label = (const char *const *)a.labels;
        status = a.labels ? CLH_OK : CLH_ENOMEM;
    }
    if (!status)
        status = run_model(&a, result, model, layer, err);
    if (!status)
        clh_given_stamp(result, s, given, 1, 1);
    if (status)
        clh_attended_deinit(&a);
    else
        *out = a;
    return status;
}

void clh_attended_deinit(clh_attended *a)
{
    clh_free(a->labels);
    clh_symbols_deinit(&a->symbols);
    clh_batch_deinit(&a->batch);
    *a = (clh_attended){0};
}

/* Whether what stands there is only ever the last. */
static bool closes(const clh_task *task, size_t length, size_t position)
{
    size_t count;
    const clh_token_row *kinds = clh_task_kinds(task, &count);
    const clh_token_kind kind = task ? clh_task_kind(task, length, position) : CLH_TOKEN_OTHER;
    return kind != CLH_TOKEN_OTHER && kinds[kind - 1].closes;
}

size_t clh_attended_destination(const clh_task *task, size_t pos)
{
    size_t predicted = pos - 1;
    while (predicted > 1 && closes(task, pos, predicted))
        predicted--;
    return predicted > 0 ? predicted - 1 : 0;
}
