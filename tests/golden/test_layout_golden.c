/* What the rows of layout.def say of a tensor is so in TransformerLens' own numbers: its name, its
 * axes, what it is made of, what it is to the residual stream, where norms stand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "model/description/layout.h"
#include "support/each_case.h"
#include "support/golden_case.h"

enum { CASES_MAX = 128, CASES_LEAST = 50 };

/* Of the largest number of a tensor; the files hold single precision. */
static const double tolerance = 2e-6;

typedef struct bench {
    golden_case golden;
    const clh_model_config *config;
} bench;

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    golden_open(&b->golden, ((const each_case *)*state)->name);
    b->config = &b->golden.config;
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    golden_close(&b->golden);
    free(b);
    return 0;
}

static clh_tensor file_tensor(bench *b, const char *prefix, const clh_row *row, size_t layer)
{
    char name[CLH_ROW_NAME_MAX];
    const clh_tensor t = golden_tensor(&b->golden, prefix, clh_row_name(row, layer, name));
    if (!t.data)
        fail_msg("the file has no %s%s", prefix, name);
    return t;
}

/* Without layers the stream is the embeddings' sum, which no hook shows. */
static clh_tensor embedded(bench *b)
{
    const clh_row *acts = clh_layout_acts.row;
    const clh_tensor sum = file_tensor(b, "act.", &acts[CLH_A_EMBED], 0);
    if (clh_row_exists(&acts[CLH_A_POS_EMBED], b->config)) {
        const clh_tensor more = file_tensor(b, "act.", &acts[CLH_A_POS_EMBED], 0);
        for (size_t i = 0; i < clh_tensor_count(&sum); i++)
            sum.data[i] += more.data[i];
    }
    return sum;
}

static clh_tensor file_act(bench *b, const clh_row *row, size_t layer)
{
    if (row == &clh_layout_acts.row[CLH_A_RESID_EMBED])
        return embedded(b);
    const bool logits = row == &clh_layout_acts.row[CLH_A_LOGITS]; /* no hook point, so no "act." */
    return file_tensor(b, logits ? "" : "act.", row, row->scope == SCOPE_BLOCK ? layer : 0);
}

static clh_tensor file_param(bench *b, const clh_row *row, size_t layer)
{
    return file_tensor(b, "param.", row, row->scope == SCOPE_BLOCK ? layer : 0);
}

/* The last row of a name that the model has: of those that repeat a file has only that. */
static const clh_row *row_called(const bench *b, const clh_layout *layout, const char *name)
{
    char own[CLH_ROW_NAME_MAX];
    const clh_row *found = NULL;
    for (clh_row_place at = clh_layout_first(layout, b->config); at.row;
         at = clh_layout_next(layout, b->config, at))
        if (strcmp(clh_row_name(at.row, at.layer, own), name) == 0)
            found = at.row;
    return found;
}

static bool is_in_files(const bench *b, const clh_row *row)
{
    char name[CLH_ROW_NAME_MAX];
    return row->name[0] && row_called(b, &clh_layout_acts, clh_row_name(row, 0, name)) == row;
}

/* ---- Names and axes ----------------------------------------------------------------------------
 */

static size_t length_of(const bench *b, const char *axis)
{
    const clh_model_config *c = b->config;
    const struct {
        const char *name;
        size_t length;
    } lengths[] = {{"batch", b->golden.tokens.batch},
                   {"pos", b->golden.tokens.pos},
                   {"query_pos", b->golden.tokens.pos},
                   {"key_pos", b->golden.tokens.pos},
                   {"head", c->n_heads},
                   {"d_model", c->d_model},
                   {"d_head", c->d_head},
                   {"d_mlp", c->d_mlp},
                   {"d_vocab", c->d_vocab},
                   {"d_vocab_out", c->d_vocab_out},
                   {"n_ctx", c->n_ctx},
                   {"one", 1}};
    for (size_t i = 0; i < CLH_COUNT(lengths); i++)
        if (strcmp(axis, lengths[i].name) == 0)
            return lengths[i].length;
    fail_msg("an axis is called \"%s\"", axis);
    return 0;
}

