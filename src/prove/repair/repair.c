/* Refitting W_K or W_Q so that a key, or a query, is the mean over the letters of its position. */
#include "clearhead/repair.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "clearhead/linalg.h"
#include "model/memory/tensors.h"
#include "prove/repair/refit.h"
#include "prove/repair/wanted.h"
#include "prove/tables/tables.h"

/* One of the two. */
typedef struct projection {
    clh_param_id W, b;
    clh_act_id act;
} projection;

static const projection projections[] = {{CLH_P_W_K, CLH_P_B_K, CLH_A_K},
                                         {CLH_P_W_Q, CLH_P_B_Q, CLH_A_Q}};

static const clh_act_id inputs[] = {CLH_A_LN1_OUT, CLH_A_LN1_NORMALIZED, CLH_A_RESID_PRE};

typedef struct job {
    const clh_model *model;
    const clh_letters_asked *asked;
    clh_cache *cache;
    uint32_t *ids;
    double *input;   /* [length, letters, d_model + 1]: what is read, and 1 */
    double *output;  /* [length, letters, d_head]: what is to be the same for all letters */
    clh_dense gram;  /* [d_model + 1, d_model + 1] */
    clh_dense moved; /* [d_model + 1, d_head] */
    double distance; /* squared, summed */
} job;

/* How many tokens may stand at a position, and the one at `index` of them. */
static size_t tokens_at(const job *j, size_t position)
{
    return j->asked->slot[position] < j->asked->n ? j->asked->letters : 1;
}

static uint32_t token_at(const job *j, size_t position, size_t index)
{
    return j->asked->slot[position] < j->asked->n ? j->asked->token[index]
                                                  : j->asked->fixed[position];
}

/* The pass over one choice in which every position holds the token that is at `index` there: one letter
 * repeated, with the tokens that are always the same. Keys and queries look at their own position alone. */
static clh_status take(job *j, const projection *p, size_t index, clh_error *err)
{
    const size_t d = clh_model_get_config(j->model)->d_model, length = j->asked->length;
    const size_t n = clh_model_get_config(j->model)->d_head, letters = j->asked->letters;
    for (size_t i = 0; i < length; i++)
        j->ids[i] = token_at(j, i, index < tokens_at(j, i) ? index : 0);
    const clh_status status =
        clh_forward_until(j->model, &(clh_tokens){j->ids, 1, length}, j->cache,
                          clh_cache_index(j->cache, CLH_A_V, 0), err);
    if (status)
        return status;
    clh_tensor read = {0}; /* what W_K and W_Q read: ln1's output, or the stream without a norm */
    for (size_t k = 0; k < CLH_COUNT(inputs) && !read.data; k++)
        read = clh_cache_act(j->cache, inputs[k], 0);
    const clh_tensor made = clh_cache_act(j->cache, p->act, 0);
    for (size_t i = 0; i < length; i++) {
        double *in = j->input + (i * letters + index) * (d + 1);
        double *out = j->output + (i * letters + index) * n;
        for (size_t k = 0; k < d; k++)
            in[k] = (double)read.data[i * d + k];
        in[d] = 1;
        for (size_t k = 0; k < n; k++)
            out[k] = (double)made.data[i * n + k];
    }
    return CLH_OK;
}

/* Sums of products over one position: of what is read with itself, and with how far each key is from the
 * mean. */
static void add_position(job *j, size_t position)
{
    const size_t d = j->gram.rows, n = j->moved.cols, count = tokens_at(j, position);
    const double *in = j->input + position * j->asked->letters * d;
    double *out = j->output + position * j->asked->letters * n;
    const double share = 1 / (double)count;
    for (size_t k = 0; k < n; k++) {
        double mean = 0;
        for (size_t x = 0; x < count; x++)
            mean += share * out[x * n + k];
        for (size_t x = 0; x < count; x++)
            out[x * n + k] = mean - out[x * n + k];
    }
    for (size_t x = 0; x < count; x++)
        for (size_t r = 0; r < d; r++) {
            const double of = share * in[x * d + r];
            for (size_t c = 0; c < d; c++)
                j->gram.data[r * d + c] += of * in[x * d + c];
            for (size_t k = 0; k < n; k++)
                j->moved.data[r * n + k] += of * out[x * n + k];
        }
    for (size_t i = 0; i < count * n; i++)
        j->distance += share * out[i] * out[i];
}

