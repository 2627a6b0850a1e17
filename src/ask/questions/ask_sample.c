/* sample: what the model writes, beside what is right. */
#include <stdio.h>

#include "ask/shared/given.h"
#include "measure/writing/texts.h"

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
#define OF(member) CLH_FROM(clh_text, member)
static const clh_field columns[] = {
    CLH_FIELD_TEXT("prompt", "what is given, where there is no answer", 0, OF(prompt)),
    CLH_FIELD_TEXT("expected", "what is right", 0, OF(expected)),
    CLH_FIELD_TEXT("predicted", "what the model says, before first_scored what is given", 0,
                   OF(predicted)),
    CLH_FIELD_TEXT("marks", "a ^ for every character that is wrong", CLH_MARKS, OF(marks)),
    CLH_FIELD_COUNT("first_scored", "position", "the first token that is predicted",
                    OF(first_scored)),
    CLH_FIELD_SHARE("token_accuracy", "of the predictions, those that are right", 0, OF(accuracy)),
    CLH_FIELD_COUNT("mistakes", NULL, "predictions that are wrong", OF(mistakes)),
    CLH_FIELD_COUNT("source", NULL, "which of the prompts or sequences it begins with", OF(source)),
    {0}};
static const clh_field mistake_columns[] = {
    CLH_FIELD_TEXT("expected", "the right token", 0, CLH_FROM(clh_text_wrong, expected)),
    CLH_FIELD_TEXT("predicted", "what was said instead", 0, CLH_FROM(clh_text_wrong, predicted)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "sequences", "what is right and what the model says", .keys = "#index",
     .flags = CLH_LINES, .fields = columns},
    {CLH_PART_TABLE, "wrong", "each mistake", .keys = "#index,#position", .flags = CLH_DETAIL,
     .fields = mistake_columns},
    {0}};

/* What is written on: the sequences given, or the first that are held out, or prompts. */
static clh_status open_texts(clh_texts *t, clh_subject *s, const sample_settings *set,
                             clh_error *err)
{
    *t = (clh_texts){.draws = set->draws == CLH_UNSET ? 1 : set->draws, .free = set->free};
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
    } else if (!clh_given_any(&set->given) && set->count != CLH_UNSET) {
        status = clh_given_task(s, err);
        if (!status)
            status = clh_subject_sample(&t->sample, s, set->count, err);
        t->sources = status ? 0 : t->sample->count;
    } else {
        status = clh_given_open(&t->batch, s, &set->given, 0, err);
        t->sources = t->batch.tokens.batch;
    }
    return status;
}

static void put(const clh_text *text, void *user)
{
    clh_result *out = user;
    char key[24], position[24];
    clh_result_row(out, "sequences", clh_key_text(key, text->index));
    if (*text->about)
        clh_row_label(out, text->about, NULL);
    clh_row_read(out, text);
    for (size_t i = 0; i < text->wrongs; i++) {
        clh_result_row(out, "wrong", key, clh_key_text(position, text->wrong[i].position));
        clh_row_read(out, &text->wrong[i]);
    }
}

static void put_numbers(clh_result *out, const clh_subject *s, const clh_texts *t,
                        const sample_settings *set)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%zu prompt%s", t->sources, t->sources == 1 ? "" : "s");
    if (*set->prompts)
        clh_result_stamp(out, "sample", text);
    else
        clh_given_stamp(out, s, &set->given, t->sources, t->sample ? set->count : t->sources);
    clh_result_put_number(out, "scored", (double)t->scored);
    if (t->answered)
        clh_result_put_numbers(out, {"mistakes", (double)t->mistakes},
                               {"token_accuracy", 1 - (double)t->mistakes / (double)t->scored});
    else
        clh_result_absent_each(out, "a prompt has no answer", "token_accuracy", "mistakes");
}

static clh_status ask_sample(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const sample_settings *set = settings;
    clh_texts t;
    clh_status status = open_texts(&t, s, set, err);
    if (!status)
        status = clh_texts_write(&t, clh_subject_model(s), clh_subject_task(s),
                                 clh_subject_vocab(s), put, out, how, err);
    if (!status)
        put_numbers(out, s, &t, set);
    clh_texts_deinit(&t);
    return status;
}

/* Settings that are given beside others, or without what they are about. */
static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const sample_settings *set = settings;
    const bool given = clh_given_any(&set->given), prompts = *set->prompts,
               drawn = set->temperature > 0, prompt = *set->given.text || prompts;
    clh_status status = clh_refuse(
        err,
        {set->count != CLH_UNSET && (given || prompts),
         "count is for held-out sequences, want it without letters, text, tokens and prompts"},
        {given && prompts, "prompts are given beside letters, text or tokens, want one of them"});
    if (!status)
        status = clh_given_check(s, set, err);
    if (status)
        return status;
    return clh_refuse(
        err,
        {drawn && !set->free, "temperature is given, want free too: it draws what is fed back"},
        {set->top_k != CLH_UNSET && !drawn, "top_k is given, want a temperature above 0 too"},
        {set->top_p < 1 && !drawn, "top_p is given, want a temperature above 0 too"},
        {set->seed != CLH_UNSET && !drawn, "seed is given, want a temperature above 0 too"},
        {set->draws != CLH_UNSET && !drawn,
         "draws is given, want a temperature above 0 too: without it all are the same"},
        {set->max_new_tokens != CLH_UNSET && !(set->free && prompt),
         "max_new_tokens is given, want free too, and a prompt: a text or prompts"});
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
