/* cache: activations of a forward pass, and the gradients of a metric with respect to them and to every
 * parameter, computed when the first of them is asked for. */
#include <stdio.h>

#include "ask/shared/given.h"
#include "lens/causal/cached.h"

typedef struct cache_settings {
    clh_given given;
    char names[CLH_GIVEN_NAMES], positions[CLH_GIVEN_NAMES], batch[CLH_GIVEN_NAMES];
    char metric[CLH_GIVEN_NAMES], limit[32], edits[CLH_PATH_MAX], intervention[CLH_GIVEN_NAMES];
    bool grads;
    size_t first_scored;
} cache_settings;

static const clh_key keys[] = {
    CLH_GIVEN_KEYS(cache_settings, given),
    CLH_ROW(
        cache_settings, names, TEXT, "*", "NAMES",
        "only these activations: hook names, patterns ('*.hook_pattern') or short names (q), commas between"),
    CLH_ROW_AUTO(
        cache_settings, positions, TEXT, NULL, "SLICES",
        "only these positions (of scores and pattern: queries): 0:5,-1; negative from the end"),
    CLH_ROW_AUTO(cache_settings, batch, TEXT, NULL, "SLICES",
                 "run only these sequences of --tokens: 0,3:8"),
    CLH_ROW(cache_settings, grads, BOOL, "false", NULL,
            "also the metric and its gradient by every activation chosen and every parameter"),
    CLH_ROW_AUTO(
        cache_settings, metric, TEXT, "loss", "METRIC",
        "what the gradients are of: logit_diff:-2:a:b and the like (clearhead patch -h), or the sum over a box of any activation: 'blocks.0.attn.hook_pattern[0,0,57,:]'"),
    CLH_ROW_AUTO(cache_settings, first_scored, SIZE, "that of the run", "[0, 100000000]",
                 "index of the first token that the loss counts"),
    CLH_ROW_AUTO(cache_settings, edits, TEXT, NULL, "FILE",
                 "run with the edits of this file (docs/formats.md)"),
    CLH_ROW_AUTO(cache_settings, intervention, TEXT, "the only one", "NAME",
                 "which list of edits, where the file has several"),
    CLH_ROW_AUTO(cache_settings, limit, TEXT, "the machine's memory", "BYTES",
                 "refuse what takes more memory or a larger file: 2G, 500M"),
};

#define AT(member) CLH_FROM(clh_cached, member)
static const clh_field numbers[] = {
    CLH_FIELD_COUNT("tensors", NULL, "arrays that there are", AT(count)),
    CLH_FIELD_COUNT("bytes", "bytes", "of all of them, as they are written", AT(bytes)),
    CLH_FIELD_COUNT("memory", "bytes", "of the passes that make them", AT(memory)),
    CLH_FIELD_COUNT("batch", NULL, "sequences that are run", AT(batch.tokens.batch)),
    CLH_FIELD_COUNT("pos", NULL, "tokens of each", AT(batch.tokens.pos)),
    CLH_FIELD_TEXT("metric", "what the gradients are of", 0),
    CLH_FIELD_TEXT("intervention", "the list of edits that is made", 0),
    {0}};

static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_ARRAY, "tokens", "the sequences that are run", .flags = 0},
    {CLH_PART_ARRAY, "batch", "which of those given they are", .flags = 0},
    {CLH_PART_ARRAY, "positions", "which positions the rest holds", .flags = 0},
    {CLH_PART_ARRAY, "loss", "mean of -log p(right token), nats: the metric that gradients are of",
     .flags = 0},
    {CLH_PART_ARRAY, "logit", "the metric that gradients are of, summed over the sequences",
     .flags = 0},
    {CLH_PART_ARRAY, "logit_diff", "the same of two tokens", .flags = 0},
    {CLH_PART_ARRAY, "log_prob", "the same of log p", .flags = 0},
    {CLH_PART_ARRAY, "prob", "the same of p", .flags = 0},
    {CLH_PART_ARRAY, "sum", "the sum over the box that gradients are of", .flags = 0},
    {CLH_PART_ARRAY, "*", "an activation, under its hook name; -inf: a score of the future",
     .draw = "heat", .flags = CLH_DETAIL | CLH_GAPS},
    {CLH_PART_ARRAY, "grad.*", "gradient of the metric by an activation or a parameter",
     .draw = "heat", .flags = CLH_DETAIL},
    {0}};

CLH_CLOSER(close_cached, clh_cached_close)

