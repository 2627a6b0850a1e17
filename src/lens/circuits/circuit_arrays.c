/* What a circuit has to show: its arrays with their axes, and its pairs of heads as rows. */
#include <stdio.h>
#include <string.h>

#include "lens/circuits/circuit_list.h"
#include "model/description/assume.h"

/* What stands along the rows (`dimension` 0) or columns (1): "source token", "key position", "output". */
static const char *axis_of(const clh_circuit *c, int dimension, char out[32])
{
    const bool scores = strncmp(clh_circuit_name(c->kind), "qk", 2) == 0;
    const char *of = scores                          ? (dimension ? "key " : "query ")
                     : dimension                     ? ""
                     : clh_circuit_has_head(c->kind) ? "source "
                                                     : "";
    (void)snprintf(out, 32, "%s%s", of, clh_side_name(dimension ? c->cols : c->rows));
    return out;
}

/* What labels a side: tokens by their symbols, the query bias by its name, others by number. */
static const char *const *labels_of(clh_side side, const clh_symbols *symbols)
{
    static const char *const bias[] = {"query bias"};
    return side == CLH_SIDE_TOKEN || side == CLH_SIDE_OUTPUT ? symbols->name
           : side == CLH_SIDE_BIAS                           ? bias
                                                             : NULL;
}

/* Numbers that are there already, [rows, cols], or [rows] for no cols; along the circuit's side `side`, or
 * an index. */
static void add(clh_circuit_array *out, size_t *count, const clh_circuit_item *item, const char *of,
                const double *data, size_t rows, size_t cols, int side, const clh_symbols *symbols)
{
    const clh_circuit *c = &item->circuit;
    clh_circuit_array *a = &out[*count];
    if (!data || !rows)
        return;
    ++*count;
    (void)snprintf(a->name, sizeof a->name, "%s.%s", item->name, of);
    a->array = cols ? clh_array_matrix(a->name, CLH_F64, data, rows, cols)
                    : clh_array_vector(a->name, CLH_F64, data, rows);
    a->axes[0] = cols ? (clh_axis){axis_of(c, side, a->axis[0]),
                                   labels_of(side ? c->cols : c->rows, symbols)}
                      : (clh_axis){.name = "index"};
    a->axes[1] = (clh_axis){.name = "vector"};
}

size_t clh_circuit_arrays(clh_circuit_array out[CLH_CIRCUIT_ARRAYS], const clh_circuit_item *item,
                          const clh_symbols *symbols)
{
    const clh_circuit *c = &item->circuit;
    const clh_svd *svd = &item->spectrum.svd;
    const clh_eigenvalues *e = &item->spectrum.eigenvalues;
    clh_circuit_array *whole = &out[0];
    size_t count = 1;
    whole->array = clh_array_matrix(item->name, CLH_F64, NULL, c->matrix.a.rows, c->matrix.b.cols);
    whole->array.dtype = CLH_F32; /* in files, as the weights are */
    whole->axes[0] = (clh_axis){axis_of(c, 0, whole->axis[0]), labels_of(c->rows, symbols)};
    whole->axes[1] = (clh_axis){axis_of(c, 1, whole->axis[1]), labels_of(c->cols, symbols)};
    add(out, &count, item, "singular_values", svd->s, svd->count, 0, 0, symbols);
    add(out, &count, item, "eigenvalues_re", e->re, e->count, 0, 0, symbols);
    add(out, &count, item, "eigenvalues_im", e->im, e->count, 0, 0, symbols);
    add(out, &count, item, "left", svd->u.data, svd->u.rows, svd->u.cols, 0, symbols);
    add(out, &count, item, "right", svd->v.data, svd->v.rows, svd->v.cols, 1, symbols);
    return count;
}

clh_status clh_circuit_fill(clh_array *array, void *item, clh_error *err)
{
    clh_circuit_item *circuit = item;
    const clh_status status = clh_circuit_multiply(circuit, err);
    array->data = circuit->product.data;
    return status;
}

const char *clh_circuit_missing(const clh_model_config *config, clh_error *why)
{
    return clh_assume(config, CLH_ASSUME_QK, "QK circuits and composition through them", why) ||
                   clh_assume(config, CLH_ASSUME_POSITIONS, "circuits of positions", why)
               ? why->message
               : NULL;
}

clh_status clh_composition_rows(clh_composition_row **rows, size_t *count,
                                const clh_composition *all, clh_error *err)
{
    static const char *const kinds[] = {"Q", "K", "V"};
    const size_t heads = all->n_heads, every = all->n_layers * heads;
    clh_composition_row *row =
        clh_alloc_array(CLH_COMPOSITION_KINDS * every * every, sizeof *row, err);
    *rows = row;
    *count = 0;
    if (!row)
        return CLH_ENOMEM;
    for (clh_composition_kind kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
        for (size_t i = 0; all->score[kind] && i < every; i++)
            for (size_t j = (i / heads + 1) * heads; j < every; j++, row++, ++*count) {
                row->kind = kinds[kind];
                row->of = clh_composition_at(all, kind, i / heads, i % heads, j / heads, j % heads);
                (void)snprintf(row->from, sizeof row->from, "%zu.%zu", i / heads, i % heads);
                (void)snprintf(row->to, sizeof row->to, "%zu.%zu", j / heads, j % heads);
            }
    return CLH_OK;
}
