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
} clh_circuit_item;

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

/** Free. NULL is fine. */
void clh_circuit_list_close(clh_circuit_list *list);

/** What stands along the rows (`dimension` 0) or columns (1) of a circuit: "source token", "key
 *  position", "output"; into `out`, returned. */
const char *clh_circuit_axis(const clh_circuit *circuit, int dimension, char out[32]);

/** Whether a side has a row or column for each token. */
bool clh_side_has_tokens(clh_side side);

#endif
