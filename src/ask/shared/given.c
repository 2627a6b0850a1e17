#include "ask/shared/given.h"

#include <ctype.h>
#include <stdio.h>

#include "base/platform/decimal.h"
#include "base/quote.h"

clh_status clh_given_task(const clh_subject *s, clh_error *err)
{
    return clh_subject_task(s)
               ? CLH_OK
               : clh_fail(err, CLH_EINPUT,
                          "%s has no task (import --task says one): give token ids, as --tokens "
                          "or --text",
                          clh_subject_path(s));
}

static size_t n_ctx_of(const clh_subject *s)
{
    return clh_model_get_config(clh_subject_model(s))->n_ctx;
}

/* First scored token of a sequence that does not say: the run's setting; 1 without a run, 0 of a
 * mixture. */
static size_t first_scored_of(const clh_subject *s)
{
    const clh_run *run = clh_subject_run(s);
    return run ? clh_run_get_config(run)->first_scored : 1;
}

/* ---- One ---- */

clh_status clh_given_check(const clh_subject *s, const void *settings, clh_error *err)
{
    const clh_given *given = settings;
    const char *const name[] = {*given->letters ? "letters" : NULL, *given->text ? "text" : NULL,
                                *given->tokens ? "tokens" : NULL};
    const char *first = NULL;
    (void)s;
    for (size_t i = 0; i < CLH_COUNT(name); i++) {
        if (first && name[i])
            return clh_fail(err, CLH_EUSAGE, "%s and %s are both given, want one of them", first,
                            name[i]);
        first = first ? first : name[i];
    }
    return CLH_OK;
}

bool clh_given_any(const clh_given *given)
{
    return *given->letters || *given->text || *given->tokens;
}

clh_status clh_given_open(clh_batch *out, const clh_subject *s, const clh_given *given,
                          size_t index, clh_error *err)
{
    const clh_task *task = clh_subject_task(s);
    const size_t n_ctx = n_ctx_of(s), first = first_scored_of(s);
    *out = (clh_batch){0};
    if (*given->tokens)
        return clh_batch_read(out, given->tokens, clh_model_get_config(clh_subject_model(s)), first,
                              err);
    if (*given->text)
        return clh_batch_text(out, clh_subject_vocab(s), given->text, first, n_ctx, err);
    clh_status status = clh_given_task(s, err);
    if (status)
        return status;
    return *given->letters ? clh_batch_letters(out, task, given->letters, n_ctx, err)
                           : clh_batch_draw(out, task, index, n_ctx, err);
}

void clh_given_stamp(clh_result *out, const clh_subject *s, const clh_given *given, size_t count,
                     size_t asked)
{
    char text[160];
    if (!*given->letters && !*given->text) {
        clh_ask_stamp_sample(out, s, count, asked, *given->tokens ? "given" : NULL);
        return;
    }
    if (*given->letters)
        (void)snprintf(text, sizeof text, "letters %s", clh_quoted_text(given->letters).text);
    else
        (void)snprintf(text, sizeof text, "the text %s", clh_quoted_text(given->text).text);
    clh_result_stamp(out, "sample", text);
}

/* ---- Two ---- */

static clh_status check_side(const char *name, const char *letters, const char *text,
                             clh_error *err)
{
    if (!*letters == !*text)
        return clh_fail(err, CLH_EUSAGE, "want one of %s LETTERS and %s_text TEXT", name, name);
    return CLH_OK;
}

clh_status clh_given_pair_check(const clh_subject *s, const void *settings, clh_error *err)
{
    const clh_given_pair *pair = settings;
    (void)s;
    clh_status status = check_side("clean", pair->clean, pair->clean_text, err);
    return status ? status : check_side("corrupt", pair->corrupt, pair->corrupt_text, err);
}

static clh_status open_side(clh_batch *out, const clh_subject *s, const char *letters,
                            const char *text, clh_error *err)
{
    const size_t n_ctx = n_ctx_of(s), first = first_scored_of(s);
    if (!*letters)
        return clh_batch_text(out, clh_subject_vocab(s), text, first ? first : 1, n_ctx, err);
    clh_status status = clh_given_task(s, err);
    return status ? status : clh_batch_letters(out, clh_subject_task(s), letters, n_ctx, err);
}

