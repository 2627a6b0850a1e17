#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/repair/refit_parts.h"

void clh_refit_multiply(double *out, const double *a, const double *b, size_t rows, size_t inner,
                        size_t cols, bool turned)
{
    memset(out, 0, rows * cols * sizeof *out);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < inner; i++) {
            const double of = turned ? a[i * rows + r] : a[r * inner + i];
            for (size_t c = 0; c < cols; c++)
                out[r * cols + c] += of * b[i * cols + c];
        }
}

double clh_refit_dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The cross-entropy of a row; its scores become d loss / d score. */
static double row_loss(const clh_refit_work *r, size_t i)
{
    double *score = r->score + i * r->length, most = -INFINITY, sum = 0, loss = 0;
    const double *wanted = r->wanted + i * r->length;
    for (size_t j = 0; j <= i; j++) {
        score[j] = clh_refit_dot(r->q + i * r->n, r->k + j * r->n, r->n) / r->scale;
        most = fmax(most, score[j]);
    }
    for (size_t j = 0; j <= i; j++)
        sum += exp(score[j] - most);
    for (size_t j = 0; j <= i; j++) {
        loss -= wanted[j] * (score[j] - most - log(sum));
        score[j] = r->weight * (exp(score[j] - most) / sum - wanted[j]) / r->scale;
    }
    return r->weight * loss;
}

static double fit(clh_refit_work *r)
{
    double loss = 0;
    memset(r->dq, 0, r->length * r->n * sizeof *r->dq);
    memset(r->dk, 0, r->length * r->n * sizeof *r->dk);
    for (size_t i = 0; i < r->length; i++) {
        if (!r->given[i])
            continue;
        loss += row_loss(r, i);
        for (size_t j = 0; j <= i; j++) {
            const double of = r->score[i * r->length + j];
            for (size_t c = 0; c < r->n; c++) {
                r->dq[i * r->n + c] += of * r->k[j * r->n + c];
                r->dk[j * r->n + c] += of * r->q[i * r->n + c];
            }
        }
    }
    return loss;
}

/* Half the variance of scores over letters, mean over given queries and all keys: that of keys seen by mean queries,
 * that of queries by mean keys, less the keys' mean, which no softmax feels. */
static double variance(clh_refit_work *r, const double *Q, const double *K)
{
    const size_t n = r->n, length = r->length;
    const double of = 1 / (r->scale * r->scale), each = 1 / (double)length;
    for (size_t i = 0; i < length; i++) /* queries that count, by their weight */
        for (size_t c = 0; c < n; c++)
            r->centred[i * n + c] = r->given[i] ? r->weight * r->q[i * n + c] : 0;
    clh_refit_multiply(r->ck, r->inside, K, r->d, r->d, n, false);
    clh_refit_multiply(r->cq, r->inside, Q, r->d, r->d, n, false);
    clh_refit_multiply(r->rk, K, r->ck, n, r->d, n, true);
    clh_refit_multiply(r->rq, Q, r->cq, n, r->d, n, true);
    clh_refit_multiply(r->qq, r->q, r->centred, n, length, n, true);
    for (size_t i = 0; i < length; i++)
        for (size_t c = 0; c < n; c++)
            for (size_t e = 0; e < n; e++)
                r->dq[i * n + e] += of * r->centred[i * n + c] * r->rk[c * n + e];
    for (size_t c = 0; c < n; c++) {
        double mean = 0;
        for (size_t j = 0; j < length; j++)
            mean += each * r->k[j * n + c];
        for (size_t j = 0; j < length; j++)
            r->centred[j * n + c] = r->k[j * n + c] - mean;
    }
    clh_refit_multiply(r->kk, r->centred, r->centred, n, length, n, true);
    for (size_t j = 0; j < length; j++)
        for (size_t c = 0; c < n; c++)
            for (size_t e = 0; e < n; e++)
                r->dk[j * n + e] += of * each * r->centred[j * n + c] * r->rq[c * n + e];
    return of / 2 *
           (clh_refit_dot(r->rk, r->qq, n * n) + each * clh_refit_dot(r->rq, r->kk, n * n));
}

/* What is made least, at x, and its gradient. */
double clh_refit_value(clh_refit_work *r, const double *x, double *gradient)
{
    const size_t n = r->n, half = r->d * n;
    const double of = 1 / (r->scale * r->scale);
    clh_refit_multiply(r->q, r->white, x, r->length, r->d, n, false);
    clh_refit_multiply(r->k, r->white, x + half, r->length, r->d, n, false);
    double loss = fit(r);
    loss += variance(r, x, x + half);
    clh_refit_multiply(gradient, r->white, r->dq, r->d, r->length, n, true);
    clh_refit_multiply(gradient + half, r->white, r->dk, r->d, r->length, n, true);
    for (size_t i = 0; i < r->d; i++)
        for (size_t c = 0; c < n; c++)
            for (size_t e = 0; e < n; e++) {
                gradient[i * n + e] += of / (double)r->length * r->cq[i * n + c] * r->kk[c * n + e];
                gradient[half + i * n + e] += of * r->ck[i * n + c] * r->qq[c * n + e];
            }
    return loss;
}

clh_status clh_refit_open(clh_refit_work *r, size_t letters, clh_error *err)
{
    const size_t length = r->length, d = r->d, n = r->n, all = 2 * d * n;
    const struct {
        double **at;
        size_t count;
    } rooms[] = {{&r->read, letters * length * d},
                 {&r->mean, length * d},
                 {&r->spread, d * d},
                 {&r->gram, d * d},
                 {&r->to, d * d},
                 {&r->white, length * d},
                 {&r->inside, d * d},
                 {&r->q, length * n},
                 {&r->k, length * n},
                 {&r->dq, length * n},
                 {&r->dk, length * n},
                 {&r->centred, length * n},
                 {&r->score, length * length},
                 {&r->cq, d * n},
                 {&r->ck, d * n},
                 {&r->rq, n * n},
                 {&r->rk, n * n},
                 {&r->qq, n * n},
                 {&r->kk, n * n},
                 {&r->x, all},
                 {&r->first, all},
                 {&r->gradient, all},
                 {&r->next, all},
                 {&r->other, all},
                 {&r->step, all},
                 {&r->s, CLH_REFIT_MEMORY * all},
                 {&r->y, CLH_REFIT_MEMORY * all}};
    for (size_t i = 0; i < CLH_COUNT(rooms); i++)
        if (!(*rooms[i].at = clh_alloc_zeroed(rooms[i].count, sizeof(double), err)))
            return CLH_ENOMEM;
    return CLH_OK;
}

void clh_refit_deinit(clh_refit_work *r)
{
    double *all[] = {r->read,     r->mean, r->spread, r->gram, r->to,      r->white, r->inside,
                     r->q,        r->k,    r->dq,     r->dk,   r->centred, r->score, r->cq,
                     r->ck,       r->rq,   r->rk,     r->qq,   r->kk,      r->x,     r->first,
                     r->gradient, r->next, r->other,  r->step, r->s,       r->y};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_free(all[i]);
}
