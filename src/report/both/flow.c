#include "report/both/flow.h"

#include <assert.h>
#include <string.h>

#include "report/both/label.h"

static bool ends_word(const char *token)
{
    size_t length = strlen(token);
    return length > 0 && (token[length - 1] == ' ' || token[length - 1] == '\n');
}

/* Characters from `first` to the end of its word, the closing space included, so that no line
 * begins with one. */
static size_t word_width(const clh_flow *flow, const char *const *tokens, size_t count,
                         size_t first)
{
    size_t width = 0;
    for (size_t i = first; i < count; i++) {
        width += flow->width[i];
        if (ends_word(tokens[i]))
            break;
    }
    return width;
}

static void break_lines(clh_flow *flow, const char *const *tokens, size_t count, size_t columns)
{
    size_t used = 0, lines = 1;
    bool at_word = true;
    flow->line_first[0] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t word = at_word ? word_width(flow, tokens, count, i) : 0;
        bool feed = i > 0 && tokens[i - 1][0] == '\n' && !tokens[i - 1][1];
        bool full = used + flow->width[i] > columns;
        bool split = word > columns - used && word <= columns;
        if (i > flow->line_first[lines - 1] && (feed || full || split)) {
            flow->line_first[lines++] = i;
            used = 0;
        }
        used += flow->width[i];
        at_word = ends_word(tokens[i]);
    }
    flow->line_first[lines] = count;
    flow->line_count = lines;
}

clh_status clh_flow_init(clh_flow *flow, const char *const *tokens, size_t count, size_t columns,
                         clh_error *err)
{
    assert(flow && tokens && count >= 1 && columns >= 1);
    *flow = (clh_flow){0};
    flow->width = clh_alloc_array(count, sizeof *flow->width, err);
    flow->line_first = clh_alloc_array(count + 1, sizeof *flow->line_first, err);
    if (!flow->width || !flow->line_first) {
        clh_flow_deinit(flow);
        return CLH_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        char shown[CLH_LABEL_BYTES];
        size_t width = clh_token_show(shown, tokens[i]);
        flow->width[i] = width < columns ? width : columns;
    }
    break_lines(flow, tokens, count, columns);
    return CLH_OK;
}

void clh_flow_deinit(clh_flow *flow)
{
    clh_free(flow->line_first);
    clh_free(flow->width);
    *flow = (clh_flow){0};
}

size_t clh_flow_line_of(const clh_flow *flow, size_t index)
{
    assert(flow);
    size_t line = 0;
    while (line + 1 < flow->line_count && flow->line_first[line + 1] <= index)
        line++;
    return line;
}
