#include "prove/repair/wanted.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "prove/program/decompile.h"
#include "prove/program/program_parts.h"

clh_status clh_wanted_attention(double *out, const clh_model *model, const clh_letters_asked *asked,
                                const clh_how *how, clh_error *err)
{
    const size_t length = asked->length, first = asked->first_scored - 1;
    clh_tables tables = {0};
    clh_shares shares = {0};
    clh_status status = clh_tables_open(&tables, model, asked, clh_how_watch(how), err);
    if (!status)
        status = clh_shares_open(&shares, &tables, err);
    for (size_t i = first; i + 1 < length && !status; i++) {
        status = clh_watch_check(clh_how_watch(how), i - first, length - 1 - first, "queries", err);
        if (status)
            break;
        clh_shares_place(&shares, i);
        double sum = 0;
        for (size_t j = 0; j <= i; j++)
            sum += shares.attention[j];
        for (size_t j = 0; j <= i; j++)
            out[i * length + j] = shares.attention[j] / sum;
    }
    clh_shares_deinit(&shares);
    clh_tables_deinit(&tables);
    return status;
}

static void sharpest(clh_wanted *w)
{
    for (size_t i = 0; i < w->length; i++) {
        double *row = w->pattern + i * w->length;
        size_t best = 0;
        if (!w->given[i])
            continue;
        for (size_t j = 1; j <= i; j++)
            best = row[j] > row[best] ? j : best;
        memset(row, 0, w->length * sizeof *row);
        row[best] = 1;
    }
}

/* Rows of rules that copy; a rule that writes a token says nothing of attention, which stays as it is. */
static clh_status take_program(clh_wanted *w, const clh_program *program, const clh_task *task,
                               clh_error *err)
{
    const size_t length = w->length;
    clh_status status = clh_program_fits(program, task, err);
    clh_real *pattern = status ? NULL : clh_alloc_array(length * length, sizeof *pattern, err);
    bool *given = status ? NULL : clh_alloc_array(length, sizeof *given, err);
    if (!status)
        status = pattern && given ? clh_program_pattern(program, pattern, given, length, err)
                                  : CLH_ENOMEM;
    for (size_t i = 0; i < length && !status; i++) {
        double sum = 0;
        for (size_t j = 0; j <= i; j++)
            sum += (double)pattern[i * length + j];
        for (size_t j = 0; j <= i && given[i] && w->given[i] && sum > 0; j++)
            w->pattern[i * length + j] = (double)pattern[i * length + j] / sum;
    }
    clh_free(pattern);
    clh_free(given);
    return status;
}

clh_status clh_wanted_open(clh_wanted *out, const clh_model *model, const clh_task *task,
                           const clh_letters_asked *asked, const clh_repair_options *options,
                           const clh_how *how, clh_error *err)
{
    const size_t length = asked->length;
    clh_program *own = NULL;
    *out = (clh_wanted){.length = length};
    out->pattern = clh_alloc_zeroed(length * length, sizeof *out->pattern, err);
    out->attention = clh_alloc_zeroed(length * length, sizeof *out->attention, err);
    out->given = clh_alloc_zeroed(length, sizeof *out->given, err);
    clh_status status = out->pattern && out->attention && out->given ? CLH_OK : CLH_ENOMEM;
    for (size_t i = asked->first_scored - 1; i + 1 < length && !status; i++)
        out->given[i] = true;
    if (!status)
        status = clh_wanted_attention(out->attention, model, asked, how, err);
    if (!status)
        memcpy(out->pattern, out->attention, length * length * sizeof *out->pattern);
    if (!status && options->by == CLH_REPAIR_ONE_HOT)
        sharpest(out);
    if (!status && options->by == CLH_REPAIR_PROGRAM && !options->program)
        status = clh_decompile(&own, model, task, how, err);
    if (!status && options->by == CLH_REPAIR_PROGRAM)
        status = take_program(out, own ? own : options->program, task, err);
    clh_program_close(own);
    if (status)
        clh_wanted_deinit(out);
    return status;
}

void clh_wanted_deinit(clh_wanted *w)
{
    clh_free(w->pattern);
    clh_free(w->attention);
    clh_free(w->given);
    *w = (clh_wanted){0};
}

void clh_wanted_distance(double *mean, double *most, const clh_wanted *w)
{
    const size_t length = w->length;
    size_t rows = 0;
    *mean = *most = 0;
    for (size_t i = 0; i < length; i++) {
        double apart = 0;
        for (size_t j = 0; j <= i && w->given[i]; j++)
            apart += fabs(w->attention[i * length + j] - w->pattern[i * length + j]) / 2;
        rows += w->given[i];
        *mean += apart;
        *most = fmax(*most, apart);
    }
    *mean = rows ? *mean / (double)rows : 0;
}
