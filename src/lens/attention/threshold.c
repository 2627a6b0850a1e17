#include "clearhead/threshold.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static int by_count_then_position(const void *left, const void *right)
{
    const clh_threshold_row *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->position > b->position ? -1 : a->position < b->position;
}

static void drop_seen_symbols(clh_threshold_table *table)
{
    size_t kept = 0;
    for (size_t r = 0; r < table->row_count; r++) {
        bool seen = false;
        for (size_t k = 0; k < kept && !seen; k++)
            seen = strcmp(table->rows[k].token, table->rows[r].token) == 0;
        if (!seen)
            table->rows[kept++] = table->rows[r];
    }
    table->row_count = kept;
}

/* One column into a row and its numbers: count destinations, then count - 1 gaps. */
static clh_threshold_row column_row(const clh_real *pattern, size_t length, size_t source,
                                    double threshold, size_t *numbers)
{
    clh_threshold_row row = {.position = source, .maximum = -INFINITY};
    for (size_t i = 0; i < length; i++) {
        double weight = (double)pattern[i * length + source];
        if (!isfinite(weight))
            continue;
        row.maximum = fmax(row.maximum, weight);
        if (weight > threshold)
            numbers[row.count++] = i;
    }
    for (size_t k = 1; k < row.count; k++)
        numbers[row.count + k - 1] = numbers[k] - numbers[k - 1];
    row.destinations = numbers;
    row.gaps = numbers + row.count;
    return row;
}

static void count_above(const clh_real *pattern, size_t length, double threshold, size_t *rows,
                        size_t *weights)
{
    *rows = *weights = 0;
    for (size_t j = 0; j < length; j++) {
        size_t before = *weights;
        for (size_t i = 0; i < length; i++) {
            double weight = (double)pattern[i * length + j];
            *weights += isfinite(weight) && weight > threshold;
        }
        *rows += *weights > before;
    }
}

clh_status clh_threshold_table_init(clh_threshold_table *table, const clh_real *pattern,
                                    size_t length, const char *const *tokens,
                                    const clh_threshold_options *options, clh_error *err)
{
    CLH_REQUIRE(table && pattern && (tokens || !options || !options->once_per_symbol), err,
                "a pattern, symbols where each is to be listed once, and room for the table");
    *table = (clh_threshold_table){0};
    double threshold =
        options && options->threshold != 0.0 ? options->threshold : CLH_THRESHOLD_DEFAULT;
    if (length == 0)
        return clh_fail(err, CLH_EINPUT, "the pattern is [0, 0], want at least one position");
    if (!isfinite(threshold))
        return clh_fail(err, CLH_ERANGE, "the threshold is %g, want a finite number", threshold);
    size_t rows, weights;
    count_above(pattern, length, threshold, &rows, &weights);
    table->rows = clh_alloc_array(rows, sizeof *table->rows, err);
    table->numbers = clh_alloc_array(weights, 2 * sizeof *table->numbers, err);
    if (!table->rows || !table->numbers) {
        clh_threshold_table_deinit(table);
        return CLH_ENOMEM;
    }
    table->threshold = threshold;
    size_t *free_numbers = table->numbers;
    for (size_t j = 0; j < length && table->row_count < rows; j++) {
        clh_threshold_row row = column_row(pattern, length, j, threshold, free_numbers);
        if (row.count == 0)
            continue;
        row.token = tokens ? tokens[j] : NULL;
        free_numbers += 2 * row.count - 1;
        table->rows[table->row_count++] = row;
    }
    if (table->row_count > 0)
        qsort(table->rows, table->row_count, sizeof *table->rows, by_count_then_position);
    if (options && options->once_per_symbol)
        drop_seen_symbols(table);
    return CLH_OK;
}

void clh_threshold_table_deinit(clh_threshold_table *table)
{
    if (!table)
        return;
    clh_free(table->numbers);
    clh_free(table->rows);
    *table = (clh_threshold_table){0};
}
