/* sample: what the model writes, beside what is right. */
#include <assert.h>
#include <stdio.h>

#include "ask/given.h"
#include "base/stop.h"
#include "measure/prompts.h"
#include "measure/symbols.h"
#include "measure/writing.h"

enum { TOGETHER = 256 }; /* texts in memory at once */

typedef struct sample_settings {
    clh_given given;
    char prompts[CLH_PATH_MAX];
    bool free;
    double temperature, top_p;
    size_t count, draws, top_k, seed, max_new_tokens;
} sample_settings;

static const clh_key keys[] = {
    CLH_GIVEN_KEYS(sample_settings, given),
    CLH_ROW_AUTO(sample_settings, prompts, TEXT, NULL, "FILE",
                 "many prompts, a line each: text, or a JSON array of token ids; - for stdin"),
    CLH_ROW(sample_settings, free, BOOL, "false", NULL, "feed the model's own output back"),
    CLH_ROW_AUTO(sample_settings, count, SIZE, "1", "[1, 1000000]",
                 "how many held-out sequences, when none are given"),
    CLH_ROW(sample_settings, temperature, REAL, "0", "[0, 1000]",
            "draw each token: logits are divided by it; 0: the most likely"),
    CLH_ROW_AUTO(sample_settings, top_k, SIZE, "all", "[1, 1000000]",
                 "draw from only so many tokens, the most likely"),
    CLH_ROW(sample_settings, top_p, REAL, "1", "(0, 1]",
            "draw from only the fewest tokens that have this share of the probability"),
    CLH_ROW_AUTO(sample_settings, draws, SIZE, "1", "[1, 1000000]",
                 "how many texts are drawn of each"),
    CLH_ROW_AUTO(sample_settings, seed, SIZE, "the run's", "[0, 9007199254740992]",
                 "what is drawn follows from it, the text's number and the position"),
    CLH_ROW_AUTO(sample_settings, max_new_tokens, SIZE, "as many as fit", "[1, 1000000]",
                 "how many tokens are written behind a prompt at most"),
};

static const clh_field numbers[] = {
    CLH_FIELD_SHARE("token_accuracy", "of the predictions, those that are right", CLH_HEADLINE),
    {"mistakes", NULL, "predictions that are wrong", .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("scored", NULL, "predictions with an answer to hold them against"),
    {0}};
static const clh_field columns[] = {
    CLH_FIELD_TEXT("prompt", "what is given, where there is no answer", 0),
    CLH_FIELD_TEXT("expected", "what is right", 0),
    CLH_FIELD_TEXT("predicted", "what the model says, before first_scored what is given", 0),
    CLH_FIELD_TEXT("marks", "a ^ for every character that is wrong", CLH_MARKS),
    CLH_FIELD_COUNT("first_scored", "position", "the first token that is predicted"),
    CLH_FIELD_SHARE("token_accuracy", "of the predictions, those that are right", 0),
    CLH_FIELD_COUNT("mistakes", NULL, "predictions that are wrong"),
    CLH_FIELD_COUNT("source", NULL, "which of the prompts or sequences it begins with"),
    {0}};
static const clh_field mistake_columns[] = {
    CLH_FIELD_TEXT("expected", "the right token", 0),
    CLH_FIELD_TEXT("predicted", "what was said instead", 0),
    {0},
};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "sequences", "what is right and what the model says", .keys = "#index",
     .flags = CLH_LINES, .fields = columns},
    {CLH_PART_TABLE, "wrong", "each mistake", .keys = "#index,#position", .flags = CLH_DETAIL,
     .fields = mistake_columns},
    {0}};

/* A text that is made, and copied into the column of the row begun last. */
typedef clh_status make_text(const clh_writing *w, const clh_vocab *vocab, clh_strbuf *out,
                             clh_error *err);

