/** The circuits of a model with what their spectra say, all of them or those that were asked for.
 *
 *    clh_circuit_list *list = NULL;
 *    const clh_circuit_ask ask = {.kind = CLH_CIRCUIT_KINDS, .layer = SIZE_MAX, .head = SIZE_MAX};
 *    if (clh_circuit_list_open(&list, model, &ask, NULL, &err)) ...
 *    list->item[i].name                                     // "blocks.0.head.0.ov"
 *    if (clh_circuit_multiply(&list->item[i], &err)) ...    // list->item[i].product
 *    clh_circuit_list_close(list);
 *
 *  In order: every head's circuits, layer by layer, then the direct path. The caller owns the list.
 */
#ifndef CLH_CIRCUIT_LIST_H
#define CLH_CIRCUIT_LIST_H

#include "clearhead/circuit.h"
#include "clearhead/watch.h"
#include "measure/sequences/symbols.h"
#include "result/build.h"

typedef struct clh_circuit_ask {
    clh_circuit_kind kind; /**< only this one; CLH_CIRCUIT_KINDS: all */
    size_t layer, head;    /**< only these; SIZE_MAX: all. The direct path has neither, and is left
                                out where one is given, unless `kind` names it */
    bool norm;             /**< fold the norms into what reads through them */
} clh_circuit_ask;

typedef struct clh_circuit_item {
    char name[64]; /**< "blocks.0.head.0.ov", "direct" */
    clh_circuit circuit;
    clh_spectrum spectrum;
    clh_dense product; /**< once it was asked for */
    char title[128];   /**< "W_E W_V W_O W_U, layer 0 head 0" */
    const char *kind, *rows, *cols;
    size_t layer, head; /**< SIZE_MAX: the direct path has none */
    size_t row_count, col_count;
} clh_circuit_item;

enum { CLH_CIRCUIT_ARRAYS = 6 };

/** An array of a circuit, "blocks.0.head.0.ov.left". */
typedef struct clh_circuit_array {
    char name[96], axis[2][32];
    clh_array array; /**< called `name`; without data: that of clh_circuit_multiply() */
    clh_axis axes[2];
} clh_circuit_array;

typedef struct clh_circuit_list {
    size_t count;
    clh_circuit_item *item; /**< [count] */
} clh_circuit_list;

/** The circuit called `name` into *out, CLH_CIRCUIT_KINDS for "all"; CLH_EUSAGE naming the nearest, or
 *  all of them. */
clh_status clh_circuit_find(clh_circuit_kind *out, const char *name, clh_error *err);

/** Make them. CLH_ERANGE for a layer or head that the model has not, CLH_STOPPED, errors of
 *  clh_circuit_open() and clh_factored_spectrum(). */
clh_status clh_circuit_list_open(clh_circuit_list **out, const clh_model *model,
                                 const clh_circuit_ask *ask, const clh_watch *watch,
                                 clh_error *err);

/** Multiply the circuit out, unless it has been: item->product [rows, cols]. CLH_ENOMEM. */
clh_status clh_circuit_multiply(clh_circuit_item *item, clh_error *err);

/** The same as a clh_fill: `item` is a clh_circuit_item, whose product the array becomes. */
clh_status clh_circuit_fill(clh_array *array, void *item, clh_error *err);

/** "QK circuits and composition through them need ...": what a model of this kind has not; NULL: it has all. `why`
 *  is room for it. */
const char *clh_circuit_missing(const clh_model_config *config, clh_error *why);

/** The matrix itself first, then what its spectrum has of singular values and vectors and of
 *  eigenvalues; how many. Borrowed from the item and from `symbols`, which call tokens. */
size_t clh_circuit_arrays(clh_circuit_array out[CLH_CIRCUIT_ARRAYS], const clh_circuit_item *item,
                          const clh_symbols *symbols);

/** Free. NULL is fine. */
void clh_circuit_list_close(clh_circuit_list *list);

/** A pair of heads, of which the second is in a later layer. */
typedef struct clh_composition_row {
    const char *kind;      /**< "Q", "K", "V" */
    char from[48], to[48]; /**< "0.1": layer and head */
    clh_composition_pair of;
} clh_composition_row;

/** All of them, by kind, first and second head; *rows [*count] is freed with clh_free(). CLH_ENOMEM. */
clh_status clh_composition_rows(clh_composition_row **rows, size_t *count,
                                const clh_composition *all, clh_error *err);

#endif
