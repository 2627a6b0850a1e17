/* The numbers behind the answers; verdicts are in answers_verdict.c. */
#include "clearhead/answers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"

/* Wilson score interval of k of n at 95 %. Wilson 1927. */
static void wilson(double k, double n, double *low, double *high)
{
    const double z = 1.959963984540054, p = k / n, d = 1 + z * z / n;
    const double middle = (p + z * z / (2 * n)) / d;
    const double half = z / d * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = middle - half < 0 ? 0 : middle - half;
    *high = middle + half > 1 ? 1 : middle + half;
}

static clh_status check(const clh_run *run, clh_error *err)
{
    const clh_run_config *c = clh_run_get_config(run);
    const clh_task *task = clh_run_task(run);
    if (!task || strcmp(clh_task_name(task), "permutations") != 0)
        return clh_fail(err, CLH_ESUPPORT, "the task is %s, the questions are about permutations",
                        task ? clh_task_name(task) : "not known");
    if (c->n_count != 1)
        return clh_fail(err, CLH_EINPUT, "a mixture of %zu n, want a run of one", c->n_count);
    if (c->model.n_layers != 1 || c->model.n_heads != 1)
        return clh_fail(err, CLH_ESUPPORT,
                        "a model of %zu layers and %zu heads, the questions are about one of each: "
                        "clearhead attention looks at any head",
                        c->model.n_layers, c->model.n_heads);
    if (clh_task_split_size(task, CLH_SPLIT_TEST) == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no held-out sequences", clh_run_path(run));
    return CLH_OK;
}

/* y [n] = x [m] W [m, n] + b, in double; W as floats, b may be NULL. */
static void times(const double *x, const clh_tensor *W, size_t m, size_t n, const clh_real *b,
                  double *y)
{
    for (size_t j = 0; j < n; j++)
        y[j] = b ? (double)b[j] : 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            y[j] += x[i] * (double)W->data[i * n + j];
}

/* Row `token` of W_E less the mean of the letters', times ln1.w: what of the token reaches OV. */
static void token_part(const clh_model *model, size_t token, const double *mean, double *x)
{
    const clh_tensor E = clh_model_view(model, "embed.W_E");
    const clh_tensor w = clh_model_view(model, "blocks.0.ln1.w");
    const size_t d = E.shape[1];
    double middle = 0;
    for (size_t i = 0; i < d; i++) {
        x[i] = (double)E.data[token * d + i] - mean[i];
        middle += x[i] / (double)d;
    }
    for (size_t i = 0; i < d; i++)
        x[i] = (x[i] - middle) * (w.data ? (double)w.data[i] : 1);
}

/* One letter's row of the OV circuit (W_E - mean) diag(w) W_V W_O diag(w_f) W_U, at letters. */
static void ov_row(const clh_model *model, size_t token, const double *mean, double *room,
                   double *logits)
{
    const clh_model_config *c = clh_model_get_config(model);
    const clh_tensor V = clh_model_view(model, "blocks.0.attn.W_V");
    const clh_tensor O = clh_model_view(model, "blocks.0.attn.W_O");
    const clh_tensor U = clh_model_view(model, "unembed.W_U");
    const clh_tensor w_f = clh_model_view(model, "ln_final.w");
    double *x = room, *z = room + c->d_model, *out = z + c->d_head, middle = 0;
    token_part(model, token, mean, x);
    times(x, &V, c->d_model, c->d_head, NULL, z);
    times(z, &O, c->d_head, c->d_model, NULL, out);
    for (size_t i = 0; i < c->d_model; i++)
        middle += out[i] / (double)c->d_model;
    for (size_t i = 0; i < c->d_model; i++)
        out[i] = (out[i] - middle) * (w_f.data ? (double)w_f.data[i] : 1);
    times(out, &U, c->d_model, c->d_vocab_out, NULL, logits);
}

/* Does the OV circuit raise the letter it reads above every other letter? */
static clh_status find_copying(clh_answers *a, const clh_model *model, const clh_task *task,
                               clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(model);
    const clh_tensor E = clh_model_view(model, "embed.W_E");
    const size_t special = clh_task_d_vocab(task) - a->n_letters; /* letters come last */
    double *room = clh_alloc_zeroed(3 * c->d_model + c->d_head + c->d_vocab_out, sizeof *room, err);
    if (!room)
        return CLH_ENOMEM;
    double *mean = room, *work = room + c->d_model;
    double *logits = work + 2 * c->d_model + c->d_head;
    for (size_t t = special; t < special + a->n_letters; t++)
        for (size_t i = 0; i < c->d_model; i++)
            mean[i] += (double)E.data[t * c->d_model + i] / (double)a->n_letters;
    size_t copied = 0;
    for (size_t t = special; t < special + a->n_letters; t++) {
        double other = -INFINITY, sum = 0, square = 0;
        ov_row(model, t, mean, work, logits);
        for (size_t u = special; u < special + a->n_letters; u++) {
            other = u != t && logits[u] > other ? logits[u] : other;
            sum += logits[u];
            square += logits[u] * logits[u];
        }
        const double n = (double)a->n_letters, sd = sqrt(square / n - sum / n * (sum / n));
        copied += logits[t] > other;
        a->copy_margin += sd > 0 ? (logits[t] - other) / sd / n : 0;
    }
    a->copies = (double)copied / (double)a->n_letters;
    clh_free(room);
    return CLH_OK;
}

static clh_status try_parts(clh_answers *a, const clh_model *model, const clh_sample *sample,
                            clh_error *err)
{
    const struct {
        const char *inputs;
        clh_input_part part;
        clh_outcome *out;
    } rows[] = {
        {"", CLH_PART_POSITION, &a->plain},   {"qk", CLH_PART_POSITION, &a->qk_position},
        {"qk", CLH_PART_TOKEN, &a->qk_token}, {"v", CLH_PART_POSITION, &a->v_position},
        {"v", CLH_PART_TOKEN, &a->v_token},
    };
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(rows) && !status; i++)
        status = clh_part_try(&rows[i].out->loss, &rows[i].out->accuracy, model, sample,
                              rows[i].inputs, rows[i].part, err);
    for (int f = 0; f < CLH_CUE_RANK && !status; f++)
        status = clh_cue_try(&a->cue[f], model, sample, (clh_cue_feature)f, err);
    return status;
}

