/* What each kernel means, in loops to be read. The fast builds are tested against these. */
#include "math/kernels.h"

#include <math.h>
#include <tgmath.h>

static void plain_gemm(const clh_gemm *g)
{
    for (size_t i = 0; i < g->m; i++) {
        for (size_t j = 0; j < g->n; j++) {
            clh_real sum = 0;
            for (size_t l = 0; l < g->k; l++)
                sum += g->a[i * g->a_row + l * g->a_col] * g->b[l * g->b_row + j * g->b_col];
            clh_real *c = &g->c[i * g->c_row + j];
            *c = g->alpha * sum + (g->accumulate ? *c : 0);
        }
    }
}

static void plain_transpose(size_t m, size_t n, const clh_real *in, size_t in_row, clh_real *out,
                            size_t out_row)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            out[j * out_row + i] = in[i * in_row + j];
}

static clh_real plain_sum(size_t n, const clh_real *x)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static clh_real plain_dot(size_t n, const clh_real *x, const clh_real *y)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void plain_axpy(size_t n, clh_real alpha, const clh_real *x, clh_real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += alpha * x[i];
}

static clh_real plain_softmax(size_t n, const clh_real *x, clh_real *p)
{
    clh_real max = -(clh_real)INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        max = x[i] > max || isnan(x[i]) ? x[i] : max;
    for (size_t i = 0; i < n; i++) {
        p[i] = isinf(max) && max < 0 ? 0 : exp(x[i] - max);
        sum += p[i];
    }
    for (size_t i = 0; i < n && sum != 0; i++)
        p[i] /= sum;
    return sum == 0 ? max : max + log(sum);
}

static void plain_softmax_backward(size_t n, const clh_real *p, const clh_real *dp, clh_real *ds)
{
    clh_real mean = plain_dot(n, p, dp);
    for (size_t i = 0; i < n; i++)
        ds[i] = p[i] * (dp[i] - mean);
}

static clh_real plain_square(size_t n, const clh_real *x, clh_real mean)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

static void plain_normalize(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                            const clh_real *w, const clh_real *b, clh_real *y)
{
    for (size_t i = 0; i < n; i++) {
        clh_real u = (x[i] - mean) * inverse;
        y[i] = w ? u * w[i] + b[i] : u;
    }
}

static clh_real plain_normalize_sums(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                     const clh_real *gy, const clh_real *w, clh_real *gw,
                                     clh_real *gb)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++) {
        clh_real u = (x[i] - mean) * inverse;
        sum += (w ? gy[i] * w[i] : gy[i]) * u;
        if (gw) {
            gw[i] += gy[i] * u;
            gb[i] += gy[i];
        }
    }
    return sum;
}

static clh_real plain_normalize_input(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                      clh_real through, const clh_real *gy, const clh_real *w,
                                      clh_real *gx)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++) {
        clh_real gc = (w ? gy[i] * w[i] : gy[i]) * inverse + through * (x[i] - mean);
        gx[i] += gc;
        sum += gc;
    }
    return sum;
}

static void plain_combine(size_t n, const clh_real *a, const clh_real *b, clh_real scale,
                          const clh_real *c, clh_real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (a[i] + b[i]) * scale + c[i];
}

static clh_real plain_dot_sum(size_t n, const clh_real *g, const clh_real *a, const clh_real *b)
{
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += g[i] * (a[i] + b[i]);
    return sum;
}

static void plain_attend(const clh_query *q)
{
    for (size_t j = 0; j < q->keys; j++)
        q->scores[j] =
            (q->position[j] + q->token[j] + q->kind[q->of[j]]) * (q->scale * q->inverse[j]) +
            q->bias[j];
    plain_softmax(q->keys, q->scores, q->pattern);
}

static clh_real plain_attend_back(const clh_query_back *q)
{
    clh_real along_query = 0;
    for (size_t j = 0; j < q->keys; j++) {
        clh_real g_score = q->pattern[j] * (q->g[j] - q->mean);
        q->sum[j] += g_score;
        q->along[j] += g_score * q->scores[j];
        along_query += g_score * (q->scores[j] - q->bias[j]);
        q->g[j] = g_score * (q->scale * q->inverse[j]);
        q->g_position[j] = q->fresh ? q->g[j] : q->g_position[j] + q->g[j];
        q->g_token[j] += q->g[j];
    }
    return along_query;
}

