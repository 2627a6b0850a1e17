#include "report/shown.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/decimal.h"

bool clh_shows(const clh_show *show, const char *name)
{
    return !show->part || strcmp(show->part, name) == 0;
}

bool clh_shows_item(const clh_show *show, const clh_result_item *item)
{
    return clh_shows(show, item->view.name) || clh_shows(show, item->schema->name);
}

bool clh_shows_number(const clh_part *part, size_t field, const clh_show *show)
{
    bool headlines = false;
    if (part->schema->fields[field].flags & CLH_WHOLE || part->absent)
        return false;
    for (size_t k = 0; k < part->fields; k++)
        headlines = headlines || part->schema->fields[k].flags & CLH_HEADLINE;
    if (show->full)
        return true;
    return headlines ? part->schema->fields[field].flags & CLH_HEADLINE
                     : !(part->schema->fields[field].flags & CLH_DETAIL) && !part->note[field];
}

const clh_part *clh_shown_part(const clh_result *r, const clh_show *show, size_t *at)
{
    static const clh_part_kind order[] = {CLH_PART_VERDICTS, CLH_PART_NUMBERS, CLH_PART_TABLE};
    while (*at < CLH_COUNT(order) * r->parts) {
        const clh_part *part = &r->part[*at % r->parts];
        const clh_part_kind kind = order[(*at)++ / r->parts];
        const bool there = kind == CLH_PART_TABLE || !part->absent; /* a table says why it is not */
        if (part->schema->kind == kind && there && clh_shows(show, part->schema->name))
            return part;
    }
    return NULL;
}

void clh_shown_question(const clh_result *r, clh_strbuf *out)
{
    for (const char *at = r->question; *at; at++)
        clh_strbuf_addf(out, "%c", *at == '_' ? ' ' : *at);
}

void clh_shown_head(const clh_result *r, bool question, clh_strbuf *out)
{
    const char *run = clh_result_text(r, "run"), *step = clh_result_text(r, "step");
    const char *sample = clh_result_text(r, "sample"), *over = clh_result_text(r, "over");
    const char *against = clh_result_text(r, "against");
    const char *comma = "";
    if (question) {
        clh_shown_question(r, out);
        clh_strbuf_adds(out, run || step || sample || over ? ": " : "");
    }
    if (run)
        clh_strbuf_addf(out, "%s%s", comma, *run ? run : "a model in memory"), comma = ", ";
    if (step)
        clh_strbuf_addf(out, "%sstep %s", comma, step), comma = ", ";
    if (sample)
        clh_strbuf_addf(out, "%s%s", comma, sample), comma = ", ";
    if (against)
        clh_strbuf_addf(out, "%sagainst %s, step %s", comma, against,
                        clh_result_text(r, "against_step"));
    else if (over)
        clh_strbuf_addf(out, "%sover %s", comma, over);
}

const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals, bool small)
{
    if (decimals == 0 && floor(value) < value) /* the middle of two whole numbers */
        decimals = 1;
    const double least = pow(10, -decimals); /* the last place that is shown */
    if (isnan(value))
        (void)snprintf(out, CLH_NUMBER_TEXT, "-");
    else if (isinf(value))
        (void)snprintf(out, CLH_NUMBER_TEXT, value < 0 ? "-inf" : "inf");
    else if (small && fabs(value) < 10 * least && (value < 0 || value > 0))
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.1e", value);
    else if (fabs(value) >= 1e9)
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.4e", value);
    else
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.*f", decimals,
                           fabs(value) < least / 2 ? 0.0 : value);
    return out;
}

void clh_number_add(clh_strbuf *out, double value, const char *none)
{
    const double size = fabs(value); /* nine digits say those below 1e9 */
    const bool whole = size >= 1e9 && size <= 0x1p53 && floor(value) >= value;
    if (!isfinite(value))
        clh_strbuf_adds(out, none);
    else if (whole)
        clh_strbuf_addf(out, "%.0f", value);
    else
        clh_strbuf_addf(out, "%.9g", value);
}
