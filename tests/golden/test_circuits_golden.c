/* Circuits, their spectra and composition scores against TransformerLens: 1e-5 relative. */
#include <math.h>
#include <stdio.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "clearhead/fold.h"
#include "support/golden_case.h"
#include "support/must.h"

static clh_error err;
static const char *const cases[] = {"notebook_n3", "mlp_2x2"};
static const double tolerance = 1e-5;

/** A golden case and the file of its circuits. */
typedef struct subject {
    golden_case golden;
    clh_safetensors *file;
} subject;

static void open_subject(subject *s, const char *name)
{
    char path[1024];
    golden_open(&s->golden, name);
    assert_in_range(snprintf(path, sizeof path, "%s/circuits/%s.safetensors", CLH_GOLDEN_DIR, name),
                    1, sizeof path - 1);
    must(clh_safetensors_open(&s->file, path, &err), &err);
}

static void close_subject(subject *s)
{
    clh_safetensors_close(s->file);
    golden_close(&s->golden);
}

/** Tensor of the file; its data is the caller's, clh_free(). */
static clh_tensor take(const subject *s, const char *name, const char *more)
{
    char key[64];
    clh_tensor tensor;
    (void)snprintf(key, sizeof key, "%s%s", name, more);
    must(clh_safetensors_describe(s->file, key, &tensor, NULL, &err), &err);
    tensor.data = clh_alloc_array(clh_tensor_count(&tensor), sizeof *tensor.data, &err);
    assert_non_null(tensor.data);
    must(clh_safetensors_read(s->file, &tensor, &err), &err);
    return tensor;
}

/** got[i] against `want`, relative to the largest of want. */
static void check_numbers(const double *got, const clh_real *want, size_t count)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(got[i] - (double)want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    assert_true(largest > 0 && most <= tolerance * largest);
}

/** The order of nearly equal eigenvalues means nothing: each wanted one has one of ours beside it,
 *  and none of ours is used twice. */
static void check_eigenvalues(clh_eigenvalues *got, const clh_real *want, size_t count)
{
    assert_int_equal(got->count, count);
    const double largest = hypot(got->re[0], got->im[0]);
    for (size_t i = 0; i < count; i++) {
        double nearest = INFINITY;
        size_t at = 0;
        for (size_t k = 0; k < count; k++) {
            const double d =
                hypot(got->re[k] - (double)want[2 * i], got->im[k] - (double)want[2 * i + 1]);
            if (d < nearest) {
                nearest = d;
                at = k;
            }
        }
        assert_true(nearest <= tolerance * largest);
        got->re[at] = INFINITY;
    }
}

static void check_circuit(const subject *s, clh_circuit_kind kind, const char *name)
{
    const size_t heads = s->golden.config.n_heads, count = s->golden.config.n_layers * heads;
    clh_tensor matrix = take(s, name, ""), values = take(s, name, ".singular_values");
    clh_tensor eigenvalues = take(s, name, ".eigenvalues"), norm = take(s, name, ".norm");
    for (size_t i = 0; i < count; i++) {
        clh_circuit circuit;
        clh_spectrum spectrum;
        clh_dense product;
        must(clh_circuit_open(&circuit, s->golden.model, kind, i / heads, i % heads, false, &err),
             &err);
        must(clh_factored_product(&product, &circuit.matrix, &err), &err);
        must(clh_factored_spectrum(&spectrum, &circuit.matrix, &err), &err);
        const size_t size = product.rows * product.cols, k = circuit.matrix.a.cols;
        assert_int_equal(matrix.shape[2], product.rows);
        assert_int_equal(matrix.shape[3], product.cols);
        assert_int_equal(values.shape[2], spectrum.svd.count);
        check_numbers(product.data, matrix.data + i * size, size);
        check_numbers(spectrum.svd.s, values.data + i * k, k);
        check_numbers(&spectrum.norm, norm.data + i, 1);
        check_eigenvalues(&spectrum.eigenvalues, eigenvalues.data + i * 2 * k, k);
        clh_spectrum_deinit(&spectrum);
        clh_dense_deinit(&product);
        clh_circuit_deinit(&circuit);
    }
    clh_free(norm.data);
    clh_free(eigenvalues.data);
    clh_free(values.data);
    clh_free(matrix.data);
}

static void circuits_are_transformerlens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        subject s;
        open_subject(&s, cases[i]);
        check_circuit(&s, CLH_CIRCUIT_OV, "OV");
        check_circuit(&s, CLH_CIRCUIT_QK, "QK");
        check_circuit(&s, CLH_CIRCUIT_HEAD_OV, "head_OV");
        close_subject(&s);
    }
}