static clh_status put_text(clh_result *out, const char *column, make_text *make,
                           const clh_writing *w, const clh_vocab *vocab, clh_error *err)
{
    clh_strbuf text = {0};
    clh_status status = make(w, vocab, &text, err);
    if (!status)
        clh_row_text(out, column, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}

static clh_status put_mistakes(clh_result *out, size_t index, const clh_writing *w,
                               const clh_vocab *vocab, clh_error *err)
{
    clh_symbols right = {0}, said = {0};
    char row[24], position[24];
    clh_status status = clh_symbols_make(&right, vocab, w->ask.tokens.ids, w->ask.tokens.pos, err);
    if (!status)
        status = clh_symbols_make(&said, vocab, w->predicted, w->length, err);
    for (size_t i = 0; i < w->length && !status; i++) {
        if (!clh_writing_misses(w, i))
            continue;
        clh_result_row(out, "wrong", clh_key_text(row, index), clh_key_text(position, i));
        clh_row_text(out, "expected", right.name[i]);
        clh_row_text(out, "predicted", said.name[i]);
    }
    clh_symbols_deinit(&said);
    clh_symbols_deinit(&right);
    return status;
}

/* What is written: the sequences given, or the first that are held out, or prompts; each `draws` times. */
typedef struct texts {
    const clh_sample *sample; /* drawn: all different, and perhaps of several lengths */
    clh_batch batch;
    clh_prompts prompts;
    clh_choice choice;
    size_t sources, draws, most;
    bool free, answered;
} texts;

static clh_status open_texts(texts *t, clh_subject *s, const sample_settings *set, clh_error *err)
{
    const bool drawn = !clh_given_any(&set->given) && set->count != CLH_UNSET;
    *t = (texts){.draws = set->draws == CLH_UNSET ? 1 : set->draws, .free = set->free};
    t->answered = !*set->given.text && !*set->prompts;
    t->most = set->max_new_tokens == CLH_UNSET ? 0 : set->max_new_tokens;
    t->choice = (clh_choice){.temperature = set->temperature,
                             .top_k = set->top_k == CLH_UNSET ? 0 : set->top_k,
                             .top_p = set->top_p,
                             .seed = set->seed == CLH_UNSET ? clh_subject_seed(s) : set->seed};
    clh_status status = CLH_OK;
    if (*set->prompts) {
        status = clh_prompts_read(&t->prompts, set->prompts, clh_subject_vocab(s),
                                  clh_model_get_config(clh_subject_model(s)), err);
        t->sources = t->prompts.count;
    } else if (drawn) {
        status = clh_given_task(s, err);
        if (!status)
            status = clh_subject_sample(&t->sample, s, set->count, err);
        t->sources = status ? 0 : t->sample->count;
    } else {
        status = clh_given_open(&t->batch, s, &set->given, 0, err);
        t->sources = t->batch.tokens.batch;
    }
    if (!status && t->sources > SIZE_MAX / t->draws)
        status = clh_fail(err, CLH_ERANGE, "%zu texts of each of %zu cannot be counted", t->draws,
                          t->sources);
    return status;
}

static void close_texts(texts *t)
{
    clh_prompts_deinit(&t->prompts);
    clh_batch_deinit(&t->batch);
}

/* Text `k`: draw k % draws of source k / draws. */
static clh_writing_ask text_at(const texts *t, size_t k)
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

/* "116 of 116 predictions right (from its own output), draw 2 of 3" */
static void put_label(clh_result *out, const texts *t, size_t k, const clh_writing *w)
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
    char label[sizeof right + sizeof draw];
    (void)snprintf(label, sizeof label, "%s%s", right, draw);
    if (*label)
        clh_row_label(out, label, NULL);
}

static clh_status put(clh_result *out, const texts *t, size_t k, const clh_writing *w,
                      const clh_vocab *vocab, clh_error *err)
{
    const size_t source = k / t->draws;
    char key[24];
    clh_result_row(out, "sequences", clh_key_text(key, k));
    put_label(out, t, k, w);
    clh_row_put_numbers(out, {"first_scored", (double)w->ask.first_scored},
                        {"source", (double)source});
    if (w->ask.answered)
        clh_row_put_numbers(out, {"mistakes", (double)w->mistakes},
                            {"token_accuracy", 1 - (double)w->mistakes / (double)w->scored});
    clh_status status =
        put_text(out, w->ask.answered ? "expected" : "prompt", clh_writing_expected, w, vocab, err);
    if (!status)
        status = put_text(out, "predicted", clh_writing_predicted, w, vocab, err);
    if (!status && w->ask.answered)
        status = put_text(out, "marks", clh_writing_marks, w, vocab, err);
    return status ? status : put_mistakes(out, k, w, vocab, err);
}

/* Texts `first` to `first + count`. */
static clh_status write_some(clh_result *out, const clh_subject *s, const texts *t, size_t first,
                             size_t count, const clh_how *how, size_t total[2], clh_error *err)
{
    clh_writing_ask ask[TOGETHER];
    clh_writing w[TOGETHER];
    assert(count <= TOGETHER);
    for (size_t i = 0; i < count; i++)
        ask[i] = text_at(t, first + i);
    clh_status status =
        clh_writings_make(w, clh_subject_model(s), clh_subject_task(s), ask, count, how, err);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        if (!status)
            status = put(out, t, first + i, &w[i], clh_subject_vocab(s), err);
        total[0] += w[i].scored;
        total[1] += w[i].mistakes;
        clh_writing_deinit(&w[i]);
    }
    return status;
}

