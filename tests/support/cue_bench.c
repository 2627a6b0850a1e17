#include "support/cue_bench.h"

#include <string.h>

#include "base/base.h"
#include "support/must.h"
#include "support/task_of.h"

clh_real *cue_bench_at(const cue_bench *b, const char *parameter, size_t row)
{
    const clh_tensor t = clh_model_view(b->model, parameter);
    if (!t.data || (row + 1) * CUE_WIDTH > clh_tensor_count(&t))
        fail_msg("%s has no row %zu", parameter, row);
    return t.data + row * CUE_WIDTH;
}

static void clear(const cue_bench *b, const char *parameter, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        memset(cue_bench_at(b, parameter, r), 0, columns * sizeof(clh_real));
}

void cue_bench_open(cue_bench *b)
{
    clh_error err = {0};
    clh_model_config config = clh_model_config_default();
    config.normalization_type = CLH_NORM_NONE;
    config.d_model = config.d_head = CUE_WIDTH;
    config.attn_scale = 1;
    config.initializer_range = 0.3;
    config.n_ctx = CUE_LENGTH;
    config.d_vocab = config.d_vocab_out = CUE_VOCAB;
    *b = (cue_bench){0};
    b->task = task_of("n=3 letters=ordered");
    must(clh_model_open(&b->model, &config, &err), &err);
    clh_model_init(b->model, 3);
    clear(b, "blocks.0.attn.W_Q", CUE_WIDTH, CUE_WIDTH);
    clear(b, "blocks.0.attn.W_K", CUE_WIDTH, CUE_WIDTH);
    clear(b, "embed.W_E", CUE_VOCAB, CUE_MARKS);
    clear(b, "pos_embed.W_pos", CUE_LENGTH, CUE_MARKS);
}

void cue_bench_close(cue_bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

clh_attention_report cue_bench_look(const cue_bench *b, size_t threads)
{
    clh_error err = {0};
    clh_attention_report report = {0};
    const clh_attention_ask ask = {.seed = 1};
    must(clh_attention_look(&report, b->model, &b->sample, &ask, &(clh_how){threads, NULL}, &err),
         &err);
    return report;
}
