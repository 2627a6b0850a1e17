/** One query of a model from which parts are removed, one at a time: what each slot's letter makes of its
 *  logits, in double precision.
 *
 *    clh_removed removed = {0};
 *    if (clh_removed_open(&removed, &tables, task, CLH_REMOVAL_ZERO, CLH_MODELS, &err)) ...
 *    clh_removed_place(&removed, position);                  // what does not depend on the query's token
 *    clh_removed_token(&removed, token);                     // rows of every model
 *    clh_removed_deinit(&removed);
 *
 *  Model 0 is whole; model 1 + k is without part k of clh_removed_parts. Of model m, base[m] + sum over
 *  the free slots of the row of its letter is, with D the sum of all weights exp(score - most) and s the
 *  scale of the final norm,
 *
 *    D s (logit_o - bias_o) + bias_o M      o < outputs; M: the sum of column CLH_REMOVED_MIDDLE
 *    D c                                    [d_model]: c the stream as the final norm centres it
 *    D                                      CLH_REMOVED_WEIGHT
 *
 *  and abs(D s - M) is at most the sum of column CLH_REMOVED_HALF.
 */
#ifndef CLH_REMOVED_H
#define CLH_REMOVED_H

#include "clearhead/necessity.h"
#include "measure/sequences/place.h"
#include "prove/tables/query.h"

enum {
    CLH_MODELS = 1 + CLH_NECESSITY_PARTS,
    CLH_SCORE_PARTS = 6, /**< of a score: query's token, position, bias x key's token, position */
};

/** Groups of sources that one query has. */
typedef enum clh_source_group {
    CLH_GROUP_NONE,
    CLH_GROUP_SLOT,   /**< in the slot of a term that is predicted */
    CLH_GROUP_FIRST,  /**< the letters before the first scored token */
    CLH_GROUP_ANSWER, /**< that hold the right token */
    CLH_GROUPS
} clh_source_group;

/** A part, and what its removal takes away. */
typedef struct clh_removed_part {
    const char *name, *text;
    unsigned scores; /**< parts of a score, as a set: bit 2 q + k */
    bool head, value_token, value_place, direct;
    clh_source_group group;
} clh_removed_part;

/** Sums of weights below this have lost digits, or their squares have. */
#define CLH_REMOVED_LEAST 0x1p-480
enum { CLH_REMOVED_APART = 580 /**< scores that are less apart do not come to that */ };

extern const clh_removed_part clh_removed_parts[CLH_NECESSITY_PARTS];

/** Columns of a row behind its logits and its stream. */
enum {
    CLH_REMOVED_WEIGHT,
    CLH_REMOVED_MIDDLE,
    CLH_REMOVED_HALF,
    CLH_REMOVED_MORE,
};

/** Scores of a query and what follows from them, with some parts of scores or a group of keys left out. */
typedef struct clh_removed_weights {
    double most;
    double
        *weight; /**< [length, CLH_LETTER_ROW]: exp(score - most) of each key with each letter; of a
                         key whose token is known in column 0 */
    double *sum; /**< [slots, CLH_LETTER_ROW]: of these, over the keys of a slot */
    double *left;   /**< likewise, of the keys of a group that is left out and still counted */
    double *scaled; /**< as sum, times u, of the keys that are not left out */
    double *row;    /**< [slots, CLH_LETTER_ROW, width]: likewise, of row_j u */
} clh_removed_weights;

/** Means over the domain. */
typedef struct clh_removed_means {
    uint64_t inputs;
    double
        *pair; /**< [slots, slots, CLH_LETTER_ROW, CLH_LETTER_ROW]: share of the inputs with these
                       letters in two slots */
    double *token, *place; /**< [length, width]: of row_x u_xj and row_j u_xj, at each key */
    double
        *score[CLH_SCORE_PARTS]; /**< [length]: of a part of the score of each key, at this query */
    double *group
        [CLH_GROUPS]; /**< [width]: of what a group brings at this query; of NONE: what all do */
    double *direct;   /**< [width]: of the query's token */
    double *key;      /**< [groups, length], room */
    bool lost; /**< a choice's weights are so small beside others' that they have no digits left */
} clh_removed_means;

