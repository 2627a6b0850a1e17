/** What scrubbing is made of: the hypothesis as one rule for each edge (scrub_rules.c), the
 *  sequences that agree (scrub_draw.c), the recursion (scrub_tree.c). */
#ifndef CLH_SCRUB_PARTS_H
#define CLH_SCRUB_PARTS_H

#include "clearhead/scrub.h"
#include "lens/paths/graph_twin.h"

/** A hypothesis compiled for a graph. */
typedef struct clh_scrub_plan {
    clh_scrub_rule everywhere;   /**< what edges no rule matches have */
    const clh_scrub_rule **rule; /**< [edges]; borrowed from the hypothesis and from `everywhere` */
    bool *whole; /**< [writers]: on the sequence itself, and so is all it reads: as computed plainly
                  */
    size_t nodes; /**< computed for each sequence */
} clh_scrub_plan;

/** Errors as clh_scrub_try(). The plan must stay where it is. */
clh_status clh_scrub_plan_make(clh_scrub_plan *plan, const clh_graph *graph,
                               const clh_hypothesis *hypothesis, clh_error *err);

/** Free what a plan holds. All zero is fine. */
void clh_scrub_plan_deinit(clh_scrub_plan *plan);

/** Inputs of one node: queries, keys and values. */
enum { CLH_SCRUB_INPUTS_MAX = 3 };

/** The readers of a writer's node, which follow each other, from *first on: their number, 0 for an
 *  embedding. */
size_t clh_scrub_readers(const clh_graph *graph, size_t writer, size_t *first);

/** Rule by rows: each row of its own, from a sequence that agrees there. */
static inline bool clh_scrub_by_rows(const clh_scrub_rule *rule)
{
    return rule->agree > CLH_AGREE_ALL && rule->position_count == 0;
}

/** The sample as the kinds of agreement see it. */
typedef struct clh_scrub_levels {
    const clh_sample *sample;
    uint32_t *level[CLH_AGREES]; /**< [count, stride] from TOKEN on */
    uint64_t seed;
} clh_scrub_levels;

/** Levels of every token of `sample`, which is borrowed. */
clh_status clh_scrub_levels_make(clh_scrub_levels *out, const clh_sample *sample, size_t d_vocab,
                                 uint64_t seed, clh_error *err);

/** Free what they hold. All zero is fine. */
void clh_scrub_levels_deinit(clh_scrub_levels *levels);

/** Where a chain of draws stands; each chain has numbers of its own. */
typedef struct clh_scrub_dice {
    uint64_t chain, drawn;
} clh_scrub_dice;

/** A sequence of the length of `index`, uniformly among those that agree with it: at the rule's
 *  positions, or at `row` for a rule by rows; itself among them. */
size_t clh_scrub_draw(const clh_scrub_levels *levels, const clh_scrub_rule *rule, size_t index,
                      size_t row, clh_scrub_dice *dice);

/** What one thread scrubs with. */
typedef struct clh_scrub_worker {
    const clh_graph_twin *twin;
    const clh_scrub_levels *levels;
    const clh_scrub_plan *plan;
    clh_cache *other, *scratch; /**< another sequence's plain run; a node being computed */
    clh_real *room;             /**< [depth, writers + CLH_SCRUB_INPUTS_MAX, stride, d_model] */
    clh_node_rows *from;        /**< [depth, writers] */
    size_t index, other_index;  /**< sequence scrubbed; the one in `other`, SIZE_MAX: none */
    clh_cache *plain;           /**< the plain run of `index`; borrowed */
    clh_scrub_dice dice;
    clh_node_rows input[CLH_SCRUB_INPUTS_MAX]; /**< of the node being computed */
    size_t first_reader, readers;
} clh_scrub_worker;

/** Bytes that a worker for samples of `stride` takes, with the cache it is handed; SIZE_MAX when
 *  that cannot be addressed. */
size_t clh_scrub_worker_bytes(const clh_graph_twin *twin, size_t stride);

/** A worker; twin and levels are borrowed. */
clh_status clh_scrub_worker_make(clh_scrub_worker *out, const clh_graph_twin *twin,
                                 const clh_scrub_levels *levels, clh_error *err);

/** Free what a worker holds. All zero is fine. */
void clh_scrub_worker_deinit(clh_scrub_worker *worker);

/** Turn `cache`, the twin's plain run of sequence `index`, into its scrubbed run's logits. */
clh_status clh_scrub_sequence(clh_scrub_worker *worker, const clh_scrub_plan *plan, size_t index,
                              clh_cache *cache, clh_error *err);

#endif
