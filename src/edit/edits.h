/** Edits, compiled: lists, what they put in, where it comes from. Made by edit.c, then only read. */
#ifndef CLH_EDITS_H
#define CLH_EDITS_H

#include "edit/reference.h"
#include "edit/what.h"

/** An edit. */
struct clh_made {
    clh_edit edit;
    char site[CLH_ROW_NAME_MAX]; /**< where the kind knows it */
    const clh_what *what;
    void *prepared;   /**< by what->prepare() */
    clh_cache *given; /**< CLH_FROM_SEQUENCE: its activations */
    size_t donor;     /**< CLH_FROM_OTHER and CLH_FROM_MODEL: which */
};

/** An activation that an edit of a list writes to. */
typedef struct clh_target {
    size_t activation, made;
    bool pattern; /**< it is one, or scores */
} clh_target;

typedef struct clh_made_list {
    const char *name; /**< "" where it has none */
    clh_made *made;
    size_t count, basis;
    clh_target *target; /**< [targets], ascending by activation, of one in the order of the edits */
    size_t targets;
} clh_made_list;

/** A model, and what is known of it on the reference. The first is that which edits are of; each list
 *  that swaps weights has one of its own. */
typedef struct clh_basis {
    const clh_model *model;
    clh_model *mixed; /**< the same where it is owned */
    clh_edit_means *means;
} clh_basis;

/** A pass that numbers are taken from, made for each sequence when it is needed. */
typedef struct clh_donor {
    const clh_model *model;
    bool drawn;  /**< of a sequence drawn from the reference; else of the same tokens */
    size_t last; /**< activation in that model's caches */
} clh_donor;

struct clh_edits {
    clh_edits_setting setting;
    clh_reference reference;
    clh_made *made; /**< of all lists, one behind the other */
    clh_made_list *list;
    size_t count, all;
    clh_basis *basis; /**< [bases] */
    size_t bases;
    clh_donor *donor; /**< [donors] */
    size_t donors;
};

/** The error of one edit: put list and edit in front where there are several. */
clh_status clh_edits_context(const clh_edits *edits, size_t list, clh_status status,
                             clh_error *err);

#endif
