/* The numbers of all interventions with their intervals: every resample is drawn once, and all of
 * them are summed over it. */
#include <assert.h>
#include <math.h>

#include "base/stop.h"
#include "clearhead/causal.h"
#include "measure/numbers/interval.h"
#include "measure/numbers/tally.h"

enum { VALUES = CLH_RATIOS + 1 }; /* ratios, then what is recovered */

/* What a ratio of sums adds up, of one sequence or many. */
typedef struct sums {
    double part[CLH_RATIOS], whole[CLH_RATIOS];
} sums;

static sums sums_of(const clh_tally *t)
{
    sums s = {{0}, {0}};
    clh_tally_parts(t, s.part, s.whole);
    return s;
}

static double recovered(double reference, double loss, double plain)
{
    return reference > plain ? (reference - loss) / (reference - plain) : NAN;
}

/* The values of every intervention from its sums. */
static void values_of(double (*out)[VALUES], const sums *s)
{
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        for (int r = 0; r < CLH_RATIOS; r++)
            out[i][r] = s[i].whole[r] > 0 ? s[i].part[r] / s[i].whole[r] : NAN;
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        out[i][CLH_RATIOS] =
            recovered(out[CLH_CAUSAL_REFERENCE][CLH_RATIO_LOSS], out[i][CLH_RATIO_LOSS],
                      out[CLH_CAUSAL_NONE][CLH_RATIO_LOSS]);
}

/* part and whole are exact for counts; losses are added in the order in which they are drawn. All
 * ratios are added, also of kinds of token that the task has not: a loop of fixed length is faster. */
static sums add_up(const sums *of, const uint32_t *drawn, size_t sequences)
{
    sums all = {{0}, {0}};
    for (size_t k = 0; k < sequences; k++)
        for (int r = 0; r < CLH_RATIOS; r++) {
            all.part[r] += of[drawn[k]].part[r];
            all.whole[r] += of[drawn[k]].whole[r];
        }
    return all;
}

typedef struct room {
    sums *of;        /* [interventions, sequences] */
    uint32_t *drawn; /* [sequences] */
    double *value;   /* [interventions, VALUES, rounds] */
    sums all[CLH_INTERVENTIONS];
    double now[CLH_INTERVENTIONS][VALUES];
} room;

static clh_status resample_all(room *r, size_t sequences, size_t rounds, uint64_t seed,
                               const clh_watch *watch, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t round = 0; round < rounds && !status; round++) {
        status = clh_watch_check(watch, round, rounds, "resamples", err);
        clh_resample(r->drawn, sequences, round, seed);
        for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
            r->all[i] = add_up(r->of + i * sequences, r->drawn, sequences);
        values_of(r->now, r->all);
        for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
            for (size_t v = 0; v < VALUES; v++)
                r->value[(i * VALUES + v) * rounds + round] = r->now[i][v];
    }
    return status ? status : clh_watch_check(watch, rounds, rounds, "resamples", err);
}

static void take_rows(clh_causal_row *out, room *r, const clh_causal_result *result, size_t rounds,
                      double level)
{
    for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
        r->all[i] = sums_of(&result->measure[i].total);
    values_of(r->now, r->all);
    for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
        for (size_t v = 0; v < VALUES; v++) {
            clh_interval *to = v < CLH_RATIOS ? &out[i].ratio[v] : &out[i].recovered;
            *to =
                clh_interval_of(r->now[i][v], r->value + (i * VALUES + v) * rounds, rounds, level);
            if (result->sequences == 1)
                to->low = to->high = NAN;
            if (v < CLH_RATIOS)
                clh_interval_exact(to, result->measure[i].sequence, result->sequences, (clh_ratio)v,
                                   level);
        }
}

clh_status clh_causal_rows(clh_causal_row out[CLH_INTERVENTIONS], const clh_causal_result *result,
                           size_t rounds, double level, uint64_t seed, const clh_watch *watch,
                           clh_error *err)
{
    CLH_REQUIRE(out && result, err, "a result, and room for its rows");
    for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
        if (!result->measure[i].sequence)
            return clh_fail(err, CLH_EINPUT, "the result lacks the measure of %s",
                            clh_intervention_name((clh_intervention)i));
    const size_t n = result->sequences;
    clh_status status = clh_interval_check(n, rounds, level, err);
    if (status)
        return status;
    room r = {.of = clh_alloc_array(n, CLH_INTERVENTIONS * sizeof *r.of, err),
              .drawn = clh_alloc_array(n, sizeof *r.drawn, err),
              .value = clh_alloc_array(rounds, sizeof(double[CLH_INTERVENTIONS][VALUES]), err)};
    if (r.of && r.drawn && r.value) {
        for (size_t i = 0; i < CLH_INTERVENTIONS; i++)
            for (size_t k = 0; k < n; k++)
                r.of[i * n + k] = sums_of(&result->measure[i].sequence[k]);
        status = resample_all(&r, n, rounds, seed, watch, err);
    } else {
        status = CLH_ENOMEM;
    }
    if (!status)
        take_rows(out, &r, result, rounds, level);
    clh_free(r.value);
    clh_free(r.drawn);
    clh_free(r.of);
    return status;
}
