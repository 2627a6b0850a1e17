/* Causal scrubbing of models that do what they were built to do, so that the truth of a hypothesis
 * is known: what it allows to be replaced changes no bit, what it should not have allowed costs. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/scrub.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"

enum { ROUNDS = 200, SEED = 3 };

/* A planted model and every sequence of its little world. */
typedef struct world {
    clh_model *model;
    clh_sample sample;
    clh_scrub *scrub;
} world;

static void open_world(world *w, const uint32_t *ids, size_t count, size_t pos, size_t first_scored)
{
    clh_error err = {0};
    must(clh_sample_given(&w->sample, &(clh_tokens){ids, count, pos}, first_scored, &err), &err);
    must(clh_scrub_open(&w->scrub, w->model, &w->sample, SEED, NULL, &err), &err);
}

static void close_world(world *w)
{
    clh_scrub_close(w->scrub);
    clh_sample_deinit(&w->sample);
    clh_model_close(w->model);
}

static clh_real *weight(const world *w, const char *name, size_t row, size_t column, size_t columns)
{
    const clh_tensor t = clh_model_view(w->model, name);
    assert(t.data && row * columns + column < clh_tensor_count(&t));
    return t.data + row * columns + column;
}

static clh_model *open_planted(size_t pos, size_t tokens, size_t out, size_t d_head)
{
    const clh_model_config config = {.n_layers = 1,
                                     .n_heads = 1,
                                     .d_model = tokens + pos + out,
                                     .d_head = d_head,
                                     .n_ctx = pos,
                                     .d_vocab = tokens,
                                     .d_vocab_out = tokens,
                                     .attn_only = true,
                                     .normalization_type = CLH_NORM_NONE,
                                     .eps = 1e-5,
                                     .attn_scale = 1,
                                     .initializer_range = 0.1};
    clh_model *model = NULL;
    clh_error err = {0};
    must(clh_model_open(&model, &config, &err), &err);
    return model;
}

/* Embeddings one-hot, tokens then positions; what the head writes behind them is the answer. */
static void plant_streams(const world *w, size_t pos, size_t tokens, size_t out)
{
    const size_t d = tokens + pos + out;
    for (size_t t = 0; t < tokens; t++)
        *weight(w, "embed.W_E", t, t, d) = 1;
    for (size_t i = 0; i < pos; i++)
        *weight(w, "pos_embed.W_pos", i, tokens + i, d) = 1;
    for (size_t t = 0; t < out; t++) {
        *weight(w, "blocks.0.attn.W_O", t, tokens + pos + t, d) = 20;
        *weight(w, "unembed.W_U", tokens + pos + t, t, tokens) = 1;
    }
}

/* abcabc for all a, b, c: query i attends to i - 2, whatever stands there, and copies it. */
enum { PERIOD_TOKENS = 5, PERIOD_POS = 6, PERIOD_ALL = 125 };

static void open_period(world *w)
{
    uint32_t ids[PERIOD_ALL][PERIOD_POS];
    const size_t d_head = PERIOD_POS;
    *w = (world){.model = open_planted(PERIOD_POS, PERIOD_TOKENS, PERIOD_TOKENS, d_head)};
    plant_streams(w, PERIOD_POS, PERIOD_TOKENS, PERIOD_TOKENS);
    for (size_t i = 0; i < PERIOD_POS; i++) {
        if (i >= 2)
            *weight(w, "blocks.0.attn.W_Q", PERIOD_TOKENS + i, i - 2, d_head) = 50;
        *weight(w, "blocks.0.attn.W_K", PERIOD_TOKENS + i, i, d_head) = 1;
    }
    for (size_t t = 0; t < PERIOD_TOKENS; t++)
        *weight(w, "blocks.0.attn.W_V", t, t, d_head) = 1;
    for (uint32_t s = 0; s < PERIOD_ALL; s++)
        for (size_t i = 0; i < PERIOD_POS; i++)
            ids[s][i] = (i % 3 == 0 ? s : i % 3 == 1 ? s / 5 : s / 25) % 5;
    open_world(w, ids[0], PERIOD_ALL, PERIOD_POS, 3);
}

/* flag, three letters of which one is marked, the marked letter: keys see the mark, values the
 * letter, and the flag (unread) says which slot is marked. */
enum { MARK_LETTERS = 4, MARK_TOKENS = 11, MARK_POS = 5, MARK_ALL = 192 };