static void every_row_has_its_name_and_axes_in_the_file(void **state)
{
    bench *b = *state;
    const clh_layout *const layouts[] = {&clh_layout_params, &clh_layout_acts};
    for (size_t l = 0; l < CLH_COUNT(layouts); l++)
        for (clh_row_place at = clh_layout_first(layouts[l], b->config); at.row;
             at = clh_layout_next(layouts[l], b->config, at)) {
            if (l == 1 && !is_in_files(b, at.row))
                continue;
            const clh_tensor t =
                l == 0 ? file_param(b, at.row, at.layer) : file_act(b, at.row, at.layer);
            for (size_t axis = 0; axis < t.rank; axis++)
                assert_int_equal(t.shape[axis],
                                 length_of(b, clh_dim_name(clh_row_dim(at.row, b->config, axis))));
            assert_int_equal(clh_row_dim(at.row, b->config, t.rank), DIM_NO);
        }
}

static void every_tensor_of_the_file_has_a_row(void **state)
{
    bench *b = *state;
    size_t found = 0;
    for (size_t i = 0; i < clh_safetensors_count(b->golden.file); i++) {
        const char *name = clh_safetensors_name(b->golden.file, i);
        const bool act = strncmp(name, "act.", 4) == 0, param = strncmp(name, "param.", 6) == 0;
        if (!act && !param)
            continue;
        if (!row_called(b, act ? &clh_layout_acts : &clh_layout_params, strchr(name, '.') + 1))
            fail_msg("%s has no row", name);
        found++;
    }
    assert_true(found > (b->config->n_layers ? 30 : 3));
}

static void what_may_hold_minus_infinity_is_marked(void **state)
{
    bench *b = *state;
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, b->config); at.row;
         at = clh_layout_next(&clh_layout_acts, b->config, at)) {
        if (!is_in_files(b, at.row))
            continue;
        const clh_tensor t = file_act(b, at.row, at.layer);
        bool infinite = false;
        for (size_t i = 0; i < clh_tensor_count(&t); i++)
            infinite = infinite || isinf((double)t.data[i]);
        assert_int_equal(infinite,
                         at.row->masked && b->config->attention_dir == CLH_ATTENTION_CAUSAL);
    }
}

/* ---- What a row is made of ---------------------------------------------------------------------
 */

static void close_to(const bench *b, const clh_row *row, size_t layer, const double *got,
                     const clh_tensor *want)
{
    char name[CLH_ROW_NAME_MAX];
    const double largest = golden_largest(want);
    (void)b;
    for (size_t i = 0; i < clh_tensor_count(want); i++)
        if (!(fabs(got[i] - (double)want->data[i]) <= tolerance * largest))
            fail_msg("number %zu of %s is %g, its row says %g", i, clh_row_name(row, layer, name),
                     (double)want->data[i], got[i]);
}

static bool is_of_stream(const clh_row *row, const clh_model_config *c)
{
    const clh_tensor shape = clh_row_shape(row, c, 1, 1);
    return clh_row_dim(row, c, shape.rank - 1) == DIM_D_MODEL;
}

static clh_normalization kind_of(const bench *b, const clh_norm_row *norm)
{
    const clh_model_config *c = b->config;
    const clh_normalization kind = c->normalization_type;
    if (norm == &clh_norm_rows[CLH_NORM_AT_SOLU] && kind != CLH_NORM_LN)
        return CLH_NORM_LNPRE;
    if (norm != &clh_norm_rows[CLH_NORM_AT_FINAL] || !c->final_rms)
        return kind;
    return kind == CLH_NORM_LN ? CLH_NORM_RMS : kind == CLH_NORM_LNPRE ? CLH_NORM_RMSPRE : kind;
}

/* The row that a norm takes: side by side with attention it is resid_pre, without layers the
 * embeddings' sum. */
