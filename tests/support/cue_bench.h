/** A one-head model whose scores are products of marks, for tests that plant a cue: no norm, W_Q and
 *  W_K zero and the first CUE_MARKS numbers of every embedding too, the rest small and random.
 *
 *    cue_bench b;
 *    cue_bench_open(&b);
 *    cue_bench_at(&b, "embed.W_E", token)[0] = 1;
 *    cue_bench_at(&b, "blocks.0.attn.W_K", 0)[0] = 1;      // rows of [d_model, d_head]
 *    must(clh_sample_draw(&b.sample, b.task, ...), &err);
 *    cue_bench_close(&b);
 *
 *  The caller owns the struct; the sample is the caller's to make, and freed with the rest.
 */
#ifndef CLH_CUE_BENCH_H
#define CLH_CUE_BENCH_H

#include "clearhead/attention.h"

enum { CUE_LENGTH = 26, CUE_VOCAB = 65, CUE_WIDTH = 8, CUE_MARKS = 4 };

typedef struct cue_bench {
    clh_task *task; /**< permutations of three letters in any order */
    clh_model *model;
    clh_sample sample;
} cue_bench;

void cue_bench_open(cue_bench *bench);
void cue_bench_close(cue_bench *bench);

/** Row `row` of a parameter [.., CUE_WIDTH]. */
clh_real *cue_bench_at(const cue_bench *bench, const char *parameter, size_t row);

/** The report on the head. */
clh_attention_report cue_bench_look(const cue_bench *bench, size_t threads);

#endif
