/* Extending a pass token by token, as text generation does, gives the bits of one pass. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 23, STREAM_STEP = 501, LONG = 122 };

/* Room for one sequence of `pos`, none of it computed. */
static clh_cache *open_room(const clh_model_config *config, clh_keep keep, size_t pos)
{
    clh_error err = {0};
    clh_cache *cache = NULL;
    must(clh_cache_open(&cache, config, keep, &err), &err);
    must(clh_cache_reserve(cache, 1, pos, &err), &err);
    return cache;
}

static void same_logits(const clh_cache *got, const clh_cache *want, size_t pos)
{
    clh_tensor x = clh_cache_view(got, "logits"), y = clh_cache_view(want, "logits");
    assert_memory_equal(x.data, y.data, pos * x.shape[2] * sizeof *x.data);
}

/* Positions from `from` on, in steps of 1 to 4. */
static void extend(const clh_model *model, const uint32_t *ids, size_t from, size_t pos,
                   clh_cache *cache)
{
    clh_error err = {0};
    while (from < pos) {
        size_t step = 1 + clh_random_word(SEED, STREAM_STEP, from) % 4;
        size_t end = from + step < pos ? from + step : pos;
        must(clh_forward_more(model, &(clh_tokens){ids, 1, end}, from, cache, &err), &err);
        from = end;
    }
}

/* Where a token changes what came before it nothing can be gone on from. */
static void only_whole_passes(const clh_model *model, const uint32_t *ids, size_t pos,
                              clh_cache *cache)
{
    clh_error err = {0};
    for (size_t end = 1; end <= pos; end++) {
        const clh_tokens tokens = {ids, 1, end};
        must(clh_forward_more(model, &tokens, 0, cache, &err), &err);
        if (end > 1)
            assert_int_equal(clh_forward_more(model, &tokens, end - 1, cache, NULL), CLH_ESUPPORT);
    }
}

static void extending_equals_one_pass(const clh_model *model, const uint32_t *ids, size_t pos,
                                      clh_keep keep)
{
    const clh_model_config *config = clh_model_get_config(model);
    clh_error err = {0};
    clh_cache *whole = open_room(config, keep, pos), *grown = open_room(config, keep, pos + 3);
    must(clh_forward(model, &(clh_tokens){ids, 1, pos}, whole, NULL, &err), &err);
    if (config->attention_dir == CLH_ATTENTION_BIDIRECTIONAL) {
        only_whole_passes(model, ids, pos, grown);
        same_logits(grown, whole, pos);
        clh_cache_close(grown);
        clh_cache_close(whole);
        return;
    }
    extend(model, ids, 0, pos, grown);
    same_logits(grown, whole, pos);
    extend(model, ids, pos / 3, pos, grown); /* going back is fine too */
    same_logits(grown, whole, pos);
    clh_cache_close(grown);
    clh_cache_close(whole);
}

/* Longer than several blocks of queries: the notebook's n = 4, and two layers with MLP. */
static const char *const long_names[] = {"the notebook", "2 layers of 2 heads with MLP"};

static clh_model *open_long(bool mlp)
{
    clh_model_config config = clh_model_config_default();
    clh_model *model = NULL;
    clh_error err = {0};
    config.n_ctx = LONG;
    config.d_vocab = config.d_vocab_out = 65;
    if (mlp) {
        config.n_layers = config.n_heads = 2;
        config.d_model = 48;
        config.d_head = 24;
        config.attn_only = false;
        config.d_mlp = 100;
    }
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, SEED);
    return model;
}

static int open_model(void **state)
{
    const size_t index = ((const each_case *)*state)->index, small = model_case_count();
    *state = index < small ? model_case_open(index, SEED) : open_long(index > small);
    return 0;
}

static int close_model(void **state)
{
    clh_model_close(*state);
    return 0;
}

static void extend_to_the_end(void **state, clh_keep keep)
{
    const clh_model *model = *state;
    size_t pos = clh_model_get_config(model)->n_ctx;
    uint32_t *ids = clh_alloc_array(pos, sizeof *ids, NULL);
    assert_non_null(ids);
    for (size_t i = 0; i < pos; i++)
        ids[i] = (uint32_t)(i * i % 7);
    extending_equals_one_pass(model, ids, pos, keep);
    clh_free(ids);
}

static void full_cache_extended_equals_one_pass(void **state)
{
    extend_to_the_end(state, CLH_KEEP_ALL);
}

static void lean_cache_extended_equals_one_pass(void **state)
{
    extend_to_the_end(state, CLH_KEEP_BACKWARD);
}

static const each_truth truths[] = {
    {"a full cache extended equals one pass", full_cache_extended_equals_one_pass},
    {"a lean cache extended equals one pass", lean_cache_extended_equals_one_pass},
};

int main(void)
{
    const char *names[96];
    size_t count = 0;
    assert_true(model_case_count() + CLH_COUNT(long_names) <= CLH_COUNT(names));
    for (; count < model_case_count(); count++)
        names[count] = model_case_names()[count];
    for (size_t i = 0; i < CLH_COUNT(long_names); i++)
        names[count++] = long_names[i];
    return each_case_run("extend", truths, CLH_COUNT(truths), names, count, open_model,
                         close_model);
}