static const clh_row *taken_by(const bench *b, const clh_norm_row *norm)
{
    clh_act_id id = norm->in;
    if (id == CLH_A_RESID_MID && b->config->parallel_attn_mlp)
        id = CLH_A_RESID_PRE;
    if (id == CLH_A_RESID_POST && b->config->n_layers == 0)
        id = CLH_A_RESID_EMBED;
    return &clh_layout_acts.row[id];
}

/* Whether hook_normalized of an LN norm lies before w and b: in files of 3.x. */
static bool is_before_w(const bench *b, clh_normalization kind)
{
    return kind == CLH_NORM_LN && b->config->tl_version == CLH_TL_3_0;
}

/* What a matrix reads: `from`, or what the norm between makes of the stream there. */
static clh_tensor input_of(bench *b, const clh_row *row, size_t layer)
{
    const clh_norm_row *norm = row->map->behind;
    const clh_normalization kind = norm ? kind_of(b, norm) : CLH_NORM_NONE;
    if (!norm || !is_of_stream(row->from, b->config))
        return file_act(b, row->from, layer);
    if (kind == CLH_NORM_NONE)
        return file_act(b, taken_by(b, norm), layer);
    const clh_tensor x = file_act(b, &clh_layout_acts.row[norm->normalized], layer);
    if (kind == CLH_NORM_RMS || is_before_w(b, kind)) {
        const clh_tensor w = file_param(b, &clh_layout_params.row[norm->w], layer);
        const clh_tensor bias = kind == CLH_NORM_LN
                                    ? file_param(b, &clh_layout_params.row[norm->b], layer)
                                    : (clh_tensor){0};
        for (size_t i = 0; i < clh_tensor_count(&x); i++)
            x.data[i] =
                x.data[i] * w.data[i % w.shape[0]] + (bias.data ? bias.data[i % w.shape[0]] : 0);
    }
    return x;
}

/* Queries and keys of a shortformer also read the position's embedding. */
static void add_position(bench *b, const clh_row *row, const clh_tensor *x)
{
    const clh_act_id id = clh_act_of(row);
    if (b->config->positional_embedding_type != CLH_POSITIONS_SHORTFORMER ||
        (id != CLH_A_Q && id != CLH_A_K))
        return;
    const clh_tensor p = file_act(b, &clh_layout_acts.row[CLH_A_POS_EMBED], 0);
    const size_t d = b->config->d_model, heads = x->rank == 4 ? x->shape[2] : 1;
    for (size_t i = 0; i < clh_tensor_count(x); i++)
        x->data[i] += p.data[i / (heads * d) * d + i % d];
}

/* rows of a matrix for each head or of one, x [rows, (head,) in], out [rows, (head,) cols] */
static void multiply(bench *b, const clh_row *row, size_t layer, double *out)
{
    const clh_tensor x = input_of(b, row, layer), W = file_param(b, row->map, layer);
    add_position(b, row, &x);
    const clh_row *beside = row->map->bias;
    const clh_tensor bias = beside ? file_param(b, beside, layer) : (clh_tensor){0};
    const size_t in = W.shape[W.rank - 2], cols = W.shape[W.rank - 1];
    const size_t heads = W.rank == 3 ? W.shape[0] : 1, rows = x.shape[0] * x.shape[1];
    const bool x_heads = x.rank == 4, out_heads = clh_row_heads(row, b->config) != SIZE_MAX;
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < heads; h++)
            for (size_t c = 0; c < cols; c++) {
                double *to = &out[(out_heads ? r * heads + h : r) * cols + c], sum = 0;
                for (size_t i = 0; i < in; i++)
                    sum += (double)x.data[(x_heads ? r * heads + h : r) * in + i] *
                           (double)W.data[(h * in + i) * cols + c];
                if (bias.data && row->stream != STREAM_APART && (out_heads || h == 0))
                    sum += (double)bias.data[(out_heads ? h * cols : 0) + c];
                *to = out_heads || h == 0 ? sum : *to + sum;
            }
}

