/* Truths of linear algebra and of circuits, on drawn and on planted matrices. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/circuit.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"

enum { STREAM_MATRIX = 201 };

static clh_error err;

static clh_dense draw(size_t rows, size_t cols, uint64_t seed)
{
    clh_dense out;
    must(clh_dense_open(&out, rows, cols, &err), &err);
    for (size_t i = 0; i < rows * cols; i++)
        out.data[i] = clh_random_normal(seed, STREAM_MATRIX, i);
    return out;
}

static clh_factored draw_factored(size_t rows, size_t k, size_t cols, uint64_t seed)
{
    return (clh_factored){draw(rows, k, seed), draw(k, cols, seed + 1)};
}

/** |a - b|, the Frobenius norm. */
static double distance(const clh_dense *a, const clh_dense *b)
{
    double sum = 0;
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->cols, b->cols);
    for (size_t i = 0; i < a->rows * a->cols; i++)
        sum += (a->data[i] - b->data[i]) * (a->data[i] - b->data[i]);
    return sqrt(sum);
}

/** U diag(s) V^T. */
static clh_dense rebuild(const clh_svd *svd)
{
    clh_dense scaled, vt, out;
    must(clh_dense_open(&scaled, svd->u.rows, svd->count, &err), &err);
    for (size_t i = 0; i < svd->u.rows * svd->count; i++)
        scaled.data[i] = svd->u.data[i] * svd->s[i % svd->count];
    must(clh_dense_transpose(&vt, &svd->v, &err), &err);
    must(clh_dense_multiply(&out, &scaled, &vt, &err), &err);
    clh_dense_deinit(&vt);
    clh_dense_deinit(&scaled);
    return out;
}

/** That the columns of `a` are orthonormal. */
static void check_orthonormal(const clh_dense *a)
{
    clh_dense at, gram;
    must(clh_dense_transpose(&at, a, &err), &err);
    must(clh_dense_multiply(&gram, &at, a, &err), &err);
    for (size_t r = 0; r < gram.rows; r++)
        for (size_t c = 0; c < gram.cols; c++)
            assert_true(fabs(gram.data[r * gram.cols + c] - (r == c)) < 1e-12);
    clh_dense_deinit(&gram);
    clh_dense_deinit(&at);
}

static const size_t shapes[][2] = {{7, 7}, {11, 4}, {4, 11}, {1, 5}, {5, 1}, {1, 1}};

static void svd_rebuilds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(shapes); i++) {
        clh_dense a = draw(shapes[i][0], shapes[i][1], i);
        clh_svd svd;
        must(clh_dense_svd(&svd, &a, &err), &err);
        clh_dense again = rebuild(&svd);
        assert_true(distance(&again, &a) < 1e-12 * clh_dense_norm(&a));
        check_orthonormal(&svd.u);
        check_orthonormal(&svd.v);
        for (size_t k = 1; k < svd.count; k++)
            assert_true(svd.s[k] <= svd.s[k - 1]);
        clh_dense_deinit(&again);
        clh_svd_deinit(&svd);
        clh_dense_deinit(&a);
    }
}

static void qr_rebuilds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(shapes); i++) {
        clh_dense a = draw(shapes[i][0], shapes[i][1], i), again;
        clh_qr qr;
        must(clh_dense_qr(&qr, &a, &err), &err);
        must(clh_dense_multiply(&again, &qr.q, &qr.r, &err), &err);
        assert_true(distance(&again, &a) < 1e-12 * clh_dense_norm(&a));
        check_orthonormal(&qr.q);
        for (size_t r = 1; r < qr.r.rows; r++)
            for (size_t c = 0; c < r; c++)
                assert_true(qr.r.data[r * qr.r.cols + c] == 0);
        clh_dense_deinit(&again);
        clh_qr_deinit(&qr);
        clh_dense_deinit(&a);
    }
}

