#include "clearhead/run_config.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/model_keys.h"
#include "run/run_keys.h"

/** Automatic values, given from what is already known: each reads only what stands before it. */
typedef struct clh_resolver {
    clh_run_config *config;
    const clh_run_layer *layer;
    const clh_task_sizes *lines;
    clh_task_sizes sizes; /* of the task, whichever it is */
} clh_resolver;

_Static_assert((int)CLH_RUN_KEY_use_hook_tokens - (int)CLH_RUN_KEY_n_layers + 1 ==
                   (int)CLH_MODEL_KEY_COUNT,
               "the model's rows stand together in the run's table");

static bool automatic(const clh_resolver *r, clh_run_key key)
{
    return r->layer->state[key] <= CLH_KEY_AUTOMATIC;
}

static const char *task_name(const clh_run_layer *layer)
{
    if (layer->state[CLH_RUN_KEY_task] > CLH_KEY_AUTOMATIC)
        return layer->config.task;
    return layer->config.data[0] ? "lines" : "permutations";
}

static bool is_lines(const clh_run_config *config)
{
    return strcmp(config->task, "lines") == 0;
}

/** Imported weights that fit no task. */
static bool is_none(const clh_run_config *config)
{
    return strcmp(config->task, "none") == 0;
}

clh_task_config clh_run_config_task(const clh_run_config *config)
{
    assert(config);
    clh_task_config task = {.name = config->task,
                            .seed = config->seed,
                            .n_count = config->n_count,
                            .letters = config->letters,
                            .letters_unseen = config->letters_unseen,
                            .first_scored = config->first_scored};
    memcpy(task.n, config->n, sizeof task.n);
    if (is_lines(config)) {
        task.data = config->data;
        task.test_sequences = config->train.test_sequences;
    }
    return task;
}

clh_task_config clh_run_layer_task(const clh_run_layer *layer)
{
    assert(layer);
    clh_task_config task = clh_run_config_task(&layer->config);
    bool lines = strcmp(task_name(layer), "lines") == 0;
    task.name = task_name(layer);
    task.data = lines ? layer->config.data : NULL;
    if (layer->state[CLH_RUN_KEY_first_scored] <= CLH_KEY_AUTOMATIC)
        task.first_scored = lines ? 1 : 0;
    task.test_sequences = lines && layer->state[CLH_RUN_KEY_test_sequences] > CLH_KEY_AUTOMATIC
                              ? layer->config.train.test_sequences
                              : 0;
    return task;
}

/** Tokens of "> " + n! terms of n letters with n! - 1 spaces + ".": (n + 1)! + 2. */
static size_t permutations_length(unsigned n)
{
    size_t length = 1;
    for (size_t i = 2; i <= (size_t)n + 1; i++)
        length *= i;
    return length + 2;
}

/** Without a task nothing says how large the model is. */
static clh_status resolve_none(clh_resolver *r, clh_error *err)
{
    if (automatic(r, CLH_RUN_KEY_n_ctx) || automatic(r, CLH_RUN_KEY_d_vocab))
        return clh_fail(err, CLH_ECONFIG, "task is none, want n_ctx and d_vocab given");
    if (automatic(r, CLH_RUN_KEY_first_scored))
        r->config->first_scored = 1;
    return CLH_OK;
}

static clh_status resolve_task(clh_resolver *r, clh_error *err)
{
    clh_run_config *c = r->config;
    if (automatic(r, CLH_RUN_KEY_task))
        strncpy(c->task, task_name(r->layer), sizeof c->task - 1);
    if (is_none(c))
        return resolve_none(r, err);
    if (is_lines(c) && !c->data[0])
        return clh_fail(err, CLH_ECONFIG, "task is lines, want data to name their JSONL file");
    if (automatic(r, CLH_RUN_KEY_first_scored))
        c->first_scored = is_lines(c) ? 1 : c->n_count == 1 ? c->n[0] + 2 : 0;
    if (!is_lines(c)) {
        assert(c->n_count >= 1 && c->n_count <= CLH_TASK_N_MAX);
        r->sizes.d_vocab = 65;
        r->sizes.length_max = permutations_length(c->n[c->n_count - 1]);
    } else if (r->lines) {
        r->sizes = *r->lines;
    } else if (automatic(r, CLH_RUN_KEY_n_ctx) || automatic(r, CLH_RUN_KEY_d_vocab) ||
               automatic(r, CLH_RUN_KEY_epoch_sequences)) {
        return clh_fail(err, CLH_ECONFIG,
                        "n_ctx, d_vocab and epoch_sequences of %s are not known, want them given "
                        "or the file opened",
                        c->data);
    }
    return CLH_OK;
}