/* out [batch, pos, d]: rows of a table */
static void look_up(bench *b, const clh_row *row, double *out)
{
    const clh_tensor table = file_param(b, row->map, 0);
    const size_t d = table.shape[1], pos = b->golden.tokens.pos;
    for (size_t r = 0; r < b->golden.tokens.batch * pos; r++) {
        const size_t at = row->map->dim[0] == DIM_D_VOCAB ? b->golden.ids[r] : r % pos;
        for (size_t i = 0; i < d; i++)
            out[r * d + i] = (double)table.data[at * d + i];
    }
}

static void a_row_is_made_by_its_map_of_what_it_names(void **state)
{
    bench *b = *state;
    const clh_model_config *c = b->config;
    const size_t last = c->n_layers ? c->n_layers - 1 : 0;
    size_t made = 0;
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, b->config); at.row;
         at = clh_layout_next(&clh_layout_acts, b->config, at)) {
        if (!at.row->map)
            continue;
        const size_t layer = at.row->scope == SCOPE_AFTER ? last : at.layer;
        const clh_tensor want = file_act(b, at.row, at.layer);
        double *got = calloc(clh_tensor_count(&want), sizeof *got);
        assert_non_null(got);
        if (at.row->from)
            multiply(b, at.row, layer, got);
        else
            look_up(b, at.row, got);
        close_to(b, at.row, at.layer, got, &want);
        free(got);
        made++;
    }
    const size_t tables = clh_row_exists(&clh_layout_acts.row[CLH_A_POS_EMBED], c) ? 2 : 1;
    assert_true(made >= tables + 4 * c->n_layers + 1);
}

/* ---- The residual stream -----------------------------------------------------------------------
 */

/* Whether a tensor [batch, pos, d], or one for each head, is the sum [batch, pos, d]. */
static void is_the_sum(const bench *b, const clh_row *row, size_t layer, const clh_tensor *t,
                       const double *sum)
{
    const size_t d = b->config->d_model, heads = t->rank == 4 ? t->shape[2] : 1;
    double *got = calloc(clh_tensor_count(t), sizeof *got);
    assert_non_null(got);
    for (size_t i = 0; i < clh_tensor_count(t); i++)
        got[i] = sum[i / (heads * d) * d + i % d];
    close_to(b, row, layer, got, t);
    free(got);
}

static void terms_add_up_to_the_stream_and_inputs_are_copies_of_it(void **state)
{
    bench *b = *state;
    const size_t count = b->golden.tokens.batch * b->golden.tokens.pos * b->config->d_model;
    double *sum = calloc(count, sizeof *sum), *stream = calloc(count, sizeof *stream);
    size_t streams = 0;
    assert_true(sum && stream);
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, b->config); at.row;
         at = clh_layout_next(&clh_layout_acts, b->config, at)) {
        const clh_stream_role role = clh_row_stream(at.row, b->config);
        if (role == STREAM_NO || role == STREAM_APART)
            continue;
        const clh_tensor t = file_act(b, at.row, at.layer);
        if (role == STREAM_TERM)
            for (size_t i = 0; i < count; i++)
                sum[i] += (double)t.data[i];
        else
            is_the_sum(b, at.row, at.layer, &t, role == STREAM_SELF ? sum : stream);
        if (role == STREAM_SELF) /* an input is a copy of this, whatever was computed since */
            memcpy(stream, sum, count * sizeof *sum);
        streams += role == STREAM_SELF;
    }
    const clh_model_config *c = b->config;
    const size_t each = c->attn_only || c->parallel_attn_mlp ? 2 : 3;
    assert_int_equal(streams, c->n_layers ? c->n_layers * each : 1);
    free(stream);
    free(sum);
}

/* ---- Norms -------------------------------------------------------------------------------------
 */

