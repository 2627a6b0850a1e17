/* The loss with only the key frequencies kept in the logits, and with these removed. With L the logits,
 * s the answer of an input and E_s the part of L that key frequencies make:
 *
 *    restricted   mean over inputs of L  +  E_s        excluded   L - E_s
 *
 * Nanda et al. 2023, section 5.1. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "lens/fourier/fourier_loss.h"
#include "lens/fourier/fourier_parts.h"

typedef struct losing {
    const clh_fourier_domain *domain;
    const double *part;     /* [p, outputs] */
    clh_loss_sum *kept;     /* [p] of the restricted logits, which the answer decides */
    double *row;            /* [slots, outputs] */
    clh_loss_sum (*sum)[2]; /* [slots * CLH_FOURIER_LOGITS][by split] */
} losing;

clh_status clh_fourier_project(double *out, const clh_fourier_sums *sums, const clh_fourier *found,
                               clh_error *err)
{
    const size_t p = sums->p, width = sums->outputs;
    clh_fourier_waves waves = {0};
    double *real = clh_alloc_array(width, sizeof *real, err),
           *imaginary = clh_alloc_array(width, sizeof *imaginary, err);
    clh_status status = real && imaginary ? clh_fourier_waves_make(&waves, p, err) : CLH_ENOMEM;
    memset(out, 0, p * width * sizeof *out);
    for (size_t k = 1; k <= p / 2 && !status; k++) {
        const double scale = clh_fourier_twice(k, p) / ((double)p * (double)p);
        if (!found->frequency[k].key)
            continue;
        clh_fourier_at(&waves, k, sums->logits, width, real, imaginary);
        for (size_t s = 0, turn = 0; s < p; s++, turn = (turn + k) % p)
            for (size_t c = 0; c < width; c++)
                out[s * width + c] +=
                    scale * (real[c] * waves.cosine[turn] + imaginary[c] * waves.sine[turn]);
    }
    clh_fourier_waves_deinit(&waves);
    clh_free(imaginary);
    clh_free(real);
    return status;
}

/* -log softmax(logit)[right]: of the other tokens alone where right is the largest, so that a loss far
 * below the rounding of 1 keeps its digits. The first of the largest is what is said. */
static clh_loss_sum loss_of(const double *logit, size_t count, size_t right)
{
    size_t largest = 0;
    double others = 0;
    for (size_t c = 1; c < count; c++)
        largest = logit[c] > logit[largest] ? c : largest;
    for (size_t c = 0; c < count; c++)
        others += c == largest ? 0 : exp(logit[c] - logit[largest]);
    const bool correct = largest == right;
    return (clh_loss_sum){.loss = log1p(others) + (logit[largest] - logit[right]),
                          .count = 1,
                          .correct = correct,
                          .sequences = 1,
                          .sequences_correct = correct};
}

static void lose_input(void *user, size_t slot, const clh_fourier_input *input)
{
    const losing *all = user;
    const clh_fourier_domain *d = all->domain;
    clh_loss_sum(*sum)[2] = all->sum + slot * CLH_FOURIER_LOGITS;
    double *row = all->row + slot * d->outputs;
    const double *part = all->part + input->answer * d->outputs;
    clh_split split = CLH_SPLIT_TRAIN;
    (void)clh_task_split_of(d->task, input->rank, &split, NULL); /* a rank of the domain */
    for (size_t c = 0; c < d->outputs; c++)
        row[c] = (double)input->logits[c];
    const clh_loss_sum plain = loss_of(row, d->outputs, input->answer);
    for (size_t c = 0; c < d->outputs; c++)
        row[c] -= part[c];
    const clh_loss_sum without = loss_of(row, d->outputs, input->answer);
    clh_loss_sum_add(&sum[CLH_FOURIER_MODEL][split], &plain);
    clh_loss_sum_add(&sum[CLH_FOURIER_RESTRICTED][split], &all->kept[input->answer]);
    clh_loss_sum_add(&sum[CLH_FOURIER_EXCLUDED][split], &without);
}

/* The restricted logits of each answer, in the row of the first slot. */
static void find_kept(const losing *all, const clh_fourier_sums *sums, double *mean)
{
    const size_t p = sums->p, width = sums->outputs;
    memset(mean, 0, width * sizeof *mean);
    for (size_t s = 0; s < p; s++)
        for (size_t c = 0; c < width; c++)
            mean[c] += sums->logits[s * width + c] / ((double)p * (double)p);
    for (size_t s = 0; s < p; s++) {
        for (size_t c = 0; c < width; c++)
            all->row[c] = mean[c] + all->part[s * width + c];
        all->kept[s] = loss_of(all->row, width, s);
    }
}

clh_status clh_fourier_losses(clh_loss_sum out[CLH_FOURIER_LOGITS][2],
                              const clh_fourier_domain *domain, const clh_fourier_sums *sums,
                              const clh_fourier *found, const clh_watch *watch, clh_error *err)
{
    const size_t p = sums->p, width = sums->outputs;
    assert(out && domain && found && p == domain->p && width == domain->outputs);
    double *part = clh_alloc_array(p * width, sizeof *part, err),
           *mean = clh_alloc_array(width, sizeof *mean, err);
    losing all = {
        domain, part, clh_alloc_zeroed(p, sizeof *all.kept, err),
        clh_alloc_zeroed(width, CLH_FOURIER_SLOTS * sizeof *all.row, err),
        clh_alloc_zeroed((size_t)CLH_FOURIER_SLOTS * CLH_FOURIER_LOGITS, sizeof *all.sum, err)};
    clh_status status = part && mean && all.kept && all.row && all.sum ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_fourier_project(part, sums, found, err);
    if (!status) {
        find_kept(&all, sums, mean);
        status = clh_fourier_visit(domain, lose_input, &all, watch, err);
    }
    for (size_t i = 0; i < (size_t)CLH_FOURIER_SLOTS * CLH_FOURIER_LOGITS && !status; i++)
        for (clh_split split = CLH_SPLIT_TRAIN; split <= CLH_SPLIT_TEST; split++)
            clh_loss_sum_add(&out[i % CLH_FOURIER_LOGITS][split], &all.sum[i][split]);
    clh_free(all.sum);
    clh_free(all.row);
    clh_free(all.kept);
    clh_free(mean);
    clh_free(part);
    return status;
}

clh_fourier_loss clh_fourier_loss_of(const clh_fourier *found, clh_fourier_logits logits)
{
    const clh_loss_sum *train = &found->loss[logits][CLH_SPLIT_TRAIN],
                       *test = &found->loss[logits][CLH_SPLIT_TEST];
    return (clh_fourier_loss){train->loss / (double)train->count, test->loss / (double)test->count,
                              (double)train->correct / (double)train->count,
                              (double)test->correct / (double)test->count};
}
