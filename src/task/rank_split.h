/** A domain whose elements are ranks 0 … size - 1, split into training and test, each side visited in
 *  a shuffled order: everything computed from (seed, k), nothing stored.
 *
 *    clh_rank_split split = clh_rank_split_make(seed, 0, 12769, 8939);    // 8939 are held out
 *    uint64_t rank = clh_rank_split_draw(&split, CLH_SPLIT_TEST, k);
 *    assert(clh_rank_split_of(&split, rank) == CLH_SPLIT_TEST);
 *
 *  A shuffle gives each rank a place; those whose place is below `held_out` are the test split. A
 *  shuffle is a bijection, so no rank is on both sides. A plain value that owns nothing.
 */
#ifndef CLH_RANK_SPLIT_H
#define CLH_RANK_SPLIT_H

#include "base/shuffle.h"
#include "clearhead/task.h"

typedef struct clh_rank_split {
    clh_shuffle places; /**< place -> rank */
    uint64_t held_out;
    unsigned tag;
} clh_rank_split;

enum { CLH_RANK_SPLIT_TAGS = 128 };

/** The split of `size` ranks, at most 2^62, of which `held_out` < size are for testing. Splits of one
 *  seed with different `tag` < CLH_RANK_SPLIT_TAGS have nothing to do with each other. */
clh_rank_split clh_rank_split_make(uint64_t seed, unsigned tag, uint64_t size, uint64_t held_out);

/** How many ranks a side has. */
uint64_t clh_rank_split_size(const clh_rank_split *split, clh_split side);

/** The side of a rank below size. */
clh_split clh_rank_split_of(const clh_rank_split *split, uint64_t rank);

/** The place that draw k of a side of `size` >= 1 elements visits. Any k: each round of `size` draws
 *  visits every place once, in an order of its own (orders recur after 2^40 rounds). */
uint64_t clh_round_place(uint64_t seed, unsigned tag, clh_split side, uint64_t size, uint64_t k);

/** The k-th rank of a side that is not empty, in the rounds of clh_round_place(). */
uint64_t clh_rank_split_draw(const clh_rank_split *split, clh_split side, uint64_t k);

#endif
