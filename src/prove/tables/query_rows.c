/* The rows of a query in floats, and how wrong they can be: docs/mathematics.md, "Certificate". */
#include <math.h>
#include <string.h>

#include "prove/tables/query.h"

#define LEAST_WEIGHT ((clh_real)1e-30) /* a sum of weights whose parts keep their digits */

static double absolute_most(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* The length of the query itself. */
static double query_length(const clh_query *q)
{
    const clh_tables *t = q->tables;
    const size_t n = t->q_token.cols;
    const double u = t->u.data[q->position * t->d_vocab + q->token];
    const double *token = t->q_token.data + q->token * n,
                 *place = t->q_place.data + q->position * n;
    double square = 0;
    for (size_t k = 0; k < n; k++) {
        const double x = (token[k] + place[k]) * u + t->q_zero.data[k];
        square += x * x;
    }
    return sqrt(square);
}

/* How far a difference of two sums may be off for each unit of weight. */
static void set_error(clh_query *q)
{
    const clh_tables *t = q->tables;
    const clh_table_bounds *b = &t->bound;
    const double r = CLH_ROUNDING;
    const double scores =
        b->u * (absolute_most(q->letter, t->d_vocab) + absolute_most(q->key, q->position + 1));
    const double below = fmin(q->most + scores, 88) + fabs(q->most);
    const double share = expm1(2 * b->table_score + r * (6 * scores + 2 * below + 12));
    size_t keys = 0;
    for (size_t s = 0; s < t->asked->n; s++)
        keys = q->keys[s] > keys ? q->keys[s] : keys;
    const size_t basis = t->reach.data ? t->reach.cols + 8 : 0;
    q->off = share + clh_gamma((double)(keys + basis + 2 * t->asked->n) + 24, r);
    q->passed = b->passed + b->spread * clh_passed_share(b, query_length(q), t->q_token.cols);
    q->error = 1.001 * (2 * (q->off * (b->value + b->direct) + b->table_value) + q->passed);
    q->least = (double)t->length * 4 * (b->value + b->direct) * 0x1p-120;
}

/* ---- The size of the stream --------------------------------------------------------------------
 * D s is the length of D c over sqrt(d_model), with D sqrt(d_model eps) for one coordinate more: no more
 * than the lengths of what it is the sum of, no less than how far that sum reaches in any one direction. */

clh_letter_weights clh_query_parts(clh_query *q, size_t slot)
{
    const clh_slot_keys *s = &q->tables->slots[slot];
    clh_letter_weights w = clh_query_slot(q, slot);
    w.keys = s->coordinate ? s->parts->count : w.keys;
    w.weight = q->part + slot * q->parts_most * CLH_LETTER_ROW;
    return w;
}

static void set_weights(clh_query *q, size_t slot)
{
    const clh_slot_keys *s = &q->tables->slots[slot];
    const clh_letter_weights w = clh_query_slot(q, slot);
    q->kernel->letter_weights(&w, (clh_real)q->most);
    if (!s->coordinate)
        return;
    clh_gemm sums = clh_product(
        s->parts->count, w.end - w.begin, w.keys, 1, clh_transposed(s->coordinate, s->parts->count),
        clh_rows(w.weight + w.begin, CLH_LETTER_ROW),
        q->part + slot * q->parts_most * CLH_LETTER_ROW + w.begin, CLH_LETTER_ROW);
    q->kernel->gemm(&sums);
}

/* The sum for the mean of all letters that fit each slot: its stream into towards_stream; its weight. */
static double mean_stream(clh_query *q)
{
    const clh_tables *t = q->tables;
    const clh_letters_asked *a = t->asked;
    const double *row = q->exact[a->n];
    const double *token = t->direct_token.data + q->token * t->width + t->outputs;
    const double *place = t->direct_place.data + q->position * t->width + t->outputs;
    double more = 0;
    clh_real *mean = q->towards_stream;
    memset(mean, 0, t->d_model * sizeof *mean);
    for (size_t s = 0; s < a->n; s++) {
        if (s == q->own || q->begin[s] == q->end[s])
            continue;
        const clh_letter_weights w = clh_query_parts(q, s);
        const size_t count = q->end[s] - q->begin[s];
        const double share = 1 / (double)count;
        for (size_t x = q->begin[s]; x < q->end[s]; x++) {
            more += share * (double)w.sum[x];
            q->kernel->axpy(t->d_model, (clh_real)(share * (double)w.scaled[x]),
                            t->stream_token + a->token[x] * t->d_model, mean);
        }
        for (size_t k = 0; k < w.keys; k++) {
            const clh_real sum = q->kernel->sum(count, w.weight + k * CLH_LETTER_ROW + q->begin[s]);
            q->kernel->axpy(t->d_model, (clh_real)(share * (double)sum),
                            t->slots[s].parts->stream + k * t->d_model, mean);
        }
    }
    for (size_t c = 0; c < t->d_model; c++)
        mean[c] = (clh_real)(row[t->outputs + c] + (double)mean[c] + more * (token[c] + place[c]));
    return row[t->width] + more;
}

/* How far a slot's parts reach in both directions: of the basis in double, once for all slots; into its
 * row of along_part and direct_part. */
static size_t part_row(const clh_query *q, size_t slot)
{
    return (q->tables->slots[slot].coordinate ? q->tables->asked->n : slot) * q->parts_most;
}

static void set_part_products(clh_query *q)
{
    const clh_tables *t = q->tables;
    const size_t n = t->reach.cols;
    for (size_t s = 0; s < t->asked->n; s++)
        for (size_t k = 0; k < q->keys[s] && s != q->own && !t->slots[s].coordinate; k++) {
            const clh_real *of = t->slots[s].parts->stream + k * t->d_model;
            q->along_part[part_row(q, s) + k] = q->kernel->dot(t->d_model, q->towards_stream, of);
            q->direct_part[part_row(q, s) + k] = q->kernel->dot(t->d_model, q->direct_stream, of);
        }
    memset(q->basis_along, 0, n * sizeof *q->basis_along);
    memset(q->basis_direct, 0, n * sizeof *q->basis_direct);
    for (size_t c = 0; c < t->d_model && t->reach.data; c++) {
        const double *of = t->reach.data + c * n;
        q->kernel->exact_axpy(n, (double)q->towards_stream[c], of, q->basis_along);
        q->kernel->exact_axpy(n, (double)q->direct_stream[c], of, q->basis_direct);
    }
    for (size_t k = 0; k < n; k++) {
        q->along_part[t->asked->n * q->parts_most + k] = (clh_real)q->basis_along[k];
        q->direct_part[t->asked->n * q->parts_most + k] = (clh_real)q->basis_direct[k];
    }
}

/* A direction, and how far the stream of each token and part reaches there. */
static void set_towards(clh_query *q)
{
    const clh_tables *t = q->tables;
    const clh_letters_asked *a = t->asked;
    const double weight = mean_stream(q), eps = (double)t->d_model * t->eps;
    double square = weight * weight * eps;
    for (size_t c = 0; c < t->d_model; c++)
        square += (double)q->towards_stream[c] * (double)q->towards_stream[c];
    const double by = square > 0 ? 1 / sqrt(square * (double)t->d_model) : 0;
    for (size_t c = 0; c < t->d_model; c++)
        q->towards_stream[c] = (clh_real)((double)q->towards_stream[c] * by);
    const double *token = t->direct_token.data + q->token * t->width + t->outputs;
    const double *place = t->direct_place.data + q->position * t->width + t->outputs;
    q->eps_along = weight * eps * by;
    double along = q->eps_along, length = eps;
    for (size_t c = 0; c < t->d_model; c++) {
        const double x = token[c] + place[c];
        along += (double)q->towards_stream[c] * x;
        length += x * x;
        q->direct_stream[c] = (clh_real)x;
    }
    for (size_t x = 0; x < a->letters; x++) {
        const clh_real *of = t->stream_token + a->token[x] * t->d_model;
        q->along_letter[x] = q->kernel->dot(t->d_model, q->towards_stream, of);
        q->direct_letter[x] = q->kernel->dot(t->d_model, q->direct_stream, of);
    }
    set_part_products(q);
    const double root = sqrt((double)t->d_model);
    q->direct_along = along;
    q->direct_length = sqrt(length) / root;
    q->along_off = (q->off + clh_gamma((double)t->d_model + 24, CLH_ROUNDING)) *
                       (t->bound.stream / root + q->direct_length) +
                   t->bound.apart / root;
}

/* For each unit of weight, the square of what each letter of a slot adds to D c, but for what the letter
 * and the query add on their own: parts with parts, with the letter and with the query. */
static void part_squares(clh_query *q, size_t slot, const clh_letter_weights *w, clh_real *square)
{
    const clh_parts *p = q->tables->slots[slot].parts;
    const clh_real *with_parts = w->weight; /* of a basis */
    clh_real unit[CLH_LETTER_ROW] = {0};
    memset(square, 0, CLH_LETTER_ROW * sizeof *square);
    for (size_t x = w->begin; x < w->end; x++)
        unit[x] = w->sum[x] > LEAST_WEIGHT ? 1 / w->sum[x] : 0;
    if (p->square && w->keys > 0) {
        clh_gemm product = clh_product(
            w->keys, w->end - w->begin, w->keys, 1, clh_rows(p->square, p->count),
            clh_rows(w->weight + w->begin, CLH_LETTER_ROW), q->product + w->begin, CLH_LETTER_ROW);
        q->kernel->gemm(&product);
        with_parts = q->product;
    }
    for (size_t k = 0; k < w->keys; k++) {
        const clh_real *weight = w->weight + k * CLH_LETTER_ROW;
        const clh_real *parts = with_parts + k * CLH_LETTER_ROW;
        const clh_real *letter = p->letter + k * CLH_LETTER_ROW;
        const clh_real direct = q->direct_part[part_row(q, slot) + k];
        for (size_t x = w->begin; x < w->end; x++)
            square[x] += weight[x] * unit[x] *
                         ((parts[x] + 2 * w->scaled[x] * letter[x]) * unit[x] + 2 * direct);
    }
}

/* The length of that over sqrt(d_model), with as much more as the square can be wrong; where weights are
 * so small that it would be lost, of all parts on their own. */
static void set_lengths(clh_query *q, size_t slot, const clh_letter_weights *w)
{
    const clh_tables *t = q->tables;
    clh_real square[CLH_LETTER_ROW];
    part_squares(q, slot, w, square);
    const double root = sqrt((double)t->d_model), direct = q->direct_length * root;
    const double most = t->bound.stream + direct;
    const double off = 1.01 * (2 * q->off + clh_gamma(2 * (double)w->keys + (double)t->d_model + 40,
                                                      CLH_ROUNDING));
    for (size_t x = q->begin[slot]; x < q->end[slot]; x++) {
        const double sum = (double)w->sum[x], scaled = sum > 0 ? (double)w->scaled[x] / sum : 0;
        const double all = (double)square[x] + scaled * scaled * t->letter_square[x] +
                           2 * scaled * (double)q->direct_letter[x] + direct * direct;
        q->length[x] =
            (clh_real)(sum / root *
                       (sum > LEAST_WEIGHT
                            ? sqrt(fmax(all, 0) + off * most * most + 4 * t->bound.apart * most)
                            : most));
    }
}

/* Slack, and the ends of D s, behind the logits of a row of weight `weight`; the biases at the middle. */
static void end_row(clh_query *q, clh_real *row, double weight, double low, double high)
{
    const clh_tables *t = q->tables;
    /* weights so small that floats take them for 0 */
    const double lost =
        (double)t->length * 4 * 0x1p-120 *
        (t->normed ? t->bound.stream / sqrt((double)t->d_model) + q->direct_length : 1);
    if (!t->normed) {
        low = high = weight;
    } else
        low -= q->along_off * weight + lost;
    high = high * (1.001 + q->off) + lost;
    low = fmin(low - q->off * fabs(low), high);
    q->kernel->axpy(t->outputs, (clh_real)((low + high) / 2), t->bias_row, row);
    row[t->outputs + CLH_COLUMN_SLACK] =
        (clh_real)(q->error * weight + 1.001 * t->bound.bias * (high - low) / 2);
    row[t->outputs + CLH_COLUMN_HIGH] = (clh_real)high;
    row[t->outputs + CLH_COLUMN_LOW] = (clh_real)low;
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static void float_direct(clh_query *q)
{
    const clh_tables *t = q->tables;
    const double *token = t->direct_token.data + q->token * t->width;
    const double *place = t->direct_place.data + q->position * t->width;
    for (size_t o = 0; o < t->outputs; o++)
        q->direct[o] = (clh_real)(token[o] + place[o]);
}

/* The base in floats: exact[n] with the biases, rounded once. */
static void float_base(clh_query *q)
{
    const clh_tables *t = q->tables;
    const double *row = q->exact[t->asked->n], *stream = row + t->outputs;
    const double weight = row[t->width];
    for (size_t o = 0; o < t->outputs; o++)
        q->base[o] = (clh_real)row[o];
    double square = weight * weight * (double)t->d_model * t->eps, along = weight * q->eps_along;
    for (size_t c = 0; c < t->d_model; c++) {
        square += stream[c] * stream[c];
        along += stream[c] * (double)q->towards_stream[c];
    }
    end_row(q, q->base, weight, along, sqrt(square / (double)t->d_model));
}

clh_letter_weights clh_query_slot(clh_query *q, size_t slot)
{
    const clh_slot_keys *s = &q->tables->slots[slot];
    for (size_t k = 0; k < q->keys[slot]; k++)
        q->float_key[k] = (clh_real)q->key[s->position[k]];
    return (clh_letter_weights){
        .keys = q->keys[slot],
        .begin = q->begin[slot] / CLH_LETTER_STEP * CLH_LETTER_STEP,
        .end = (q->end[slot] + CLH_LETTER_STEP - 1) / CLH_LETTER_STEP * CLH_LETTER_STEP,
        .letter = q->float_letter + slot * CLH_LETTER_ROW,
        .key = q->float_key,
        .scale = s->scale,
        .weight = s->coordinate ? q->weight : q->part + slot * q->parts_most * CLH_LETTER_ROW,
        .sum = q->sum + slot * CLH_LETTER_ROW,
        .scaled = q->scaled + slot * CLH_LETTER_ROW};
}

static void float_rows(clh_query *q, size_t slot)
{
    const clh_tables *t = q->tables;
    const clh_letter_weights w = clh_query_parts(q, slot);
    const size_t begin = q->begin[slot], count = q->end[slot] - begin;
    memset(q->along, 0, CLH_LETTER_ROW * sizeof *q->along);
    for (size_t k = 0; k < w.keys; k++)
        q->kernel->axpy(w.end - w.begin, q->along_part[part_row(q, slot) + k],
                        w.weight + k * CLH_LETTER_ROW + w.begin, q->along + w.begin);
    set_lengths(q, slot, &w);
    clh_gemm product =
        clh_product(count, t->columns, w.keys, 1, clh_transposed(w.weight + begin, CLH_LETTER_ROW),
                    clh_rows(t->slots[slot].parts->row, t->columns),
                    q->row[slot] + begin * t->columns, t->columns);
    q->kernel->gemm(&product);
    for (size_t x = begin; x < begin + count; x++) {
        clh_real *row = q->row[slot] + x * t->columns;
        const double sum = (double)w.sum[x];
        q->kernel->axpy(t->outputs, w.scaled[x], t->letter_row + x * t->columns, row);
        q->kernel->axpy(t->outputs, w.sum[x], q->direct, row);
        end_row(q, row, sum,
                (double)w.scaled[x] * (double)q->along_letter[x] + (double)q->along[x] +
                    sum * q->direct_along,
                (double)q->length[x]);
    }
    q->kernel->transpose(count, t->outputs + CLH_COLUMNS_MORE, q->row[slot] + begin * t->columns,
                         t->columns, q->turned[slot] + begin, CLH_LETTER_ROW);
}

void clh_query_rows(clh_query *q)
{
    const size_t n = q->tables->asked->n;
    set_error(q);
    for (size_t s = 0; s < n; s++)
        if (s != q->own)
            set_weights(q, s);
    set_towards(q);
    float_direct(q);
    float_base(q);
    for (size_t s = 0; s < n; s++)
        if (s != q->own)
            float_rows(q, s);
}