static bool first_of_the_largest(size_t n, const clh_real *x, size_t which)
{
    for (size_t i = 0; i < n; i++)
        if (!(i < which ? x[i] < x[which] : x[i] <= x[which]))
            return false;
    return true;
}

static clh_predicted plain_predict(const clh_prediction *r)
{
    clh_real square = r->square, along = 0;
    clh_real *y = r->row + r->width, *logits = r->logits;
    const clh_real *t = r->token, *p = r->position;
    for (size_t a = 0; a < r->width; a++)
        square += r->z[a] * (r->row[a] + 2 * (t[a] + p[a]));
    const clh_real inverse = 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / r->d + r->eps);
    for (size_t o = 0; o < r->outputs; o++) {
        y[o] += t[r->width + o] + p[r->width + o];
        logits[o] = y[o] * inverse + r->bias[o];
    }
    clh_predicted out = {.correct = first_of_the_largest(r->outputs, logits, r->target)};
    const clh_real own = logits[r->target];
    out.loss = (double)plain_softmax(r->outputs, logits, logits) - (double)own;
    if (!r->g_z)
        return out;
    for (size_t o = 0; o < r->outputs; o++) {
        clh_real g = r->weight * (logits[o] - (o == r->target ? 1 : 0));
        along += g * y[o];
        r->g_bias[o] += g;
        y[o] = inverse * g;
    }
    out.g_square = -inverse * inverse * inverse / (clh_real)(2 * r->d) * along;
    for (size_t a = 0; a < r->width; a++) {
        r->g_z[a] = 2 * out.g_square * (r->row[a] + t[a] + p[a]);
        r->row[a] = 2 * out.g_square * r->z[a];
    }
    return out;
}

static void plain_shift(size_t n, clh_real c, clh_real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] += c;
}

static void plain_adam(size_t n, const clh_adam_step *s, const clh_real *g, clh_real *m,
                       clh_real *v, clh_real *p)
{
    const clh_real beta1 = (clh_real)s->beta1, beta2 = (clh_real)s->beta2;
    const clh_real rest1 = (clh_real)(1 - s->beta1), rest2 = (clh_real)(1 - s->beta2);
    const clh_real keep = (clh_real)(1 - s->decay), l2 = (clh_real)s->l2;
    const clh_real scale = (clh_real)s->grad_scale, step_size = (clh_real)s->step_size;
    const clh_real sqrt_bias2 = (clh_real)s->sqrt_bias2, eps = (clh_real)s->eps;
    for (size_t i = 0; i < n; i++) {
        clh_real gi = g[i] * scale + l2 * p[i];
        m[i] = beta1 * m[i] + rest1 * gi;
        v[i] = beta2 * v[i] + rest2 * (gi * gi);
        p[i] = p[i] * keep - step_size * (m[i] / (sqrt(v[i]) / sqrt_bias2 + eps));
    }
}

static double plain_multiply_adds(size_t loops)
{
    volatile clh_real sink;
    clh_real x[4] = {1, 2, 3, 4};
    for (size_t l = 0; l < loops; l++)
        for (size_t i = 0; i < 4; i++)
            x[i] = x[i] * (clh_real)0.999 + (clh_real)0.001;
    sink = x[0] + x[1] + x[2] + x[3];
    (void)sink;
    return 2.0 * 4 * (double)loops;
}

const clh_kernels clh_kernels_plain = {
    .name = "plain",
    .gemm = plain_gemm,
    .transpose = plain_transpose,
    .sum = plain_sum,
    .dot = plain_dot,
    .axpy = plain_axpy,
    .softmax = plain_softmax,
    .softmax_backward = plain_softmax_backward,
    .square = plain_square,
    .normalize = plain_normalize,
    .normalize_sums = plain_normalize_sums,
    .normalize_input = plain_normalize_input,
    .combine = plain_combine,
    .dot_sum = plain_dot_sum,
    .attend = plain_attend,
    .attend_back = plain_attend_back,
    .predict = plain_predict,
    .shift = plain_shift,
    .adam = plain_adam,
    .multiply_adds = plain_multiply_adds,
};