/* G^+ B by the singular values of G, those left out that rounding alone can have made. */
static clh_status solve(clh_dense *out, const clh_dense *G, const clh_dense *B, clh_error *err)
{
    clh_svd svd = {0};
    clh_status status = clh_dense_svd(&svd, G, err);
    if (!status)
        status = clh_dense_open(out, G->cols, B->cols, err);
    for (size_t s = 0; s < svd.count && !status; s++) {
        if (svd.s[s] <= 1e-9 * svd.s[0])
            break;
        for (size_t k = 0; k < B->cols; k++) {
            double along = 0;
            for (size_t r = 0; r < B->rows; r++)
                along += svd.u.data[r * svd.count + s] * B->data[r * B->cols + k];
            for (size_t r = 0; r < G->cols; r++)
                out->data[r * B->cols + k] += svd.v.data[r * svd.count + s] * along / svd.s[s];
        }
    }
    clh_svd_deinit(&svd);
    return status;
}

/* Distances to the means as they are, from keys of `model`: the root of their mean square. */
static clh_status measure(job *j, const projection *p, const clh_how *how, double *out,
                          clh_error *err)
{
    const size_t letters = j->asked->letters, n = j->moved.cols;
    clh_status status = CLH_OK;
    memset(j->gram.data, 0, j->gram.rows * j->gram.cols * sizeof(double));
    memset(j->moved.data, 0, j->moved.rows * n * sizeof(double));
    j->distance = 0;
    for (size_t x = 0; x < letters && !status; x++) {
        status = clh_watch_check(clh_how_watch(how), x, letters, "letters", err);
        if (!status)
            status = take(j, p, x, err);
    }
    for (size_t i = 0; i < j->asked->length && !status; i++)
        add_position(j, i);
    *out = sqrt(j->distance / (double)j->asked->length);
    return status;
}

static clh_status refit(job *j, clh_model *to, const projection *p, const clh_how *how,
                        double *before, double *after, clh_error *err)
{
    clh_dense change = {0};
    clh_status status = measure(j, p, how, before, err);
    if (!status)
        status = solve(&change, &j->gram, &j->moved, err);
    const clh_tensor W = clh_model_param(to, p->W, 0), b = clh_model_param(to, p->b, 0);
    const size_t count = clh_tensor_count(&W);
    for (size_t i = 0; i < count && !status; i++)
        W.data[i] += (clh_real)change.data[i];
    for (size_t k = 0; k < change.cols && !status; k++)
        b.data[k] += (clh_real)change.data[count + k];
    clh_dense_deinit(&change);
    return status ? status : measure(j, p, how, after, err);
}

static clh_status job_open(job *j, const clh_model *model, const clh_letters_asked *asked,
                           clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(model);
    const size_t rows = asked->length * asked->letters;
    *j = (job){.model = model, .asked = asked};
    j->ids = clh_alloc_array(asked->length, sizeof *j->ids, err);
    j->input = clh_alloc_array(rows * (c->d_model + 1), sizeof *j->input, err);
    j->output = clh_alloc_array(rows * c->d_head, sizeof *j->output, err);
    clh_status status = j->ids && j->input && j->output ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_dense_open(&j->gram, c->d_model + 1, c->d_model + 1, err);
    if (!status)
        status = clh_dense_open(&j->moved, c->d_model + 1, c->d_head, err);
    if (!status)
        status = clh_cache_open(&j->cache, c, CLH_KEEP_ALL, err);
    return status;
}

static void job_deinit(job *j)
{
    clh_cache_close(j->cache);
    clh_dense_deinit(&j->gram);
    clh_dense_deinit(&j->moved);
    clh_free(j->ids);
    clh_free(j->input);
    clh_free(j->output);
}

