/* sample: what the model writes, beside what is right. */
#include <stdio.h>

#include "ask/given.h"
#include "base/stop.h"
#include "measure/symbols.h"
#include "measure/writing.h"

typedef struct sample_settings {
    clh_given given;
    bool free;
    size_t count;
} sample_settings;

static const clh_key keys[] = {
    CLH_GIVEN_KEYS(sample_settings, given),
    CLH_ROW(sample_settings, free, BOOL, "false", NULL, "feed the model's own output back"),
    CLH_ROW_AUTO(sample_settings, count, SIZE, "1", "[1, 1000000]",
                 "how many held-out sequences, when none are given"),
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

static clh_status put(clh_result *out, size_t index, const clh_writing *w, const clh_vocab *vocab,
                      clh_error *err)
{
    char key[24], label[128];
    clh_result_row(out, "sequences", clh_key_text(key, index));
    if (w->ask.answered) {
        (void)snprintf(label, sizeof label, "%zu of %zu predictions right (%s)",
                       w->scored - w->mistakes, w->scored,
                       w->ask.free ? "from its own output"
                                   : "each from the right tokens before it");
        clh_row_label(out, label, NULL);
        clh_row_put_numbers(out, {"mistakes", (double)w->mistakes},
                            {"token_accuracy", 1 - (double)w->mistakes / (double)w->scored});
    }
    clh_row_put_number(out, "first_scored", (double)w->ask.first_scored);
    clh_status status =
        put_text(out, w->ask.answered ? "expected" : "prompt", clh_writing_expected, w, vocab, err);
    if (!status)
        status = put_text(out, "predicted", clh_writing_predicted, w, vocab, err);
    if (!status && w->ask.answered)
        status = put_text(out, "marks", clh_writing_marks, w, vocab, err);
    return status ? status : put_mistakes(out, index, w, vocab, err);
}

static clh_status write_one(clh_result *out, const clh_subject *s, const sample_settings *set,
                            const clh_tokens *tokens, size_t first_scored, size_t index,
                            const clh_watch *watch, size_t total[2], clh_error *err)
{
    const bool prompt = *set->given.text;
    const clh_writing_ask ask = {*tokens,
                                 .first_scored = prompt || !first_scored ? 1 : first_scored,
                                 .free = set->free, .answered = !prompt};
    clh_writing w = {0};
    clh_status status =
        clh_writing_make(&w, clh_subject_model(s), clh_subject_task(s), &ask, watch, err);
    if (!status)
        status = put(out, index, &w, clh_subject_vocab(s), err);
    total[0] += w.scored;
    total[1] += w.mistakes;
    clh_writing_deinit(&w);
    return status;
}

/* The sequences given, or the first that are held out: the k-th of `count`. Those drawn are all
 * different, and may have several lengths. */
static clh_status write_all(clh_result *out, clh_subject *s, const sample_settings *set,
                            const clh_watch *watch, size_t total[2], clh_error *err)
{
    const clh_sample *sample = NULL;
    const bool drawn = !clh_given_any(&set->given) && set->count != CLH_UNSET;
    clh_batch batch = {0};
    clh_status status = drawn ? clh_given_task(s, err) : CLH_OK;
    if (!status)
        status = drawn ? clh_subject_sample(&sample, s, set->count, err)
                       : clh_given_open(&batch, s, &set->given, 0, err);
    const size_t count = status ? 0 : drawn ? sample->count : batch.tokens.batch;
    for (size_t k = 0; k < count && !status; k++) {
        clh_watch_part part; /* of one sequence the tokens are told */
        const clh_watch *of = count > 1 ? clh_watch_part_of(&part, watch, k, 1, count) : watch;
        const clh_tokens one =
            drawn ? clh_sample_tokens(sample, k)
                  : (clh_tokens){batch.ids + k * batch.tokens.pos, 1, batch.tokens.pos};
        status = write_one(out, s, set, &one, drawn ? sample->first_scored[k] : batch.first_scored,
                           k, of, total, err);
    }
    clh_batch_deinit(&batch);
    clh_given_stamp(out, s, &set->given, count, drawn ? set->count : count);
    return status;
}

static clh_status ask_sample(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const sample_settings *set = settings;
    size_t total[2] = {0};
    clh_status status = clh_given_check(s, set, err);
    if (!status)
        status = write_all(out, s, set, how->watch, total, err);
    clh_result_put_number(out, "scored", (double)total[0]);
    if (*set->given.text) {
        clh_result_absent(out, "token_accuracy", "a prompt has no answer");
        clh_result_absent(out, "mistakes", "a prompt has no answer");
        return status;
    }
    clh_result_put_numbers(out, {"mistakes", (double)total[1]},
                           {"token_accuracy", 1 - (double)total[1] / (double)total[0]});
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const sample_settings *set = settings;
    if (set->count != CLH_UNSET && clh_given_any(&set->given))
        return clh_fail(
            err, CLH_EUSAGE,
            "count is for held-out sequences, want it without letters, text and tokens");
    return clh_given_check(s, set, err);
}

const clh_question clh_question_sample = {
    .name = "sample",
    .summary = "what the model writes, beside what is right",
    .description =
        "Shows expected and predicted sequences with mistakes marked. Each token is predicted "
        "from the right ones before it (as the notebook does), or with --free from the model's "
        "own.",
    .examples =
        "clearhead sample runs/notebook --letters psM1 # these letters\n"
        "clearhead sample runs/notebook --letters aabb --free # repeats, its own output fed back\n"
        "clearhead sample runs/notebook --text '> abcd ab' --free # any prompt",
    CLH_SETTINGS(keys, sample_settings),
    .schema = schema,
    .check = check,
    .ask = ask_sample};
