#include "measure/writing/texts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/stop.h"
#include "measure/sequences/symbols.h"

enum { TOGETHER = 256 }; /* texts in memory at once */

/* Text `k`: draw k % draws of source k / draws. */
static clh_writing_ask text_at(const clh_texts *t, size_t k)
{
    const size_t source = k / t->draws, pos = t->batch.tokens.pos;
    const size_t first = t->sample ? t->sample->first_scored[source] : t->batch.first_scored;
    clh_writing_ask ask = {.first_scored = !t->answered || !first ? 1 : first,
                           .free = t->free,
                           .answered = t->answered,
                           .choice = t->choice,
                           .most = t->most};
    ask.tokens = t->prompts.count ? clh_prompts_tokens(&t->prompts, source)
                 : t->sample      ? clh_sample_tokens(t->sample, source)
                                  : (clh_tokens){t->batch.ids + source * pos, 1, pos};
    ask.choice.text = k;
    return ask;
}

static void say(char out[176], const clh_texts *t, size_t k, const clh_writing *w)
{
    char right[112] = "", draw[64] = "";
    if (w->ask.answered)
        (void)snprintf(right, sizeof right, "%zu of %zu predictions right (%s)",
                       w->scored - w->mistakes, w->scored,
                       w->ask.free ? "from its own output"
                                   : "each from the right tokens before it");
    if (t->draws > 1)
        (void)snprintf(draw, sizeof draw, "%sdraw %zu of %zu", *right ? ", " : "", k % t->draws + 1,
                       t->draws);
    (void)snprintf(out, 176, "%s%s", right, draw);
}

/* What one text is told by: memory of its symbols, characters and mistakes. */
typedef struct told {
    clh_symbols right, said;
    clh_strbuf expected, predicted, marks;
    clh_text_wrong *wrong;
} told;

static void told_deinit(told *m)
{
    clh_strbuf *const texts[] = {&m->expected, &m->predicted, &m->marks};
    for (size_t i = 0; i < CLH_COUNT(texts); i++)
        clh_strbuf_deinit(texts[i]);
    clh_symbols_deinit(&m->said);
    clh_symbols_deinit(&m->right);
    clh_free(m->wrong);
}

static clh_status tell_wrong(told *m, clh_text *text, const clh_writing *w, const clh_vocab *vocab,
                             clh_error *err)
{
    clh_status status =
        clh_symbols_make(&m->right, vocab, w->ask.tokens.ids, w->ask.tokens.pos, err);
    if (!status)
        status = clh_symbols_make(&m->said, vocab, w->predicted, w->length, err);
    if (!status && !(m->wrong = clh_alloc_array(w->length, sizeof *m->wrong, err)))
        status = CLH_ENOMEM;
    for (size_t i = 0; i < w->length && !status; i++)
        if (clh_writing_misses(w, i))
            m->wrong[text->wrongs++] = (clh_text_wrong){i, m->right.name[i], m->said.name[i]};
    text->wrong = m->wrong;
    return status;
}

static clh_status tell(told *m, clh_text *text, const clh_writing *w, const clh_vocab *vocab,
                       clh_error *err)
{
    clh_status status = clh_writing_expected(w, vocab, &m->expected, err);
    if (!status)
        status = clh_writing_predicted(w, vocab, &m->predicted, err);
    if (!status && w->ask.answered)
        status = clh_writing_marks(w, vocab, &m->marks, err);
    if (!status)
        status = tell_wrong(m, text, w, vocab, err);
    text->predicted = clh_strbuf_view(&m->predicted);
    *(w->ask.answered ? &text->expected : &text->prompt) = clh_strbuf_view(&m->expected);
    if (!w->ask.answered)
        return status;
    text->marks = clh_strbuf_view(&m->marks);
    text->mistakes = w->mistakes;
    text->accuracy = 1 - (double)w->mistakes / (double)w->scored;
    return status;
}

/* Texts `first` to `first + count`. */
static clh_status write_some(clh_texts *t, size_t first, size_t count, const clh_model *model,
                             const clh_task *task, const clh_vocab *vocab, clh_text_visit *visit,
                             void *user, const clh_how *how, clh_error *err)
{
    clh_writing_ask ask[TOGETHER];
    clh_writing w[TOGETHER];
    assert(count <= TOGETHER);
    for (size_t i = 0; i < count; i++)
        ask[i] = text_at(t, first + i);
    clh_status status = clh_writings_make(w, model, task, ask, count, how, err);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        told m = {0};
        clh_text text = {.index = first + i,
                         .source = (first + i) / t->draws,
                         .first_scored = ask[i].first_scored,
                         .mistakes = SIZE_MAX,
                         .accuracy = NAN};
        say(text.about, t, first + i, &w[i]);
        if (!status)
            status = tell(&m, &text, &w[i], vocab, err);
        if (!status)
            visit(&text, user);
        t->scored += w[i].scored;
        t->mistakes += w[i].mistakes;
        told_deinit(&m);
        clh_writing_deinit(&w[i]);
    }
    return status;
}

clh_status clh_texts_write(clh_texts *t, const clh_model *model, const clh_task *task,
                           const clh_vocab *vocab, clh_text_visit *visit, void *user,
                           const clh_how *how, clh_error *err)
{
    assert(t && t->draws > 0);
    if (t->sources > SIZE_MAX / t->draws)
        return clh_fail(err, CLH_ERANGE, "%zu texts of each of %zu cannot be counted", t->draws,
                        t->sources);
    const size_t all = t->sources * t->draws;
    clh_status status = CLH_OK;
    for (size_t k = 0, some; k < all && !status; k += some) {
        clh_watch_part part;
        some = all - k < TOGETHER ? all - k : TOGETHER;
        const clh_how one = {how->threads, clh_watch_part_of(&part, how->watch, k, some, all)};
        status = write_some(t, k, some, model, task, vocab, visit, user, &one, err);
    }
    return status;
}

void clh_texts_deinit(clh_texts *t)
{
    clh_prompts_deinit(&t->prompts);
    clh_batch_deinit(&t->batch);
}
