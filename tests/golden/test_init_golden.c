/* Every weight is drawn as TransformerLens draws it under each init_mode: from which distribution, how
 * wide (init_modes.txt). The numbers themselves are our own generator's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/model.h"
#include "model/description/model_keys.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { TEXT_LIMIT = 100000, SEEDS = 24, LINES_LEAST = 80 };

typedef struct drawn {
    size_t count;
    double square, fourth, largest;
} drawn;

static void draw_of(drawn *out, clh_model *model, const char *name)
{
    *out = (drawn){0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        clh_model_init(model, seed);
        const clh_tensor t = clh_model_view(model, name);
        assert_non_null(t.data);
        for (size_t i = 0; i < clh_tensor_count(&t); i++, out->count++) {
            const double x = (double)t.data[i];
            out->square += x * x;
            out->fourth += x * x * x * x;
            out->largest = fmax(out->largest, fabs(x));
        }
    }
}

/* Of n numbers the standard error of a standard deviation is below 1 / sqrt(2 n) of it; the kurtosis
 * is 3 of a normal and 9/5 of a uniform distribution. Six errors are allowed. */
static void hold(const char *mode, const char *name, bool uniform, double scale, const drawn *d)
{
    const double n = (double)d->count, want = uniform ? scale / sqrt(3) : scale;
    const double std = sqrt(d->square / n), kurtosis = d->fourth / n / pow(d->square / n, 2);
    if (!(fabs(std / want - 1) < 6 / sqrt(2 * n)))
        fail_msg("%s: %s has the standard deviation %g, want %g", mode, name, std, want);
    if (uniform ? d->largest > scale || kurtosis > 2.4 : kurtosis < 2.4)
        fail_msg("%s: %s is drawn from another distribution", mode, name);
}

static clh_model *open_with(const char *mode, const char *range)
{
    clh_model_config c = clh_model_config_default();
    clh_model *model = NULL;
    clh_error err = {0};
    c.n_heads = 3, c.d_model = 32, c.d_head = 24, c.d_mlp = 40, c.n_ctx = 30;
    c.d_vocab = 50, c.d_vocab_out = 45, c.attn_only = false, c.gated_mlp = true;
    c.act_fn = CLH_ACT_GELU, c.attn_scale = 0;
    must(clh_key_from_text(&clh_model_keys()[CLH_MODEL_KEY_init_mode], &c, mode, &err), &err);
    c.initializer_range = strcmp(range, "-") == 0 ? 0 : strtod(range, NULL);
    must(clh_model_open(&model, &c, &err), &err);
    return model;
}

static void weights_are_drawn_as_TransformerLens_draws_them(void **state)
{
    char *text = NULL;
    size_t length, lines = 0;
    (void)state;
    assert_int_equal(
        clh_file_read(&text, &length, CLH_GOLDEN_DIR "/init_modes.txt", TEXT_LIMIT, NULL), CLH_OK);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        char mode[32], range[16], name[64], kind[16], scale[32];
        drawn d;
        assert_int_equal(sscanf(line, "%31s %15s %63s %15s %31s", mode, range, name, kind, scale),
                         5);
        clh_model *model = open_with(mode, range);
        draw_of(&d, model, name);
        hold(mode, name, strcmp(kind, "uniform") == 0, strtod(scale, NULL), &d);
        clh_model_close(model);
    }
    assert_true(lines >= LINES_LEAST);
    clh_free(text);
}

/* Biases 0, norm weights 1 under every mode, and W_U that of W_E where they are tied. */
static void the_rest_is_as_ever(void **state)
{
    static const char *const modes[] = {
        "gpt2", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "muP"};
    (void)state;
    for (size_t m = 0; m < CLH_COUNT(modes); m++) {
        clh_model *model = open_with(modes[m], "-");
        clh_model_init(model, 3);
        const clh_tensor b = clh_model_view(model, "blocks.0.mlp.b_in");
        const clh_tensor w = clh_model_view(model, "ln_final.w");
        for (size_t i = 0; i < clh_tensor_count(&b); i++)
            assert_true(b.data[i] == 0);
        for (size_t i = 0; i < clh_tensor_count(&w); i++)
            assert_true(w.data[i] == 1);
        clh_model_close(model);
    }
    clh_model_config c = clh_model_config_default();
    clh_model *tied = NULL;
    c.n_ctx = 8, c.d_vocab = 11, c.tie_word_embeddings = true;
    assert_int_equal(clh_model_open(&tied, &c, NULL), CLH_OK);
    clh_model_init(tied, 3);
    const clh_tensor E = clh_model_view(tied, "embed.W_E"), U = clh_model_view(tied, "unembed.W_U");
    for (size_t i = 0; i < clh_tensor_count(&E); i++)
        assert_true(E.data[i] == U.data[i % c.d_model * c.d_vocab + i / c.d_model]);
    const size_t d = c.d_model,
                 head = c.d_head; /* W_E, W_pos, norms, the head, b_U: W_U counts once */
    assert_int_equal(clh_model_parameter_count(tied),
                     (11 + 8 + 4) * d + 4 * d * head + 3 * head + d + 11);
    clh_model_close(tied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_drawn_as_TransformerLens_draws_them),
        cmocka_unit_test(the_rest_is_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