static void open_marked(world *w)
{
    uint32_t ids[MARK_ALL][MARK_POS];
    const size_t d_head = MARK_LETTERS;
    *w = (world){.model = open_planted(MARK_POS, MARK_TOKENS, MARK_LETTERS, d_head)};
    plant_streams(w, MARK_POS, MARK_TOKENS, MARK_LETTERS);
    *weight(w, "blocks.0.attn.b_Q", 0, 0, d_head) = 50;
    for (size_t t = 0; t < (size_t)2 * MARK_LETTERS; t++) {
        *weight(w, "blocks.0.attn.W_V", t, t % MARK_LETTERS, d_head) = 1;
        *weight(w, "blocks.0.attn.W_K", t, 0, d_head) = t >= MARK_LETTERS;
    }
    for (uint32_t s = 0; s < MARK_ALL; s++) {
        const uint32_t letter[] = {s % 4, s / 4 % 4, s / 16 % 4}, slot = s / 64;
        ids[s][0] = 2 * MARK_LETTERS + slot;
        for (size_t i = 0; i < 3; i++)
            ids[s][i + 1] = letter[i] + (i == slot ? MARK_LETTERS : 0);
        ids[s][4] = letter[slot];
    }
    open_world(w, ids[0], MARK_ALL, MARK_POS, 4);
}

static clh_scrub_result try(const world *w, const clh_hypothesis *hypothesis)
{
    clh_scrub_result result = {0};
    clh_error err = {0};
    must(clh_scrub_try(w->scrub, hypothesis, ROUNDS, 0.95, NULL, &result, &err), &err);
    return result;
}

/* Nothing changed, not a bit of it. */
static void check_true(const world *w, const clh_hypothesis *hypothesis)
{
    clh_scrub_result r = try(w, hypothesis);
    const clh_measure *plain = clh_scrub_plain(w->scrub);
    if (!(r.recovered.value == 1 && r.recovered.low == 1 && r.recovered.high == 1))
        fail_msg("%s recovers %.9g [%.9g, %.9g], want 1", hypothesis->name, r.recovered.value,
                 r.recovered.low, r.recovered.high);
    assert_memory_equal(r.measure.sequence, plain->sequence,
                        w->sample.count * sizeof *plain->sequence);
    clh_scrub_result_deinit(&r);
}

static void check_false(const world *w, const clh_hypothesis *hypothesis, double most)
{
    clh_scrub_result r = try(w, hypothesis);
    if (!(r.recovered.high < most))
        fail_msg("%s recovers %.9g [%.9g, %.9g], want less than %g", hypothesis->name,
                 r.recovered.value, r.recovered.low, r.recovered.high, most);
    clh_scrub_result_deinit(&r);
}