static void direct_path_is_transformerlens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        subject s;
        clh_circuit circuit;
        clh_dense product;
        open_subject(&s, cases[i]);
        clh_tensor want = take(&s, "direct", "");
        must(clh_circuit_open(&circuit, s.golden.model, CLH_CIRCUIT_DIRECT, 0, 0, false, &err),
             &err);
        must(clh_factored_product(&product, &circuit.matrix, &err), &err);
        assert_int_equal(clh_tensor_count(&want), product.rows * product.cols);
        check_numbers(product.data, want.data, product.rows * product.cols);
        clh_dense_deinit(&product);
        clh_circuit_deinit(&circuit);
        clh_free(want.data);
        close_subject(&s);
    }
}

static void composition_is_transformerlens(void **state)
{
    (void)state;
    static const char *const names[] = {"composition.Q", "composition.K", "composition.V"};
    subject s;
    clh_composition composition;
    open_subject(&s, "mlp_2x2");
    must(clh_composition_open(&composition, s.golden.model, 2, 0, NULL, &err), &err);
    for (size_t kind = 0; kind < CLH_COMPOSITION_KINDS; kind++) {
        clh_tensor want = take(&s, names[kind], "");
        check_numbers(composition.score[kind], want.data, clh_tensor_count(&want));
        clh_free(want.data);
    }
    clh_composition_deinit(&composition);
    close_subject(&s);
}

static void folded_weights_are_transformerlens(void **state)
{
    (void)state;
    subject s;
    clh_model *folded = NULL;
    open_subject(&s, "mlp_2x2");
    must(clh_model_fold(&folded, s.golden.model, CLH_FOLD_ALL, &err), &err);
    for (size_t i = 0; i < clh_model_tensor_count(folded); i++) {
        const clh_tensor got = clh_model_tensor(folded, i);
        clh_tensor want = take(&s, "folded.", got.name);
        assert_true(golden_distance(&got, &want, 1e-3) <= tolerance);
        clh_free(want.data);
    }
    clh_model_close(folded);
    close_subject(&s);
}

/** got[:, c] against sign * want[:, c] of a head; the columns of W_O are its rows: `transposed`. */
static void check_pair(const subject *s, const clh_model *ours, const char *left, const char *right,
                       bool transposed)
{
    const clh_tensor L = clh_model_view(ours, left), R = clh_model_view(ours, right);
    clh_tensor l = take(s, "refactored.", left), r = take(s, "refactored.", right);
    const size_t heads = L.shape[0], d = L.shape[1], cols = L.shape[2];
    double largest = 0;
    for (size_t i = 0; i < clh_tensor_count(&l); i++)
        largest = fmax(largest, fabs((double)l.data[i]));
    for (size_t h = 0; h < heads; h++)
        for (size_t c = 0; c < cols; c++) {
            double dot = 0;
            for (size_t i = 0; i < d; i++)
                dot +=
                    (double)L.data[(h * d + i) * cols + c] * (double)l.data[(h * d + i) * cols + c];
            const double sign = dot < 0 ? -1 : 1; /* one for both of the pair */
            for (size_t i = 0; i < d; i++) {
                const size_t at = (h * d + i) * cols + c;
                const size_t other = transposed ? (h * cols + c) * d + i : at;
                assert_true(fabs((double)L.data[at] - sign * (double)l.data[at]) <=
                            tolerance * largest);
                assert_true(fabs((double)R.data[other] - sign * (double)r.data[other]) <=
                            tolerance);
            }
        }
    clh_free(r.data);
    clh_free(l.data);
}

static void refactored_heads_are_transformerlens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        subject s;
        clh_model *ours = NULL;
        open_subject(&s, cases[i]);
        must(clh_model_fold(&ours, s.golden.model, CLH_FOLD_EVERYTHING, &err), &err);
        for (size_t layer = 0; layer < s.golden.config.n_layers; layer++) {
            static const char *const pairs[][2] = {{"W_Q", "W_K"}, {"W_V", "W_O"}};
            for (size_t p = 0; p < CLH_COUNT(pairs); p++) {
                char left[48], right[48];
                (void)snprintf(left, sizeof left, "blocks.%zu.attn.%s", layer, pairs[p][0]);
                (void)snprintf(right, sizeof right, "blocks.%zu.attn.%s", layer, pairs[p][1]);
                check_pair(&s, ours, left, right, p == 1);
            }
            char name[48];
            (void)snprintf(name, sizeof name, "blocks.%zu.attn.b_O", layer);
            const clh_tensor b_O = clh_model_view(ours, name);
            clh_tensor want = take(&s, "refactored.", name);
            assert_true(golden_distance(&b_O, &want, 1e-3) <= tolerance);
            clh_free(want.data);
        }
        clh_model_close(ours);
        close_subject(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circuits_are_transformerlens),
        cmocka_unit_test(direct_path_is_transformerlens),
        cmocka_unit_test(composition_is_transformerlens),
        cmocka_unit_test(folded_weights_are_transformerlens),
        cmocka_unit_test(refactored_heads_are_transformerlens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
