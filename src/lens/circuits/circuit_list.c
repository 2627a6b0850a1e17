#include "lens/circuits/circuit_list.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "base/strbuf.h"
#include "lens/circuits/circuit_parts.h"

/* ---- Which -------------------------------------------------------------------------------------
 */

clh_status clh_circuit_find(clh_circuit_kind *out, const char *name, clh_error *err)
{
    const char *names[CLH_CIRCUIT_KINDS + 1];
    clh_strbuf all = {0};
    for (clh_circuit_kind kind = 0; kind <= CLH_CIRCUIT_KINDS; kind++) {
        names[kind] = kind < CLH_CIRCUIT_KINDS ? clh_circuit_name(kind) : "all";
        clh_strbuf_addf(&all, "%s%s", kind ? ", " : "", names[kind]);
        if (strcmp(name, names[kind]) == 0) {
            *out = kind;
            clh_strbuf_deinit(&all);
            return CLH_OK;
        }
    }
    const char *nearest = clh_nearest_name(name, names, CLH_COUNT(names));
    clh_status status = clh_fail(err, CLH_EUSAGE, "the kind is %s, %s %s", name,
                                 nearest ? "did you mean" : "want one of",
                                 nearest ? nearest : clh_strbuf_view(&all));
    clh_strbuf_deinit(&all);
    return status;
}

static bool is_asked(const clh_circuit_ask *ask, clh_circuit_kind kind, size_t layer, size_t head)
{
    if (ask->kind != CLH_CIRCUIT_KINDS && ask->kind != kind)
        return false;
    if (!clh_circuit_has_head(kind))
        return ask->kind == kind || (ask->layer == SIZE_MAX && ask->head == SIZE_MAX);
    return (ask->layer == SIZE_MAX || ask->layer == layer) &&
           (ask->head == SIZE_MAX || ask->head == head);
}

/* What it is, in words and sizes. */
static void describe(clh_circuit_item *item)
{
    const clh_circuit *c = &item->circuit;
    const bool has_head = clh_circuit_has_head(c->kind);
    char head[64] = "";
    if (has_head)
        (void)snprintf(head, sizeof head, ", layer %zu head %zu", c->layer, c->head);
    (void)snprintf(item->title, sizeof item->title, "%s%s", c->product, head);
    item->kind = clh_circuit_name(c->kind);
    item->rows = clh_side_name(c->rows);
    item->cols = clh_side_name(c->cols);
    item->layer = has_head ? c->layer : SIZE_MAX;
    item->head = has_head ? c->head : SIZE_MAX;
    item->row_count = c->matrix.a.rows;
    item->col_count = c->matrix.b.cols;
}

static clh_status add(clh_circuit_list *list, const clh_model *model, clh_circuit_kind kind,
                      size_t layer, size_t head, bool norm, clh_error *err)
{
    clh_circuit_item *item = &list->item[list->count++];
    if (clh_circuit_has_head(kind))
        (void)snprintf(item->name, sizeof item->name, "blocks.%zu.head.%zu.%s", layer, head,
                       clh_circuit_name(kind));
    else
        (void)snprintf(item->name, sizeof item->name, "%s", clh_circuit_name(kind));
    clh_status status = clh_circuit_open(&item->circuit, model, kind, layer, head, norm, err);
    if (!status)
        describe(item);
    return status ? status : clh_factored_spectrum(&item->spectrum, &item->circuit.matrix, err);
}

/* The circuits of one head, or with `direct` those of none. */
static clh_status add_all(clh_circuit_list *list, const clh_model *model,
                          const clh_circuit_ask *ask, size_t layer, size_t head, bool direct,
                          clh_error *err)
{
    clh_status status = CLH_OK;
    for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS && !status; kind++)
        if (clh_circuit_has_head(kind) != direct && is_asked(ask, kind, layer, head) &&
            (ask->kind == kind || !clh_circuit_check(clh_model_get_config(model), kind, NULL)))
            status = add(list, model, kind, layer, head, ask->norm, err);
    return status;
}

clh_status clh_circuit_list_open(clh_circuit_list **out, const clh_model *model,
                                 const clh_circuit_ask *ask, const clh_watch *watch, clh_error *err)
{
    assert(out && model && ask);
    const clh_model_config *c = clh_model_get_config(model);
    const size_t heads = c->n_layers * c->n_heads;
    clh_status status = clh_head_check(model, ask->layer == SIZE_MAX ? 0 : ask->layer,
                                       ask->head == SIZE_MAX ? 0 : ask->head, err);
    clh_circuit_list *list = status ? NULL : clh_alloc_zeroed(1, sizeof *list, err);
    if (list)
        list->item = clh_alloc_zeroed((heads + 1) * CLH_CIRCUIT_KINDS, sizeof *list->item, err);
    if (!list || !list->item) {
        clh_circuit_list_close(list);
        return status ? status : CLH_ENOMEM;
    }
    for (size_t i = 0; i < heads && !status; i++) {
        status = clh_watch_check(watch, i, heads, "heads", err);
        if (!status)
            status = add_all(list, model, ask, i / c->n_heads, i % c->n_heads, false, err);
    }
    if (!status)
        status = clh_watch_check(watch, heads, heads, "heads", err);
    if (!status)
        status = add_all(list, model, ask, 0, 0, true, err);
    if (status)
        clh_circuit_list_close(list);
    else
        *out = list;
    return status;
}

clh_status clh_circuit_multiply(clh_circuit_item *item, clh_error *err)
{
    assert(item);
    return item->product.data ? CLH_OK
                              : clh_factored_product(&item->product, &item->circuit.matrix, err);
}

void clh_circuit_list_close(clh_circuit_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; list->item && i < list->count; i++) {
        clh_dense_deinit(&list->item[i].product);
        clh_spectrum_deinit(&list->item[i].spectrum);
        clh_circuit_deinit(&list->item[i].circuit);
    }
    clh_free(list->item);
    clh_free(list);
}