static const clh_hypothesis *preset(const char *name)
{
    size_t count;
    const clh_hypothesis *all = clh_hypothesis_presets(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    fail_msg("no preset %s", name);
    return NULL;
}

static clh_hypothesis one_rule(const char *name, const char *from, const char *to, clh_agree agree,
                               size_t position_count, long position)
{
    clh_hypothesis h = {.otherwise = CLH_AGREE_ALL, .count = 1};
    (void)snprintf(h.name, sizeof h.name, "%s", name);
    (void)snprintf(h.rule[0].from, sizeof h.rule[0].from, "%s", from);
    (void)snprintf(h.rule[0].to, sizeof h.rule[0].to, "%s", to);
    h.rule[0].agree = agree;
    h.rule[0].position_count = position_count;
    h.rule[0].positions[0] = position;
    return h;
}

static void a_head_that_knows_positions_is_found_to(void **state)
{
    static const char *const hold[] = {"everything",   "q_resampled",      "k_resampled",
                                       "qk_resampled", "direct_resampled", "algorithm"};
    static const char *const fail[] = {"v_resampled", "v_class",
                                       "nothing"}; /* one class of token */
    world w;
    (void)state;
    open_period(&w);
    assert_true(clh_tally_ratio(&clh_scrub_plain(w.scrub)->total, CLH_RATIO_LOSS) < 1e-3);
    for (size_t i = 0; i < CLH_COUNT(hold); i++)
        check_true(&w, preset(hold[i]));
    for (size_t i = 0; i < CLH_COUNT(fail); i++)
        check_false(&w, preset(fail[i]), 0.3);
    close_world(&w);
}

static void a_cue_in_the_keys_is_found(void **state)
{
    world w;
    (void)state;
    open_marked(&w);
    const clh_hypothesis flag = one_rule("flag", "embed", "L0H0.k", CLH_AGREE_TOKEN, 1, 0),
                         same = one_rule("flag", "embed", "L0H0.k", CLH_AGREE_TOKEN, 1, -5),
                         last = one_rule("answer", "embed", "L0H0.k", CLH_AGREE_TOKEN, 1, -1),
                         rows = one_rule("rows", "embed", "L0H0.[kv]", CLH_AGREE_TOKEN, 0, 0);
    check_true(&w, preset("q_resampled"));
    check_true(&w, &flag);
    check_true(&w, &same);
    check_true(&w, &rows);
    check_false(&w, &last, 0.8);
    check_false(&w, preset("k_resampled"), 0.8);
    check_false(&w, preset("qk_resampled"), 0.8);
    close_world(&w);
}

static void nothing_recovers_nothing_in_expectation(void **state)
{
    enum { SEEDS = 40 };
    double sum = 0, squares = 0;
    world w;
    clh_error err = {0};
    (void)state;
    open_period(&w);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        clh_scrub_close(w.scrub);
        w.scrub = NULL;
        must(clh_scrub_open(&w.scrub, w.model, &w.sample, seed, NULL, &err), &err);
        clh_scrub_result r = try(&w, preset("nothing"));
        assert_true(r.recovered.low <= r.recovered.value && r.recovered.value <= r.recovered.high);
        assert_int_equal(r.nodes, 0);
        sum += r.recovered.value;
        squares += r.recovered.value * r.recovered.value;
        clh_scrub_result_deinit(&r);
    }
    const double mean = sum / SEEDS, error = sqrt((squares / SEEDS - mean * mean) / SEEDS);
    assert_true(error > 0 && error < 0.05);
    if (!(fabs(mean) <= 4 * error))
        fail_msg("recovers %g, with a standard error of %g", mean, error);
    close_world(&w);
}

/* ---- Two layers ---------------------------------------------------------------------------------
 */

enum { DEEP_COUNT = 6, DEEP_POS = 7 };

static void open_deep(world *w, bool deaf)
{
    const clh_model_config config = {.n_layers = 2,
                                     .n_heads = 2,
                                     .d_model = 9,
                                     .d_head = 4,
                                     .d_mlp = 11,
                                     .n_ctx = DEEP_POS,
                                     .d_vocab = 8,
                                     .d_vocab_out = 8,
                                     .act_fn = CLH_ACT_GELU,
                                     .normalization_type = CLH_NORM_LN,
                                     .eps = 1e-5,
                                     .use_attn_scale = true,
                                     .attn_scale = 2,
                                     .initializer_range = 0.5};
    uint32_t ids[DEEP_COUNT][DEEP_POS];
    clh_error err = {0};
    *w = (world){0};
    must(clh_model_open(&w->model, &config, &err), &err);
    clh_model_init(w->model, 9);
    for (size_t l = 0; l < 2 && deaf; l++) { /* queries of 0: every pattern is even */
        char name[64];
        (void)snprintf(name, sizeof name, "blocks.%zu.attn.W_Q", l);
        const clh_tensor W_Q = clh_model_view(w->model, name);
        memset(W_Q.data, 0, clh_tensor_count(&W_Q) * sizeof *W_Q.data);
    }
    for (uint32_t s = 0; s < DEEP_COUNT; s++)
        for (uint32_t i = 0; i < DEEP_POS; i++)
            ids[s][i] = (s * 5 + i * 3 + s * i) % 8;
    open_world(w, ids[0], DEEP_COUNT, DEEP_POS, 1);
}

static void check_true_of_deaf(const world *w, const clh_hypothesis *hypothesis, size_t nodes)
{
    clh_scrub_result r = try(w, hypothesis);
    assert_int_equal(r.nodes, nodes);
    assert_memory_equal(r.measure.sequence, clh_scrub_plain(w->scrub)->sequence,
                        DEEP_COUNT * sizeof *r.measure.sequence);
    clh_scrub_result_deinit(&r);
}