static void resolve_model(clh_resolver *r)
{
    bool model[CLH_MODEL_KEY_COUNT];
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT; i++)
        model[i] = automatic(r, (clh_run_key)(CLH_RUN_KEY_n_layers + i));
    if (model[CLH_MODEL_KEY_n_ctx])
        r->config->model.n_ctx = r->sizes.length_max;
    if (model[CLH_MODEL_KEY_d_vocab])
        r->config->model.d_vocab = r->sizes.d_vocab;
    clh_model_config_fill(&r->config->model, model);
}

/** The sequences a split has: torch's random_split(lengths=[.2, .8]) of a data set as long as the
 *  longest sequence, as in the notebook (floor of each, the remainder to the first). */
static clh_status resolve_sequences(clh_resolver *r, clh_error *err)
{
    clh_run_config *c = r->config;
    size_t length = r->sizes.length_max, train = length * 4 / 5;
    if (automatic(r, CLH_RUN_KEY_test_sequences))
        c->train.test_sequences = is_lines(c) || is_none(c) ? 0 : length - train;
    if (!automatic(r, CLH_RUN_KEY_epoch_sequences))
        return CLH_OK;
    if (is_none(c)) {
        c->train.epoch_sequences = 1;
        return CLH_OK;
    }
    if (is_lines(c) && r->sizes.sequences <= c->train.test_sequences)
        return clh_fail(err, CLH_ERANGE,
                        "%s has %zu lines and test_sequences is %zu, want lines left to train on",
                        c->data, r->sizes.sequences, c->train.test_sequences);
    c->train.epoch_sequences = is_lines(c) ? r->sizes.sequences - c->train.test_sequences : train;
    return CLH_OK;
}

/** Twenty evaluations, but so far apart that they cost at most a quarter of the training between
 *  them (a forward pass is about a third of a training step's work on a sequence). */
static size_t evaluation_interval(const clh_train_config *t)
{
    size_t twentieth = t->steps / 20 + (t->steps < 20);
    size_t cheap = (4 * t->test_sequences + 3 * t->batch - 1) / (3 * t->batch);
    return twentieth > cheap ? twentieth : cheap;
}

static clh_status resolve_training(clh_resolver *r, clh_error *err)
{
    clh_train_config *t = &r->config->train;
    if (automatic(r, CLH_RUN_KEY_weight_decay))
        t->weight_decay = t->optimizer == CLH_ADAMW ? 0.01 : 0;
    size_t epoch_steps = t->epoch_sequences / t->batch + (t->epoch_sequences % t->batch != 0);
    if (automatic(r, CLH_RUN_KEY_epochs))
        t->epochs = automatic(r, CLH_RUN_KEY_steps)
                        ? (is_none(r->config) ? 0 : 20)
                        : t->steps / epoch_steps + (t->steps % epoch_steps != 0);
    if (automatic(r, CLH_RUN_KEY_steps) && !clh_mul_ok(t->epochs, epoch_steps, &t->steps))
        return clh_fail(err, CLH_ERANGE, "%zu epochs of %zu steps are too many to count", t->epochs,
                        epoch_steps);
    if (automatic(r, CLH_RUN_KEY_eval_every))
        t->eval_every = evaluation_interval(t);
    if (automatic(r, CLH_RUN_KEY_checkpoint_every))
        t->checkpoint_every = t->steps / 5 + (t->steps < 5);
    if (automatic(r, CLH_RUN_KEY_warmup_steps))
        t->warmup_steps = t->schedule == CLH_SCHEDULE_WARMUP ? t->steps / 10 : 0;
    return CLH_OK;
}

/** That the model can read the task's sequences and something of them is scored. */
static clh_status check_fit(const clh_resolver *r, clh_error *err)
{
    const clh_run_config *c = r->config;
    const clh_model_config *m = &c->model;
    if (m->n_ctx < r->sizes.length_max)
        return clh_fail(err, CLH_ERANGE,
                        "n_ctx is %zu, want at least %zu, the tokens of the longest sequence",
                        m->n_ctx, r->sizes.length_max);
    if (m->d_vocab < r->sizes.d_vocab || m->d_vocab_out < r->sizes.d_vocab)
        return clh_fail(err, CLH_ERANGE, "%s is %zu, want at least %zu, the task's vocabulary",
                        m->d_vocab < r->sizes.d_vocab ? "d_vocab" : "d_vocab_out",
                        m->d_vocab < r->sizes.d_vocab ? m->d_vocab : m->d_vocab_out,
                        r->sizes.d_vocab);
    if (r->sizes.length_max && c->first_scored >= r->sizes.length_max)
        return clh_fail(err, CLH_ERANGE,
                        "first_scored is %zu, want less than %zu, the tokens of the longest "
                        "sequence",
                        c->first_scored, r->sizes.length_max);
    if ((is_lines(c) || is_none(c)) && c->first_scored == 0)
        return clh_fail(err, CLH_ERANGE,
                        "first_scored is 0, want at least 1: nothing predicts the first token");
    return CLH_OK;
}