/* A turn by 90 degrees times 2 beside a stretch by -3. */
static void eigenvalues_of_a_turn(void **state)
{
    (void)state;
    double numbers[] = {0, -2, 0, 2, 0, 0, 0, 0, -3};
    const clh_dense a = {numbers, 3, 3};
    const double want[3][2] = {{-3, 0}, {0, 2}, {0, -2}};
    clh_eigenvalues e;
    must(clh_dense_eigenvalues(&e, &a, &err), &err);
    assert_int_equal(e.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabs(e.re[i] - want[i][0]) < 1e-12 && fabs(e.im[i] - want[i][1]) < 1e-12);
    clh_eigenvalues_deinit(&e);
}

/* Of each pair of vectors the sign is chosen: the largest entry of u is positive. */
static void check_signs(const clh_svd *svd)
{
    for (size_t c = 0; c < svd->count; c++) {
        double most = 0, least = 0;
        for (size_t r = 0; r < svd->u.rows; r++) {
            const double x = svd->u.data[r * svd->count + c];
            most = x > most ? x : most;
            least = x < least ? x : least;
        }
        assert_true(most >= -least);
    }
}

/* The eigenvalues of AB are those of BA and zeros; so are norm, trace and singular values of the
 * factors those of the product. Wide and narrow factors. */
static void factors_know_their_product(void **state)
{
    (void)state;
    for (size_t k = 1; k < 14; k += 4) {
        clh_factored f = draw_factored(9, k, 9, 40 + k);
        clh_dense ab;
        clh_eigenvalues small, large;
        clh_svd svd;
        double norm, trace, diagonal = 0;
        must(clh_factored_product(&ab, &f, &err), &err);
        must(clh_factored_eigenvalues(&small, &f, &err), &err);
        must(clh_dense_eigenvalues(&large, &ab, &err), &err);
        must(clh_factored_svd(&svd, &f, &err), &err);
        must(clh_factored_norm(&norm, &f, &err), &err);
        must(clh_factored_trace(&trace, &f, &err), &err);
        assert_int_equal(small.count, k);
        for (size_t i = 0; i < (k > 9 ? k : 9); i++) {
            const double re = (i < k ? small.re[i] : 0) - (i < 9 ? large.re[i] : 0);
            const double im = (i < k ? small.im[i] : 0) - (i < 9 ? large.im[i] : 0);
            assert_true(hypot(re, im) < 1e-10 * norm);
        }
        clh_dense again = rebuild(&svd);
        assert_true(distance(&again, &ab) < 1e-12 * norm);
        check_signs(&svd);
        for (size_t i = 0; i < 9; i++)
            diagonal += ab.data[i * 10];
        assert_true(fabs(norm - clh_dense_norm(&ab)) < 1e-12 * norm);
        assert_true(fabs(trace - diagonal) < 1e-12 * norm);
        clh_dense_deinit(&again);
        clh_svd_deinit(&svd);
        clh_eigenvalues_deinit(&large);
        clh_eigenvalues_deinit(&small);
        clh_dense_deinit(&ab);
        clh_factored_deinit(&f);
    }
}

/** A model whose head moves three directions of the embedding to the logits, times `sign`. */
static clh_model *copying_model(clh_real sign)
{
    clh_model *model = model_case_open(0, 1);
    static const char *const embeddings[] = {"embed.W_E", "unembed.W_U", "blocks.0.attn.W_V",
                                             "blocks.0.attn.W_O"};
    clh_tensor w[CLH_COUNT(embeddings)];
    for (size_t i = 0; i < CLH_COUNT(w); i++)
        w[i] = clh_model_view(model, embeddings[i]);
    const size_t vocab = w[0].shape[0], d = w[0].shape[1], d_head = w[2].shape[2];
    for (size_t t = 0; t < vocab; t++)
        for (size_t i = 0; i < d; i++)
            w[1].data[i * vocab + t] = w[0].data[t * d + i];
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d_head; k++)
            w[3].data[k * d + i] = sign * w[2].data[i * d_head + k];
    return model;
}

