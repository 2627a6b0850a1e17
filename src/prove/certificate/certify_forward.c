/* Every input through a forward pass: claim (2) for any model, any task whose domain is counted. */
#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "math/kernels/kernels.h"
#include "model/whole/loss_row.h"
#include "model/whole/passes.h"
#include "prove/certificate/certify_parts.h"
#include "prove/certificate/kept.h"

enum { INPUTS_MOST = 1 << 30 };

/* What one worker has seen; sums, and the least of margins, over workers are the result. */
typedef struct seen {
    clh_passes passes;
    uint32_t *ids;                           /* [together, most] */
    clh_sequence *input;                     /* [together], theirs */
    uint8_t (*letters)[CLH_CERTIFY_LETTERS]; /* [together] */
    clh_certify_row row[CLH_CERTIFY_CLASSES];
    uint64_t *failed_at, forward, histogram[CLH_MARGIN_BINS];
    clh_error error;
} seen;

typedef struct job {
    const clh_model *model;
    const clh_task *task;
    const clh_letters_asked *asked; /* NULL: the task's own domain */
    const clh_target *targets;      /* NULL: the task's own tokens */
    const clh_certify_options *options;
    uint64_t inputs;
    size_t most;     /* tokens of the longest */
    size_t together; /* inputs of a block */
    _Atomic(uint64_t) *failed;
    seen *seen;
    size_t workers;
    clh_certificate *out;
    clh_stop stop;
} job;

/* The input of a rank into place `b` of the block. */
static clh_status read_input(const job *j, seen *s, size_t b, uint64_t rank)
{
    clh_sequence *out = &s->input[b];
    clh_status status = CLH_OK;
    if (j->asked) {
        clh_letters_unrank(j->asked, rank, s->letters[b]);
        clh_letters_write(j->asked, s->letters[b], out->tokens);
        out->length = j->asked->length;
        out->first_scored = j->asked->first_scored;
    } else {
        status = clh_task_unrank(j->task, rank, out, &s->error);
    }
    return status ? status : clh_passes_add(&s->passes, out, NULL, NULL, &s->error);
}

/* The largest of n numbers, as many at once as a vector may hold; NaN is passed over. */
static clh_real largest(size_t n, const clh_real *x)
{
    clh_real most[CLH_LANES];
    size_t i = 0;
    for (size_t l = 0; l < CLH_LANES; l++)
        most[l] = -(clh_real)INFINITY;
    for (; i + CLH_LANES <= n; i += CLH_LANES)
        for (size_t l = 0; l < CLH_LANES; l++)
            most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
    for (; i < n; i++)
        most[0] = x[i] > most[0] ? x[i] : most[0];
    for (size_t l = 1; l < CLH_LANES; l++)
        most[0] = most[l] > most[0] ? most[l] : most[0];
    return most[0];
}

double clh_margin_of(const clh_real *logits, size_t outputs, uint32_t target, bool *right)
{
    *right = target < outputs && clh_loss_is_largest(outputs, logits, target);
    if (target >= outputs)
        return -INFINITY;
    const clh_real before = largest(target, logits);
    const clh_real behind = largest(outputs - target - 1, logits + target + 1);
    return (double)logits[target] - (double)(before > behind ? before : behind);
}

