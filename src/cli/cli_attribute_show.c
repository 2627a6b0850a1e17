/* The tables and pictures of `clearhead attribute`. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "cli/cli_attribute.h"

enum { ROWS_SHOWN = 40, COLUMNS_SHOWN = 10 };

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

static void print_positions(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                            const clh_run *run, size_t columns, size_t stride)
{
    (void)printf("\n%5s  %-20s", "pos", "predicts");
    for (size_t c = 0; c < columns; c++)
        (void)printf(" %12.12s", grid->row[c * stride].name);
    (void)puts("");
    for (size_t i = 0; i < grid->count && !clh_cli_out_failed(); i++) {
        char label[72];
        label_of(ask, run, ask->position[i], label);
        (void)printf("%5zu  %-20s", ask->position[i], label);
        for (size_t c = 0; c < columns; c++)
            (void)printf(" %12.6f", grid->row[c * stride].value[i]);
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
    (void)printf("%-16s %12.6f %12.6f %12.6f\n", row->name, row->mean, least, most);
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
        (void)printf("%zu others %s %12.6f\n", grid->parts - ROWS_SHOWN, "", rest);
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
            (void)printf(" %12.6f", row[k].mean);
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

/* ---- Pictures ----------------------------------------------------------------------------------
 */

/* What a heat map is made of. */
typedef struct picture {
    size_t rows, cols;
    clh_real *value;         /* [rows, cols] */
    const char **row, **col; /* labels */
    char (*text)[24];        /* of the columns */
} picture;

/* Row `r` of the picture: a stream's probability, or a part. What is no part of a run without
 * edits, the stream's own remainder, and the whole are left out. */
static const clh_attribute_row *picture_row(const clh_attribute_grid *grid,
                                            const clh_attribute_ask *ask, size_t r)
{
    if (ask->lens)
        return &grid->row[r * CLH_LENS_NUMBERS + 1];
    return &grid->row[r + 1 < grid->parts ? r : r + 1];
}

static clh_status picture_make(picture *p, const clh_attribute_grid *grid,
                               const clh_attribute_ask *ask, clh_error *err)
{
    p->rows = ask->lens ? grid->parts : grid->rows - 2;
    p->cols = grid->count;
    p->value = clh_alloc_array(p->rows * p->cols, sizeof *p->value, err);
    p->row = clh_alloc_array(p->rows + p->cols, sizeof *p->row, err);
    p->text = clh_alloc_array(p->cols, sizeof *p->text, err);
    if (!p->value || !p->row || !p->text)
        return CLH_ENOMEM;
    p->col = p->row + p->rows;
    for (size_t r = 0; r < p->rows; r++) {
        const clh_attribute_row *from = picture_row(grid, ask, r);
        p->row[r] = from->name;
        for (size_t i = 0; i < p->cols; i++)
            p->value[r * p->cols + i] = (clh_real)from->value[i];
    }
    for (size_t i = 0; i < p->cols; i++) {
        (void)snprintf(p->text[i], sizeof p->text[i], "%zu", ask->position[i]);
        p->col[i] = p->text[i];
    }
    return CLH_OK;
}

clh_status clh_attribute_draw(const char *path, const clh_attribute_grid *grid,
                              const clh_attribute_ask *ask, const clh_run *run, clh_error *err)
{
    assert(path && grid && ask && run);
    picture p = {0};
    clh_status status = picture_make(&p, grid, ask, err);
    if (!status) {
        const clh_heatmap_panel panel = {.values = p.value};
        const clh_heatmap_data data = {.panels = &panel,
                                       .panel_count = 1,
                                       .rows = p.rows,
                                       .cols = p.cols,
                                       .row_labels = p.row,
                                       .col_labels = p.col,
                                       .x_label = "position",
                                       .value_label = ask->lens ? "prob" : "logit",
                                       .limit = ask->lens ? 1 : 0};
        const size_t width = 300 + 14 * p.cols, height = 170 + 18 * p.rows;
        const clh_figure_style style = {.width = width < 12000 ? width : 12000,
                                        .height = height < 12000 ? height : 12000,
                                        .title = ask->lens ? "Logit lens: the right token"
                                                           : "Direct logit attribution",
                                        .caption = clh_run_path(run)};
        status = clh_figure_heatmap(path, &data, &style, err);
    }
    clh_free(p.text);
    clh_free((void *)p.row);
    clh_free(p.value);
    return status;
}
