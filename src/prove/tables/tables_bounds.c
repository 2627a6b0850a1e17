/* How large things are, and how wrong: docs/mathematics.md, "Certificate". */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "prove/tables/tables.h"

enum {
    KEPT_MOST = 1 << 22, /* numbers of keys, and of values: 16 MB each */
    ROUNDINGS = 1000,    /* of an entry of a table, at most, beside the lengths of its sums */
};

static double length_of(const double *x, size_t n, size_t step)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += x[i * step] * x[i * step];
    return sqrt(square);
}

/* The longest row of a matrix, of its columns begin … end-1. */
static double longest(const clh_dense *m, size_t begin, size_t end)
{
    double most = 0;
    for (size_t r = 0; r < m->rows; r++)
        most = fmax(most, length_of(m->data + r * m->cols + begin, end - begin, 1));
    return most;
}

static double largest(const clh_dense *m, size_t begin, size_t end)
{
    double most = 0;
    for (size_t i = 0; i < m->rows * m->cols; i++)
        if (i % m->cols >= begin && i % m->cols < end)
            most = fmax(most, fabs(m->data[i]));
    return most;
}

static double longest_column(const clh_dense *m)
{
    double most = 0;
    for (size_t c = 0; c < m->cols; c++)
        most = fmax(most, length_of(m->data + c, m->rows, m->cols));
    return most;
}

/* What a forward pass rounds, as far as the tables do not hold it. */
typedef struct sizes {
    double q, k, v;             /* the longest query, key over attn_scale, and value */
    double q_off, k_off, v_off; /* and how far the float ones are from them, at most */
    double stream;              /* the longest W_E + W_pos */
    double O, U;   /* the largest singular value of W_O; the longest column of W_U' = diag(w) W_U */
    double O_size; /* |W_O|, of its numbers */
    double U_two, O_two, OU_two; /* measure_pairs() */
    double b_O, b_U;             /* |b_O|; the largest sum of |b| |W_U| + |b_U| */
    double row, direct;          /* the longest key's row, of the stream, and direct row */
    double spread;               /* the largest difference of two logits of a key's row */
} sizes;

/* Largest distance between rows of floats `got` and (token + place) u + zero, and the longest of the
 * latter; of the keys, times `times`. */
static void rows_against(const clh_real *got, const double *want, size_t n, double times,
                         double *off, double *size)
{
    double square = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        const double is = times * (double)got[i];
        square += (is - want[i]) * (is - want[i]);
        length += want[i] * want[i];
    }
    *off = fmax(*off, sqrt(square));
    *size = fmax(*size, sqrt(length));
}

/* Keys and values of one token at every position are kept, where there is room. */
static void keep_rows(clh_tables *t, const clh_cache *cache, uint32_t token)
{
    const size_t count = t->length * t->q_place.cols;
    if (!t->keys)
        return;
    memcpy(t->keys + token * count, clh_cache_act(cache, CLH_A_K, 0).data, count * sizeof *t->keys);
    memcpy(t->values + token * count, clh_cache_act(cache, CLH_A_V, 0).data,
           count * sizeof *t->values);
}

static clh_status keep_room(clh_tables *t, clh_error *err)
{
    const size_t count = t->d_vocab * t->length * t->q_place.cols;
    if (count > KEPT_MOST)
        return CLH_OK;
    t->keys = clh_alloc_array(count, sizeof *t->keys, err);
    t->values = clh_alloc_array(count, sizeof *t->values, err);
    return t->keys && t->values ? CLH_OK : CLH_ENOMEM;
}

/* One projection of every position, of a pass over one token repeated. */
static clh_status one_projection(const clh_tables *t, const clh_cache *cache, uint32_t token,
                                 clh_act_id id, const clh_dense *of_token,
                                 const clh_dense *of_place, const clh_dense *zero, double times,
                                 double *off, double *size, clh_error *err)
{
    const size_t n = of_token->cols;
    const clh_real *got = clh_cache_act(cache, id, 0).data;
    double *want = clh_alloc_array(n, sizeof *want, err);
    for (size_t i = 0; want && i < t->length; i++) {
        const double u = t->u.data[i * t->d_vocab + token];
        for (size_t k = 0; k < n; k++)
            want[k] =
                (of_token->data[token * n + k] + of_place->data[i * n + k]) * u + zero->data[k];
        rows_against(got + i * n, want, n, times, off, size);
    }
    clh_free(want);
    return want ? CLH_OK : CLH_ENOMEM;
}

/* Queries, keys and values as the library itself computes them, against the real ones. */
typedef struct projections {
    clh_dense v_token, v_place, k_zero, v_zero;
} projections;

static void projections_deinit(projections *p)
{
    clh_dense_deinit(&p->v_token);
    clh_dense_deinit(&p->v_place);
    clh_dense_deinit(&p->k_zero);
    clh_dense_deinit(&p->v_zero);
}

