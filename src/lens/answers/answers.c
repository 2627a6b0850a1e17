/* The numbers behind the answers; verdicts are in answers_verdict.c. */
#include "clearhead/answers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/circuit.h"
#include "clearhead/edit.h"
#include "run/checkpoint.h"

/* Wilson score interval of k of n at 95 %. Wilson 1927. */
static void wilson(double k, double n, double *low, double *high)
{
    const double z = 1.959963984540054, p = k / n, d = 1 + z * z / n;
    const double middle = (p + z * z / (2 * n)) / d;
    const double half = z / d * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = middle - half < 0 ? 0 : middle - half;
    *high = middle + half > 1 ? 1 : middle + half;
}

clh_status clh_answers_check(const clh_run *run, clh_error *err)
{
    assert(run);
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
    if (c->model.d_vocab_out != c->model.d_vocab)
        return clh_fail(err, CLH_ESUPPORT, "a model of %zu tokens in and %zu out, want them equal",
                        c->model.d_vocab, c->model.d_vocab_out);
    if (clh_task_split_size(task, CLH_SPLIT_TEST) == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no held-out sequences", clh_run_path(run));
    return CLH_OK;
}

/* Does the OV circuit, less what all letters have in common, raise the letter it reads above every
 * other letter? Letters are the last tokens of the vocabulary. */
static void count_copies(clh_answers *a, const clh_dense *ov)
{
    const size_t special = ov->rows - a->n_letters, cols = ov->cols;
    const double n = (double)a->n_letters;
    size_t copied = 0;
    for (size_t u = special; u < cols; u++) { /* columns less their mean over letters */
        double mean = 0;
        for (size_t t = special; t < ov->rows; t++)
            mean += ov->data[t * cols + u] / n;
        for (size_t t = special; t < ov->rows; t++)
            ov->data[t * cols + u] -= mean;
    }
    for (size_t t = special; t < ov->rows; t++) {
        const double *row = ov->data + t * cols;
        double other = -INFINITY, sum = 0, square = 0;
        for (size_t u = special; u < cols; u++) {
            other = u != t && row[u] > other ? row[u] : other;
            sum += row[u];
            square += row[u] * row[u];
        }
        const double sd = sqrt(square / n - sum / n * (sum / n));
        copied += row[t] > other;
        a->copy_margin += sd > 0 ? (row[t] - other) / sd / n : 0;
    }
    a->copies = (double)copied / n;
}

static clh_status find_copying(clh_answers *a, const clh_model *model, clh_error *err)
{
    clh_circuit circuit = {0};
    clh_spectrum spectrum = {0};
    clh_dense ov = {0};
    clh_status status = clh_circuit_open(&circuit, model, CLH_CIRCUIT_OV, 0, 0, true, err);
    if (!status)
        status = clh_factored_spectrum(&spectrum, &circuit.matrix, err);
    if (!status)
        status = clh_factored_product(&ov, &circuit.matrix, err);
    if (!status) {
        a->copying_score = spectrum.copying;
        count_copies(a, &ov);
    }
    clh_dense_deinit(&ov);
    clh_spectrum_deinit(&spectrum);
    clh_circuit_deinit(&circuit);
    return status;
}

static clh_status try_parts(clh_answers *a, const clh_model *model, const clh_sample *sample,
                            size_t threads, clh_error *err)
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
    return status ? status : clh_cues_try(a->cue, model, sample, threads, err);
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
                                 size_t threads, const clh_watch *watch, clh_error *err)
{
    const clh_model *model = clh_run_model(run);
    clh_measure measure = {0};
    clh_status status =
        clh_measure_run(&measure, model, sample, NULL, &(clh_how){threads, NULL}, err);
    a->held_out = measure.total;
    clh_measure_deinit(&measure);
    if (!status)
        status = clh_attention_look(
            &a->attention, model, sample,
            &(clh_attention_ask){.seed = clh_run_get_config(run)->seed, .threads = threads}, watch,
            err);
    if (!status)
        status = try_parts(a, model, sample, threads, err);
    if (!status)
        status = find_copying(a, model, err);
    if (!status)
        status = clh_evaluate(&a->evaluation, model, clh_run_task(run), CLH_SPLIT_TEST, 0,
                              sample->count, &(clh_how){threads, watch}, err);
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

/* The run, with the weights of `step`. */
static clh_status open_at(clh_run **out, const char *path, size_t step, clh_error *err)
{
    if (step == CLH_LAST)
        return clh_run_open(out, path, err);
    char *file = clh_checkpoint_path(path, step, err);
    clh_status status =
        !file ? CLH_ENOMEM
        : clh_path_exists(file)
            ? clh_run_open(out, file, err)
            : clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", path, step);
    clh_free(file);
    return status;
}

clh_status clh_answers_find(clh_answers *out, const char *path, const clh_answers_ask *ask,
                            const clh_watch *watch, clh_error *err)
{
    assert(out && path && ask && ask->threads >= 1);
    const size_t count = ask->count, threads = ask->threads;
    enum { EMERGENCE_MOST = 100 };
    clh_answers a = {.sequences = count};
    clh_run *run = NULL;
    clh_sample sample = {0}, fewer;
    clh_status status = open_at(&run, path, ask->step, err);
    if (!status)
        status = clh_answers_check(run, err);
    if (!status)
        status = clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, count, err);
    if (!status) {
        a.n_letters = count_letters(clh_run_task(run));
        status = find_on_sample(&a, run, &sample, threads, watch, err);
    }
    fewer = sample; /* every checkpoint is measured five times */
    fewer.count = count < EMERGENCE_MOST ? count : EMERGENCE_MOST;
    if (!status)
        status = clh_emergence_run(&a.emergence, path, ask->step, &fewer, threads, watch, err);
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
