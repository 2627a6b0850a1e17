/* Sums, products and the Adam step of every build, and what has to be the same in all of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

/* A process of its own, for what is decided once in each. */
static void the_environment_picks_the_build(void **state)
{
    (void)state;
    const char *names[] = {"plain", "base"};
    for (size_t i = 0; i < CLH_COUNT(names); i++) {
        pid_t child = fork();
        if (child == 0) {
            setenv("CLEARHEAD_ISA", names[i], 1);
            _exit(strcmp(clh_kernels_best()->name, names[i]) == 0 ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static void check_sums(const clh_kernels *kernel, size_t n, size_t shift)
{
    row x, y, z;
    double sum = 0, dot = 0, size = 1;
    row_fill(&x, n, shift, 2 * n);
    row_fill(&y, n, 15 - shift, 2 * n + 1);
    row_fill(&z, n, shift, 2 * n + 2);
    for (size_t i = 0; i < n; i++) {
        sum += (double)x.at[i];
        dot += (double)x.at[i] * (double)y.at[i];
        size += fabs((double)x.at[i]) + fabs((double)x.at[i] * (double)y.at[i]);
    }
    double allowed = (double)(n + 1) * 0x1p-24 * size;
    close_to(kernel->sum(n, x.at), sum, allowed);
    close_to(kernel->dot(n, x.at, y.at), dot, allowed);
    row before = z;
    kernel->axpy(n, (clh_real)-1.7, x.at, z.at);
    guards_hold(&z, n);
    for (size_t i = 0; i < n; i++) {
        double old = (double)before.room[ROW_GUARD + shift + i];
        double want = old - (double)(clh_real)1.7 * (double)x.at[i];
        close_to(z.at[i], want, 0x1p-23 * (fabs(old) + 2 * fabs((double)x.at[i])));
    }
}

static void sums_products_and_axpy_are_right_at_every_length(void **state)
{
    (void)state;
    for_each_length(check_sums);
}

/* torch.optim.AdamW (and Adam, with l2 for decay) in double. */
static void check_adam(const clh_kernels *kernel, size_t n, size_t shift)
{
    const clh_adam_step step = {.beta1 = 0.9,
                                .beta2 = 0.99,
                                .eps = 1e-8,
                                .decay = shift % 2 ? 1e-3 * 0.01 : 0,
                                .l2 = shift % 2 ? 0 : 0.01,
                                .step_size = 1e-3 / (1 - 0.9),
                                .sqrt_bias2 = sqrt(1 - 0.99),
                                .grad_scale = 0.4};
    row g, m, v, p;
    row_fill(&g, n, shift, n);
    row_fill(&m, n, 15 - shift, n + 1);
    row_fill(&v, n, shift, n + 2);
    row_fill(&p, n, 15 - shift, n + 3);
    double m_want[ROW_LONGEST], v_want[ROW_LONGEST], p_want[ROW_LONGEST];
    for (size_t i = 0; i < n; i++) {
        v.at[i] = v.at[i] * v.at[i];
        double gi = (double)g.at[i] * step.grad_scale + step.l2 * (double)p.at[i];
        m_want[i] = step.beta1 * (double)m.at[i] + (1 - step.beta1) * gi;
        v_want[i] = step.beta2 * (double)v.at[i] + (1 - step.beta2) * gi * gi;
        p_want[i] = (double)p.at[i] * (1 - step.decay) -
                    step.step_size * m_want[i] / (sqrt(v_want[i]) / step.sqrt_bias2 + step.eps);
    }
    kernel->adam(n, &step, g.at, m.at, v.at, p.at);
    for (size_t i = 0; i < n; i++) {
        close_to(m.at[i], m_want[i], 1e-6);
        close_to(v.at[i], v_want[i], 1e-6 * v_want[i]);
        close_to(p.at[i], p_want[i], 1e-6);
    }
    guards_hold(&m, n);
    guards_hold(&v, n);
    guards_hold(&p, n);
}

static void adam_step_is_that_of_its_definition(void **state)
{
    (void)state;
    for_each_length(check_adam);
}

/* Every row kernel on the same rows, its results one after another. */
static size_t all_results(const clh_kernels *kernel, size_t n, size_t shift, clh_real *out)
{
    row x, y, z, w, e;
    const clh_adam_step step = {0.9, 0.99, 1e-8, 1e-5, 0.01, 0.01, 0.1, 0.4};
    row *rows[] = {&x, &y, &z, &w, &e};
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        row_fill(rows[i], n, shift, 10 * n + i);
    size_t count = 0;
    out[count++] = kernel->sum(n, x.at);
    out[count++] = kernel->dot(n, x.at, y.at);
    kernel->axpy(n, (clh_real)0.3, x.at, y.at);
    kernel->add_rows(n, 2, x.at, 0, y.at);
    for (size_t i = 0; i < n; i++)
        x.at[i] *= 40;
    kernel->softmax(n, x.at, z.at);
    kernel->softmax_backward(n, z.at, y.at, w.at);
    out[count++] = kernel->square(n, x.at, (clh_real)0.2);
    out[count++] =
        kernel->normalize_sums(n, x.at, (clh_real)0.2, (clh_real)0.7, y.at, z.at, w.at, e.at);
    out[count++] = kernel->normalize_input(n, x.at, (clh_real)0.2, (clh_real)0.7, (clh_real)0.9,
                                           y.at, z.at, w.at);
    kernel->normalize(n, x.at, (clh_real)0.2, (clh_real)0.7, z.at, y.at, x.at);
    kernel->shift(n, (clh_real)0.1, w.at);
    for (size_t i = 0; i < n; i++)
        z.at[i] = z.at[i] + 1;
    kernel->adam(n, &step, w.at, x.at, z.at, y.at);
    for (size_t r = 0; r < CLH_COUNT(rows); r++)
        for (size_t i = 0; i < n; i++)
            out[count++] = rows[r]->at[i];
    return count;
}

static void avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    const clh_kernels *avx2, *avx512;
    if (!kernels_of_avx(&avx2, &avx512))
        return;
    for (size_t n = 0; n <= ROW_LONGEST; n++) {
        clh_real a[5 * ROW_LONGEST + 5], b[5 * ROW_LONGEST + 5];
        size_t count = all_results(avx2, n, n % 16, a);
        assert_int_equal(all_results(avx512, n, n % 16, b), count);
        assert_memory_equal(a, b, count * sizeof *a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_picks_the_build), /* first: nothing is picked yet */
        cmocka_unit_test(sums_products_and_axpy_are_right_at_every_length),
        cmocka_unit_test(adam_step_is_that_of_its_definition),
        cmocka_unit_test(avx2_and_avx512_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