static void put(clh_result *out, clh_cached *c)
{
    clh_result_read(out, "numbers", c);
    for (size_t i = 0; i < c->count; i++) {
        clh_cached_item *item = &c->item[i];
        clh_result_array(out, &item->array, item->axis, item->ready ? NULL : clh_cached_array,
                         item);
    }
}

CLH_CLOSER(close_run, clh_edited_run_close)

/* What edits come from lives as long as the result, and is closed after what borrows from it. */
static clh_status open_run(clh_edited_run **run, clh_result *out, const clh_subject *s,
                           const cache_settings *set, clh_error *err)
{
    *run = NULL;
    if (!*set->edits) {
        clh_result_absent(out, "intervention", "no edits were given");
        return CLH_OK;
    }
    *run = clh_result_make(out, sizeof **run, close_run, err);
    const clh_edited_of of = clh_subject_edited(s, set->edits);
    clh_status status = *run ? clh_edited_run_open(*run, &of, set->intervention, err) : CLH_ENOMEM;
    if (!status)
        clh_result_put_text(out, "intervention", (*run)->list->name);
    return status;
}

static clh_status ask_cache(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const cache_settings *set = settings;
    const char *metric = *set->metric ? set->metric : "loss";
    const clh_cached_ask ask = {set->names, set->batch, set->positions,
                                .metric = set->grads ? metric : NULL,
                                .first_scored = set->first_scored};
    clh_batch batch = {0};
    clh_cached *cached = NULL;
    clh_edited_run *run = NULL;
    clh_status status = open_run(&run, out, s, set, err);
    if (!status)
        status = clh_given_open(&batch, s, &set->given, 0, err);
    if (!status)
        status =
            clh_cached_plan(&cached, clh_subject_model(s), clh_subject_vocab(s), &batch, &ask, err);
    if (!status)
        status = clh_result_keep(out, cached, close_cached, err);
    if (!status)
        status = clh_cached_limit(cached, set->limit, err);
    if (!status && run)
        status = clh_cached_edit_run(cached, clh_subject_task(s), run, how, err);
    if (!status) {
        clh_given_stamp(out, s, &set->given, cached->batch.tokens.batch,
                        cached->batch.tokens.batch);
        put(out, cached);
        if (ask.metric)
            clh_result_put_text(out, "metric", ask.metric);
        else
            clh_result_absent(out, "metric", "no gradients were asked for");
    }
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const cache_settings *set = settings;
    const clh_status status =
        clh_refuse(err,
                   {set->first_scored != CLH_UNSET && !set->grads,
                    "first_scored decides the loss, want grads too"},
                   {*set->metric && !set->grads, "metric is what gradients are of, want grads too"},
                   {*set->intervention && !*set->edits,
                    "intervention is a list of a file of edits, want edits too"});
    return status ? status : clh_given_check(s, set, err);
}

const clh_question clh_question_cache = {
    .name = "cache",
    .summary = "every activation of a forward pass",
    .description =
        "Runs the model on the first held-out sequence, or on the letters, text or token ids "
        "given; its arrays are the tokens, every activation under its hook name, and the logits; "
        "with --names, --positions and --batch some of them. What they take is listed at once and "
        "refused past --limit; nothing is computed before --out, --figure or --part asks for "
        "numbers.\n\n"
        "With --grads also a metric (the loss over scored positions unless --metric says "
        "otherwise; also the sum over a box of any activation) and its gradient with respect to "
        "every activation chosen and every parameter, named grad. and its name, cut in the same "
        "way. A number that is not finite ends it with the first activation that has one.\n\n"
        "With --edits the run is one with the edits of a file, as `clearhead edit` measures them: what "
        "they write, and everything behind it. Gradients count what was written as a constant. Means "
        "and other sequences are those of the file, else the first held-out ones.",
    .examples =
        "clearhead cache runs/five --tokens batch.json # what it would take\n"
        "clearhead cache runs/notebook --letters psM1 --out acts.safetensors # every activation\n"
        "clearhead cache runs/five --text '> ab' --names '*pattern' --out p.safetensors # some\n"
        "clearhead cache runs/five --tokens batch.json --grads --out acts.safetensors "
        "# gradients\n"
        "clearhead cache RUN --letters psM1 --grads --metric logit:-3:p --out g.npz "
        "# for NumPy\n"
        "clearhead cache RUN --edits edits.json --out edited.npz # of an edited run",
    CLH_SETTINGS(keys, cache_settings),
    .schema = schema,
    .over = "bytes",
    .check = check,
    .ask = ask_cache};
