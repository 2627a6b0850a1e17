/* What a kept certificate is of, as text: a file must say just this. */
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "clearhead/version.h"
#include "model/description/model_keys.h"
#include "prove/certificate/kept.h"
#include "run/folder/weights.h"

enum { SAMPLE = 256 };

/* As a file names it, and a person. */
static const struct {
    const char *key, *what;
} facts[CLH_KEPT_FACTS] = {[CLH_KEPT_KIND] = {"kind", "kind"},
                           [CLH_KEPT_VERSION] = {"version", "version"},
                           [CLH_KEPT_DOMAIN] = {"domain", "domain"},
                           [CLH_KEPT_WAY] = {"way", "way"},
                           [CLH_KEPT_INPUTS] = {"inputs", "inputs"},
                           [CLH_KEPT_COUNT] = {"count", "number of inputs"},
                           [CLH_KEPT_WEIGHTS] = {"weights", "weights"},
                           [CLH_KEPT_CONFIG] = {"config", "config of the model"},
                           [CLH_KEPT_TOGETHER] = {"together", "inputs at a time"},
                           [CLH_KEPT_MARGINS] = {"margins", "margins"},
                           [CLH_KEPT_HISTOGRAM] = {"histogram", "histogram"},
                           [CLH_KEPT_PROOF] = {"proof", "proof"}};
static const char kind[] = "certificate interrupted 2";

static clh_status config_fact(const clh_model_config *config, char fact[CLH_KEPT_TEXT],
                              clh_error *err)
{
    clh_strbuf text = {0};
    for (size_t k = 0; k < CLH_MODEL_KEY_COUNT; k++) {
        clh_key_to_json(&clh_model_keys()[k], config, &text);
        clh_strbuf_adds(&text, "\n");
    }
    const clh_status status = clh_strbuf_check(&text, err);
    if (!status)
        clh_sha256_of(clh_strbuf_view(&text), text.length, fact);
    clh_strbuf_deinit(&text);
    return status;
}

/* What is to be written, where it is not the task's own. */
static void add_target(clh_sha256 *sum, const clh_target *t)
{
    const uint64_t is[] = {t->count, t->count ? 0 : t->token};
    clh_sha256_add(sum, is, sizeof is);
    clh_sha256_add(sum, t->slot, t->count * sizeof *t->slot);
    clh_sha256_add(sum, t->position, t->count * sizeof *t->position);
    clh_sha256_add(sum, t->weight, t->count * sizeof *t->weight);
}

/* Inputs as tokens, all along the domain: the same domain of another task that writes the same is the same. */
static clh_status inputs_fact(const clh_kept_of *of, size_t most, char fact[CLH_KEPT_TEXT],
                              clh_error *err)
{
    clh_sha256 sum;
    uint8_t letters[CLH_CERTIFY_LETTERS];
    uint32_t *tokens = clh_alloc_zeroed(most, sizeof *tokens, err);
    if (!tokens)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    clh_sha256_begin(&sum);
    for (uint64_t i = 0; i <= SAMPLE && !status; i++) {
        const uint64_t rank = (of->inputs - 1) * i / SAMPLE;
        clh_sequence one = {.tokens = tokens, .capacity = most};
        if (of->asked) {
            clh_letters_unrank(of->asked, rank, letters);
            clh_letters_write(of->asked, letters, tokens);
            one.length = of->asked->length;
            one.first_scored = of->asked->first_scored;
        } else
            status = clh_task_unrank(of->task, rank, &one, err);
        clh_sha256_add(&sum, &one.first_scored, sizeof one.first_scored);
        clh_sha256_add(&sum, tokens, one.length * sizeof *tokens);
    }
    for (size_t p = of->targets && of->asked ? of->asked->first_scored : most; p < most; p++)
        add_target(&sum, &of->targets[p]);
    clh_sha256_end(&sum, fact);
    clh_free(tokens);
    return status;
}

static const char *word(bool is)
{
    return is ? "true" : "false";
}

clh_status clh_kept_facts(clh_kept *k, clh_error *err)
{
    static const char *const domain[CLH_DOMAIN_KINDS] = {"sorted", "ordered", "tuples",
                                                         "the task's own"};
    const clh_kept_of *of = &k->of;
    const clh_certify_options *o = of->options;
    const char *const plain[CLH_KEPT_FACTS] = {[CLH_KEPT_KIND] = kind,
                                               [CLH_KEPT_VERSION] = clh_version(),
                                               [CLH_KEPT_DOMAIN] = domain[o->domain],
                                               [CLH_KEPT_WAY] = k->failures ? "bounds" : "forward",
                                               [CLH_KEPT_MARGINS] = word(o->margins),
                                               [CLH_KEPT_HISTOGRAM] = word(o->histogram),
                                               [CLH_KEPT_PROOF] = word(o->proof)};
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++)
        (void)snprintf(k->fact[i], CLH_KEPT_TEXT, "%s", plain[i] ? plain[i] : "");
    (void)snprintf(k->fact[CLH_KEPT_COUNT], CLH_KEPT_TEXT, "%ju", (uintmax_t)of->inputs);
    (void)snprintf(k->fact[CLH_KEPT_TOGETHER], CLH_KEPT_TEXT, "%zu", of->together);
    clh_model_sha256(of->model, k->fact[CLH_KEPT_WEIGHTS]);
    const clh_status status =
        config_fact(clh_model_get_config(of->model), k->fact[CLH_KEPT_CONFIG], err);
    return status ? status : inputs_fact(of, k->out->length, k->fact[CLH_KEPT_INPUTS], err);
}

void clh_kept_pairs(const clh_kept *k, clh_pair pairs[CLH_KEPT_FACTS])
{
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++)
        pairs[i] = (clh_pair){facts[i].key, k->fact[i]};
}

clh_status clh_kept_check(const clh_kept *k, const clh_safetensors *file, clh_error *err)
{
    const char *path = k->of.options->keep;
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++) {
        const char *found = clh_safetensors_metadata(file, facts[i].key);
        if (i == CLH_KEPT_KIND && (!found || strcmp(found, kind) != 0))
            return clh_fail(err, CLH_EFORMAT,
                            "%s is no interrupted certificate (kind is %s), want one or a path "
                            "where nothing is",
                            path, found ? clh_quoted_text(found).text : "not said");
        if (!found || strcmp(found, k->fact[i]) != 0)
            return clh_fail(err, CLH_EINPUT, "%s is of another certificate: %s %s, want %s", path,
                            facts[i].what, found ? clh_quoted_text(found).text : "not said",
                            k->fact[i]);
    }
    return clh_safetensors_metadata(file, "checksum")
               ? CLH_OK
               : clh_fail(err, CLH_EFORMAT, "%s has no checksum, want one", path);
}