static void look_at(const job *j, seen *s, size_t b, uint64_t rank)
{
    const size_t outputs = clh_model_get_config(j->model)->d_vocab_out;
    const clh_sequence *input = &s->input[b];
    const clh_real *logits = clh_passes_logits(&s->passes, b);
    const uint32_t *ids = input->tokens;
    const unsigned c = j->asked ? clh_letters_class(s->letters[b], j->asked->n) : CLH_CLASS_OTHER;
    clh_certify_row *row = &s->row[c];
    bool all = true;
    row->inputs++;
    for (size_t p = input->first_scored; p < input->length; p++, logits += outputs) {
        bool right;
        const uint32_t wanted = j->targets ? clh_target_read(&j->targets[p], ids) : ids[p];
        const double margin = clh_margin_of(logits, outputs, wanted, &right);
        s->forward++;
        s->histogram[clh_margin_bin(margin)]++;
        if (!right) {
            row->tokens++;
            s->failed_at[p]++;
            all = false;
        }
        if (j->options->margins && (margin < row->margin || isnan(row->margin) ||
                                    (!(margin > row->margin) && rank < row->margin_input.rank))) {
            row->margin = margin;
            row->margin_position = p;
            row->margin_input.rank = rank;
            memcpy(row->margin_input.letters, s->letters[b], sizeof s->letters[b]);
        }
    }
    if (all)
        return;
    row->failures++;
    atomic_fetch_or_explicit(&j->failed[rank / 64], (uint64_t)1 << rank % 64, memory_order_relaxed);
}

static bool work(void *context, size_t task, size_t worker)
{
    job *j = context;
    seen *s = &j->seen[worker];
    const uint64_t begin = (uint64_t)task * j->together, rest = j->inputs - begin;
    const size_t count = rest < j->together ? (size_t)rest : j->together;
    clh_status status = s->error.status;
    clh_passes_clear(&s->passes);
    for (size_t b = 0; b < count && !status; b++)
        status = read_input(j, s, b, begin + b);
    if (!status)
        clh_passes_run(&s->passes);
    for (size_t b = 0; b < count && !status; b++)
        look_at(j, s, b, begin + b);
    s->error.status = status;
    return true; /* gather() says of what it failed */
}

static clh_status seen_open(job *j, seen *s, clh_error *err)
{
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        s->row[c].margin = NAN;
    const size_t rows = clh_passes_rows(clh_model_get_config(j->model), j->most);
    const clh_status status = clh_passes_open(&s->passes, j->model, j->most, rows, err);
    if (status)
        return status;
    j->together = clh_passes_together(&s->passes);
    s->ids = clh_alloc_array(j->together, j->most * sizeof *s->ids, err);
    s->input = clh_alloc_zeroed(j->together, sizeof *s->input, err);
    s->letters = clh_alloc_zeroed(j->together, sizeof *s->letters, err);
    s->failed_at = clh_alloc_zeroed(j->most, sizeof *s->failed_at, err);
    for (size_t b = 0; b < j->together && s->ids && s->input; b++)
        s->input[b] = (clh_sequence){.tokens = s->ids + b * j->most, .capacity = j->most};
    return s->ids && s->input && s->letters && s->failed_at ? CLH_OK : CLH_ENOMEM;
}

static void seen_close(seen *s)
{
    clh_passes_close(&s->passes);
    clh_free(s->ids);
    clh_free(s->input);
    clh_free((void *)s->letters);
    clh_free(s->failed_at);
}

static void row_add(clh_certify_row *to, const clh_certify_row *from)
{
    to->inputs += from->inputs;
    to->failures += from->failures;
    to->tokens += from->tokens;
    const bool less =
        isnan(to->margin)
            ? !isnan(from->margin)
            : from->margin < to->margin || (!(from->margin > to->margin) && !isnan(from->margin) &&
                                            from->margin_input.rank < to->margin_input.rank);
    if (!less)
        return;
    to->margin = from->margin;
    to->margin_input = from->margin_input;
    to->margin_position = from->margin_position;
}

/* What the workers counted goes into the certificate; they begin anew. */
static clh_status gather(void *context, clh_error *err)
{
    job *j = context;
    clh_certificate *out = j->out;
    for (size_t w = 0; w < j->workers; w++) {
        seen *s = &j->seen[w];
        if (s->error.status)
            return clh_fail(err, s->error.status, "%s", s->error.message);
        out->forward += s->forward;
        for (size_t p = 0; p < j->most; p++)
            out->failed_at[p] += s->failed_at[p];
        for (size_t b = 0; b < CLH_MARGIN_BINS && out->histogram; b++)
            out->histogram[b] += s->histogram[b];
        for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
            row_add(&out->classes[c], &s->row[c]);
            s->row[c] = (clh_certify_row){.margin = NAN};
        }
        s->forward = 0;
        memset(s->failed_at, 0, j->most * sizeof *s->failed_at);
        memset(s->histogram, 0, sizeof s->histogram);
    }
    return CLH_OK;
}