clh_status clh_run_config_check(const clh_run_config *config, clh_error *err)
{
    if (!config)
        return clh_fail(err, CLH_EUSAGE, "clh_run_config_check() was given NULL, want a config");
    clh_run_config c = *config;
    clh_status status = CLH_OK;
    c.model = clh_model_config_resolved(&config->model);
    for (size_t i = 0; i < CLH_RUN_KEY_COUNT && !status; i++)
        status = clh_key_check(&clh_run_keys()[i], &c, err);
    return status ? status : clh_model_config_check(&c.model, err);
}

clh_status clh_run_config_resolve(clh_run_config *out, const clh_run_layer *layer,
                                  const clh_task_sizes *lines, clh_error *err)
{
    assert(out && layer);
    clh_run_config config = layer->config;
    clh_resolver r = {.config = &config, .layer = layer, .lines = lines};
    clh_status status = resolve_task(&r, err);
    if (!status) {
        resolve_model(&r);
        status = resolve_sequences(&r, err);
    }
    if (!status)
        status = resolve_training(&r, err);
    if (!status)
        status = check_fit(&r, err);
    if (!status)
        status = clh_run_config_check(&config, err);
    if (!status)
        *out = config;
    return status;
}

char *clh_run_config_notes(const clh_run_config *config, const clh_run_layer *layer, clh_error *err)
{
    assert(config && layer);
    const clh_model_config *m = &config->model;
    const clh_train_config *t = &config->train;
    bool lines = is_lines(config);
    const char *other = is_none(config) ? "the task is none" : "the task is lines";
#define KEY(name) CLH_RUN_KEY_##name, #name
    const struct {
        clh_run_key key;
        const char *name;
        bool idle;
        const char *why;
    } rule[] = {
        {KEY(n), lines || is_none(config), other},
        {KEY(letters), lines || is_none(config), other},
        {KEY(letters_unseen), lines || is_none(config), other},
        {KEY(data), !lines, "the task is not lines"},
        {KEY(act_fn), m->attn_only, "an attn_only model has no MLP"},
        {KEY(d_mlp), m->attn_only, "an attn_only model has no MLP"},
        {KEY(use_hook_mlp_in), m->attn_only, "an attn_only model has no MLP"},
        {KEY(attn_scale), !m->use_attn_scale, "use_attn_scale is false"},
        {KEY(eps), m->normalization_type == CLH_NORM_NONE, "normalization_type is None"},
        {KEY(initializer_range), config->init[0], "the weights are those of init"},
        {KEY(beta1), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(beta2), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(optimizer_eps), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(momentum), t->optimizer != CLH_SGD, "the optimizer is not sgd"},
        {KEY(warmup_steps), t->schedule == CLH_SCHEDULE_CONSTANT, "the schedule is constant"},
        {KEY(min_lr), t->schedule != CLH_SCHEDULE_COSINE, "the schedule is not cosine"},
        {KEY(epochs), layer->state[CLH_RUN_KEY_steps] == CLH_KEY_ASKED, "steps decides"},
    };
#undef KEY
    clh_strbuf text = {0};
    for (size_t i = 0; i < CLH_COUNT(rule); i++)
        if (rule[i].idle && layer->state[rule[i].key] == CLH_KEY_ASKED)
            clh_strbuf_addf(&text, "%s has no effect: %s\n", rule[i].name, rule[i].why);
    return clh_strbuf_take(&text, err);
}

char *clh_run_config_json(const clh_run_config *config, clh_error *err)
{
    assert(config);
    const clh_key *keys = clh_run_keys();
    clh_strbuf text = {0};
    for (size_t i = 0; i < CLH_RUN_KEY_COUNT; i++) {
        clh_strbuf_addf(&text, "%s\n  \"%s\": ", i ? "," : "{", keys[i].name);
        clh_key_to_json(&keys[i], config, &text);
    }
    clh_strbuf_adds(&text, "\n}\n");
    return clh_strbuf_take(&text, err);
}

clh_status clh_run_config_from_json(clh_run_config *out, const char *text, const char *origin,
                                    clh_error *err)
{
    assert(out);
    clh_run_layer all, file;
    clh_run_layer_default(&all);
    clh_status status = clh_run_layer_json(&file, text, origin, err);
    if (status)
        return status;
    clh_run_layer_apply(&all, &file);
    status = clh_run_config_resolve(out, &all, NULL, err);
    return status ? clh_fail_context(err, status, "%s", origin) : CLH_OK;
}