/* L0 heads 1; MLP 0 1 + 2; L1 heads 1 + 2 + 3; MLP 1 1 + 2 + 3 + 12; all of them once more. */
static void what_no_layer_reads_changes_no_layer(void **state)
{
    world w;
    (void)state;
    open_deep(&w, true);
    check_true_of_deaf(&w, preset("everything"), 0);
    check_true_of_deaf(&w, preset("qk_resampled"), 2 + 3 + 12 + 18);
    close_world(&w);
    open_deep(&w, false);
    clh_scrub_result r = try(&w, preset("qk_resampled"));
    assert_memory_not_equal(r.measure.sequence, clh_scrub_plain(w.scrub)->sequence,
                            DEEP_COUNT * sizeof *r.measure.sequence);
    clh_scrub_result_deinit(&r);
    close_world(&w);
}

/* The loss of `clean` with one edge from `corrupted`. */
static double patched(const world *w, size_t clean, size_t corrupted, const char *edge)
{
    const clh_paths_ask ask = {clh_sample_tokens(&w->sample, clean),
                               clh_sample_tokens(&w->sample, corrupted),
                               {.kind = CLH_METRIC_LOSS, .first_scored = 1}};
    clh_paths *paths = NULL;
    bool chosen[128];
    double effect = NAN;
    clh_error err = {0};
    must(clh_paths_open(&paths, w->model, &ask, NULL, &err), &err);
    must(clh_graph_choose(clh_paths_graph(paths), edge, chosen, &err), &err);
    must(clh_paths_set(paths, chosen, &effect, NULL, &err), &err);
    effect += clh_paths_clean(paths);
    clh_paths_close(paths);
    return effect;
}

/* The sequence that the edges were patched from, given the loss; fails when there is none. */
static size_t patched_from(const world *w, size_t clean, const char *edges, double loss)
{
    double nearest = INFINITY;
    size_t from = 0;
    for (size_t y = 0; y < DEEP_COUNT; y++) {
        const double off = fabs(patched(w, clean, y, edges) - loss);
        from = off < nearest ? y : from;
        nearest = fmin(off, nearest);
    }
    if (!(nearest <= 1e-6))
        fail_msg("%s, sequence %zu: loss %.9g, %g from any patched", edges, clean, loss, nearest);
    return from;
}

/* Where edges into one reader are free, each sequence is one in which they were patched, all from
 * the same sequence, and not always from the same one. The readers lead to the logits by one way
 * only. */
static void free_edges_are_patched_edges(void **state)
{
    static const char *const edges[][2] = {{"L0H1", "logits"},      {"embed", "logits"},
                                           {"L1H0", "1_mlp_in"},    {"0_mlp_out", "1_mlp_in"},
                                           {"L[01]H*", "1_mlp_in"}, {"*", "logits"}};
    world w;
    (void)state;
    open_deep(&w, false);
    for (size_t e = 0; e < CLH_COUNT(edges); e++) {
        const clh_hypothesis h =
            one_rule("free", edges[e][0], edges[e][1], CLH_AGREE_NOTHING, 0, 0);
        clh_scrub_result r = try(&w, &h);
        char names[72];
        bool seen[DEEP_COUNT] = {false};
        size_t different = 0;
        (void)snprintf(names, sizeof names, "%s->%s", edges[e][0], edges[e][1]);
        for (size_t x = 0; x < DEEP_COUNT; x++) {
            const clh_tally *tally = &r.measure.sequence[x];
            seen[patched_from(&w, x, names, tally->loss / (double)tally->count)] = true;
        }
        for (size_t x = 0; x < DEEP_COUNT; x++)
            different += seen[x];
        assert_true(different >= 3);
        clh_scrub_result_deinit(&r);
    }
    close_world(&w);
}

static void threads_do_not_matter_and_seeds_do(void **state)
{
    world w;
    clh_error err = {0};
    (void)state;
    open_deep(&w, false);
    clh_scrub_result one = try(&w, preset("qk_resampled"));
    clh_scrub_close(w.scrub);
    w.scrub = NULL;
    must(clh_scrub_open(&w.scrub, w.model, &w.sample, SEED, &(clh_how){3, NULL}, &err), &err);
    clh_scrub_result three = try(&w, preset("qk_resampled"));
    assert_memory_equal(one.measure.sequence, three.measure.sequence,
                        DEEP_COUNT * sizeof *one.measure.sequence);
    assert_memory_equal(&one.recovered, &three.recovered, sizeof one.recovered);
    clh_scrub_close(w.scrub);
    w.scrub = NULL;
    must(clh_scrub_open(&w.scrub, w.model, &w.sample, SEED + 1, &(clh_how){3, NULL}, &err), &err);
    clh_scrub_result other = try(&w, preset("qk_resampled"));
    assert_memory_not_equal(one.measure.sequence, other.measure.sequence,
                            DEEP_COUNT * sizeof *one.measure.sequence);
    clh_scrub_result_deinit(&other);
    clh_scrub_result_deinit(&three);
    clh_scrub_result_deinit(&one);
    close_world(&w);
}