static clh_status zero_row(clh_dense *out, const clh_tables *t, clh_param_id W, clh_param_id b,
                           double times, clh_error *err)
{
    clh_dense weight = {0}, norm_b = {0};
    clh_status status = clh_weight_take(out, t->model, b, 0, 0, err);
    if (!status && clh_model_param(t->model, CLH_P_LN1_B, 0).data) {
        status = clh_weight_take(&weight, t->model, W, 0, 0, err);
        if (!status)
            status = clh_weight_take(&norm_b, t->model, CLH_P_LN1_B, 0, SIZE_MAX, err);
        for (size_t i = 0; i < weight.rows * weight.cols && !status; i++)
            out->data[i % weight.cols] += norm_b.data[i / weight.cols] * weight.data[i];
    }
    for (size_t i = 0; i < out->cols && !status; i++)
        out->data[i] *= times;
    clh_dense_deinit(&weight);
    clh_dense_deinit(&norm_b);
    return status;
}

static clh_status projections_open(projections *p, const clh_tables *t, double times,
                                   clh_error *err)
{
    clh_dense V = {0}, E = {0}, P = {0};
    clh_status status = clh_weight_take(&V, t->model, CLH_P_W_V, 0, 0, err);
    if (!status)
        status = clh_norm_fold(&V, t->model, CLH_P_W_V, 0, err);
    if (!status)
        status = clh_weight_take(&E, t->model, CLH_P_W_E, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&P, t->model, CLH_P_W_POS, 0, SIZE_MAX, err);
    P.rows = t->length;
    if (!status)
        status = clh_dense_multiply(&p->v_token, &E, &V, err);
    if (!status)
        status = clh_dense_multiply(&p->v_place, &P, &V, err);
    if (!status)
        status = zero_row(&p->v_zero, t, CLH_P_W_V, CLH_P_B_V, 1, err);
    if (!status)
        status = zero_row(&p->k_zero, t, CLH_P_W_K, CLH_P_B_K, times, err);
    clh_dense_deinit(&V);
    clh_dense_deinit(&E);
    clh_dense_deinit(&P);
    return status;
}

