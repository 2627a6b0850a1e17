/* What holds of activation patching whatever the model is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/patch.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 37 };

/* A case with two sequences that differ but for their first token, where there are more. */
typedef struct bench {
    clh_model *model;
    uint32_t *clean, *corrupted;
    clh_patch_ask ask;
    clh_cache *clean_run, *run;
    clh_patch patch;
} bench;

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    const model_case *row = model_case_at(index);
    const clh_model_config config = model_case_config(index);
    clh_error err = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->model = model_case_open(index, SEED);
    b->clean = model_case_tokens(index, SEED);
    b->corrupted = model_case_tokens(index, SEED);
    for (size_t i = row->pos > 1; i < row->pos; i++)
        b->corrupted[i] = (b->clean[i] + 1 + (uint32_t)i % 4) % 6;
    b->ask = (clh_patch_ask){
        .clean = {b->clean, 1, row->pos},
        .corrupted = {b->corrupted, 1, row->pos},
        .sites = "*",
        .metric = {
            .kind = CLH_METRIC_LOGIT_DIFF, .position = row->pos - 1, .token = 2, .against = 4}};
    must(clh_cache_open(&b->clean_run, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->run, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b->model, &b->ask.clean, b->clean_run, NULL, &err), &err);
    must(clh_forward(b->model, &b->ask.corrupted, b->run, NULL, &err), &err);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_patch_deinit(&b->patch);
    clh_cache_close(b->run);
    clh_cache_close(b->clean_run);
    clh_free(b->corrupted);
    clh_free(b->clean);
    clh_model_close(b->model);
    free(b);
    return 0;
}

static void run_patches(bench *b)
{
    clh_error err = {0};
    clh_patch_deinit(&b->patch);
    must(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), &err);
}

static double metric_of(const bench *b, const clh_cache *cache)
{
    clh_error err = {0};
    double value = NAN;
    must(clh_metric_value(&b->ask.metric, cache, &b->ask.clean, &value, NULL, &err), &err);
    return value;
}

/* A hook that copies one piece of the clean run, as TransformerLens' patch setters do: [:, pos],
 * [:, pos, head] or, of scores and pattern, [:, head, pos]; [:, :, head] and [:, head] of a whole head;
 * [:, head, pos, source]. */
typedef struct piece {
    const bench *b;
    const clh_real *data; /* of the activation, to tell apart those of one name */
    size_t head, heads, first, last, source;
} piece;

static bool by_query(const char *name)
{
    return strstr(name, "pattern") || strstr(name, "attn_scores");
}

static clh_status set_piece(const clh_hook_point *point, void *user, clh_error *err)
{
    const piece *p = user;
    (void)err;
    if (point->tensor.data != p->data)
        return CLH_OK;
    const clh_tensor from = clh_cache_view(p->b->clean_run, point->tensor.name);
    const size_t length = p->b->ask.clean.pos;
    const size_t width = clh_tensor_count(&from) / length / p->heads;
    for (size_t i = p->first; i < p->last; i++) {
        const size_t at =
            width * (by_query(from.name) ? p->head * length + i : i * p->heads + p->head);
        if (p->source != SIZE_MAX)
            point->tensor.data[at + p->source] = from.data[at + p->source];
        else
            memcpy(point->tensor.data + at, from.data + at, width * sizeof *from.data);
    }
    return CLH_OK;
}

/* Piece `n` of a head. */
static piece piece_of(const bench *b, const clh_patch_site *site, size_t head, size_t n)
{
    const size_t heads = site->heads ? site->heads : 1, pos = b->patch.pos;
    piece p = {b, clh_cache_view(b->run, site->name).data, head, heads, n, n + 1, SIZE_MAX};
    if (b->ask.index == CLH_PATCH_ALL_POS) {
        p.first = 0;
        p.last = pos;
    } else if (b->ask.index == CLH_PATCH_DEST_SRC_POS) {
        p.first = n / pos;
        p.last = p.first + 1;
        p.source = n % pos;
    }
    return p;
}

