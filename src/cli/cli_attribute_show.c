/* The tables of `clearhead attribute`. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "cli/cli_attribute.h"

enum { ROWS_SHOWN = 40, COLUMNS_SHOWN = 10, COLUMN = 12 };

/* "term 2 slot 3 c": what is predicted at a position, with its token where there is one sequence.
 */
static void label_of(const clh_attribute_ask *ask, const clh_run *run, size_t position,
                     char out[72])
{
    const clh_tokens *t = &ask->batch.tokens;
    const clh_task *task = clh_run_task(run);
    char label[48] = "", symbol[16] = "";
    if (task && position + 1 < t->pos) {
        clh_task_label(task, t->pos, position + 1, label);
        if (t->batch == 1)
            clh_task_symbol(task, t->ids[position + 1], symbol);
    }
    (void)snprintf(out, 72, "%s %s", label, symbol);
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

/* A column is as wide as a number, or as its name. */
static int width_of(const clh_attribute_row *row)
{
    const int length = (int)strlen(row->name);
    return length > COLUMN ? length : COLUMN;
}

static void print_positions(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                            const clh_run *run, size_t columns, size_t stride)
{
    (void)printf("\n%5s  %-20s", "pos", "predicts");
    for (size_t c = 0; c < columns; c++)
        (void)printf(" %*s", width_of(&grid->row[c * stride]), grid->row[c * stride].name);
    (void)puts("");
    for (size_t i = 0; i < grid->count && !clh_cli_out_failed(); i++) {
        char label[72];
        label_of(ask, run, ask->position[i], label);
        (void)printf("%5zu  %-20s", ask->position[i], label);
        for (size_t c = 0; c < columns; c++)
            (void)printf(" %*.6f", width_of(&grid->row[c * stride]),
                         clh_cli_shown(grid->row[c * stride].value[i], 6));
        (void)puts("");
    }
}

static int by_magnitude(const void *left, const void *right)
{
    const double a = fabs(((const clh_attribute_row *)left)->mean);
    const double b = fabs(((const clh_attribute_row *)right)->mean);
    return (a < b) - (a > b);
}

static void print_row(const clh_attribute_row *row, size_t count)
{
    double least = row->value[0], most = row->value[0];
    for (size_t i = 1; i < count; i++) {
        least = fmin(least, row->value[i]);
        most = fmax(most, row->value[i]);
    }
    (void)printf("%-16s %12.6f %12.6f %12.6f\n", row->name, clh_cli_shown(row->mean, 6),
                 clh_cli_shown(least, 6), clh_cli_shown(most, 6));
}

/* All components, or of very many the largest; `order` is room for them. */
static void print_components(const clh_attribute_grid *grid, clh_attribute_row *order)
{
    double rest = 0;
    memcpy(order, grid->row, grid->parts * sizeof *order);
    if (grid->parts > ROWS_SHOWN)
        qsort(order, grid->parts, sizeof *order, by_magnitude);
    for (size_t r = 0; r < grid->parts; r++) {
        if (r < ROWS_SHOWN)
            print_row(&order[r], grid->count);
        else
            rest += order[r].mean;
    }
    if (grid->parts > ROWS_SHOWN)
        (void)printf("%zu others %s %12.6f\n", grid->parts - ROWS_SHOWN, "",
                     clh_cli_shown(rest, 6));
}

static void print_parts(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                        const clh_run *run)
{
    clh_attribute_row *order = clh_alloc_array(grid->parts, sizeof *order, NULL);
    (void)printf("%s, step %zu: %s, final norm %s; %zu positions of %zu sequences\n",
                 clh_run_path(run), clh_run_step(run),
                 ask->right ? "the right token's logit less the mean logit"
                            : clh_opt_text(ask->inv, "metric"),
                 clh_final_norm_name(ask->norm), grid->count, ask->batch.tokens.batch);
    (void)printf("%-16s %12s %12s %12s\n", "component", "mean", "least", "most");
    if (order)
        print_components(grid, order);
    for (size_t e = 0; e < CLH_ATTRIBUTE_EXTRAS; e++)
        print_row(&grid->row[grid->parts + e], grid->count);
    if (grid->count > 1 && grid->rows <= COLUMNS_SHOWN)
        print_positions(grid, ask, run, grid->rows, 1);
    else if (grid->count > 1)
        (void)printf("\n%zu components: --json and --figure show them by position\n", grid->parts);
    clh_free(order);
}

static void print_lens(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                       const clh_run *run)
{
    (void)printf("%s, step %zu: the right token read from the stream, final norm %s; %zu positions "
                 "of %zu sequences\n%-12s %12s %12s %12s %12s %12s\n",
                 clh_run_path(run), clh_run_step(run), clh_final_norm_name(ask->norm), grid->count,
                 ask->batch.tokens.batch, "stream", "loss", "prob", "rank", "correct", "logit");
    for (size_t s = 0; s < grid->parts; s++) {
        const clh_attribute_row *row = &grid->row[s * CLH_LENS_NUMBERS];
        (void)printf("%-12s", row->name);
        for (size_t k = 0; k < CLH_LENS_NUMBERS; k++)
            (void)printf(" %12.6f", clh_cli_shown(row[k].mean, 6));
        (void)puts("");
    }
    if (grid->parts > COLUMNS_SHOWN) {
        (void)printf("\n%zu streams: --json and --figure show them by position\n", grid->parts);
        return;
    }
    (void)printf("\nprobability of the right token:");
    print_positions(
        &(clh_attribute_grid){
            .rows = grid->rows, .count = grid->count, .parts = grid->parts, .row = grid->row + 1},
        ask, run, grid->parts, CLH_LENS_NUMBERS);
}

void clh_attribute_print(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                         const clh_run *run)
{
    assert(grid && ask && run);
    (ask->lens ? print_lens : print_parts)(grid, ask, run);
}
