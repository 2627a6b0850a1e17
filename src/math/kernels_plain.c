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

static void plain_solu_backward(size_t n, const clh_real *x, const clh_real *gy, clh_real *gx)
{
    clh_real mean = 0;
    plain_softmax(n, x, gx);
    for (size_t i = 0; i < n; i++)
        mean += gy[i] * x[i] * gx[i];
    for (size_t i = 0; i < n; i++)
        gx[i] *= gy[i] + gy[i] * x[i] - mean;
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

static clh_real plain_centre(size_t n, const clh_real *x, clh_real *y)
{
    const clh_real mean = plain_sum(n, x) / (clh_real)n;
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] - mean;
        sum += y[i] * y[i];
    }
    return sum;
}

static void plain_unfold(size_t n, clh_real w, clh_real b, const clh_real *x, const clh_real *gy,
                         const clh_real *gz, clh_real *gx, clh_real *gw, clh_real *gb)
{
    for (size_t i = 0; i < n; i++) {
        gx[i] = w * gy[i] + b * gz[i];
        *gw += gy[i] * x[i];
        *gb += gz[i] * x[i];
    }
}

static clh_real plain_spread(const clh_spread *r)
{
    clh_real along = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (i < r->values) {
            along += r->g[i] * (r->token[i] + r->position[i]);
            r->g[i] *= r->inverse;
        }
        r->g_token[i] += r->g[i];
        r->g_position[i] = r->fresh ? r->g[i] : r->g_position[i] + r->g[i];
    }
    return along * r->inverse;
}

static void attend_one(const clh_query *q)
{
    for (size_t j = 0; j < q->keys; j++)
        q->scores[j] =
            (q->position[j] + q->token[j] + q->kind[q->of[j]]) * (q->scale * q->inverse[j]) +
            q->bias[j];
    plain_softmax(q->keys, q->scores, q->pattern);
    for (size_t j = q->keys; j < q->end; j++)
        q->pattern[j] = 0;
}

static void plain_attend(size_t count, const clh_query *query)
{
    for (size_t r = 0; r < count; r++)
        attend_one(&query[r]);
}

static void attend_back_one(const clh_query_back *q)
{
    for (size_t j = 0; j < q->keys; j++) {
        clh_real g_score = q->pattern[j] * (q->g[j] - q->mean);
        q->sum[j] += g_score;
        q->along[j] += g_score * q->scores[j];
        *q->along_query += g_score * (q->scores[j] - q->bias[j]);
        q->g[j] = g_score * (q->scale * q->inverse[j]);
        q->g_position[j] = q->fresh ? q->g[j] : q->g_position[j] + q->g[j];
        q->g_token[j] += q->g[j];
    }
    for (size_t j = q->keys; j < q->end; j++) {
        q->g[j] = 0;
        q->g_position[j] = q->fresh ? 0 : q->g_position[j];
    }
}

static void plain_attend_back(size_t count, const clh_query_back *query)
{
    for (size_t r = 0; r < count; r++)
        attend_back_one(&query[r]);
}

static bool first_of_the_largest(size_t n, const clh_real *x, size_t which)
{
    for (size_t i = 0; i < n; i++)
        if (!(i < which ? x[i] < x[which] : x[i] <= x[which]))
            return false;
    return true;
}

/* Logits become their softmax. */
static clh_real predict_forward(const clh_predict *c, clh_prediction *r, clh_real *logits)
{
    clh_real square = r->square, *y = r->row + c->width;
    const clh_real *t = r->token, *p = r->position;
    for (size_t a = 0; a < c->width; a++)
        square += r->z[a] * (r->row[a] + 2 * (t[a] + p[a]));
    const clh_real inverse = 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / c->d + c->eps);
    for (size_t o = 0; o < c->outputs; o++) {
        y[o] += t[c->width + o] + p[c->width + o];
        logits[o] = y[o] * inverse + c->bias[o];
    }
    logits[c->outputs] = 0;
    const clh_real own = logits[r->target];
    r->correct = first_of_the_largest(c->outputs + 1, logits, r->target);
    r->loss = (double)plain_softmax(c->outputs + 1, logits, logits) - (double)own;
    return inverse;
}

static void predict_back(const clh_predict *c, const clh_prediction *r, const clh_real *softmax,
                         clh_real inverse)
{
    clh_real along = 0, *y = r->row + c->width;
    for (size_t o = 0; o <= c->outputs; o++) {
        clh_real g = c->weight * (softmax[o] - (o == r->target ? 1 : 0));
        c->g_bias[o] += g;
        if (o == c->outputs)
            break;
        along += g * y[o];
        y[o] = inverse * g;
    }
    const clh_real g_square = -inverse * inverse * inverse / (clh_real)(2 * c->d) * along;
    *r->g_square = g_square;
    for (size_t a = 0; a < c->width; a++) {
        r->g_z[a] = 2 * g_square * (r->row[a] + r->token[a] + r->position[a]);
        r->row[a] = 2 * g_square * r->z[a];
    }
}

static void plain_predict(size_t count, const clh_predict *all, clh_prediction *row)
{
    for (size_t i = 0; i < count; i++) {
        clh_real *logits = all->logits + i * all->logits_row;
        const clh_real inverse = predict_forward(all, &row[i], logits);
        if (row[i].g_z)
            predict_back(all, &row[i], logits, inverse);
    }
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
    .solu_backward = plain_solu_backward,
    .square = plain_square,
    .normalize = plain_normalize,
    .normalize_sums = plain_normalize_sums,
    .normalize_input = plain_normalize_input,
    .combine = plain_combine,
    .centre = plain_centre,
    .unfold = plain_unfold,
    .attend = plain_attend,
    .attend_back = plain_attend_back,
    .predict = plain_predict,
    .spread = plain_spread,
    .shift = plain_shift,
    .adam = plain_adam,
    .multiply_adds = plain_multiply_adds,
};
