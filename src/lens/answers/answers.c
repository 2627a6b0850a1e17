/* The numbers behind the answers; verdicts are in answers_verdict.c. */
#include "clearhead/answers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/platform/file.h"
#include "base/stop.h"
#include "clearhead/causal.h"
#include "clearhead/circuit.h"
#include "measure/numbers/exam.h"
#include "measure/numbers/interval.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"
#include "run/folder/checkpoint.h"

clh_status clh_answers_check(const clh_run *run, clh_error *err)
{
    CLH_REQUIRE(run, err, "a run");
    const clh_run_config *c = clh_run_get_config(run);
    const clh_task *task = clh_run_task(run);
    if (!task || clh_task_letter_kind(task) == CLH_TOKEN_OTHER)
        return clh_fail(err, CLH_ESUPPORT, "the task is %s, the questions are about letters",
                        task ? clh_task_name(task) : "not known");
    if (clh_task_mixture(task) != 1)
        return clh_fail(err, CLH_EINPUT, "a mixture of %zu n, want a run of one",
                        clh_task_mixture(task));
    if (c->model.n_layers != 1 || c->model.n_heads != 1)
        return clh_fail(err, CLH_ESUPPORT,
                        "a model of %zu layers and %zu heads, the questions are about one of each: "
                        "clearhead attention looks at any head",
                        c->model.n_layers, c->model.n_heads);
    if (c->model.d_vocab_out != c->model.d_vocab)
        return clh_fail(err, CLH_ESUPPORT, "a model of %zu tokens in and %zu out, want them equal",
                        c->model.d_vocab, c->model.d_vocab_out);
    clh_status status = clh_assume(&c->model, CLH_ASSUME_CAUSAL, "answers", err);
    if (!status)
        status = clh_assume(&c->model, CLH_ASSUME_POSITIONS, "answers", err);
    if (status)
        return status;
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

/* How the steps of the whole are shared out; about the time that each takes. */
enum { LOOK = 100, PARTS = 150, CUES = 600, ORDER = 600, ALL = LOOK + PARTS + CUES + ORDER };

/* How the part of the whole from `begin` on is done; kept in `part` and `inner`. */
static const clh_how *how_of(clh_how *inner, clh_watch_part *part, const clh_how *how, size_t begin,
                             size_t width)
{
    *inner = (clh_how){clh_how_threads(how),
                       clh_watch_part_of(part, clh_how_watch(how), begin, width, ALL)};
    return inner;
}

/* Queries and keys, or values, that know only a part of their input: all on one plain pass. */
static clh_status measure_parts(clh_edited *out, const clh_model *model, const clh_sample *sample,
                                const clh_how *how, clh_error *err)
{
    static const clh_intervention parts[] = {CLH_CAUSAL_QK_TOKEN_MEAN, CLH_CAUSAL_QK_POSITION_MEAN,
                                             CLH_CAUSAL_V_TOKEN_MEAN, CLH_CAUSAL_V_POSITION_MEAN};
    clh_edit_list lists[CLH_COUNT(parts)];
    for (size_t i = 0; i < CLH_COUNT(parts); i++)
        lists[i] = clh_causal_suite()[parts[i]];
    const clh_edits_setting setting = {
        .model = model, .sample = sample, .threads = clh_how_threads(how)};
    clh_edits *edits = NULL;
    clh_status status = clh_edits_open(&edits, lists, CLH_COUNT(lists), &setting, err);
    if (!status)
        status = clh_edits_run(out, edits, NULL, how, err);
    clh_edits_close(edits);
    return status;
}

static clh_status take_part(clh_outcome *out, const clh_answers_ask *ask, const clh_measure *edited,
                            const clh_watch *watch, clh_error *err)
{
    *out = (clh_outcome){.loss = clh_tally_ratio(&edited->total, CLH_RATIO_LOSS),
                         .accuracy = clh_tally_ratio(&edited->total, CLH_RATIO_ACCURACY)};
    return clh_measure_lost(&out->lost, ask->plain, edited, ask->sample->count, CLH_INTERVAL_ROUNDS,
                            CLH_INTERVAL_LEVEL, clh_run_get_config(ask->run)->seed, watch, err);
}

static clh_status try_parts(clh_answers *a, const clh_answers_ask *ask, const clh_model *model,
                            const clh_how *how, clh_error *err)
{
    clh_outcome *const out[] = {&a->qk_token_mean, &a->qk_position_mean, &a->v_token_mean,
                                &a->v_position_mean};
    clh_watch_part part;
    clh_how inner;
    clh_edited edited = {0};
    clh_status status =
        measure_parts(&edited, model, ask->sample, how_of(&inner, &part, how, LOOK, PARTS), err);
    how_of(&inner, &part, how, LOOK + PARTS, 0);
    for (size_t i = 0; i < CLH_COUNT(out) && !status; i++)
        status = take_part(out[i], ask, &edited.list[i], inner.watch, err);
    clh_edited_deinit(&edited);
    how_of(&inner, &part, how, LOOK + PARTS, CUES);
    return status ? status : clh_cues_try(a->cue, model, ask->sample, &inner, err);
}

static void find_worst(clh_answers *a)
{
    const double *loss = a->position_loss;
    const size_t count = clh_positions_worst(a->worst, CLH_ANSWERS_WORST, loss, a->positions);
    double all = 0, at_worst = 0;
    for (size_t i = count; i < CLH_ANSWERS_WORST; i++)
        a->worst[i] = SIZE_MAX;
    for (size_t p = 0; p < a->positions; p++)
        all += isnan(loss[p]) ? 0 : loss[p];
    for (size_t i = 0; i < count; i++)
        at_worst += loss[a->worst[i]];
    a->worst_share = all > 0 ? at_worst / all : NAN;
}

/* What is known of the plain model. */
static void take_plain(clh_answers *a, const clh_measure *plain)
{
    a->held_out = plain->total;
    a->plain.loss = clh_tally_ratio(&plain->total, CLH_RATIO_LOSS);
    a->plain.accuracy = clh_tally_ratio(&plain->total, CLH_RATIO_ACCURACY);
    a->position_loss = plain->position_loss;
    a->positions = plain->positions;
    a->whole = clh_binomial_interval(plain->total.sequences_correct, plain->total.sequences,
                                     CLH_INTERVAL_LEVEL);
    find_worst(a);
}

/* The interval of worst_share over the sequences. */
static clh_status band_worst(clh_answers *a, const clh_answers_ask *ask, clh_error *err)
{
    const size_t n = ask->sample->count, positions = ask->plain->positions;
    double *sums = clh_alloc_zeroed(n, 2 * sizeof *sums, err);
    if (!sums)
        return CLH_ENOMEM;
    for (size_t b = 0; b < n; b++) {
        const double *loss = ask->plain->row_loss + b * positions;
        for (size_t i = 0; i < CLH_ANSWERS_WORST && a->worst[i] != SIZE_MAX; i++)
            sums[b] += loss[a->worst[i]];
        for (size_t p = 0; p < positions; p++)
            sums[n + b] += isnan(loss[p]) ? 0 : loss[p];
    }
    const clh_sums share = {sums, sums + n, &a->worst_band};
    clh_status status = clh_interval_sums(&share, 1, n, clh_run_get_config(ask->run)->seed, err);
    clh_free(sums);
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

/* Every checkpoint is measured five times: on no more than so many sequences. */
static clh_status find_order(clh_answers *a, const clh_answers_ask *ask, const clh_how *how,
                             clh_error *err)
{
    enum { MOST = 100 };
    clh_sample fewer = *ask->sample;
    fewer.count = fewer.count < MOST ? fewer.count : MOST;
    clh_watch_part part;
    clh_how inner;
    return clh_emergence_run(&a->emergence, ask->path, ask->step, &fewer,
                             how_of(&inner, &part, how, ALL - ORDER, ORDER), err);
}

clh_status clh_answers_find(clh_answers *out, const clh_answers_ask *ask, const clh_how *how,
                            clh_error *err)
{
    CLH_REQUIRE(out && ask && ask->run && ask->path && ask->sample && ask->plain, err,
                "a run, its folder, a sample and a measure of it");
    clh_status status = clh_answers_check(ask->run, err);
    if (!status)
        status = clh_sample_some(ask->sample, err);
    if (status)
        return status;
    if (!ask->plain->sequence || !ask->plain->position_loss || !ask->plain->row_loss)
        return clh_fail(err, CLH_EINPUT, "the measure is not that of the plain model");
    const clh_model *model = clh_run_model(ask->run);
    clh_watch_part part;
    clh_how inner;
    clh_answers a = {.sequences = ask->sample->count};
    a.n_letters = count_letters(clh_run_task(ask->run));
    take_plain(&a, ask->plain);
    status = band_worst(&a, ask, err);
    if (status)
        return status;
    status = clh_attention_look(&a.attention, model, ask->sample,
                                &(clh_attention_ask){.seed = clh_run_get_config(ask->run)->seed},
                                how_of(&inner, &part, how, 0, LOOK), err);
    if (!status)
        status = try_parts(&a, ask, model, how, err);
    if (!status)
        status = find_copying(&a, model, err);
    if (!status)
        status = find_order(&a, ask, how, err);
    if (status)
        clh_answers_deinit(&a);
    else
        *out = a;
    return status;
}

void clh_answers_deinit(clh_answers *answers)
{
    if (!answers)
        return;
    clh_emergence_deinit(&answers->emergence);
    clh_attention_deinit(&answers->attention);
    *answers = (clh_answers){0};
}
