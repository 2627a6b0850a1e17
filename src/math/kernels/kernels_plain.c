/* What each kernel means, in loops to be read. The fast builds are tested against these. */
#include "math/kernels/kernels.h"
#include "math/kernels/plain_gemm.h"

#include <tgmath.h>

static void plain_add_rows(size_t n, size_t rows, const clh_real *x, size_t row, clh_real *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            y[i] += x[r * row + i];
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

static clh_real plain_max(size_t n, const clh_real *x)
{
    clh_real max = -(clh_real)INFINITY;
    for (size_t i = 0; i < n; i++)
        max = x[i] > max || isnan(x[i]) ? x[i] : max;
    return max;
}

static void plain_softmax(size_t n, const clh_real *x, clh_real *p)
{
    const clh_real max = plain_max(n, x);
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = isinf(max) && max < 0 ? 0 : exp(x[i] - max);
        sum += p[i];
    }
    for (size_t i = 0; i < n && sum != 0; i++)
        p[i] /= sum;
}

static double plain_excess(size_t n, const clh_real *x, double *most)
{
    double equal = 0, sum = 0;
    *most = (double)plain_max(n, x);
    for (size_t i = 0; i < n; i++) {
        const double less = (double)x[i] - *most;
        equal += less == 0;
        sum += less == 0 ? 0 : exp(less);
    }
    return sum + (equal - 1);
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

static clh_real plain_centre(size_t n, const clh_real *x, clh_real scale, clh_real *y)
{
    const clh_real mean = plain_sum(n, x) / (clh_real)n;
    clh_real sum = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = (x[i] - mean) * scale;
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

static const clh_real *token_row(const clh_token_rows *t, size_t r)
{
    return t->at + t->number[r] * t->row;
}

static void plain_combine(const clh_combine *c)
{
    for (size_t r = 0; r < c->rows; r++) {
        const clh_real *token = token_row(&c->token, r),
                       *position = c->position + r * c->position_row;
        for (size_t i = 0; i < c->n; i++)
            c->y[r * c->n + i] = (token[i] + position[i]) * c->scale[r] + c->bias[i];
    }
}

static void plain_spread(const clh_spread_rows *s)
{
    for (size_t r = 0; r < s->rows; r++) {
        const clh_real *g = s->g + r * s->g_row;
        clh_real *g_position = s->g_position + r * s->sum_row, along = 0;
        clh_real *g_token = s->g_token + s->token.number[r] * s->sum_row;
        for (size_t i = 0; i < s->n; i++) {
            const clh_real of = s->scale ? g[i] * s->scale[r] : g[i];
            g_token[i] += of;
            g_position[i] = s->fresh ? of : g_position[i] + of;
        }
        if (!s->scale)
            continue;
        const clh_real *token = token_row(&s->token, r);
        for (size_t i = 0; i < s->n; i++)
            along += g[i] * (token[i] + s->position[r * s->position_row + i]);
        s->along[r] += along * s->scale[r];
    }
}

static void plain_attend(const clh_queries *q)
{
    for (size_t r = 0; r < q->rows; r++) {
        const clh_real *position = q->position + r * q->position_row;
        const clh_real *token = token_row(&q->token, r), *kind = q->kind + r * q->kind_row;
        clh_real *scores = q->scores + r * q->row, *pattern = q->pattern + r * q->row;
        const size_t keys = q->keys + r;
        for (size_t j = 0; j < keys; j++)
            scores[j] = (position[j] + token[j] + kind[q->of[j]]) * (q->scale[r] * q->inverse[j]) +
                        q->bias[j];
        plain_softmax(keys, scores, pattern);
        for (size_t j = keys; j < q->end; j++)
            pattern[j] = 0;
    }
}

static void attend_back_one(const clh_queries_back *q, size_t r, clh_real mean)
{
    const clh_real *scores = q->scores + r * q->row, *pattern = q->pattern + r * q->row;
    clh_real *g = q->g + r * q->row, *g_position = q->g_position + r * q->position_row;
    clh_real *g_token = q->g_token + q->number[r] * q->token_row;
    const size_t keys = q->keys + r;
    for (size_t j = 0; j < keys; j++) {
        const clh_real g_score = pattern[j] * (g[j] - mean);
        q->sum[j] += g_score;
        q->along[j] += g_score * scores[j];
        q->along_query[r] += g_score * (scores[j] - q->bias[j]);
        g[j] = g_score * (q->scale[r] * q->inverse[j]);
        g_position[j] = q->fresh ? g[j] : g_position[j] + g[j];
        g_token[j] += g[j];
    }
    for (size_t j = keys; j < q->end; j++) {
        g[j] = 0;
        g_position[j] = q->fresh ? 0 : g_position[j];
    }
}

static void plain_attend_back(const clh_queries_back *q)
{
    for (size_t r = 0; r < q->rows; r++)
        attend_back_one(q, r, plain_dot(q->keys + r, q->pattern + r * q->row, q->g + r * q->row));
}

static bool first_of_the_largest(size_t n, const clh_real *x, size_t which)
{
    for (size_t i = 0; i < n; i++)
        if (!(i < which ? x[i] < x[which] : x[i] <= x[which]))
            return false;
    return true;
}

/* Row r's logits become their softmax; returns the norm's 1 / s. */
static clh_real predict_forward(const clh_predictions *c, size_t r, clh_real *logits,
                                clh_predicted *out)
{
    const clh_real *t = token_row(&c->token, r), *p = c->position + r * c->position_row;
    const clh_real *z = c->z + r * c->z_row;
    clh_real square = c->square[r], *row = c->row + r * c->row_row, *y = row + c->width;
    for (size_t a = 0; a < c->width; a++)
        square += z[a] * (row[a] + 2 * (t[a] + p[a]));
    const clh_real inverse = 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / c->d + c->eps);
    for (size_t o = 0; o < c->outputs; o++) {
        y[o] += t[c->width + o] + p[c->width + o];
        logits[o] = y[o] * inverse + c->bias[o];
    }
    logits[c->outputs] = 0;
    out->wrong += !first_of_the_largest(c->outputs + 1, logits, c->target[r]);
    const double loss = -clh_log_prob(clh_log_sum_of(&clh_kernels_plain, c->outputs + 1, logits),
                                      logits[c->target[r]]);
    plain_softmax(c->outputs + 1, logits, logits);
    out->loss += loss;
    if (c->each)
        c->each[r] = loss;
    return inverse;
}

static void predict_back(const clh_predictions *c, size_t r, const clh_real *softmax,
                         clh_real inverse)
{
    const clh_real *t = token_row(&c->token, r), *p = c->position + r * c->position_row;
    const clh_real *z = c->z + r * c->z_row;
    clh_real along = 0, *row = c->row + r * c->row_row, *y = row + c->width;
    for (size_t o = 0; o <= c->outputs; o++) {
        clh_real g = c->weight * (softmax[o] - (o == c->target[r] ? 1 : 0));
        c->g_bias[o] += g;
        if (o == c->outputs)
            break;
        along += g * y[o];
        y[o] = inverse * g;
    }
    const clh_real g_square = -inverse * inverse * inverse / (clh_real)(2 * c->d) * along;
    c->g_square[r] = g_square;
    for (size_t a = 0; a < c->width; a++) {
        c->g_z[r * c->z_row + a] = 2 * g_square * (row[a] + t[a] + p[a]);
        row[a] = 2 * g_square * z[a];
    }
}

static clh_predicted plain_predict(const clh_predictions *all)
{
    clh_predicted out = {0};
    for (size_t r = 0; r < all->rows; r++) {
        const clh_real inverse = predict_forward(all, r, all->logits, &out);
        if (all->g_z)
            predict_back(all, r, all->logits, inverse);
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

static clh_real letter_score(const clh_letter_weights *w, size_t j, size_t x)
{
    return (w->letter[x] + w->key[j]) * w->scale[j * CLH_LETTER_ROW + x];
}

static clh_real plain_letter_scores(const clh_letter_weights *w)
{
    clh_real max = -(clh_real)INFINITY;
    for (size_t j = 0; j < w->keys; j++)
        for (size_t x = w->begin; x < w->end; x++)
            max = letter_score(w, j, x) > max ? letter_score(w, j, x) : max;
    return max;
}

static void plain_letter_weights(const clh_letter_weights *w, clh_real most)
{
    for (size_t x = w->begin; x < w->end; x++) {
        w->sum[x] = w->scaled[x] = 0;
        for (size_t j = 0; j < w->keys; j++) {
            const size_t at = j * CLH_LETTER_ROW + x;
            const clh_real e = exp(letter_score(w, j, x) - most);
            w->sum[x] += e;
            w->scaled[x] += w->weight[at] = e * w->scale[at];
        }
    }
}

static void plain_column_ends(size_t n, size_t rows, const clh_real *x, size_t row,
                              const clh_real *shift, clh_real *least, clh_real *most)
{
    for (size_t i = 0; i < n; i++) {
        least[i] = (clh_real)INFINITY;
        most[i] = -least[i];
        for (size_t r = 0; r < rows; r++) {
            const clh_real v = x[r * row + i], by = shift ? shift[r] : 0;
            least[i] = v - by < least[i] ? v - by : least[i];
            most[i] = v + by > most[i] ? v + by : most[i];
        }
    }
}

static clh_real plain_top(const clh_letter_limits *of, size_t x)
{
    clh_real top = -(clh_real)INFINITY;
    for (size_t i = 0; i < of->n; i++) {
        const clh_real v = of->base[i] + of->row[(size_t)of->which[i] * CLH_LETTER_ROW + x];
        top = v > top ? v : top;
    }
    return top;
}

static uint64_t plain_letters_below(const clh_letter_limits *of, uint64_t *reach)
{
    uint64_t below = *reach = 0;
    for (size_t x = 0; x < CLH_LETTER_ROW; x++) {
        const clh_real top = plain_top(of, x);
        below |= (uint64_t)(of->limit + of->target[x] - of->slack[x] >= top) << x;
        *reach |= (uint64_t)(top >= of->upper + of->target[x] + of->slack[x]) << x;
    }
    return below;
}

static void plain_sum_reaches(size_t n, const clh_real *x, const clh_real *y, clh_real limit,
                              uint64_t *which)
{
    for (size_t i = 0; i < n; i++) {
        which[i / 64] = i % 64 ? which[i / 64] : 0;
        which[i / 64] |= (uint64_t)(x[i] + y[i] >= limit) << i % 64;
    }
}

static void plain_exact_add(size_t n, const double *x, const double *y, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = x[i] + y[i];
}

static void plain_exact_axpy(size_t n, double a, const double *x, double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static double plain_exact_square(size_t n, const double *x)
{
    double part[8] = {0}, square = 0;
    for (size_t i = 0; i < n; i++)
        part[i % 8] += x[i] * x[i];
    for (size_t i = 0; i < 8; i++)
        square += part[i];
    return square;
}

static double plain_exact_lead(size_t n, double base, double times, const double *x,
                               const double *bias)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double lead = base - (x[i] * times + bias[i]);
        least = lead < least ? lead : least;
    }
    return least;
}

const clh_kernels clh_kernels_plain = {
    .name = "plain",
    .gemm = plain_gemm,
    .pack = clh_pack_rows,
    .transpose = plain_transpose,
    .sum = plain_sum,
    .dot = plain_dot,
    .axpy = plain_axpy,
    .add_rows = plain_add_rows,
    .softmax = plain_softmax,
    .excess = plain_excess,
    .softmax_backward = plain_softmax_backward,
    .solu_backward = plain_solu_backward,
    .curve = clh_curve_plain,
    .curve_back = clh_curve_back_plain,
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
    .letter_scores = plain_letter_scores,
    .letter_weights = plain_letter_weights,
    .column_ends = plain_column_ends,
    .letters_below = plain_letters_below,
    .sum_reaches = plain_sum_reaches,
    .exact_add = plain_exact_add,
    .exact_axpy = plain_exact_axpy,
    .exact_square = plain_exact_square,
    .exact_lead = plain_exact_lead,
    .multiply_adds = plain_multiply_adds,
};
