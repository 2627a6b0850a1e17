/** Deciding the predictions of one query for every input: a bound for all letters of the slots that
 *  remain; where it does not decide, the same with one slot more fixed.
 */
#ifndef CLH_PROVE_DESCEND_H
#define CLH_PROVE_DESCEND_H

#include "base/platform/pool.h"
#include "prove/failures.h"
#include "prove/query.h"
#include "prove/target.h"

/** A prediction that only a forward pass can decide, and what the real function says of it. */
typedef struct clh_pending {
    uint32_t position; /**< of the query */
    uint8_t letters[CLH_CERTIFY_LETTERS];
    bool right, decided;
} clh_pending;

/** What one worker counts; sums over workers and queries are the result. */
typedef struct clh_decided {
    uint64_t tokens[CLH_CERTIFY_CLASSES]; /**< predictions that fail */
    uint64_t undecided, exact;
    uint64_t by_depth[CLH_CERTIFY_LETTERS + 1];
    clh_certify_row best[CLH_CERTIFY_CLASSES]; /**< smallest margins; NaN: none yet */
    double at_most[CLH_CERTIFY_CLASSES]; /**< each is no more than this, as a few inputs say */
    clh_pending *pending;
    size_t pending_count, pending_room;
    clh_status status;
} clh_decided;

typedef struct clh_descent {
    clh_query query;
    clh_failures *failures;
    const clh_target *targets; /**< [length] what is to be written; NULL: what the task has there */
    const clh_target *mixture; /**< of the query, where several slots decide; else NULL */
    clh_decided decided;
    uint64_t failed;                          /**< predictions of the query's position that fail */
    size_t order[CLH_CERTIFY_LETTERS], slots; /**< free slots, the target's first */
    clh_real *base[CLH_CERTIFY_LETTERS + 1];  /**< [columns] of each level */
    /** Over the slots from a level on: [columns] each, the ends of rows, and of rows with their slack. */
    clh_real *least[CLH_CERTIFY_LETTERS + 1], *most[CLH_CERTIFY_LETTERS + 1];
    clh_real *low[CLH_CERTIFY_LETTERS + 1], *high[CLH_CERTIFY_LETTERS + 1];
    bool margins;                             /**< smallest margins are wanted */
    double least_margin;                      /**< that `above` is for, at least 0 */
    clh_real *above[CLH_CERTIFY_LETTERS + 1]; /**< as low, with as much more slack */
    clh_real *more[CLH_CERTIFY_LETTERS];      /**< [CLH_LETTER_ROW]: slack of a row for above */
    clh_real *spare;                          /**< [columns], for what nobody asks */
} clh_descent;

/** `margins`: find the smallest too; what clh_margin_hints() gave, or NULL. `targets`, which may be NULL
 *  and are reduced, are borrowed. */
clh_status clh_descent_open(clh_descent *descent, const clh_tables *tables, clh_failures *failures,
                            const clh_target *targets, const double *margins, clh_error *err);
void clh_descent_deinit(clh_descent *descent);

/** Every input's prediction at the query at `position`. */
void clh_descent_position(clh_descent *descent, size_t position, clh_stop *stop, size_t worker);

/** Where a walk stands: which slots have letters, and the token that comes next in the sequence. */
typedef struct clh_node {
    unsigned mask;
    size_t level;
    uint32_t target; /**< UINT32_MAX: the letter of the first free slot, or of the mixture */
    uint8_t letters[CLH_CERTIFY_LETTERS];
} clh_node;

typedef void clh_walk(clh_descent *descent, clh_node *at);

/** Call `walk` with every letter in the slot of this level. */
void clh_descent_letters(clh_descent *descent, const clh_node *at, clh_walk *walk);

/** The letters that fit this slot, as a set. */
uint64_t clh_descent_fitting(const clh_descent *descent, const clh_node *at, size_t slot);

/** The largest sum of a competitor for each letter of this level's slot, `rest` [columns] of what follows
 *  added: into top [CLH_LETTER_ROW]. */
void clh_descent_tops(const clh_descent *descent, const clh_node *at, const clh_real *rest,
                      clh_real *top);

/** The node with letter x in this level's slot. */
clh_node clh_descent_child(clh_descent *descent, const clh_node *at, size_t x);

/** Whether every competitor of the target stays below `limit`, whatever the letters of free slots. */
bool clh_descent_below(const clh_descent *descent, const clh_node *at, double limit);

/** All letters are there: its margin. */
void clh_descent_margin(clh_descent *descent, const clh_node *at);

/** Find the smallest margins of the query that stands ready, those above 0: what fails was found where it
 *  was found to fail. */
void clh_descent_margins(clh_descent *descent, clh_node *at);

/** Margins that a few inputs of each class have in a forward pass, the smallest and a little more, into
 *  at_most [classes]; infinite for a class without inputs. */
clh_status clh_margin_hints(double *at_most, const clh_model *model, const clh_letters_asked *asked,
                            clh_error *err);

/** Smallest margins of two into the first. */
void clh_margin_take(clh_certify_row *to, const clh_certify_row *from, size_t n);

/** Decide by this library's own pass what a worker has left pending: counts it in `out`, and as failing. */
clh_status clh_pending_run(clh_certificate *out, const clh_tables *tables, clh_failures *failures,
                           const clh_target *targets, const clh_decided *decided, clh_pool *pool,
                           const clh_watch *watch, clh_error *err);

#endif