/* Attention of `copy` made what options->by says. */
static clh_status repair_pattern(clh_model *copy, clh_repair_sums *sums, const clh_task *task,
                                 const clh_letters_asked *asked, const clh_repair_options *options,
                                 const clh_how *how, clh_error *err)
{
    clh_wanted wanted = {0};
    double most;
    clh_status status = clh_wanted_open(&wanted, copy, task, asked, options, how, err);
    if (!status) {
        clh_wanted_distance(&sums->pattern_before, &most, &wanted);
        status = clh_refit(copy, asked, wanted.pattern, wanted.given, clh_how_watch(how), err);
    }
    if (!status)
        status = clh_wanted_attention(wanted.attention, copy, asked, how, err);
    if (!status)
        clh_wanted_distance(&sums->pattern_after, &sums->pattern_most, &wanted);
    clh_wanted_deinit(&wanted);
    return status;
}

/* The same model once more, refitted. */
static clh_status repair(clh_model **out, clh_repair_sums *sums, const clh_model *model,
                         const clh_task *task, const clh_letters_asked *asked,
                         const clh_repair_options *options, const clh_how *how, clh_error *err)
{
    clh_model *copy = NULL;
    clh_status status = clh_model_copy(&copy, model, err);
    const bool pattern = options->by > CLH_REPAIR_BOTH;
    if (!status && pattern)
        status = repair_pattern(copy, sums, task, asked, options, how, err);
    for (size_t p = 0; p < CLH_COUNT(projections) && !status && !pattern; p++) {
        job j = {0};
        if (!(options->by >> p & 1))
            continue;
        double first = 0, before = 0;
        status = job_open(&j, copy, asked, err);
        for (unsigned r = 0; r < options->rounds && !status; r++)
            status = refit(&j, copy, &projections[p], how, r == 0 ? &first : &before,
                           p ? &sums->queries_after : &sums->keys_after, err);
        *(p ? &sums->queries_before : &sums->keys_before) = first;
        job_deinit(&j);
    }
    for (size_t i = 0; i < 2 && !status; i++) {
        const clh_tensor t = clh_model_param(copy, i ? CLH_P_B_K : CLH_P_W_K, 0);
        for (size_t k = 0; k < clh_tensor_count(&t); k++)
            t.data[k] = (clh_real)(options->sharpen * (double)t.data[k]);
    }
    if (status)
        clh_model_close(copy);
    else
        *out = copy;
    return status;
}

clh_status clh_repair(clh_model **out, clh_repair_sums *sums, const clh_model *model,
                      const clh_task *task, const clh_repair_options *options, const clh_how *how,
                      clh_error *err)
{
    const clh_repair_options plain = {.by = CLH_REPAIR_KEYS, .rounds = 1, .sharpen = 2};
    CLH_REQUIRE(out && model && task, err, "room for a model, a model and a task");
    options = options ? options : &plain;
    *out = NULL;
    if (options->by < 1 || options->by > CLH_REPAIR_PROGRAM || options->rounds < 1 ||
        options->rounds > 100 || !(options->sharpen > 0) || !isfinite(options->sharpen))
        return clh_fail(err, CLH_EUSAGE,
                        "repair by %u, %u rounds, sharpen %g, want 1 (keys) to 6 (a program), "
                        "1 to 100, and a number above 0",
                        options->by, options->rounds, options->sharpen);
    if (options->by > CLH_REPAIR_BOTH && options->rounds > 1)
        return clh_fail(err, CLH_EUSAGE,
                        "a pattern in %u rounds, want 1: there is nothing to repeat",
                        options->rounds);
    clh_repair_sums unused = {0};
    sums = sums ? sums : &unused;
    *sums = (clh_repair_sums){0};
    clh_letters_asked asked = {0};
    const char *why = clh_tables_objection(model);
    if (why)
        return clh_fail(err, CLH_ESUPPORT, "this model cannot be repaired so: it %s", why);
    clh_status status = clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, err);
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    if (!status && asked.length > n_ctx)
        status =
            clh_fail(err, CLH_ESHAPE, "inputs have %zu tokens, the model takes at most %zu (n_ctx)",
                     asked.length, n_ctx);
    if (!status)
        status = repair(out, sums, model, task, &asked, options, how, err);
    clh_letters_asked_deinit(&asked);
    return status;
}