static clh_status list_failures(const job *j, clh_error *err)
{
    clh_certificate *out = j->out;
    uint64_t failures = 0;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        failures += out->classes[c].failures;
    size_t room;
    const clh_status status =
        clh_certificate_room(&room, out, failures, j->options->counterexamples, err);
    for (uint64_t rank = 0; rank < j->inputs && !status; rank++) {
        if (out->counterexample_count == room)
            break;
        if (!(atomic_load_explicit(&j->failed[rank / 64], memory_order_relaxed) >> rank % 64 & 1))
            continue;
        clh_counterexample *one = &out->counterexamples[out->counterexample_count++];
        one->rank = rank;
        if (j->asked)
            clh_letters_unrank(j->asked, rank, one->letters);
    }
    return status;
}

/* What there is to go through; refused where it is not counted, or too much. */
static clh_status measure_domain(job *j, clh_error *err)
{
    j->inputs = j->asked ? clh_letters_inputs(j->asked) : clh_task_domain_size(j->task);
    j->most = j->asked ? j->asked->length : clh_task_length_max(j->task);
    const size_t n_ctx = clh_model_get_config(j->model)->n_ctx;
    if (j->inputs == 0)
        return clh_fail(err, CLH_ESUPPORT, "the domain of task %s is not counted, want one that is",
                        clh_task_name(j->task));
    if (j->inputs > INPUTS_MOST)
        return clh_fail(err, CLH_ERANGE,
                        "the domain has %llu inputs, want at most %d for forward passes",
                        (unsigned long long)j->inputs, INPUTS_MOST);
    if (j->most > n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "inputs have %zu tokens, the model takes at most %zu (n_ctx)", j->most,
                        n_ctx);
    return CLH_OK;
}

clh_status clh_certify_forward(clh_certificate *out, const clh_model *model, const clh_task *task,
                               const clh_letters_asked *asked, const clh_target *targets,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err)
{
    job j = {.model = model, .task = task, .asked = asked, .targets = targets, .options = options};
    clh_kept kept = {0};
    clh_pool *pool = NULL;
    j.out = out;
    clh_status status = measure_domain(&j, err);
    if (!status)
        status = clh_certificate_start(out, asked, j.most, options, err);
    if (!status)
        status = clh_pool_open(&pool, clh_how_threads(how), err);
    const size_t workers = j.workers = clh_pool_size(pool);
    if (!status) {
        j.failed = clh_alloc_zeroed((size_t)(j.inputs / 64 + 1), sizeof *j.failed, err);
        j.seen = clh_alloc_zeroed(workers, sizeof *j.seen, err);
        status = j.failed && j.seen ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t w = 0; w < workers && !status; w++)
        status = seen_open(&j, &j.seen[w], err);
    if (!status) {
        assert(j.together > 0); /* a pool has a worker */
        kept = (clh_kept){.of = {model, task, asked, targets, j.inputs, j.together, options},
                          .out = out,
                          .failed = j.failed,
                          .what = "batches of inputs"};
        status = clh_kept_open(&kept, (size_t)((j.inputs + j.together - 1) / j.together),
                               clh_how_watch(how), err);
    }
    if (!status)
        status = clh_kept_run(&kept, pool, work, gather, &j, &j.stop, err);
    if (!status)
        status = list_failures(&j, err);
    clh_kept_deinit(&kept);
    for (size_t w = 0; w < workers && j.seen; w++)
        seen_close(&j.seen[w]);
    clh_free((void *)j.failed);
    clh_free(j.seen);
    clh_pool_close(pool);
    return status;
}
