#include "support/difference.h"

#include <math.h>

#include "support/must.h"

typedef struct nudge {
    const clh_real *data;
    size_t entry;
    double by;
    size_t seen;
} nudge;

static clh_status move_entry(const clh_hook_point *point, void *user, clh_error *err)
{
    nudge *n = user;
    (void)err;
    if (point->tensor.data == n->data) {
        point->tensor.data[n->entry] += (clh_real)n->by;
        n->seen++;
    }
    return CLH_OK;
}

void difference_forward(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                        const clh_tensor *value, size_t entry, double by)
{
    clh_error err = {0};
    nudge n = {.data = value->data, .entry = entry, .by = by};
    const clh_hook hook = {value->name, move_entry, &n};
    must(clh_forward(model, tokens, cache, &(clh_hooks){.items = &hook, .count = 1}, &err), &err);
    assert_int_equal(n.seen, 1);
}

double tensor_largest(const clh_tensor *tensor)
{
    double largest = 0;
    for (size_t i = 0, n = clh_tensor_count(tensor); i < n; i++)
        largest = fmax(largest, fabs((double)tensor->data[i]));
    return largest;
}

void cache_poison(clh_cache *gradient, size_t count)
{
    for (size_t t = 0; t < count; t++) {
        const clh_tensor g = clh_cache_tensor(gradient, t);
        for (size_t i = 0, n = clh_tensor_count(&g); i < n; i++)
            g.data[i] = (clh_real)NAN;
    }
}
