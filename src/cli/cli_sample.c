#include "cli/cli_sample.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/strbuf.h"

/* The token a sequence of the task ends with, or UINT32_MAX where none is known. */
static uint32_t period_of(const clh_task *task)
{
    uint32_t id = 0;
    size_t length = 0;
    return clh_task_encode(task, ".", &id, 1, &length, NULL) == CLH_OK ? id : UINT32_MAX;
}

static clh_status predict_forced(clh_cli_sample *s, const clh_model *model, clh_error *err)
{
    const clh_sequence *q = &s->sequence;
    clh_cache *cache = NULL;
    clh_status status = clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, &(clh_tokens){q->tokens, 1, q->length}, cache, NULL, err);
    if (!status)
        status = clh_cache_check(cache, err);
    /* Without an answer the prediction after the last token is what one wants to see. */
    s->length = s->answered ? q->length : q->length + 1;
    for (size_t i = q->first_scored; i < s->length && !status; i++)
        s->predicted[i] = clh_cache_prediction(cache, 0, i - 1);
    clh_cache_close(cache);
    return status;
}

static clh_status predict_free(clh_cli_sample *s, const clh_model *model, const clh_task *task,
                               clh_error *err)
{
    const clh_sequence *q = &s->sequence;
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    return s->answered ? clh_generate(model, s->predicted, q->first_scored, q->length, UINT32_MAX,
                                      &s->length, NULL, err)
                       : clh_generate(model, s->predicted, q->length, n_ctx, period_of(task),
                                      &s->length, NULL, err);
}

clh_status clh_cli_sample_make(clh_cli_sample *out, const clh_model *model, const clh_task *task,
                               clh_sequence *sequence, bool free, bool answered, clh_error *err)
{
    assert(out && model && task && sequence);
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    clh_cli_sample sample = {.sequence = *sequence, .free = free, .answered = answered};
    *sequence = (clh_sequence){0};
    const size_t length = sample.sequence.length;
    sample.predicted =
        clh_alloc_zeroed((length > n_ctx ? length : n_ctx) + 1, sizeof *sample.predicted, err);
    clh_status status = sample.predicted ? CLH_OK : CLH_ENOMEM;
    if (!status) {
        memcpy(sample.predicted, sample.sequence.tokens, length * sizeof *sample.predicted);
        status =
            free ? predict_free(&sample, model, task, err) : predict_forced(&sample, model, err);
    }
    if (status)
        clh_cli_sample_deinit(&sample);
    else
        *out = sample;
    return status;
}

static bool is_mistake(const clh_cli_sample *s, size_t i)
{
    return s->answered && i >= s->sequence.first_scored && i < s->sequence.length &&
           s->predicted[i] != s->sequence.tokens[i];
}

/* Tokens [from, to) as text, each symbol as it is; mistakes on red where colour is. */
static void add_tokens(clh_strbuf *text, const clh_cli_sample *s, const clh_task *task,
                       const uint32_t *tokens, size_t from, size_t to, bool colour)
{
    for (size_t i = from; i < to; i++) {
        char symbol[16];
        clh_task_symbol(task, tokens[i], symbol);
        bool red = colour && is_mistake(s, i);
        clh_strbuf_addf(text, "%s%s%s", red ? "\033[41;97m" : "", symbol, red ? "\033[0m" : "");
    }
}

static size_t mistakes(const clh_cli_sample *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->length; i++)
        count += is_mistake(s, i);
    return count;
}

/* One stretch of positions: expected, predicted, marks. */
static void print_stretch(const clh_cli_sample *s, const clh_task *task, size_t from, size_t to,
                          bool colour)
{
    clh_strbuf line = {0};
    size_t known = to < s->sequence.length ? to : s->sequence.length;
    bool wrong = false;
    clh_strbuf_adds(&line, s->answered ? "expected:  " : "prompt:    ");
    add_tokens(&line, s, task, s->sequence.tokens, from, known > from ? known : from, false);
    clh_strbuf_adds(&line, s->answered ? "\npredicted: "
                           : s->free   ? "\nwritten:   "
                                       : "\nnext:      ");
    add_tokens(&line, s, task, s->predicted, from, to, colour);
    clh_strbuf_adds(&line, "\n");
    for (size_t i = from; i < to; i++)
        wrong = wrong || is_mistake(s, i);
    if (wrong) {
        clh_strbuf_adds(&line, "           ");
        for (size_t i = from; i < to; i++)
            clh_strbuf_adds(&line, is_mistake(s, i) ? "^" : " ");
        clh_strbuf_adds(&line, "\n");
    }
    (void)fputs(clh_strbuf_view(&line), stdout);
    clh_strbuf_deinit(&line);
}

/* Where a line from `from` ends: behind the last space of what is expected (else of what is
 * written) that fits, so that terms stay whole. */
static size_t line_end(const clh_cli_sample *s, const clh_task *task, size_t from, size_t columns)
{
    const uint32_t *shown = s->answered ? s->sequence.tokens : s->predicted;
    if (s->length - from <= columns)
        return s->length;
    for (size_t end = from + columns; end > from + columns / 2; end--) {
        char symbol[16];
        clh_task_symbol(task, shown[end - 1], symbol);
        if (strcmp(symbol, " ") == 0)
            return end;
    }
    return from + columns;
}

void clh_cli_sample_print(const clh_cli_sample *s, const clh_task *task, bool colour, size_t width)
{
    const size_t margin = 11, columns = width > margin + 20 ? width - margin : 20;
    for (size_t from = 0, end; from < s->length; from = end) {
        end = line_end(s, task, from, columns);
        print_stretch(s, task, from, end, colour);
    }
    if (s->answered) {
        size_t scored = s->sequence.length - s->sequence.first_scored, wrong = mistakes(s);
        (void)printf("%zu of %zu predictions right (%s)\n", scored - wrong, scored,
                     s->free ? "from its own output" : "each from the right tokens before it");
    }
}

clh_status clh_cli_sample_print_json(const clh_cli_sample *s, const clh_task *task, clh_error *err)
{
    char *expected = NULL, *predicted = NULL;
    clh_status status =
        clh_task_decode(task, s->sequence.tokens, s->sequence.length, &expected, err);
    if (!status)
        status = clh_task_decode(task, s->predicted, s->length, &predicted, err);
    clh_strbuf text = {0};
    if (!status) {
        const size_t first = s->sequence.first_scored, scored = s->sequence.length - first;
        clh_strbuf_addf(&text, "{\"free\": %s, \"first_scored\": %zu, \"%s\": ",
                        s->free ? "true" : "false", first, s->answered ? "expected" : "prompt");
        clh_strbuf_add_json(&text, expected);
        clh_strbuf_adds(&text, ", \"predicted\": ");
        clh_strbuf_add_json(&text, predicted);
        if (s->answered) {
            clh_strbuf_addf(&text, ", \"token_accuracy\": %.9g, \"mistakes\": [",
                            1 - (double)mistakes(s) / (double)scored);
            const char *between = "";
            for (size_t i = 0; i < s->length; i++)
                if (is_mistake(s, i)) {
                    clh_strbuf_addf(&text, "%s%zu", between, i);
                    between = ", ";
                }
            clh_strbuf_adds(&text, "]");
        }
        clh_strbuf_adds(&text, "}");
        status = clh_strbuf_check(&text, err);
    }
    if (!status)
        (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    clh_free(predicted);
    clh_free(expected);
    return status;
}

void clh_cli_sample_deinit(clh_cli_sample *sample)
{
    clh_free(sample->predicted);
    clh_free(sample->sequence.tokens);
    *sample = (clh_cli_sample){0};
}
