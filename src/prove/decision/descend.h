/** Deciding the predictions of one query for every input: a bound for all letters of the slots that
 *  remain; where it does not decide, the same with one slot more fixed.
 */
#ifndef CLH_PROVE_DESCEND_H
#define CLH_PROVE_DESCEND_H

#include "base/platform/pool.h"
#include "prove/decision/failures.h"
#include "prove/decision/target.h"
#include "prove/tables/query.h"

/** A prediction that only a forward pass can decide, and what the real function says of it. */
typedef struct clh_pending {
    uint32_t position; /**< of the query */
    uint8_t letters[CLH_CERTIFY_LETTERS];
    bool right, decided;
} clh_pending;

/** What one worker counts; sums over workers and queries are the result. What is pending is of one query. */
typedef struct clh_decided {
    uint64_t tokens[CLH_CERTIFY_CLASSES]; /**< predictions that fail */
    uint64_t undecided, ties, rounded, exact, enclosed, forward;
    uint64_t by_depth[CLH_CERTIFY_LETTERS + 1];
    clh_certify_row best[CLH_CERTIFY_CLASSES]; /**< smallest margins; NaN: none yet */
    double at_most[CLH_CERTIFY_CLASSES]; /**< each is no more than this, as a few inputs say */
    clh_pending *pending;
    size_t pending_count, pending_room;
    uint64_t *histogram;   /**< [CLH_MARGIN_BINS]; NULL: not asked for */
    bool proof;            /**< rows are kept, not only counted */
    clh_proof_row *proved; /**< [proved_count] */
    size_t proved_count, proved_room;
    clh_status status;
} clh_decided;

/** Letters of last slots that bounds without the stream's size left. */
typedef struct clh_open_letters {
    uint64_t count; /**< of this query */
    bool many;      /**< of it, or of the one before at its position */
} clh_open_letters;

typedef struct clh_descent {
    clh_query query;
    clh_failures *failures;
    const clh_target *targets; /**< [length] what is to be written; NULL: what the task has there */
    const clh_target *mixture; /**< of the query, where several slots decide; else NULL */
    clh_decided decided;
    uint64_t failed; /**< predictions of the query's position that fail */
    clh_stop *stop;  /**< looked at now and then by this worker */
    size_t worker, steps;
    bool stopped;                             /**< the query was left in the middle */
    size_t order[CLH_CERTIFY_LETTERS], slots; /**< free slots, the target's first */
    clh_real *base[CLH_CERTIFY_LETTERS + 1];  /**< [columns] of each level */
    /** Over the slots from a level on: [columns] each, the ends of rows, and of rows with their slack. */
    clh_real *least[CLH_CERTIFY_LETTERS + 1], *most[CLH_CERTIFY_LETTERS + 1];
    clh_real *low[CLH_CERTIFY_LETTERS + 1], *high[CLH_CERTIFY_LETTERS + 1];
    /** Likewise, of one target: how far each column is ahead of it, with the slack, at most and at least. */
    clh_real *ahead[CLH_CERTIFY_LETTERS + 1], *behind[CLH_CERTIFY_LETTERS + 1];
    clh_real *spare;          /**< [columns], for what nobody asks */
    clh_real *sized;          /**< [columns] a row with its biases times the stream's size */
    clh_open_letters open[2]; /**< of failures, and of margins */
    bool margins;             /**< smallest margins are wanted */
    /** A margin that each class of inputs is to stay below, to be its smallest: for it, more slack of each
     *  slot's rows [CLH_LETTER_ROW], and low and ahead with that. */
    double aim[CLH_CERTIFY_CLASSES];
    clh_real *more[CLH_CERTIFY_CLASSES][CLH_CERTIFY_LETTERS];
    clh_real *above[CLH_CERTIFY_CLASSES][CLH_CERTIFY_LETTERS + 1];
    clh_real *aimed[CLH_CERTIFY_LETTERS + 1];
} clh_descent;

/** `margins`: find the smallest too; what clh_margin_hints() gave, or NULL. `targets`, which may be NULL
 *  and are reduced, are borrowed. */
clh_status clh_descent_open(clh_descent *descent, const clh_tables *tables, clh_failures *failures,
                            const clh_target *targets, const double *margins, clh_error *err);
void clh_descent_deinit(clh_descent *descent);

/** Every input's prediction at the query at `position`. Where it was stopped, which it looks for all along,
 *  what it counted is worth nothing; what it said of failures and smallest margins is so. */
void clh_descent_position(clh_descent *descent, size_t position, clh_stop *stop, size_t worker);

/** One more step of a walk, each of some microseconds: every so many of them it looks whether to stop. */
static inline bool clh_descent_stopped(clh_descent *descent)
{
    enum { STEPS = 64 };
    if (++descent->steps % STEPS == 0)
        descent->stopped = descent->stopped || clh_stop_now(descent->stop, descent->worker);
    return descent->stopped;
}

/** Where a walk stands: which slots have letters, and the token that comes next in the sequence. */
typedef struct clh_node {
    unsigned mask;
    size_t level;
    uint32_t target; /**< UINT32_MAX: the letter of the first free slot */
    uint8_t letters[CLH_CERTIFY_LETTERS];
    unsigned classes;       /**< of margins: those that are looked for below, as a set */
    clh_certify_class most; /**< the one of them with the largest aim: what `aimed` is for */
} clh_node;

