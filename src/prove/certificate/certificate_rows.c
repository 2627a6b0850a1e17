#include "prove/certificate/certificate_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The letters one after another; symbols have 15 bytes at most. */
static void write_letters(char out[CLH_INPUT_TEXT], const uint32_t *token, size_t n,
                          const clh_task *task, const clh_counterexample *one)
{
    char symbol[16];
    *out = '\0';
    for (size_t s = 0; s < n; s++) {
        const size_t length = strlen(out);
        clh_task_symbol(task, token[one->letters[s]], symbol);
        (void)snprintf(out + length, CLH_INPUT_TEXT - length, "%s", symbol);
    }
    if (n == 0)
        (void)snprintf(out, CLH_INPUT_TEXT, "%llu", (unsigned long long)one->rank);
}

void clh_shown_input_of(clh_shown_input *out, const uint32_t *token, size_t n, const clh_task *task,
                        const clh_counterexample *one)
{
    *out = (clh_shown_input){
        .position = one->position, .mistakes = one->mistakes, .margin = one->margin};
    write_letters(out->input, token, n, task, one);
    clh_task_symbol(task, one->expected, out->expected);
    clh_task_symbol(task, one->predicted, out->predicted);
}

bool clh_shown_class_of(clh_shown_class *out, const clh_certificate *c, const clh_task *task,
                        clh_certify_class which)
{
    const clh_certify_row *row = &c->classes[which];
    *out = (clh_shown_class){
        row->inputs,           row->failures,
        row->tokens,           .share = (double)row->failures / (double)row->inputs,
        .margin = row->margin, .position = SIZE_MAX};
    if (row->inputs == 0 || isnan(row->margin))
        return row->inputs > 0;
    write_letters(out->input, c->token, c->n, task, &row->margin_input);
    out->position = row->margin_position;
    return true;
}

double clh_shown_predictions(const clh_certificate *c)
{
    return (double)c->all.inputs * (double)(c->length - c->first_scored);
}

uint64_t clh_shown_bounds(const clh_certificate *c)
{
    uint64_t bounds = 0;
    for (size_t s = 0; s <= CLH_CERTIFY_LETTERS; s++)
        bounds += c->by_depth[s];
    return bounds;
}

size_t clh_shown_decided_of(clh_shown_decided out[CLH_SHOWN_DECIDED], const clh_certificate *c)
{
    const double all = c->by_bounds ? clh_shown_predictions(c) : (double)c->forward,
                 rest = all - (double)clh_shown_bounds(c);
    size_t count = 0;
    for (size_t s = 0; s <= c->n && c->by_bounds; s++, count++) {
        out[count].predictions = (double)c->by_depth[s];
        (void)snprintf(out[count].by, sizeof out[count].by, "bound, %zu slots free", s);
    }
    out[count++] = (clh_shown_decided){"one by one", rest, 0};
    for (size_t i = 0; i < count; i++)
        out[i].share = out[i].predictions / all;
    return count;
}

void clh_shown_bins(size_t *begin, size_t *end, const clh_certificate *c)
{
    *begin = 0;
    *end = c->histogram ? CLH_MARGIN_BINS : 0;
    while (*begin < *end && !c->histogram[*begin])
        ++*begin;
    while (*end > *begin && !c->histogram[*end - 1])
        --*end;
}

const char *clh_shown_proved(const clh_certificate *c, const char **by)
{
    *by = c->by_bounds ? "the real-valued function of these weights, and this library's forward "
                         "pass in floats"
                       : "every input was run; real numbers were not asked";
    return c->by_bounds ? "both claims" : "the forward pass";
}
