#include "report/both/shades.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/decimal.h"

/* ---- The numbers that are shown ----------------------------------------------------------------
 */

typedef void look_fn(void *user, size_t row, double value);

/* Every finite number outside the future; rows are counted over all panels. Returns how many numbers
 * there are, finite or not. */
static size_t look(const clh_heatmap_data *data, look_fn *each, void *user)
{
    size_t all = 0;
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_heatmap_panel *panel = &data->panels[p];
        const size_t stride = panel->stride ? panel->stride : data->cols;
        for (size_t r = 0; r < data->rows; r++) {
            const size_t end = data->causal && r + 1 < data->cols ? r + 1 : data->cols;
            all += end;
            for (size_t c = 0; c < end; c++) {
                const double value = (double)panel->values[r * stride + c];
                if (isfinite(value))
                    each(user, p * data->rows + r, value);
            }
        }
    }
    return all;
}

typedef struct extent {
    double most;
    bool negative;
    double *row; /* NULL: not wanted */
} extent;

static void look_extent(void *user, size_t row, double value)
{
    extent *e = user;
    e->most = fmax(e->most, fabs(value));
    e->negative = e->negative || value < 0.0;
    if (e->row)
        e->row[row] = fmax(e->row[row], fabs(value));
}

/* The order of floats that are not negative is that of their bits: a histogram of the upper half finds
 * the half in which a percentile lies, one of the lower half finds the number. */
enum { HALF = 1 << 16 };

typedef struct histogram {
    size_t count[HALF];
    uint32_t upper; /* HALF: of the upper half itself */
} histogram;

static void look_bits(void *user, size_t row, double value)
{
    histogram *h = user;
    const float magnitude = fabsf((float)value);
    uint32_t bits;
    (void)row;
    memcpy(&bits, &magnitude, sizeof bits);
    if (h->upper == HALF)
        h->count[bits >> 16]++;
    else if (bits >> 16 == h->upper)
        h->count[bits & (HALF - 1)]++;
}

/* The place at which `*rank` numbers are counted; *rank is left what remains of it there. */
static uint32_t place_of(const histogram *h, size_t *rank)
{
    uint32_t at = 0;
    for (; at + 1 < HALF && h->count[at] < *rank; at++)
        *rank -= h->count[at];
    return at;
}

/* The least magnitude that so many per cent of all do not exceed. */
static clh_status percentile(double *out, const clh_heatmap_data *data, clh_error *err)
{
    histogram *h = clh_alloc_zeroed(1, sizeof *h, err);
    if (!h)
        return CLH_ENOMEM;
    size_t total = 0;
    h->upper = HALF;
    (void)look(data, look_bits, h);
    for (size_t i = 0; i < HALF; i++)
        total += h->count[i];
    size_t rank = total / 100 * CLH_SHADES_PERCENT + (total % 100 * CLH_SHADES_PERCENT + 99) / 100;
    const uint32_t upper = place_of(h, &rank);
    memset(h, 0, sizeof *h);
    h->upper = upper;
    (void)look(data, look_bits, h);
    const uint32_t bits = upper << 16 | place_of(h, &rank);
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    clh_free(h);
    *out = total > 0 ? (double)magnitude : 0.0;
    return CLH_OK;
}

/* ---- The scale --------------------------------------------------------------------------------- */

clh_status clh_shades_make(clh_shades *out, const clh_heatmap_data *data, clh_error *err)
{
    assert(out && data);
    const clh_colour_range *range = &data->range;
    extent e = {0};
    clh_status status = CLH_OK;
    double most = 0.0;
    *out = (clh_shades){range->low, range->high, .gamma = range->gamma > 0.0 ? range->gamma : 1.0};
    if (range->kind == CLH_RANGE_ENDS)
        return CLH_OK;
    if (range->kind == CLH_RANGE_ROW) {
        e.row = clh_alloc_zeroed(data->panel_count * data->rows, sizeof *e.row, err);
        if (!e.row)
            return CLH_ENOMEM;
    }
    (void)look(data, look_extent, &e);
    if (range->kind == CLH_RANGE_PERCENTILE)
        status = percentile(&most, data, err);
    if (range->kind == CLH_RANGE_ROW)
        most = 1.0;
    else if (most == 0.0) /* also of numbers of which nearly all are 0 */
        most = e.most;
    out->high = most > 0.0 ? most : 1.0;
    out->low = e.negative ? -out->high : 0.0;
    out->row = e.row;
    return status;
}

clh_status clh_shades_of_tokens(clh_shades *out, const clh_tokens_data *data, clh_error *err)
{
    assert(out && data);
    const clh_heatmap_panel row = {.values = data->values};
    const bool all = data->destination == CLH_NO_DESTINATION;
    const clh_heatmap_data one = {.panels = &row,
                                  .panel_count = 1,
                                  .rows = 1,
                                  .cols = all ? data->count : data->destination + 1,
                                  .range = data->range};
    clh_status status = clh_shades_make(out, &one, err);
    if (status || !out->row)
        return status;
    const double most = *out->row > 0.0 ? *out->row : 1.0; /* nobody divides here */
    out->high = most;
    out->low = out->low < 0.0 ? -most : 0.0;
    clh_shades_deinit(out);
    return CLH_OK;
}

void clh_shades_deinit(clh_shades *shades)
{
    if (!shades)
        return;
    clh_free(shades->row);
    shades->row = NULL;
}

static double part_of(const clh_shades *s, double value)
{
    if (s->low < 0.0 && s->high > 0.0)
        return value / fmax(-s->low, s->high);
    if (s->low >= 0.0)
        return fmax((value - s->low) / (s->high - s->low), 0.0);
    return fmin((value - s->high) / (s->high - s->low), 0.0);
}

double clh_shades_at(const clh_shades *shades, double value)
{
    assert(shades && shades->low < shades->high && shades->gamma > 0.0);
    if (isnan(value))
        return value;
    const double part = fmin(fmax(part_of(shades, value), -1.0), 1.0);
    return copysign(pow(fabs(part), shades->gamma), part);
}

typedef struct counting {
    const clh_shades *shades;
    size_t finite, beyond;
} counting;

static void look_beyond(void *user, size_t row, double value)
{
    counting *c = user;
    const double most = c->shades->row ? c->shades->row[row] : 1.0,
                 part = most > 0.0 ? value / most : value;
    c->finite++;
    c->beyond += part < c->shades->low || part > c->shades->high;
}

clh_shades_counts clh_shades_count(const clh_shades *shades, const clh_heatmap_data *data)
{
    assert(shades && data);
    counting c = {.shades = shades};
    const size_t all = look(data, look_beyond, &c);
    return (clh_shades_counts){all, .missing = all - c.finite, .beyond = c.beyond};
}

const char *clh_shades_label(char out[CLH_SHADES_LABEL], const char *name,
                             const clh_colour_range *range)
{
    static const char *const words[] = {[CLH_RANGE_MAX] = "",
                                        [CLH_RANGE_ENDS] = "",
                                        [CLH_RANGE_ROW] = "of each row's largest",
                                        [CLH_RANGE_PERCENTILE] = "to the 99th percentile"};
    const char *word = words[range->kind];
    const bool gamma = range->gamma > 0.0 && fabs(range->gamma - 1.0) > 0.0;
    int used = snprintf(out, CLH_SHADES_LABEL, "%.120s%s%s", name ? name : "",
                        name && *name && *word ? ", " : "", word);
    if (gamma)
        (void)clh_snprintf(out + used, CLH_SHADES_LABEL - (size_t)used, "%sgamma %g",
                           used > 0 ? ", " : "", range->gamma);
    return out;
}