typedef struct clh_removed {
    const clh_tables *tables;
    clh_removal by;
    size_t models; /**< how many of them: the whole one, and the first parts */
    size_t position;
    uint32_t token;
    size_t own, columns;  /**< slot of the query's letter, n: none; columns of a row */
    size_t answer;        /**< slot of the letter that is predicted; n: always the same token */
    uint32_t answer_same; /**< that token */
    size_t slots, order[CLH_CERTIFY_LETTERS]; /**< free slots that have keys, the answer's first */
    uint8_t letters[CLH_CERTIFY_LETTERS];     /**< the query's own letter, in its slot */
    double unit; /**< error of a logit times D s, for each unit of weight: clh_removed_place() */
    /** A target is to be ahead of token o by as much more for each unit of weight as `reach` times
     *  pair [target, o], of which `pair_most` is the largest; 0 and NULL: ahead is enough. */
    double reach, pair_most;
    const double *pair;
    double *bias;                     /**< [outputs], their middle at 0 */
    double spread;                    /**< the largest difference of two */
    clh_place *place;                 /**< [length]: term and slot */
    double *place_key, *place_letter; /**< [length], [d_vocab]: q_i . k_j, q_i . k_x */
    double *letter_part[3];           /**< [d_vocab] of the query's token, position, bias */
    double *key_part[3];              /**< [length] likewise */
    clh_removed_weights whole, other;
    clh_removed_means means;
    double *base[CLH_MODELS]; /**< [columns] */
    double *own_answer;       /**< [columns]: base without the keys of the query's own letter */
    double *answer_direct;    /**< [width]: what a source that holds the right token brings where
                                   it is left out, for each unit of weight */
    double *nothing;          /**< [columns]: of a query that has no source left */
    double *row[CLH_MODELS][CLH_CERTIFY_LETTERS]; /**< [CLH_LETTER_ROW, columns] of each slot */
    double *direct, *towards;                     /**< [width], room */
    size_t *room;                                 /**< [length], room for keys */
} clh_removed;

clh_status clh_removed_open(clh_removed *removed, const clh_tables *tables, const clh_task *task,
                            clh_removal by, size_t models, clh_error *err);
void clh_removed_deinit(clh_removed *removed);
void clh_removed_place(clh_removed *removed, size_t position);
void clh_removed_token(clh_removed *removed, uint32_t token);

/** Letters that slot `slot` may have beside those of `mask`, as a set. */
uint64_t clh_removed_fitting(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask,
                             size_t slot);

/** The letter of a token; SIZE_MAX: none. */
size_t clh_removed_letter(const clh_letters_asked *asked, uint32_t token);

/* ---- Weights (removed_weights.c) --------------------------------------------------------------- */

clh_status clh_removed_weights_open(clh_removed_weights *weights, const clh_tables *tables,
                                    clh_error *err);
void clh_removed_weights_deinit(clh_removed_weights *weights);

/** A score's halves: at a position, and then of a token. */
void clh_removed_halves_place(clh_removed *removed);
void clh_removed_halves_token(clh_removed *removed);

/** Of the query that stands ready, without these parts of scores (their means in place, where that is
 *  asked for) and without what a group's keys bring; `counted`: their weights still count in sums. */
void clh_removed_weights_set(clh_removed *removed, clh_removed_weights *weights, unsigned scores,
                             clh_source_group group, bool counted);

/** Scores and weights alone. */
void clh_removed_weights_scores(clh_removed *removed, clh_removed_weights *weights, unsigned scores,
                                clh_source_group group);

/** The token of a key where it is known once the query's is: as clh_query_stays(). */
bool clh_removed_stays(const clh_removed *removed, size_t key, uint32_t *token);

/** Whether a key is of a group of SLOT or FIRST; the answer's depend on letters. */
bool clh_removed_in_group(const clh_removed *removed, size_t key, clh_source_group group);

/* ---- Means (removed_means.c) ------------------------------------------------------------------- */

clh_status clh_removed_means_open(clh_removed *removed, clh_error *err);
void clh_removed_means_deinit(clh_removed_means *means);

/** All means at the query's position; leaves no token ready. */
void clh_removed_means_place(clh_removed *removed);

#endif
