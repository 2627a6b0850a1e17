#include "report/gaps.h"

#include <assert.h>
#include <stdio.h>

#include "report/both/label.h"

size_t clh_gaps_add(clh_strbuf *line, const clh_threshold_row *row, size_t from, size_t columns)
{
    assert(row->count >= 1);
    size_t used = 0, next = from;
    for (; next + 1 < row->count; next++) {
        char text[24];
        size_t width =
            (size_t)snprintf(text, sizeof text, "%s%zu", next > from ? " " : "", row->gaps[next]);
        if (next > from && used + width > columns)
            break;
        if (line)
            clh_strbuf_adds(line, text);
        used += width;
    }
    return next;
}

size_t clh_gaps_lines(const clh_threshold_row *row, size_t columns)
{
    assert(row && columns > 0);
    size_t lines = 0;
    for (size_t k = 0; k + 1 < row->count; lines++)
        k = clh_gaps_add(NULL, row, k, columns);
    return lines > 0 ? lines : 1;
}

void clh_gaps_token(char *out, size_t size, const clh_threshold_row *row)
{
    char shown[CLH_LABEL_BYTES];
    if (row->token)
        (void)clh_token_show(shown, row->token);
    else
        (void)snprintf(shown, sizeof shown, "%zu", row->position);
    (void)clh_text_clean(out, size, shown);
}
