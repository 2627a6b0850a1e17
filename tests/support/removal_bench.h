/** Parts of a model taken away by hooks in forward passes: the slow way of clh_necessity_find().
 *
 *    removal_bench *b = removal_bench_open(model, task, &asked, CLH_REMOVAL_ZERO);
 *    const clh_hook hook = {"blocks.0.*", removal_bench_hook, b};
 *    b->part = HEAD;
 *    removal_bench_pass(b, rank);                            // the whole model, into b->base
 *    must(clh_forward(model, &tokens, b->other, &(clh_hooks){.items = &hook, .count = 1}, &err), &err);
 *    removal_bench_close(b);
 *
 *  One layer, one head; sequences and models of at most the sizes below.
 */
#ifndef CLH_REMOVAL_BENCH_H
#define CLH_REMOVAL_BENCH_H

#include "clearhead/circuit.h"
#include "clearhead/necessity.h"
#include "measure/sequences/place.h"
#include "prove/tables/letters.h"

enum { T_MOST = 40, V_MOST = 80, D_MOST = 128 };

/** Parts in the order of the result. */
enum { HEAD, SCORES, VALUE_TOKEN = SCORES + 6, VALUE_PLACE, DIRECT, SLOT, FIRST, ANSWER };

typedef struct removal_bench {
    const clh_model *model;
    const clh_letters_asked *asked;
    const clh_model_config *config;
    clh_removal by;
    size_t part;
    clh_cache *base, *other;
    clh_qk_split split;
    clh_place place[T_MOST];
    uint32_t ids[T_MOST];
    double value_token[V_MOST][D_MOST], value_place[T_MOST][D_MOST]; /**< times u */
    /** Means over the domain. */
    double z[T_MOST][D_MOST], score[6][T_MOST][T_MOST], token[T_MOST][D_MOST], at[T_MOST][D_MOST],
        group[3][T_MOST][D_MOST], embed[T_MOST][D_MOST];
} removal_bench;

/** Takes the means over the domain where they are asked for. */
removal_bench *removal_bench_open(const clh_model *model, const clh_task *task,
                                  const clh_letters_asked *asked, clh_removal by);
void removal_bench_close(removal_bench *bench);

/** The whole model on the input of a rank, into `base`; its tokens into `ids`. */
void removal_bench_pass(removal_bench *bench, uint64_t rank);

/** Takes the part `part` away from a pass over the same tokens; `user` is the bench. */
clh_status removal_bench_hook(const clh_hook_point *point, void *user, clh_error *err);

/** Largest logit at a position, and by how much. */
size_t removal_bench_says(const clh_cache *cache, size_t position, double *by);

#endif
