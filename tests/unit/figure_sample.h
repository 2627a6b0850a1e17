/** One small example of each figure, for the tests of figure files and of terminal renderings.
 *
 *    figure_sample sample;
 *    figure_sample_init(&sample);
 *    clh_figure_heatmap(path, &sample.heatmap, NULL, &err);
 *    figure_sample_deinit(&sample);
 *
 *  A text of 122 tokens, a causal pattern with NaN and -inf in it, a falling loss.
 */
#ifndef FIGURE_SAMPLE_H
#define FIGURE_SAMPLE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "clearhead/figure.h"

enum { SAMPLE_T = 122, SAMPLE_STEPS = 500, SAMPLE_EVALS = 25 };

typedef struct figure_sample {
    char symbols[SAMPLE_T][2];
    const char *tokens[SAMPLE_T];
    clh_real pattern[SAMPLE_T * SAMPLE_T];
    double losses[SAMPLE_STEPS], steps[SAMPLE_EVALS], accuracy[SAMPLE_EVALS], position[SAMPLE_T];
    char **labels;
    clh_series series[2];
    clh_heatmap_panel panel;
    clh_curve_data curve;
    clh_positions_data positions;
    clh_heatmap_data heatmap;
    clh_tokens_data text;
    clh_table_data table;
    clh_rows_panel beside[2];
    clh_rows_data rows;
} figure_sample;

static inline void figure_sample_numbers(figure_sample *s)
{
    for (size_t i = 0; i < SAMPLE_T; i++) {
        (void)snprintf(s->symbols[i], 2, "%c", i == 0 ? '>' : "\x20psM1"[(i - 1) % 5]);
        s->tokens[i] = s->symbols[i];
        s->position[i] = i < 6 ? NAN : 0.001 + 0.01 * (double)(i % 7);
        for (size_t j = 0; j <= i; j++)
            s->pattern[i * SAMPLE_T + j] = (clh_real)(j == i * 7 % (i + 1) ? 0.9 : 0.1 / (double)i);
    }
    s->pattern[50 * SAMPLE_T + 3] = NAN;
    s->pattern[51 * SAMPLE_T + 3] = -INFINITY;
    for (size_t i = 0; i < SAMPLE_STEPS; i++)
        s->losses[i] = 4.3 * exp(-(double)i / 40.0) + 0.001;
    s->losses[100] = NAN;
    for (size_t i = 0; i < SAMPLE_EVALS; i++) {
        s->steps[i] = (double)(20 * i);
        s->accuracy[i] = 1.0 - exp(-(double)i);
    }
}

static inline void figure_sample_init(figure_sample *s)
{
    memset(s, 0, sizeof *s);
    figure_sample_numbers(s);
    const char *const *tokens = s->tokens;
    s->labels = clh_position_labels_make(tokens, SAMPLE_T, NULL);
    s->series[0] = (clh_series){.name = "loss", .y = s->losses, .count = SAMPLE_STEPS};
    s->series[1] = (clh_series){.name = "accuracy",
                                .x = s->steps,
                                .y = s->accuracy,
                                .count = SAMPLE_EVALS,
                                .points = true,
                                .right = true};
    s->curve = (clh_curve_data){.series = s->series,
                                .series_count = 2,
                                .x_label = "step",
                                .y_label = "loss",
                                .right_label = "accuracy"};
    s->positions = (clh_positions_data){
        .values = s->position, .count = SAMPLE_T, .tokens = tokens, .y_label = "loss"};
    s->panel = (clh_heatmap_panel){.values = s->pattern};
    s->heatmap = (clh_heatmap_data){.panels = &s->panel,
                                    .panel_count = 1,
                                    .rows = SAMPLE_T,
                                    .cols = SAMPLE_T,
                                    .row_labels = (const char *const *)s->labels,
                                    .col_labels = (const char *const *)s->labels,
                                    .x_label = "src_token",
                                    .y_label = "dst_token",
                                    .value_label = "attention",
                                    .causal = true};
    s->text = (clh_tokens_data){.tokens = tokens,
                                .values = s->pattern + (size_t)57 * SAMPLE_T,
                                .count = SAMPLE_T,
                                .destination = 57,
                                .value_label = "attention from 57"};
    static const char *const row_labels[] = {"first", "second", "third"};
    static const char *const headings[] = {NULL, "a heading", NULL};
    static const char *const columns[] = {"letters", "whole sequences"};
    static const double cells[] = {1, 0.9999, NAN, -0.5, 0, 20}, points[] = {0.001, 0, 3};
    static const double low[] = {0.0005, NAN, 2}, high[] = {0.002, NAN, 4};
    s->beside[0] = (clh_rows_panel){.title = "loss",
                                    .count = 1,
                                    .value = points,
                                    .low = low,
                                    .high = high,
                                    .label = "nats",
                                    .log = true};
    s->beside[1] = (clh_rows_panel){.cells = true, .count = 2, .names = columns, .value = cells};
    s->rows = (clh_rows_data){.rows = 3,
                              .row_labels = row_labels,
                              .headings = headings,
                              .panels = s->beside,
                              .panel_count = 2};
    static const clh_table_column table_columns[] = {
        {"token", false}, {"position", true}, {"gaps", false}, {"note", false}};
    static const char *const texts[] = {
        "·",
        "1",
        "6 6 6 6 6 6 6",
        NULL,
        "p",
        "2",
        "19 6 1 5 8 13 21 34 55 89 144 233 377 610 987 "
        "1597 2584 4181 6765 10946 17711 28657 46368 75025 121393 196418 317811 514229 832040",
        "long",
        "s",
        "121",
        NULL,
        NULL};
    s->table = (clh_table_data){
        .column = table_columns, .columns = 4, .cell = texts, .rows = 3, .more = "positions"};
}

enum { SAMPLE_KINDS = 6 };

/** Figure `kind` of the sample, below SAMPLE_KINDS, to `path`. */
static inline clh_status figure_sample_draw(const figure_sample *s, int kind, const char *path,
                                            const clh_figure_style *style, clh_error *err)
{
    switch (kind) {
    case 0:
        return clh_figure_curve(path, &s->curve, style, err);
    case 1:
        return clh_figure_positions(path, &s->positions, style, err);
    case 2:
        return clh_figure_heatmap(path, &s->heatmap, style, err);
    case 3:
        return clh_figure_tokens(path, &s->text, style, err);
    case 4:
        return clh_figure_table(path, &s->table, style, err);
    default:
        return clh_figure_rows(path, &s->rows, style, err);
    }
}

static inline void figure_sample_deinit(figure_sample *s)
{
    clh_free(s->labels);
}

#endif