clh_status clh_given_pair_open(clh_two *out, const clh_subject *s, const clh_given_pair *pair,
                               clh_error *err)
{
    *out = (clh_two){0};
    clh_status status = clh_given_pair_check(s, pair, err);
    if (!status)
        status = open_side(&out->clean, s, pair->clean, pair->clean_text, err);
    if (!status)
        status = open_side(&out->corrupted, s, pair->corrupt, pair->corrupt_text, err);
    const size_t pos = out->clean.tokens.pos, other = out->corrupted.tokens.pos;
    if (!status && pos != other)
        status = clh_fail(err, CLH_ESHAPE,
                          "the clean sequence has %zu tokens and the corrupted one %zu, want "
                          "them equal",
                          pos, other);
    if (!status)
        status = clh_metric_parse(&out->metric, pair->metric, clh_subject_vocab(s), pos,
                                  out->clean.first_scored, err);
    if (status)
        clh_two_deinit(out);
    return status;
}

void clh_given_pair_stamp(clh_result *out, const clh_given_pair *pair)
{
    char text[384];
    (void)snprintf(text, sizeof text, "%s, clean %s, corrupted %s",
                   clh_quoted_text(pair->metric).text,
                   clh_quoted_text(*pair->clean ? pair->clean : pair->clean_text).text,
                   clh_quoted_text(*pair->corrupt ? pair->corrupt : pair->corrupt_text).text);
    clh_result_stamp(out, "sample", text);
}

/* ---- Saturated metrics ---- */

/* A probability is that of a sure model: its slope is that much of a logit's and less. Logits, and what
 * a wrong model loses, have no end. */
static bool is_saturated(clh_metric_kind kind, double value)
{
    static const double sure = 0.05;
    return kind == CLH_METRIC_LOSS       ? value < sure
           : kind == CLH_METRIC_LOG_PROB ? value > -sure
           : kind == CLH_METRIC_PROB     ? value < sure || value > 1 - sure
                                         : false;
}

/* A token as a metric takes it: what needs no quoting in a shell by its symbol, else "#1". */
static const char *token_text(const clh_task *task, uint32_t token, char out[24])
{
    char symbol[16] = "";
    clh_task_symbol(task, token, symbol);
    if (isalnum((unsigned char)symbol[0]) && !symbol[1])
        (void)snprintf(out, 24, "%s", symbol);
    else
        (void)snprintf(out, 24, "#%u", token);
    return out;
}

/* Of the first scored token that differs: its logit less that of the corrupted sequence's. */
static const char *suggest(const clh_two *two, const clh_task *task, char out[96])
{
    const clh_tokens *clean = &two->clean.tokens, *other = &two->corrupted.tokens;
    char token[24], against[24];
    size_t i = two->clean.first_scored ? two->clean.first_scored : 1;
    while (i < clean->pos && clean->ids[i] == other->ids[i])
        i++;
    (void)snprintf(out, 96, "logit_diff:POSITION:TOKEN:AGAINST");
    if (i < clean->pos)
        (void)snprintf(out, 96, "logit_diff:%zu:%s:%s", i - 1,
                       token_text(task, clean->ids[i], token),
                       token_text(task, other->ids[i], against));
    return out;
}

void clh_given_note_saturated(clh_result *out, const clh_subject *s, const clh_two *two,
                              const char *run, double value, const char *also)
{
    char text[512], metric[96];
    if (!is_saturated(two->metric.kind, value))
        return;
    (void)clh_snprintf(
        text, sizeof text,
        "The metric is saturated in the %s run (%s %.3g): where a model is sure the gradient is near 0, "
        "and so is what it estimates, whatever a part does. A difference of logits does not saturate: "
        "--metric %s%s.",
        run, clh_metric_name(two->metric.kind), value, suggest(two, clh_subject_task(s), metric),
        also);
    clh_result_note(out, text);
}

void clh_two_deinit(clh_two *two)
{
    clh_batch_deinit(&two->corrupted);
    clh_batch_deinit(&two->clean);
    *two = (clh_two){0};
}
