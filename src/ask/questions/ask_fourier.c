/* fourier: which frequencies a model of sums modulo p computes with, and what it is with and without these. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/shared/question.h"
#include "lens/fourier/fourier_loss.h"
#include "run/folder/folder.h"

enum { GIVEN_MAX = 15 }; /* what a list of settings holds */
enum { END, ITSELF };    /* --key-of */

typedef struct fourier_settings {
    unsigned frequencies[GIVEN_MAX];
    size_t given;
    unsigned key_of;
    double least, explained;
} fourier_settings;

static const clh_key keys[] = {
    CLH_ROW(fourier_settings, least, REAL, "0.01", "(0, 1]",
            "a frequency is key that holds at least this share of the logits' variance"),
    CLH_ROW(fourier_settings, key_of, CHOICE, "end", "end|itself",
            "whose key frequencies: those of the run's last weights, or of these"),
    {.name = "frequencies",
     .kind = CLH_KEY_LIST,
     CLH_SETTING(fourier_settings, frequencies),
     .count_offset = offsetof(fourier_settings, given),
     .automatic = "found by --least",
     .values = "[1, 5000]",
     .help = "the key frequencies, commas between"},
    CLH_ROW(fourier_settings, explained, REAL, "0.85", "[0, 1]",
            "a neuron is explained where its best frequency has this share of its variance"),
};

#define PARTS                                                                                      \
    "energies are sums of squared Fourier coefficients, shares of all; Nanda et al. 2023, "        \
    "docs/mathematics.md"
static const clh_field numbers[] = {
    CLH_FIELD_TEXT("key_frequencies", "those that hold --least of the logits' variance",
                   CLH_HEADLINE),
    CLH_FIELD_TEXT("key_of", "of which weights", 0),
    {"keys", NULL, "how many these are", .decimals = 0, CLH_FROM(clh_fourier, keys)},
    CLH_FIELD_SHARE("embedding_key",
                    "of the squared norm of W_E's numbers, that at key frequencies", CLH_HEADLINE,
                    .formula = PARTS, CLH_FROM(clh_fourier, embedding_key)),
    CLH_FIELD_SHARE("neurons_key", "of the neurons' variance, that at key frequencies",
                    CLH_HEADLINE, .formula = PARTS, CLH_FROM(clh_fourier, neurons_key)),
    CLH_FIELD_SHARE("logits_key", "of the logits' variance, that at key frequencies of the answer",
                    CLH_HEADLINE, .formula = PARTS, CLH_FROM(clh_fourier, logits_key)),
    CLH_FIELD_SHARE("neurons_explained",
                    "of the neurons that vary, those whose best frequency has --explained of their "
                    "variance",
                    CLH_HEADLINE, CLH_FROM(clh_fourier, neurons_explained)),
    CLH_FIELD_SHARE("neurons_best", "of its variance, what a neuron's best frequency has; mean", 0,
                    CLH_FROM(clh_fourier, neurons_best)),
    {0}};

#define RULE                                                                                        \
    "with E_s the part of the logits L at key frequencies of the answer s: restricted: mean L + "   \
    "E_s; excluded: L - E_s (Nanda et al. 2023, section 5.1: restricted over all inputs, excluded " \
    "over those trained on)"
#define OF(member) CLH_FROM(clh_fourier_loss, member)
static const clh_field losses[] = {
    CLH_FIELD_LOSS("train_loss", "over all inputs trained on", CLH_HEADLINE, .formula = RULE,
                   OF(train_loss)),
    CLH_FIELD_LOSS("test_loss", "over all held out", CLH_HEADLINE, .formula = RULE, OF(test_loss)),
    CLH_FIELD_SHARE("train_accuracy", "of those trained on, the inputs that are right", 0,
                    OF(train_accuracy)),
    CLH_FIELD_SHARE("test_accuracy", "of those held out, the inputs that are right", 0,
                    OF(test_accuracy)),
    {0}};

#define ENERGY(member, meaning)                                                                    \
    CLH_FIELD_SHARE(#member, meaning, CLH_HEADLINE, .formula = PARTS, .panel = #member,            \
                    CLH_FROM(clh_fourier_frequency, member))
static const clh_field columns[] = {
    ENERGY(embedding, "of the squared norm of W_E's rows of numbers; all add up to 1"),
    ENERGY(neurons, "of the neurons' variance over all inputs: in waves of a, of b, and products"),
    ENERGY(logits, "of the logits' variance over all inputs: in waves of the answer"),
    {"explained", "neurons", "those explained whose best frequency it is", .decimals = 0,
     CLH_FROM(clh_fourier_frequency, explained)},
    {"key", NULL, "1: it is key", .decimals = 0},
    {0}};
static const clh_field neuron_columns[] = {
    CLH_FIELD_SHARE("explained", "of its variance, what its best frequency has", 0,
                    CLH_FROM(clh_fourier_neuron, explained)),
    {"frequency", NULL, "its best frequency", .decimals = 0,
     CLH_FROM(clh_fourier_neuron, frequency)},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "losses",
     "of the model's logits, of those restricted to key frequencies, of those without",
     .keys = "logits", .fields = losses},
    {CLH_PART_TABLE, "frequencies",
     "how much of each part every frequency holds; 0 is the constant", .keys = "#frequency",
     .draw = "rows", .fields = columns},
    {CLH_PART_TABLE, "neurons", "every neuron", .keys = "#layer,#neuron", .flags = CLH_DETAIL,
     .fields = neuron_columns},
    {0}};