static void check_site(bench *b, const clh_patch_site *site)
{
    const size_t heads = site->heads ? site->heads : 1;
    clh_error err = {0};
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < b->patch.each; i++) {
            piece p = piece_of(b, site, h, i);
            const clh_hook hook = {site->name, set_piece, &p};
            must(clh_forward(b->model, &b->ask.corrupted, b->run,
                             &(clh_hooks){.items = &hook, .count = 1}, &err),
                 &err);
            const double want = metric_of(b, b->run), got = site->value[h * b->patch.each + i];
            if (got != want)
                fail_msg("%s %s, head %zu, piece %zu: %.17g, a whole pass %.17g",
                         clh_patch_index_name(b->ask.index), site->name, h, i, got, want);
        }
}

static void every_patch_is_a_whole_pass_with_a_hook(void **state)
{
    bench *b = *state;
    const clh_metric metrics[] = {b->ask.metric, {.kind = CLH_METRIC_LOSS, .first_scored = 1}};
    for (unsigned index = 0; index < CLH_PATCH_INDICES; index++)
        for (size_t m = 0; m < (b->ask.clean.pos > 1 ? 2u : 1u); m++) {
            b->ask.index = (clh_patch_index)index;
            b->ask.sites = index == CLH_PATCH_DEST_SRC_POS ? "pattern,attn_scores" : "*";
            b->ask.metric = metrics[m];
            run_patches(b);
            assert_true(b->patch.count > 0);
            for (size_t s = 0; s < b->patch.count; s++)
                check_site(b, &b->patch.site[s]);
        }
}

static void patching_a_run_into_itself_changes_nothing(void **state)
{
    bench *b = *state;
    b->ask.clean = b->ask.corrupted;
    run_patches(b);
    assert_true(b->patch.clean == b->patch.corrupted);
    for (size_t s = 0; s < b->patch.count; s++)
        for (size_t i = 0; i < b->patch.pos; i++)
            assert_true(b->patch.site[s].value[i] == b->patch.corrupted);
}

static void the_whole_residual_stream_is_the_clean_run(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    for (size_t t = 0; t < clh_cache_count(b->run); t++) {
        const clh_tensor to = clh_cache_tensor(b->run, t), from = clh_cache_tensor(b->clean_run, t);
        if (!strstr(to.name, "hook_resid_pre"))
            continue;
        const clh_change change = {.activation = t, .begin = 0, .end = b->ask.clean.pos};
        memcpy(to.data, from.data, clh_tensor_count(&to) * sizeof *to.data);
        must(clh_forward_from(b->model, &b->ask.corrupted, b->run, &change, &err), &err);
        assert_true(metric_of(b, b->run) == metric_of(b, b->clean_run));
        must(clh_forward(b->model, &b->ask.corrupted, b->run, NULL, &err), &err);
    }
}

/* A difference of logits is linear in the logits, so there the gradient tells all. */
static void attribution_is_exact_where_the_metric_is_linear(void **state)
{
    bench *b = *state;
    b->ask.attribution = true;
    b->ask.sites = "logits";
    run_patches(b);
    assert_int_equal(b->patch.count, 1);
    for (size_t i = 0; i < b->patch.pos; i++) {
        const double exact = b->patch.site[0].value[i] - b->patch.corrupted;
        assert_true(fabs(b->patch.site[0].estimate[i] - exact) <= 1e-5 * (1 + fabs(exact)));
    }
    assert_true(b->patch.clean != b->patch.corrupted);
}

/* A whole head's estimate is the sum of those of its positions, a query's that of its sources. */
static void estimates_add_up(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    clh_patch other[CLH_PATCH_INDICES] = {0};
    b->ask.attribution = true;
    b->ask.sites = "pattern";
    for (unsigned index = 0; index < CLH_PATCH_INDICES; index++) {
        b->ask.index = (clh_patch_index)index;
        must(clh_patch_run(&other[index], b->model, &b->ask, NULL, &err), &err);
        assert_int_equal(other[index].count, other[0].count);
    }
    for (size_t s = 0, pos = b->ask.clean.pos; s < other[0].count; s++)
        for (size_t h = 0; h < other[0].site[s].heads; h++) {
            double head = 0;
            for (size_t i = 0; i < pos; i++) {
                const double query = other[CLH_PATCH_BY_POS].site[s].estimate[h * pos + i];
                double sources = 0;
                for (size_t j = 0; j < pos; j++)
                    sources +=
                        other[CLH_PATCH_DEST_SRC_POS].site[s].estimate[(h * pos + i) * pos + j];
                assert_true(fabs(sources - query) <= 1e-9 * (1 + fabs(query)));
                head += query;
            }
            const double whole = other[CLH_PATCH_ALL_POS].site[s].estimate[h];
            assert_true(fabs(whole - head) <= 1e-9 * (1 + fabs(head)));
        }
    for (unsigned index = 0; index < CLH_PATCH_INDICES; index++)
        clh_patch_deinit(&other[index]);
}