static clh_status open_try_close(void *context)
{
    const world *w = context;
    clh_scrub *scrub = NULL;
    clh_scrub_result r = {0};
    clh_status status = clh_scrub_open(&scrub, w->model, &w->sample, SEED, NULL, NULL);
    if (!status)
        status = clh_scrub_try(scrub, preset("qk_resampled"), 3, 0.95, NULL, &r, NULL);
    clh_scrub_result_deinit(&r);
    clh_scrub_close(scrub);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    world w;
    (void)state;
    open_deep(&w, false);
    assert_true(failing_alloc_each(open_try_close, &w) > 30);
    close_world(&w);
}

typedef struct told {
    size_t calls, last;
} told;

static bool remember(size_t done, size_t count, void *user)
{
    told *t = user;
    assert_true(done <= count && count == DEEP_COUNT);
    assert_true(t->calls == 0 || done > t->last || done == count);
    t->last = done;
    t->calls++;
    return true;
}

static void who_watches_is_told_of_every_sequence(void **state)
{
    world w;
    told t = {0};
    const clh_watch watch = {remember, &t};
    clh_scrub_result r = {0};
    clh_error err = {0};
    (void)state;
    open_deep(&w, false);
    must(clh_scrub_try(w.scrub, preset("nothing"), ROUNDS, 0.95, &watch, &r, &err), &err);
    assert_int_equal(t.calls, DEEP_COUNT + 1 + ROUNDS); /* and of every resample */
    clh_scrub_result_deinit(&r);
    close_world(&w);
}

static void check_refused(const world *w, const clh_hypothesis *h, clh_status status,
                          const char *message)
{
    clh_scrub_result r = {0};
    clh_error err = {0};
    assert_int_equal(clh_scrub_try(w->scrub, h, ROUNDS, 0.95, NULL, &r, &err), status);
    assert_string_equal(err.message, message);
    assert_null(r.measure.sequence);
}

static void what_cannot_be_is_named(void **state)
{
    world w;
    clh_error err = {0};
    clh_scrub_result r = {0};
    (void)state;
    open_deep(&w, false);
    const clh_hypothesis none = one_rule("", "embed", "L2H0.q", CLH_AGREE_NOTHING, 0, 0),
                         rows = one_rule("", "L0H1", "L1H0.v", CLH_AGREE_TOKEN, 0, 0),
                         late = one_rule("", "L0H1", "L1H0.v", CLH_AGREE_TOKEN, 1, 7);
    check_refused(&w, &none, CLH_EINPUT,
                  "rule 0: from embed to L2H0.q is no edge of this model; clearhead paths lists "
                  "them");
    check_refused(&w, &rows, CLH_ESUPPORT,
                  "rule 0: agree token without positions is row by row, which only embed and "
                  "pos_embed can be; it matches L0H1->L1H0.v");
    check_refused(&w, &late, CLH_ERANGE, "rule 0: position 7, sequence 0 has them in [-7, 6]");
    assert_int_equal(clh_scrub_try(w.scrub, preset("nothing"), 0, 0.95, NULL, &r, &err),
                     CLH_ERANGE);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_knows_positions_is_found_to),
        cmocka_unit_test(a_cue_in_the_keys_is_found),
        cmocka_unit_test(nothing_recovers_nothing_in_expectation),
        cmocka_unit_test(what_no_layer_reads_changes_no_layer),
        cmocka_unit_test(free_edges_are_patched_edges),
        cmocka_unit_test(threads_do_not_matter_and_seeds_do),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(who_watches_is_told_of_every_sequence),
        cmocka_unit_test(what_cannot_be_is_named),
    };
    return cmocka_run_group_tests_name("scrub", tests, NULL, NULL);
}