static clh_status write_all(clh_result *out, const clh_subject *s, const texts *t,
                            const clh_how *how, size_t total[2], clh_error *err)
{
    const size_t all = t->sources * t->draws;
    clh_status status = CLH_OK;
    for (size_t k = 0, some; k < all && !status; k += some) {
        clh_watch_part part;
        some = all - k < TOGETHER ? all - k : TOGETHER;
        const clh_how one = {how->threads, clh_watch_part_of(&part, how->watch, k, some, all)};
        status = write_some(out, s, t, k, some, &one, total, err);
    }
    return status;
}

static void stamp(clh_result *out, const clh_subject *s, const texts *t, const sample_settings *set)
{
    char text[96];
    if (!*set->prompts) {
        clh_given_stamp(out, s, &set->given, t->sources, t->sample ? set->count : t->sources);
        return;
    }
    (void)snprintf(text, sizeof text, "%zu prompt%s", t->sources, t->sources == 1 ? "" : "s");
    clh_result_stamp(out, "sample", text);
}

static clh_status ask_sample(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const sample_settings *set = settings;
    size_t total[2] = {0};
    texts t;
    clh_status status = open_texts(&t, s, set, err);
    if (!status)
        status = write_all(out, s, &t, how, total, err);
    if (!status)
        stamp(out, s, &t, set);
    clh_result_put_number(out, "scored", (double)total[0]);
    if (t.answered) {
        clh_result_put_numbers(out, {"mistakes", (double)total[1]},
                               {"token_accuracy", 1 - (double)total[1] / (double)total[0]});
    } else {
        clh_result_absent(out, "token_accuracy", "a prompt has no answer");
        clh_result_absent(out, "mistakes", "a prompt has no answer");
    }
    close_texts(&t);
    return status;
}

/* A setting that is given without what it is about. */
static clh_status check_drawing(const sample_settings *set, clh_error *err)
{
    const bool prompt = *set->given.text || *set->prompts;
    const struct {
        const char *name;
        bool given, fits;
        const char *wants;
    } rows[] = {
        {"temperature", set->temperature > 0, set->free, "free too: it draws what is fed back"},
        {"top_k", set->top_k != CLH_UNSET, set->temperature > 0, "a temperature above 0 too"},
        {"top_p", set->top_p<1, set->temperature> 0, "a temperature above 0 too"},
        {"seed", set->seed != CLH_UNSET, set->temperature > 0, "a temperature above 0 too"},
        {"draws", set->draws != CLH_UNSET, set->temperature > 0,
         "a temperature above 0 too: without it all are the same"},
        {"max_new_tokens", set->max_new_tokens != CLH_UNSET, set->free && prompt,
         "free too, and a prompt: a text or prompts"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        if (rows[i].given && !rows[i].fits)
            return clh_fail(err, CLH_EUSAGE, "%s is given, want %s", rows[i].name, rows[i].wants);
    return CLH_OK;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const sample_settings *set = settings;
    const bool given = clh_given_any(&set->given);
    if (set->count != CLH_UNSET && (given || *set->prompts))
        return clh_fail(err, CLH_EUSAGE,
                        "count is for held-out sequences, want it without letters, text, tokens "
                        "and prompts");
    if (given && *set->prompts)
        return clh_fail(err, CLH_EUSAGE,
                        "prompts are given beside letters, text or tokens, want one of them");
    clh_status status = clh_given_check(s, set, err);
    return status ? status : check_drawing(set, err);
}

const clh_question clh_question_sample = {
    .name = "sample",
    .summary = "what the model writes, beside what is right",
    .description =
        "Shows expected and predicted sequences with mistakes marked. Each token is predicted "
        "from the right ones before it (as the notebook does), or with --free from the model's "
        "own: the most likely each time, or with --temperature drawn, from the --top-k most likely, "
        "and of these the fewest that have --top-p of the probability. A prompt (--text, or many of "
        "a file) is written on to the token that ends a sequence, if the task has one, or until no "
        "more fit. What is drawn follows from --seed, the text's number and the position, whatever "
        "the threads.",
    .examples =
        "clearhead sample runs/notebook --letters psM1 # these letters\n"
        "clearhead sample runs/notebook --letters aabb --free # repeats, its own output fed back\n"
        "clearhead sample runs/notebook --text '> abcd ab' --free # any prompt\n"
        "clearhead sample RUN --prompts prompts.txt --free --json # many, a line each\n"
        "clearhead sample RUN --letters psM1 --free --temperature 2 --draws 5 # drawn",
    CLH_SETTINGS(keys, sample_settings),
    .schema = schema,
    .check = check,
    .ask = ask_sample};
