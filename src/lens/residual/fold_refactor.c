/* A head's matrices made again from the singular value decompositions of what they compute
 * together. TransformerLens: HookedTransformer.refactor_factored_attn_matrices(). */
#include "lens/residual/fold_refactor.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "model/memory/tensors.h"

/* One factor of a head: `rows` of a weight [rows, cols] of the model, and the bias as a further row
 * where there is one. */
typedef struct part {
    clh_real *weight, *bias;
    size_t rows, cols;
} part;

static part part_of(const clh_tensor *weight, const clh_tensor *bias, size_t head)
{
    const size_t rows = weight->shape[1], cols = weight->shape[2];
    return (part){weight->data + head * rows * cols, bias ? bias->data + head * cols : NULL, rows,
                  cols};
}

static clh_status read_part(clh_dense *out, const part *p, clh_error *err)
{
    clh_status status = clh_dense_open(out, p->rows + (p->bias ? 1 : 0), p->cols, err);
    for (size_t i = 0; i < p->rows * p->cols && !status; i++)
        out->data[i] = (double)p->weight[i];
    for (size_t i = 0; i < p->cols && p->bias && !status; i++)
        out->data[p->rows * p->cols + i] = (double)p->bias[i];
    return status;
}

/* Column c of the part is vector[:, c] times factor[c]; 0 where there are fewer vectors. */
static void write_part(const part *p, const clh_dense *vectors, const double *factor)
{
    for (size_t c = 0; c < p->cols; c++)
        for (size_t r = 0; r < p->rows + (p->bias ? 1 : 0); r++) {
            const double value =
                c < vectors->cols ? vectors->data[r * vectors->cols + c] * factor[c] : 0;
            *(r < p->rows ? &p->weight[r * p->cols + c] : &p->bias[c]) = (clh_real)value;
        }
}

/* W_Q = U sqrt(S), W_K = V sqrt(S) of (W_Q; b_Q) (W_K; b_K)^T, the biases a last row: as if every
 * input had a last coordinate 1. */
static clh_status refactor_qk(const part *q, const part *k, double *root, clh_error *err)
{
    clh_factored qk = {0};
    clh_dense keys = {0};
    clh_svd svd = {0};
    clh_status status = read_part(&qk.a, q, err);
    if (!status)
        status = read_part(&keys, k, err);
    if (!status)
        status = clh_dense_transpose(&qk.b, &keys, err);
    if (!status)
        status = clh_factored_svd(&svd, &qk, err);
    if (!status) {
        for (size_t i = 0; i < svd.count; i++)
            root[i] = sqrt(svd.s[i]);
        write_part(q, &svd.u, root);
        write_part(k, &svd.v, root);
    }
    clh_svd_deinit(&svd);
    clh_dense_deinit(&keys);
    clh_factored_deinit(&qk);
    return status;
}

/* W_V = U S, W_O = V^T of W_V W_O. */
static clh_status refactor_ov(const part *v, const part *o, clh_error *err)
{
    clh_factored ov = {0};
    clh_svd svd = {0};
    clh_status status = read_part(&ov.a, v, err);
    if (!status)
        status = read_part(&ov.b, o, err);
    if (!status)
        status = clh_factored_svd(&svd, &ov, err);
    if (!status) {
        write_part(v, &svd.u, svd.s);
        for (size_t r = 0; r < o->rows; r++)
            for (size_t c = 0; c < o->cols; c++)
                o->weight[r * o->cols + c] =
                    (clh_real)(r < svd.count ? svd.v.data[c * svd.count + r] : 0);
    }
    clh_svd_deinit(&svd);
    clh_factored_deinit(&ov);
    return status;
}

clh_status clh_refactor_heads(clh_model *model, clh_error *err)
{
    assert(model);
    const clh_model_config *c = clh_model_get_config(model);
    double *root = clh_alloc_array(c->d_head, sizeof *root, err);
    clh_status status = root ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < c->n_layers * c->n_heads && !status; i++) {
        static const clh_param_id ids[6] = {CLH_P_W_Q, CLH_P_B_Q, CLH_P_W_K,
                                            CLH_P_B_K, CLH_P_W_V, CLH_P_W_O};
        clh_tensor t[6];
        const size_t head = i % c->n_heads;
        for (int n = 0; n < 6; n++)
            t[n] = clh_model_param(model, ids[n], i / c->n_heads);
        const part q = part_of(&t[0], &t[1], head), k = part_of(&t[2], &t[3], head);
        const part v = part_of(&t[4], NULL, head), o = part_of(&t[5], NULL, head);
        status = refactor_qk(&q, &k, root, err);
        if (!status)
            status = refactor_ov(&v, &o, err);
    }
    clh_free(root);
    return status;
}
