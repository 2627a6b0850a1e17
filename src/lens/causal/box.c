/* Sums over a box. The backward pass starts with no slope at the logits; a hook adds 1 to every
 * gradient in the box when the pass comes by. */
#include "clearhead/box.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/slice.h"
#include "base/stop.h"
#include "model/memory/tensors.h"

enum { NAME_MAX_LENGTH = 96 };

/* Index of the last activation of that name, as clh_cache_view(). */
static clh_status find(size_t *out, const char *name, const clh_cache *cache, clh_error *err)
{
    const size_t count = clh_cache_count(cache);
    const char **names = clh_alloc_array(count, sizeof *names, err);
    clh_status status = names ? CLH_EUSAGE : CLH_ENOMEM;
    for (size_t i = 0; names && i < count; i++) {
        names[i] = clh_cache_describe(cache, i, 1, 1).name;
        if (strcmp(names[i], name) == 0) {
            *out = i;
            status = CLH_OK;
        }
    }
    if (status == CLH_EUSAGE) {
        const char *nearest = clh_nearest_name(name, names, count);
        (void)clh_fail(err, status, "no activation is called %s%s%s%s", name,
                       nearest ? "; did you mean " : ", want a hook name or logits",
                       nearest ? nearest : "", nearest ? "?" : "");
    }
    clh_free((void *)names);
    return status;
}

/* "[0,0,-2,:]": a part for each dimension of `shape`. */
static bool read_brackets(clh_box *out, const char *at, const clh_tensor *shape)
{
    if (*at++ != '[')
        return false;
    for (size_t d = 0; d < shape->rank; d++) {
        if (!clh_slice_read(&at, shape->shape[d], &out->begin[d], &out->end[d]))
            return false;
        if (*at++ != (d + 1 < shape->rank ? ',' : ']'))
            return false;
    }
    return *at == '\0';
}

clh_status clh_box_parse(clh_box *out, const char *text, const clh_cache *cache, size_t batch,
                         size_t pos, clh_error *err)
{
    CLH_REQUIRE(out && text && cache, err, "the text of a box, a cache, and room for the box");
    if (batch == 0 || pos == 0)
        return clh_fail(err, CLH_ESHAPE, "a box of [%zu, %zu] tokens, want at least [1, 1]", batch,
                        pos);
    char name[NAME_MAX_LENGTH], shape_text[96];
    clh_box box = {0};
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "["), text);
    clh_status status = find(&box.activation, name, cache, err);
    if (status)
        return status;
    const clh_tensor shape = clh_cache_describe(cache, box.activation, batch, pos);
    if (!read_brackets(&box, text + strlen(name), &shape))
        return clh_fail(
            err, CLH_EUSAGE,
            "%s: the activation is %s, want a number or a slice a:b for each of its %zu "
            "dimensions in brackets",
            clh_quoted_text(text).text, clh_tensor_shape_text(&shape, shape_text), shape.rank);
    *out = box;
    return CLH_OK;
}

/* What is done to the numbers of a box, one row of its last dimension after another. */
typedef double row_fn(clh_real *row, size_t count);

static double sum_row(clh_real *row, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)row[i];
    return sum;
}

static double add_slope(clh_real *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] += 1;
    return 0;
}

/* Moves `place` to the next row as an odometer turns; false when it has come around. */
static bool next_row(const clh_box *box, size_t last, size_t place[CLH_RANK_MAX])
{
    for (size_t d = last; d-- > 0;) {
        if (++place[d] < box->end[d])
            return true;
        place[d] = box->begin[d];
    }
    return false;
}

static double each_row(const clh_box *box, const clh_tensor *tensor, row_fn *fn)
{
    assert(tensor->rank > 0);
    const size_t last = tensor->rank - 1;
    size_t place[CLH_RANK_MAX];
    double total = 0;
    memcpy(place, box->begin, sizeof place);
    do {
        size_t at = 0;
        for (size_t k = 0; k < tensor->rank; k++)
            at = at * tensor->shape[k] + place[k];
        total += fn(tensor->data + at, box->end[last] - box->begin[last]);
    } while (next_row(box, last, place));
    return total;
}

/* Where a backward hook is to add its slope: names occur twice, memory does not. */
typedef struct mark {
    const clh_box *box;
    const clh_real *data;
} mark;

static clh_status add_in_box(const clh_hook_point *point, void *user, clh_error *err)
{
    const mark *m = user;
    (void)err;
    if (point->tensor.data == m->data)
        (void)each_row(m->box, &point->tensor, add_slope);
    return CLH_OK;
}

/* Whether a box that did not come from a text lies in its activation. */
static clh_status check_box(const clh_box *box, const clh_cache *cache, clh_error *err)
{
    const clh_tensor tensor = clh_cache_tensor(cache, box->activation);
    if (!tensor.data || tensor.rank == 0)
        return clh_fail(err, CLH_ERANGE, "activation %zu, the cache has %zu", box->activation,
                        clh_cache_count(cache));
    for (size_t d = 0; d < tensor.rank; d++)
        if (box->begin[d] >= box->end[d] || box->end[d] > tensor.shape[d])
            return clh_fail(err, CLH_ERANGE,
                            "%zu to %zu of dimension %zu of %s, want them in [0, %zu]",
                            box->begin[d], box->end[d], d, tensor.name, tensor.shape[d]);
    return CLH_OK;
}

clh_status clh_box_gradient(const clh_box *box, const clh_model *model, const clh_tokens *tokens,
                            const clh_cache *cache, clh_cache *gradient, clh_real *parameters,
                            double *value, const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(box && model && tokens && cache && gradient && value, err,
                "a box, a model, tokens, a cache, a gradient, and room for the value");
    clh_status status = clh_cache_readable(cache, model, err);
    if (!status)
        status = clh_cache_holds(cache, model, tokens, err);
    if (!status)
        status = clh_cache_of(gradient, model, err);
    if (!status)
        status = check_box(box, cache, err);
    if (!status)
        status = clh_cache_reserve_watched(gradient, tokens->batch, tokens->pos, watch, err);
    if (status)
        return status;
    const clh_tensor tensor = clh_cache_tensor(cache, box->activation);
    *value = each_row(box, &tensor, sum_row);
    if (!isfinite(*value))
        return clh_fail(err, CLH_ENUMERIC, "the sum over the box of %s is %g, want it finite",
                        tensor.name, *value);
    const size_t last = clh_cache_count(gradient) - 1;
    const clh_tensor logits = clh_cache_tensor(gradient, last);
    memset(logits.data, 0, clh_tensor_count(&logits) * sizeof *logits.data);
    if (box->activation == last)
        (void)each_row(box, &logits, add_slope);
    mark m = {box, clh_cache_tensor(gradient, box->activation).data};
    const clh_hook hook = {tensor.name, add_in_box, &m};
    const clh_hooks hooks = {&hook, box->activation == last ? 0 : 1, watch};
    status = clh_backward(model, tokens, cache, gradient, parameters, &hooks, err);
    return status ? status : clh_watch_check(watch, last + 1, last + 1, "activations", err);
}
