/* Intervals of what a report says of strongest sources, over its sequences. */
#include <assert.h>
#include <string.h>

#include "lens/attention/attention_parts.h"
#include "measure/numbers/interval.h"

/* What is counted in each sequence. */
enum { ROWS, PROMPT, HELD, FOUND, EARLIEST, LATEST, GAPS, GAP, COUNTS };

/* Distances from each destination to the next of the same strongest source, and those that are the report's
 * gap; `last` [T] is room. */
static void count_gaps(const clh_look *k, size_t b, size_t *last, double *count, size_t stride)
{
    const uint32_t *strongest = k->strongest + b * k->out->rows;
    memset(last, 0, k->T * sizeof *last);
    for (size_t r = 0; r < k->out->rows; r++) {
        size_t *before = &last[strongest[r]]; /* r + 1 of the row before it; 0 for none */
        count[GAPS * stride] += *before > 0;
        count[GAP * stride] += *before > 0 && r + 1 - *before == k->out->gap;
        *before = r + 1;
    }
}

/* Of sequence `b` into count [COUNTS, sequences]. */
static void count_one(const clh_look *k, size_t b, double *count)
{
    const size_t rows = k->out->rows, stride = k->out->sequences;
    double *at = count + b;
    at[ROWS * stride] = (double)rows;
    for (size_t r = 0; r < rows; r++) {
        const unsigned answer = k->answer[b * rows + r];
        at[PROMPT * stride] += k->strongest[b * rows + r] <= k->out->first;
        at[HELD * stride] += (answer & CLH_LOOK_HELD) != 0;
        at[FOUND * stride] += (answer & CLH_LOOK_FOUND) != 0;
        at[EARLIEST * stride] += (answer & CLH_LOOK_EARLIEST) != 0;
        at[LATEST * stride] += (answer & CLH_LOOK_LATEST) != 0;
    }
    count_gaps(k, b, k->counts, at, stride);
}

clh_status clh_look_bands(const clh_look *k, clh_error *err)
{
    assert(k && k->out);
    clh_attention_bands *band = &k->out->band;
    const size_t n = k->out->sequences;
    double *count = clh_alloc_zeroed(n, COUNTS * sizeof *count, err);
    if (!count)
        return CLH_ENOMEM;
    for (size_t b = 0; b < n; b++)
        count_one(k, b, count);
    const clh_sums sums[] = {{count + FOUND * n, count + HELD * n, &band->answer_found},
                             {count + PROMPT * n, count + ROWS * n, &band->top_prompt},
                             {count + EARLIEST * n, count + FOUND * n, &band->top_earliest},
                             {count + LATEST * n, count + FOUND * n, &band->top_latest},
                             {count + GAP * n, count + GAPS * n, &band->gap_share}};
    clh_status status = clh_interval_sums(sums, CLH_COUNT(sums), n, k->seed, err);
    clh_free(count);
    return status;
}