static void put_numbers(clh_result *out, const clh_fourier *f)
{
    clh_strbuf text = {0};
    for (size_t k = 0; k < f->count; k++)
        if (f->frequency[k].key)
            clh_strbuf_addf(&text, "%s%zu", text.length ? ", " : "", k);
    clh_result_read(out, "numbers", f);
    clh_result_put_text(out, "key_frequencies", f->keys ? clh_strbuf_view(&text) : "none");
    if (isnan(f->neurons_best))
        clh_result_absent_each(out, f->d_mlp ? "no neuron varies" : "the model has no MLP",
                               "neurons_key", "neurons_explained", "neurons_best", "neurons");
    clh_strbuf_deinit(&text);
}

static void put_tables(clh_result *out, const clh_fourier *f)
{
    char layer[24], key[24];
    for (clh_fourier_logits i = 0; i < CLH_FOURIER_LOGITS; i++) {
        const clh_fourier_loss loss = clh_fourier_loss_of(f, i);
        clh_result_row(out, "losses", clh_fourier_logits_name(i));
        clh_row_read(out, &loss);
    }
    for (size_t k = 0; k < f->count; k++) {
        clh_result_row(out, "frequencies", clh_key_text(key, k));
        clh_row_read(out, &f->frequency[k]);
        clh_row_put_number(out, "key", f->frequency[k].key);
    }
    for (size_t j = 0; j < f->n_layers * f->d_mlp && isfinite(f->neurons_best); j++) {
        clh_result_row(out, "neurons", clh_key_text(layer, j / f->d_mlp),
                       clh_key_text(key, j % f->d_mlp));
        if (f->neuron[j].frequency > 0)
            clh_row_read(out, &f->neuron[j]);
        else
            clh_row_absent(out, "the same on all inputs");
    }
}

/* The run with its last weights, where the subject is one of its checkpoints; NULL: it is these. */
static clh_status open_end(clh_run **out, const clh_subject *s, clh_error *err)
{
    const char *path = clh_subject_path(s);
    const bool checkpoint = clh_subject_run(s) && clh_is_folder(path) &&
                            strcmp(clh_run_path(clh_subject_run(s)), path) != 0;
    return checkpoint ? clh_run_open(out, path, err) : CLH_OK;
}

static void stamp(clh_result *out, const clh_subject *s, const clh_fourier *f, bool given,
                  const clh_run *end)
{
    char text[128];
    const size_t train = f->loss[0][CLH_SPLIT_TRAIN].count, test = f->loss[0][CLH_SPLIT_TEST].count;
    (void)snprintf(text, sizeof text, "all %zu inputs: %zu trained on, %zu held out", train + test,
                   train, test);
    clh_result_stamp(out, "sample", text);
    (void)snprintf(text, sizeof text, "step %zu", end ? clh_run_step(end) : clh_subject_step(s));
    clh_result_put_text(out, "key_of", given ? "given" : text);
}

static clh_status ask_fourier(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    const fourier_settings *set = settings;
    size_t given[GIVEN_MAX];
    for (size_t i = 0; i < set->given; i++)
        given[i] = set->frequencies[i];
    clh_fourier_ask ask = {set->least, set->explained, NULL, given, set->given};
    clh_fourier f = {0};
    clh_run *end = NULL;
    clh_status status = set->given == 0 && set->key_of == END ? open_end(&end, s, err) : CLH_OK;
    ask.key_model = end ? clh_run_model(end) : NULL;
    if (!status)
        status = clh_fourier_run(&f, clh_subject_model(s), clh_subject_task(s), &ask, how, err);
    if (!status) {
        stamp(out, s, &f, set->given > 0, end);
        put_numbers(out, &f);
        put_tables(out, &f);
    }
    clh_fourier_deinit(&f);
    clh_run_close(end);
    return status;
}

const clh_question clh_question_fourier = {
    .name = "fourier",
    .summary = "the frequencies a model of sums modulo p computes with",
    .description =
        "Of a model trained on sums or differences modulo p: how much of the embedding, of the "
        "neurons (over all p^2 inputs) and of the logits each frequency holds, which frequencies "
        "are key, and the loss with only these kept in the logits (restricted) and with these "
        "removed (excluded), on all inputs trained on and on all held out. Over checkpoints the "
        "key frequencies are those of the run's end: restricted and excluded loss then show when "
        "the circuit was learned, and what was learned by heart.",
    .examples = "clearhead fourier runs/grok # the key frequencies, with losses\n"
                "clearhead fourier runs/grok --figure energy.png # how much each frequency holds\n"
                "clearhead fourier runs/grok --checkpoints --figure progress.png # over training\n"
                "clearhead fourier runs/grok@100 --key-of itself # those it had then",
    CLH_SETTINGS(keys, fourier_settings),
    .needs = CLH_NEEDS_SUMS,
    .schema = schema,
    .over = "model.train_loss, model.test_loss, restricted.test_loss, excluded.train_loss, "
            "model.test_accuracy, embedding_key",
    .ask = ask_fourier};