/* W_O = W_V^T and W_U = W_E^T: W_E W_V W_O W_U = M M^T has no eigenvalue below zero. */
static void planted_copying_is_one(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        clh_model *model = copying_model((clh_real)sign);
        clh_circuit ov;
        clh_spectrum spectrum;
        must(clh_circuit_open(&ov, model, CLH_CIRCUIT_OV, 0, 0, false, &err), &err);
        must(clh_factored_spectrum(&spectrum, &ov.matrix, &err), &err);
        assert_string_equal(ov.product, "W_E W_V W_O W_U");
        assert_true(fabs(spectrum.copying - sign) < 1e-6);
        clh_spectrum_deinit(&spectrum);
        clh_circuit_deinit(&ov);
        clh_model_close(model);
    }
}

/* k equal singular values are rank k by both measures; a single one is rank 1. */
static void effective_rank_counts(void **state)
{
    (void)state;
    for (size_t k = 1; k < 6; k++) {
        clh_dense a = draw(8, k, k);
        clh_qr qr;
        clh_factored f = {0};
        clh_spectrum spectrum;
        must(clh_dense_qr(&qr, &a, &err), &err);
        f.a = qr.q;
        must(clh_dense_transpose(&f.b, &qr.q, &err), &err);
        must(clh_factored_spectrum(&spectrum, &f, &err), &err);
        assert_true(fabs(spectrum.participation - (double)k) < 1e-9);
        assert_true(fabs(spectrum.entropy - (double)k) < 1e-9);
        assert_true(fabs(spectrum.copying - 1) < 1e-9);
        clh_spectrum_deinit(&spectrum);
        clh_dense_deinit(&f.b);
        clh_qr_deinit(&qr);
        clh_dense_deinit(&a);
    }
}

/* diag(2, -1): sum(lambda) / sum|lambda| = 1/3, (4 + 1)^2 / (16 + 1), entropy of (2/3, 1/3). */
static void a_known_spectrum(void **state)
{
    (void)state;
    double a[] = {2, 0, 0, -1}, b[] = {1, 0, 0, 1};
    const clh_factored f = {{a, 2, 2}, {b, 2, 2}};
    const double entropy = log(3) - 2 * log(2) / 3;
    clh_spectrum spectrum;
    must(clh_factored_spectrum(&spectrum, &f, &err), &err);
    assert_true(fabs(spectrum.copying - 1.0 / 3) < 1e-12);
    assert_true(fabs(spectrum.participation - 25.0 / 17) < 1e-12);
    assert_true(fabs(spectrum.entropy - exp(entropy)) < 1e-12);
    assert_true(fabs(spectrum.norm - sqrt(5)) < 1e-12);
    clh_spectrum_deinit(&spectrum);
}

/* What an earlier head writes is what a later one reads: the score is far above chance; random
 * weights are near it. */