static void find_worst(clh_answers *a)
{
    const clh_evaluation *e = &a->evaluation;
    double all = 0, at_worst = 0;
    for (size_t i = 0; i < CLH_ANSWERS_WORST; i++)
        a->worst[i] = SIZE_MAX;
    for (size_t p = 0; p < e->positions; p++) {
        if (isnan(e->loss_per_position[p]))
            continue;
        all += e->loss_per_position[p];
        size_t at = p;
        for (size_t i = 0; i < CLH_ANSWERS_WORST; i++) { /* insertion */
            const size_t held = a->worst[i];
            if (held == SIZE_MAX || e->loss_per_position[at] > e->loss_per_position[held]) {
                a->worst[i] = at;
                at = held;
                if (at == SIZE_MAX)
                    break;
            }
        }
    }
    for (size_t i = 0; i < CLH_ANSWERS_WORST; i++)
        at_worst += a->worst[i] == SIZE_MAX ? 0 : e->loss_per_position[a->worst[i]];
    a->worst_share = all > 0 ? at_worst / all : NAN;
}

static clh_status find_on_sample(clh_answers *a, const clh_run *run, const clh_sample *sample,
                                 size_t threads, clh_error *err)
{
    const clh_model *model = clh_run_model(run);
    clh_measure measure = {0};
    clh_status status = clh_measure_run(&measure, model, sample, NULL, threads, err);
    a->held_out = measure.total;
    clh_measure_deinit(&measure);
    if (!status)
        status = clh_attention_look(&a->attention, model, sample, 0, 0,
                                    clh_run_get_config(run)->seed, err);
    if (!status)
        status = try_parts(a, model, sample, err);
    if (!status)
        status = find_copying(a, model, clh_run_task(run), err);
    if (!status)
        status = clh_evaluate(&a->evaluation, model, clh_run_task(run), CLH_SPLIT_TEST, 0,
                              sample->count, threads, err);
    return status;
}

static size_t count_letters(const clh_task *task)
{
    size_t count = 0;
    for (uint32_t t = 0; t < clh_task_d_vocab(task); t++) {
        char symbol[16];
        clh_task_symbol(task, t, symbol);
        count += strchr("> .", symbol[0]) == NULL;
    }
    return count;
}

clh_status clh_answers_find(clh_answers *out, const char *path, size_t count, size_t threads,
                            const clh_emergence_watch *watch, clh_error *err)
{
    assert(out && path && threads >= 1);
    enum { EMERGENCE_MOST = 100 };
    clh_answers a = {.sequences = count};
    clh_run *run = NULL;
    clh_sample sample = {0}, fewer;
    clh_status status = clh_run_open(&run, path, err);
    if (!status)
        status = check(run, err);
    if (!status)
        status = clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, count, err);
    if (!status) {
        a.n_letters = count_letters(clh_run_task(run));
        status = find_on_sample(&a, run, &sample, threads, err);
    }
    fewer = sample; /* every checkpoint is measured five times */
    fewer.count = count < EMERGENCE_MOST ? count : EMERGENCE_MOST;
    if (!status)
        status = clh_emergence_run(&a.emergence, path, &fewer, threads, watch, err);
    if (!status) {
        wilson((double)a.held_out.sequences_correct, (double)a.held_out.sequences, &a.whole_low,
               &a.whole_high);
        find_worst(&a);
    }
    clh_sample_deinit(&sample);
    clh_run_close(run);
    if (status)
        clh_answers_deinit(&a);
    else
        *out = a;
    return status;
}

void clh_answers_deinit(clh_answers *answers)
{
    clh_evaluation_deinit(&answers->evaluation);
    clh_emergence_deinit(&answers->emergence);
    clh_attention_deinit(&answers->attention);
    *answers = (clh_answers){0};
}