/* scale and normalized of a row of numbers */
static double normalize(const bench *b, clh_normalization kind, const clh_real *x, size_t width,
                        const clh_tensor *w, const clh_tensor *bias, double *out)
{
    const bool centres = kind == CLH_NORM_LN || kind == CLH_NORM_LNPRE;
    double mean = 0, square = 0;
    for (size_t i = 0; i < width && centres; i++)
        mean += (double)x[i] / (double)width;
    for (size_t i = 0; i < width; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)width;
    const double scale = sqrt(square + b->config->eps);
    for (size_t i = 0; i < width; i++) {
        out[i] = ((double)x[i] - mean) / scale;
        if (kind == CLH_NORM_LN && !is_before_w(b, kind))
            out[i] = out[i] * (double)w->data[i] + (double)bias->data[i];
    }
    return scale;
}

static void hold_norm(bench *b, const clh_norm_row *norm, clh_normalization kind, size_t layer)
{
    const clh_row *acts = clh_layout_acts.row, *params = clh_layout_params.row;
    const clh_tensor x = file_act(b, taken_by(b, norm), layer);
    const clh_tensor scale = file_act(b, &acts[norm->scale], layer);
    const clh_tensor normalized = file_act(b, &acts[norm->normalized], layer);
    clh_tensor w = {0}, bias = {0};
    if (kind == CLH_NORM_LN) {
        w = file_param(b, &params[norm->w], layer);
        bias = file_param(b, &params[norm->b], layer);
    }
    const size_t width = x.shape[x.rank - 1], rows = clh_tensor_count(&scale);
    const size_t vectors = clh_tensor_count(&x) / width; /* each of one head, or for all */
    if (vectors == 0 || rows < vectors)
        fail_msg("%s has %zu vectors, %s is of %zu", acts[norm->in].name, vectors,
                 acts[norm->scale].name, rows);
    double *scales = calloc(rows, sizeof *scales), *out = calloc(rows * width, sizeof *out);
    assert_true(scales && out);
    for (size_t r = 0; r < rows; r++)
        scales[r] = normalize(b, kind, x.data + r * vectors / rows * width, width, &w, &bias,
                              out + r * width);
    close_to(b, &acts[norm->scale], layer, scales, &scale);
    close_to(b, &acts[norm->normalized], layer, out, &normalized);
    free(out);
    free(scales);
}

static void norms_stand_where_their_rows_say(void **state)
{
    bench *b = *state;
    const clh_model_config *c = b->config;
    for (size_t n = 0; n < CLH_NORM_PLACES; n++) {
        const clh_norm_row *norm = &clh_norm_rows[n];
        const clh_row *in = taken_by(b, norm), *scale = &clh_layout_acts.row[norm->scale];
        if (!clh_row_exists(in, c) || !clh_row_exists(scale, c))
            continue;
        const bool once = scale->scope == SCOPE_AFTER;
        const size_t end = once && c->n_layers == 0 ? 1 : c->n_layers;
        for (size_t layer = once ? end - 1 : 0; layer < end; layer++)
            hold_norm(b, norm, kind_of(b, norm), layer);
    }
}

static const each_truth truths[] = {
    {"every row has its name and axes in the file", every_row_has_its_name_and_axes_in_the_file},
    {"every tensor of the file has a row", every_tensor_of_the_file_has_a_row},
    {"what may hold -inf is marked", what_may_hold_minus_infinity_is_marked},
    {"a row is made by its map of what it names", a_row_is_made_by_its_map_of_what_it_names},
    {"terms add up to the stream, inputs are copies of it",
     terms_add_up_to_the_stream_and_inputs_are_copies_of_it},
    {"norms stand where their rows say", norms_stand_where_their_rows_say},
};

/* Files whose activations were edited in flight are left out: there the sums do not hold. */
int main(void)
{
    char *names[CASES_MAX];
    size_t all = golden_names(names, CASES_MAX), cases = 0;
    for (size_t c = 0; c < all; c++)
        if (strncmp(names[c], "edit", 4) != 0) {
            char *name = names[c];
            names[c] = names[cases];
            names[cases++] = name;
        }
    int failed = cases < CASES_LEAST ||
                 each_case_run("layout", truths, CLH_COUNT(truths), (const char *const *)names,
                               cases, open_bench, close_bench);
    for (size_t c = 0; c < all; c++)
        free(names[c]);
    return failed;
}
