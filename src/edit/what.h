/** What can stand somewhere instead: the table of edits. A kind is a constant `clh_what_<name>` and
 *  a line in whats.def; reading and printing, checks, statistics and the editor are loops over it.
 *
 *    const clh_what clh_what_zero = {.name = "zero", .takes = CLH_TAKES_PLACE,
 *                                    .needs = CLH_TAKES_SITE, .write = write_zero};
 */
#ifndef CLH_WHAT_H
#define CLH_WHAT_H

#include "clearhead/editor.h"
#include "edit/edit_mean.h"
#include "edit/edit_row.h"

/** Keys of an edit in JSON, as bits; edit_read.c is their table. */
enum {
    CLH_TAKES_SITE = 1 << 0,
    CLH_TAKES_HEADS = 1 << 1,
    CLH_TAKES_POSITIONS = 1 << 2,
    CLH_TAKES_NUMBER = 1 << 3, /**< value, or file and tensor */
    CLH_TAKES_SOURCES = 1 << 4,
    CLH_TAKES_PART = 1 << 5,     /**< part */
    CLH_TAKES_MANNER = 1 << 6,   /**< norm, rest */
    CLH_TAKES_SEQUENCE = 1 << 7, /**< from */
    CLH_TAKES_MODEL = 1 << 8,    /**< from, step */
    CLH_TAKES_CIRCUIT = 1 << 9,
    CLH_TAKES_PLACE = CLH_TAKES_SITE | CLH_TAKES_HEADS | CLH_TAKES_POSITIONS,
};

/** Where the numbers come from that an edit puts in. */
typedef enum clh_edit_from {
    CLH_FROM_NOWHERE,  /**< from the edit and the pass under way */
    CLH_FROM_MEAN,     /**< the mean over the reference */
    CLH_FROM_OTHER,    /**< a sequence drawn from the reference */
    CLH_FROM_SEQUENCE, /**< edit.from */
    CLH_FROM_MODEL,    /**< edit.other on the same tokens */
    CLH_FROM_WEIGHTS,  /**< edit.other's parameters; the edit writes nothing */
    CLH_FROM_REST,     /**< the mean of what a part leaves out */
} clh_edit_from;

typedef struct clh_made clh_made; /* an edit, compiled (edits.h) */

/** What a kind may make ready when edits are compiled. */
typedef struct clh_prepare {
    const clh_edit *edit;
    const clh_model *model; /**< with the weights that the list swaps */
    const clh_sample *sample;
    const clh_edit_means *means;
    bool input_written; /**< the list also writes to tokens or embeddings */
} clh_prepare;

/** One edit at one activation of one sequence, about to be written: positions begin … end-1 of heads
 *  head_begin … head_end-1. */
typedef struct clh_at {
    const clh_edit *edit;
    const clh_made *made;
    const void *prepared; /**< by clh_what.prepare */
    clh_editor *editor;   /**< the worker's */
    const clh_sample *sample;
    size_t index; /**< of the sequence */
    clh_tokens tokens;
    const clh_cache *cache;   /**< the pass under way: what is computed before `to` may be read */
    size_t activation, layer; /**< what is written to … */
    clh_tensor to;
    clh_edit_layout layout; /**< … and how it lies */
    size_t begin, end, head_begin, head_end;
} clh_at;

/** A kind of edit. */
typedef struct clh_what {
    const char *name;
    bool knows_site; /**< where, when it is not said: `site` of every layer … */
    clh_act_id site;
    bool last;                        /**< … or of the last */
    bool (*only)(const clh_row *row); /**< the activations it is for; NULL: all */
    const char *only_text;            /**< the same in words; T stands for the length */
    unsigned takes, needs;            /**< keys */
    clh_edit_from from;
    clh_status (*prepare)(void **out, const clh_prepare *with,
                          clh_error *err); /**< once, when edits
                              are compiled; threads then share it; NULL: nothing */
    clh_status (*write)(const clh_at *at, clh_error *err);
    void (*close)(void *prepared);
} clh_what;

/** Kinds there are, and the row of one. */
size_t clh_what_count(void);
const clh_what *clh_what_at(clh_edit_kind kind);

/** Whether a kind copies what stands elsewhere in the place that it writes to. */
bool clh_what_copies(const clh_what *what);

/** Where the numbers of the edit's `from` lie, laid out as `to`, maybe longer. A donor's pass is
 *  computed when it is first asked for. */
clh_status clh_at_source(const clh_at *at, clh_tensor *out, clh_error *err);

/** The row of head `h` and position `p`. */
clh_real *clh_at_row(const clh_at *at, size_t h, size_t p);

/** Every row that is to be written. */
typedef void clh_at_row_fn(const clh_at *at, size_t h, size_t p, clh_real *row, void *user);
void clh_at_each(const clh_at *at, clh_at_row_fn *fn, void *user);

/** Rows become those of `from`, whose numbers lie `spread` apart. */
void clh_at_copy(const clh_at *at, const clh_real *from, clh_edit_spread spread);

#define WHAT(name) extern const clh_what clh_what_##name;
#include "edit/whats.def"
#ifdef CLH_MORE_WHATS /* the tests add rows */
#include CLH_MORE_WHATS
#endif
#undef WHAT

#endif