static void planted_composition_stands_out(void **state)
{
    (void)state;
    size_t index = 0;
    while (strcmp(model_case_names()[index], "2 layers, 1 head") != 0)
        index++;
    clh_model *model = model_case_open(index, 5);
    clh_composition plain, planted;
    must(clh_composition_open(&plain, model, 200, 1, NULL, &err), &err);
    clh_tensor w_o = clh_model_view(model, "blocks.0.attn.W_O");
    clh_tensor w_k = clh_model_view(model, "blocks.1.attn.W_K");
    for (size_t i = 0; i < w_k.shape[1]; i++)
        for (size_t k = 0; k < w_k.shape[2]; k++)
            w_k.data[i * w_k.shape[2] + k] = w_o.data[k * w_o.shape[2] + i];
    must(clh_composition_open(&planted, model, 200, 1, NULL, &err), &err);
    const clh_composition_pair before = clh_composition_at(&plain, CLH_COMPOSITION_K, 0, 0, 1, 0);
    const clh_composition_pair after = clh_composition_at(&planted, CLH_COMPOSITION_K, 0, 0, 1, 0);
    const clh_composition_pair q[2] = {clh_composition_at(&plain, CLH_COMPOSITION_Q, 0, 0, 1, 0),
                                       clh_composition_at(&planted, CLH_COMPOSITION_Q, 0, 0, 1, 0)};
    assert_true(after.score <= 1 && after.score > before.score);
    assert_true(after.z > 2 && fabs(before.z) < 4);
    assert_true(fabs(q[0].score - q[1].score) > 0 && fabs(q[1].z) < 4);
    assert_true(plain.mean == planted.mean && plain.deviation == planted.deviation);
    clh_composition_deinit(&planted);
    clh_composition_deinit(&plain);
    clh_model_close(model);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    clh_model *model = model_case_open(0, 1);
    clh_circuit circuit;
    clh_composition composition;
    clh_dense wide = draw(2, 3, 1), product;
    clh_eigenvalues e;
    assert_int_equal(clh_circuit_open(&circuit, model, CLH_CIRCUIT_OV, 1, 0, false, &err),
                     CLH_ERANGE);
    assert_string_equal(err.message, "layer 1, want it below n_layers = 1");
    assert_int_equal(clh_circuit_open(&circuit, model, CLH_CIRCUIT_OV, 0, 2, false, &err),
                     CLH_ERANGE);
    assert_string_equal(err.message, "head 2, want it below n_heads = 2");
    assert_int_equal(clh_composition_open(&composition, model, 1, 0, NULL, &err), CLH_ERANGE);
    assert_int_equal(clh_dense_eigenvalues(&e, &wide, &err), CLH_ESHAPE);
    assert_int_equal(clh_dense_multiply(&product, &wide, &wide, &err), CLH_ESHAPE);
    assert_string_equal(err.message, "[2, 3] times [2, 3], want the inner sizes equal");
    clh_model_view(model, "unembed.W_U").data[3] = (clh_real)NAN;
    assert_int_equal(clh_circuit_open(&circuit, model, CLH_CIRCUIT_OV, 0, 0, false, &err),
                     CLH_ENUMERIC);
    assert_string_equal(err.message, "unembed.W_U holds nan");
    wide.data[4] = INFINITY;
    clh_svd svd;
    assert_int_equal(clh_dense_svd(&svd, &wide, &err), CLH_ENUMERIC);
    assert_string_equal(err.message, "entry [1, 1] of a matrix [2, 3] is inf");
    clh_dense_deinit(&wide);
    clh_model_close(model);
}

/** Everything a model's circuits are asked, given back again. */
static clh_status ask_everything(void *model)
{
    clh_circuit circuit = {0};
    clh_spectrum spectrum = {0};
    clh_dense product = {0};
    clh_qk_split split = {0};
    clh_composition composition = {0};
    clh_status status = CLH_OK;
    for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS && !status; kind++) {
        status = clh_circuit_open(&circuit, model, kind, 0, 0, true, NULL);
        if (!status)
            status = clh_factored_spectrum(&spectrum, &circuit.matrix, NULL);
        if (!status)
            status = clh_factored_product(&product, &circuit.matrix, NULL);
        clh_dense_deinit(&product);
        clh_spectrum_deinit(&spectrum);
        clh_circuit_deinit(&circuit);
    }
    if (!status)
        status = clh_qk_split_open(&split, model, 0, 0, NULL);
    if (!status)
        status = clh_composition_open(&composition, model, 2, 0, NULL, NULL);
    clh_composition_deinit(&composition);
    clh_qk_split_deinit(&split);
    return status;
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    size_t index = 0;
    while (strcmp(model_case_names()[index], "2 layers, 1 head") != 0)
        index++;
    clh_model *model = model_case_open(index, 5);
    assert_true(failing_alloc_each(ask_everything, model) > 100);
    clh_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svd_rebuilds),           cmocka_unit_test(qr_rebuilds),
        cmocka_unit_test(eigenvalues_of_a_turn),  cmocka_unit_test(factors_know_their_product),
        cmocka_unit_test(planted_copying_is_one), cmocka_unit_test(effective_rank_counts),
        cmocka_unit_test(a_known_spectrum),       cmocka_unit_test(planted_composition_stands_out),
        cmocka_unit_test(bad_input_is_named),     cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