static void only_what_differs_takes_a_pass(void **state)
{
    bench *b = *state;
    size_t different = 0;
    for (size_t i = 0; i < b->ask.clean.pos; i++)
        different += b->clean[i] != b->corrupted[i];
    run_patches(b);
    assert_true(different <= b->patch.passes && b->patch.passes <= b->patch.patches);
    b->ask.sites = "embed";
    run_patches(b);
    assert_int_equal(b->patch.passes, different);
    b->ask.clean = b->ask.corrupted;
    run_patches(b);
    assert_int_equal(b->patch.passes, 0);
}

/* Embeddings that differ in their last number alone are not the same: patching one of them is
 * exchanging the token. */
static void the_last_number_of_a_piece_counts(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    double most = 0;
    const clh_tensor E = clh_model_view(b->model, "embed.W_E");
    const size_t d = E.shape[1];
    for (size_t t = 0; t < E.shape[0]; t++)
        for (size_t i = 0; i < d; i++)
            E.data[t * d + i] = (clh_real)(i + 1 < d ? (double)i / 3 : (double)(t % 5) - 2);
    b->ask.sites = "embed";
    run_patches(b);
    for (size_t i = 0; i < b->patch.pos; i++) {
        const uint32_t held = b->corrupted[i];
        b->corrupted[i] = b->clean[i];
        must(clh_forward(b->model, &b->ask.corrupted, b->run, NULL, &err), &err);
        b->corrupted[i] = held;
        assert_true(b->patch.site[0].value[i] == metric_of(b, b->run));
        most = fmax(most, fabs(b->patch.site[0].value[i] - b->patch.corrupted));
    }
    assert_true(most > 1e-4 || b->patch.pos == 1);
}

static void what_cannot_be_is_named(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    b->ask.sites = "q,resid_prr";
    assert_int_equal(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), CLH_EINPUT);
    assert_string_equal(err.message, "no activation is called resid_prr; did you mean resid_pre?");
    b->ask.sites = "pattern,q";
    b->ask.index = CLH_PATCH_DEST_SRC_POS;
    assert_int_equal(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), CLH_ESHAPE);
    assert_string_equal(err.message,
                        "blocks.0.attn.hook_q has no sources, want scores or patterns");
    b->ask.index = CLH_PATCH_BY_POS;
    b->ask.sites = "q,,k";
    assert_int_equal(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), CLH_EINPUT);
    b->ask.sites = "q";
    b->ask.corrupted.pos++;
    assert_int_equal(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), CLH_ESHAPE);
    b->ask.corrupted.pos--;
    clh_model_view(b->model, "blocks.0.attn.W_Q").data[0] = NAN;
    assert_int_equal(clh_patch_run(&b->patch, b->model, &b->ask, NULL, &err), CLH_ENUMERIC);
    assert_string_equal(err.message, "the clean run: blocks.0.attn.hook_q is not finite");
}

static const each_truth truths[] = {
    {"every patch is a whole pass with a hook", every_patch_is_a_whole_pass_with_a_hook},
    {"patching a run into itself changes nothing", patching_a_run_into_itself_changes_nothing},
    {"the whole residual stream is the clean run", the_whole_residual_stream_is_the_clean_run},
    {"attribution is exact where the metric is linear",
     attribution_is_exact_where_the_metric_is_linear},
    {"estimates add up", estimates_add_up},
    {"only what differs takes a pass", only_what_differs_takes_a_pass},
    {"the last number of a piece counts", the_last_number_of_a_piece_counts},
    {"what cannot be is named", what_cannot_be_is_named},
};

int main(void)
{
    return each_case_run("patching", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), open_bench, close_bench);
}