static clh_status measure_projections(sizes *z, clh_tables *t, const clh_watch *watch,
                                      clh_error *err)
{
    const double times = 1 / clh_attn_scale(t->model);
    clh_cache *cache = NULL;
    projections p = {0};
    uint32_t *ids = clh_alloc_array(t->length, sizeof *ids, err);
    clh_status status = ids ? projections_open(&p, t, times, err) : CLH_ENOMEM;
    if (!status)
        status = keep_room(t, err);
    if (!status)
        status = clh_cache_open(&cache, clh_model_get_config(t->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_reserve_watched(cache, 1, t->length, watch, err);
    for (uint32_t token = 0; token < t->d_vocab && !status; token++) {
        for (size_t i = 0; i < t->length; i++)
            ids[i] = token;
        status = clh_watch_check(watch, token, t->d_vocab, "tokens", err);
        if (!status)
            status = clh_forward_until(t->model, &(clh_tokens){ids, 1, t->length}, cache,
                                       clh_cache_index(cache, CLH_A_V, 0), err);
        if (!status)
            keep_rows(t, cache, token);
        if (!status)
            status = one_projection(t, cache, token, CLH_A_Q, &t->q_token, &t->q_place, &t->q_zero,
                                    1, &z->q_off, &z->q, err);
        if (!status)
            status = one_projection(t, cache, token, CLH_A_K, &t->k_token, &t->k_place, &p.k_zero,
                                    times, &z->k_off, &z->k, err);
        if (!status)
            status = one_projection(t, cache, token, CLH_A_V, &p.v_token, &p.v_place, &p.v_zero, 1,
                                    &z->v_off, &z->v, err);
    }
    clh_cache_close(cache);
    projections_deinit(&p);
    clh_free(ids);
    return status;
}

/* No less than the largest singular value: the norm of (W W')^4, an eighth. */
static clh_status spectral(double *out, const clh_dense *W, clh_error *err)
{
    clh_dense turned = {0}, power[3] = {{0}};
    clh_status status = clh_dense_transpose(&turned, W, err);
    if (!status)
        status = clh_dense_multiply(&power[0], W, &turned, err);
    for (size_t i = 0; i < 2 && !status; i++)
        status = clh_dense_multiply(&power[i + 1], &power[i], &power[i], err);
    *out = status ? 0 : 1.001 * pow(clh_dense_norm(&power[2]), 0.125);
    clh_dense_deinit(&turned);
    for (size_t i = 0; i < CLH_COUNT(power); i++)
        clh_dense_deinit(&power[i]);
    return status;
}

/* Of every two columns of diag(w) W_U: the longest difference; its length behind |W_O|, each number in
 * absolute value; and that of two columns of W_O W_U. In floats, whose sums of numbers that are not below 0
 * are off by less than 0.001. */
static clh_status measure_pairs(sizes *z, const clh_tables *t, const clh_dense *O,
                                const clh_dense *U, const clh_dense *OU, clh_error *err)
{
    const size_t V = t->outputs, d = t->d_model, n = O->rows, pairs = V * (V - 1) / 2;
    clh_real *apart = clh_alloc_array(pairs * d, sizeof *apart, err);
    clh_real *size = clh_alloc_array(n * d, sizeof *size, err);
    clh_real *through = clh_alloc_array(pairs * n, sizeof *through, err);
    const bool room = apart && size && through;
    for (size_t i = 0; i < n * d && room; i++)
        size[i] = (clh_real)fabs(O->data[i]);
    size_t k = 0;
    for (size_t a = 0; a < V && room; a++)
        for (size_t b = a + 1; b < V; b++, k++) {
            double square = 0, behind = 0;
            for (size_t c = 0; c < d; c++) {
                const double x = U->data[c * V + a] - U->data[c * V + b];
                apart[k * d + c] = (clh_real)fabs(x);
                square += x * x;
            }
            for (size_t h = 0; h < n; h++) {
                const double x = OU->data[h * V + a] - OU->data[h * V + b];
                behind += x * x;
            }
            z->U_two = fmax(z->U_two, sqrt(square));
            z->OU_two = fmax(z->OU_two, sqrt(behind));
        }
    if (room && pairs > 0) {
        clh_gemm product =
            clh_product(pairs, n, d, 1, clh_rows(apart, d), clh_transposed(size, d), through, n);
        clh_kernels_best()->gemm(&product);
    }
    for (k = 0; k < pairs && room; k++) {
        double square = 0;
        for (size_t h = 0; h < n; h++)
            square += (double)through[k * n + h] * (double)through[k * n + h];
        z->O_two = fmax(z->O_two, 1.001 * sqrt(square));
    }
    clh_free(apart);
    clh_free(size);
    clh_free(through);
    return room ? CLH_OK : CLH_ENOMEM;
}

/* Sizes of weights as they are read. */
static clh_status measure_weights(sizes *z, const clh_tables *t, clh_error *err)
{
    clh_dense E = {0}, P = {0}, O = {0}, U = {0}, w = {0}, b = {0}, b_O = {0}, b_U = {0}, OU = {0};
    clh_status status = clh_weight_take(&E, t->model, CLH_P_W_E, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&P, t->model, CLH_P_W_POS, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&O, t->model, CLH_P_W_O, 0, 0, err);
    if (!status)
        status = clh_weight_take(&U, t->model, CLH_P_W_U, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&b_O, t->model, CLH_P_B_O, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&b_U, t->model, CLH_P_B_U, 0, SIZE_MAX, err);
    if (!status && clh_model_param(t->model, CLH_P_LN_FINAL_W, 0).data)
        status = clh_weight_take(&w, t->model, CLH_P_LN_FINAL_W, 0, SIZE_MAX, err);
    if (!status && clh_model_param(t->model, CLH_P_LN_FINAL_B, 0).data)
        status = clh_weight_take(&b, t->model, CLH_P_LN_FINAL_B, 0, SIZE_MAX, err);
    for (size_t o = 0; o < t->outputs && !status; o++) {
        double sum = fabs(b_U.data[o]);
        for (size_t k = 0; k < t->d_model && b.data; k++)
            sum += fabs(b.data[k] * U.data[k * t->outputs + o]);
        z->b_U = fmax(z->b_U, sum);
    }
    for (size_t i = 0; i < t->d_model * t->outputs && w.data && !status; i++)
        U.data[i] *= w.data[i / t->outputs];
    if (!status)
        status = clh_dense_multiply(&OU, &O, &U, err);
    if (!status) {
        z->stream = longest(&E, 0, t->d_model) + longest(&P, 0, t->d_model);
        z->U = longest_column(&U);
        z->b_O = clh_dense_norm(&b_O);
        z->O_size = clh_dense_norm(&O);
        status = spectral(&z->O, &O, err);
    }
    if (!status)
        status = measure_pairs(z, t, &O, &U, &OU, err);
    clh_dense *all[] = {&E, &P, &O, &U, &w, &b, &b_O, &b_U, &OU};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_dense_deinit(all[i]);
    return status;
}

/* Of the tables' rows, with both parts of a key added up. */
static void measure_rows(sizes *z, clh_tables *t)
{
    const size_t V = t->outputs, width = t->width;
    double u = 0;
    for (size_t i = 0; i < t->u.rows * t->u.cols; i++)
        u = fmax(u, t->u.data[i]);
    t->bound.u = u;
    t->bound.value = u * (largest(&t->row_token, 0, V) + largest(&t->row_place, 0, V));
    t->bound.direct = largest(&t->direct_token, 0, V) + largest(&t->direct_place, 0, V);
    t->bound.stream = u * (longest(&t->row_token, V, width) + longest(&t->row_place, V, width));
    z->direct = longest(&t->direct_token, V, width) + longest(&t->direct_place, V, width);
    for (size_t i = 0; i < t->length * t->d_vocab; i++) {
        const double *token = t->row_token.data + i % t->d_vocab * width;
        const double *place = t->row_place.data + i / t->d_vocab * width;
        double least = INFINITY, most = -INFINITY, square = 0;
        for (size_t o = 0; o < width; o++) {
            const double x = t->u.data[i] * (token[o] + place[o]);
            if (o < V) {
                least = x < least ? x : least;
                most = x > most ? x : most;
            } else
                square += x * x;
        }
        z->spread = fmax(z->spread, most - least);
        z->row = fmax(z->row, sqrt(square));
    }
    t->bound.scale =
        t->normed ? sqrt((z->direct + z->row) * (z->direct + z->row) / (double)t->d_model + t->eps)
                  : 1;
    double least = t->bias.data[0], most = least;
    for (size_t o = 1; o < V; o++) {
        least = fmin(least, t->bias.data[o]);
        most = fmax(most, t->bias.data[o]);
    }
    t->bound.bias = most - least;
}

/* How far a float pass is off, in differences of two logits times s: what does not depend on the query,
 * and what its share of the weights comes to. */
static void passed(clh_table_bounds *out, const sizes *z, const clh_tables *t)
{
    const double r = CLH_ROUNDING, T = (double)t->length, d = (double)t->d_model;
    const double lanes = (double)CLH_LANES;
    const double d_head = (double)t->q_token.cols;
    const double v = z->v + z->v_off;
    out->key = z->k + z->k_off;
    out->query_off = z->q_off;
    out->key_off = z->k_off;
    out->spread = z->spread;
    const double share = clh_passed_share(out, z->q, t->q_token.cols);
    const double whole = r * (T / lanes + 24); /* by which shares do not add up to 1 */
    const double z_off = z->v_off + clh_gamma(T + 3, r) * v;
    const double out_most = v * z->O + z->b_O;           /* of attention, at most */
    const double product = clh_gamma(d_head + 3, r) * v; /* behind |W_O| */
    const double added = r * (2 * z->stream + out_most);
    const double centred = clh_gamma(d / lanes + 9, r) * (z->stream + out_most) + 2 * r * out_most;
    const double stream = 2 * share * z->row + whole * z->direct + (1 + share) * z_off * z->O +
                          product * z->O_size + added + centred;
    const double unembed = 2 * clh_gamma(d + 5, r) * (sqrt(d) * z->U + z->b_U);
    const double scale = stream / sqrt(d) + (whole + r * (d / lanes + 16)) * out->scale;
    out->passed =
        1.01 * (2 * whole * out->direct + (1 + share) * z_off * z->OU_two + product * z->O_two +
                (added + centred) * z->U_two + out->scale * unembed + out->bias * scale);
}

double clh_passed_share(const clh_table_bounds *b, double query, size_t d_head)
{
    const double r = CLH_ROUNDING, q = query + b->query_off;
    const double score =
        b->query_off * b->key + q * b->key_off + clh_gamma((double)d_head + 3, r) * q * b->key;
    const double weight = score + r * (2 * q * b->key + 8);
    return 1.01 * expm1(weight) * exp(weight);
}

clh_status clh_tables_bounds(clh_tables *t, const clh_watch *watch, clh_error *err)
{
    sizes z = {0};
    clh_status status = measure_weights(&z, t, err);
    if (!status)
        status = measure_projections(&z, t, watch, err);
    if (status)
        return status;
    status = clh_watch_check(watch, t->d_vocab, t->d_vocab, "tokens", err);
    if (status)
        return status;
    measure_rows(&z, t);
    status = clh_tables_basis_bounds(t, err);
    if (status)
        return status;
    t->bound.direct += 1.1 * t->bound.bias * (t->bound.scale + sqrt(t->eps));
    if (!(t->bound.value + t->bound.direct + t->bound.stream < 1e30))
        return clh_fail(err, CLH_ENUMERIC,
                        "a key can add %g to a logit before the final norm, want less than 1e30",
                        t->bound.value + t->bound.direct + t->bound.stream);
    const double exact = clh_gamma((double)ROUNDINGS + (double)t->length, 0x1p-53);
    t->bound.table_score = exact * z.q * z.k * 4;
    t->bound.table_value += exact * (t->bound.value + t->bound.direct) * 4;
    passed(&t->bound, &z, t);
    return CLH_OK;
}