typedef void clh_walk(clh_descent *descent, clh_node *at);

/** Call `walk` with every letter in the slot of this level. */
void clh_descent_letters(clh_descent *descent, const clh_node *at, clh_walk *walk);

/** The letters that fit this slot, as a set. */
uint64_t clh_descent_fitting(const clh_descent *descent, const clh_node *at, size_t slot);

/** Put letter x into the slot of this level; and base of the next level, that of `at` with its row. */
void clh_descent_place(const clh_descent *descent, clh_node *at, size_t x);
void clh_descent_add(clh_descent *descent, const clh_node *at, size_t x);

/* ---- Bounds (descend_bounds.c) ----------------------------------------------------------------- */

/** What is so for every letter of the slots that are left. */
typedef enum clh_verdict { CLH_HOLDS, CLH_FAILS, CLH_OPEN } clh_verdict;

/** least, most, low and high of the query that stands ready. */
void clh_descent_ends(clh_descent *descent, const clh_node *at);

/** As its `low`, with other slack: `more` of each slot [CLH_LETTER_ROW]. */
void clh_descent_least(clh_descent *descent, const clh_node *at, clh_real *const *more,
                       clh_real **low);

/** ahead and behind of the node's target, from its level on. */
void clh_descent_leads(clh_descent *descent, const clh_node *at);

/** Of one level's slot: how far each column is ahead of the target with this slack, at most. */
void clh_descent_ahead(clh_descent *descent, const clh_node *at, size_t level, const clh_real *more,
                       clh_real *ahead);

/** Both claims for every letter of the slots from the node's level on; of CLH_OPEN, its leads. */
clh_verdict clh_descent_decide(clh_descent *descent, const clh_node *at);

/** The same for each letter of `which` in this level's slot: those that hold, those that fail. Wants the
 *  leads of the target, from this level on. */
void clh_descent_decide_letters(const clh_descent *descent, const clh_node *at, uint64_t which,
                                uint64_t *holds, uint64_t *fails);

/** With letter x in the last slot, whose level this is: the target's sum, how far its difference to another
 *  one may be off, that of a pass and that of the real function, D s, and how far that may; the row with biases
 *  times D s is in `sized`. */
typedef struct clh_sized {
    double is, slack, real_slack, size, off;
} clh_sized;
clh_sized clh_descent_size(clh_descent *descent, const clh_node *at, const clh_query_fixed *fixed,
                           size_t x);

/** `left` more of them; whether sizes are worth what they take. */
bool clh_descent_sizes(const clh_descent *descent, clh_open_letters *open, uint64_t left);

/** Letters of the last slot: by both claims, and those that the first one alone decides. */
typedef struct clh_last {
    uint64_t holds, fails, really_holds, really_fails;
} clh_last;

/** Of letters `which`, by the size of the stream that all letters make. */
clh_last clh_descent_decide_sized(clh_descent *descent, const clh_node *at, uint64_t which);

/** A column of a slot's rows, of every letter: [CLH_LETTER_ROW]. */
const clh_real *clh_descent_column(const clh_descent *descent, size_t slot, size_t column);

/** Competitors whose sum with `rest` [columns] reaches `limit`; how many into rivals [128]. */
size_t clh_descent_rivals(const clh_descent *descent, const clh_node *at, const clh_real *rest,
                          double limit, uint8_t *rivals);
bool clh_descent_reached(const clh_descent *descent, const clh_node *at, const clh_real *rest,
                         double limit); /**< by any */

/** These rivals against the target in this level's slot, `rest` of what follows: `slack` and `limit` are
 *  the caller's. sums [128] is borrowed. */
clh_letter_limits clh_descent_limits(const clh_descent *descent, const clh_node *at,
                                     const uint8_t *rivals, size_t n, const clh_real *rest,
                                     clh_real *sums);

/* ---- Margins (descend_margin.c) ----------------------------------------------------------------- */

/** What margins need of a descent. */
clh_status clh_aims_open(clh_descent *descent, clh_error *err);
void clh_aims_deinit(clh_descent *descent);

/** Find the smallest margins of the query that stands ready. */
void clh_descent_margins(clh_descent *descent, clh_node *at);

/** Margins that a few inputs of each class have in a forward pass, the smallest and a little more, into
 *  at_most [classes]; infinite for a class without inputs. */
clh_status clh_margin_hints(double *at_most, const clh_model *model, const clh_letters_asked *asked,
                            const clh_watch *watch, clh_error *err);

/** Smallest margins of two into the first. */
void clh_margin_take(clh_certify_row *to, const clh_certify_row *from, size_t n);

/** Count every prediction of the query that stands ready by its margin, in double. */
void clh_descent_histogram(clh_descent *descent, const clh_node *at);

/** Of this node's next slot, the letters that hold and that fail are decided: a row of the proof. Where
 *  all slots have letters, bit 0. */
void clh_descent_prove(clh_descent *descent, const clh_node *at, uint64_t holds, uint64_t fails);

/** A worker's rows behind those in `out`, after which it has none; and all of them in their order. */
clh_status clh_proof_take(clh_certificate *out, clh_decided *decided, clh_error *err);
void clh_proof_sort(clh_certificate *out);

#endif
