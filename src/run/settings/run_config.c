#include "clearhead/run_config.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/description/model_keys.h"
#include "run/settings/run_keys.h"
#include "run/settings/run_task.h"
#include "run/settings/run_vocab.h"

/** Automatic values, given from what is already known: each reads only what stands before it. */
typedef struct clh_resolver {
    clh_run_config *config;
    const clh_run_layer *layer;
    const clh_task *task;                  /* NULL: there is none, or it is not opened */
    unsigned char state[CLH_RUN_KEYS_MAX]; /* as the layer's, and the task's defaults given */
} clh_resolver;

_Static_assert((int)CLH_RUN_KEY_use_hook_tokens - (int)CLH_RUN_KEY_n_layers + 1 ==
                   (int)CLH_MODEL_KEY_COUNT,
               "the model's rows stand together in the run's table");

static bool automatic(const clh_resolver *r, clh_run_key key)
{
    return r->state[clh_run_key_place(key)] <= CLH_KEY_AUTOMATIC;
}

/** Without a task nothing says how large the model is. */
static clh_status check_none(const clh_resolver *r, clh_error *err)
{
    if (automatic(r, CLH_RUN_KEY_n_ctx) || automatic(r, CLH_RUN_KEY_d_vocab))
        return clh_fail(err, CLH_ECONFIG, "task is none, want n_ctx and d_vocab given");
    return CLH_OK;
}

/** A task that would read files to say how large it is, and is not to. */
static clh_status check_sizes(const clh_resolver *r, clh_error *err)
{
    static const clh_run_key sizes[] = {CLH_RUN_KEY_n_ctx, CLH_RUN_KEY_d_vocab,
                                        CLH_RUN_KEY_first_scored, CLH_RUN_KEY_epoch_sequences};
    for (size_t i = 0; i < CLH_COUNT(sizes); i++)
        if (automatic(r, sizes[i]))
            return clh_fail(err, CLH_ECONFIG,
                            "%s of task %s is not known before it is opened, want it given",
                            clh_run_keys()[clh_run_key_place(sizes[i])].name, r->config->task);
    return CLH_OK;
}

/** The task, opened for its sizes where nobody has. First_scored is left out: it is checked here. */
static clh_status open_for_sizes(clh_resolver *r, clh_task **opened, clh_error *err)
{
    size_t count, row = 0;
    const clh_run_config *c = r->config;
    clh_status status = clh_task_row_find(&row, c->task, err);
    if (status)
        return status;
    const clh_task_row *task = &clh_task_rows(&count)[row];
    if (task->ops->reads_file)
        return check_sizes(r, err);
    const clh_task_given given = {
        .seed = c->seed,
        .test_sequences = automatic(r, CLH_RUN_KEY_test_sequences) ? 0 : c->train.test_sequences,
        .n_ctx =
            r->state[clh_run_key_place(CLH_RUN_KEY_n_ctx)] == CLH_KEY_ASKED ? c->model.n_ctx : 0};
    status = clh_task_open_row(opened, task, clh_run_task_settings(c, row), &given, err);
    r->task = *opened;
    return status;
}

/** Whether `key` follows from another of a run's own that somebody gave. */
static bool follows(const clh_run_layer *layer, const char *key)
{
    const clh_key *keys = clh_run_keys();
    for (size_t i = 1; i < clh_run_key_count(); i++)
        if (layer->state[i] >= CLH_KEY_GIVEN && !clh_run_key_task(i) &&
            clh_word_in(keys[i].resets, ' ', key))
            return true;
    return false;
}

/** What the task wants of keys that nobody gave and that do not follow from what somebody gave. */
static clh_status take_defaults(clh_resolver *r, clh_error *err)
{
    const clh_key *keys = clh_run_keys();
    clh_status status = CLH_OK;
    for (const clh_task_setting *d = r->task->facts.defaults; d && d->name && !status; d++) {
        const clh_key *key = clh_key_find(keys, clh_run_key_count(), d->name, err);
        if (key && (r->layer->state[key - keys] > CLH_KEY_DEFAULT || follows(r->layer, d->name)))
            continue;
        status = key ? clh_key_from_text(key, r->config, d->text, err) : CLH_ECONFIG;
        if (status)
            return clh_fail_context(err, status, "a default of task %s", r->config->task);
        r->state[key - keys] = CLH_KEY_GIVEN;
    }
    return status;
}

static void resolve_model(clh_resolver *r)
{
    bool model[CLH_MODEL_KEY_COUNT];
    clh_model_config *m = &r->config->model;
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT; i++)
        model[i] = automatic(r, (clh_run_key)(CLH_RUN_KEY_n_layers + i));
    if (r->task && model[CLH_MODEL_KEY_n_ctx])
        m->n_ctx = clh_task_length_max(r->task);
    if (r->task && model[CLH_MODEL_KEY_d_vocab])
        m->d_vocab = clh_task_d_vocab(r->task);
    if (r->task && r->task->facts.d_vocab_out && model[CLH_MODEL_KEY_d_vocab_out]) {
        m->d_vocab_out = r->task->facts.d_vocab_out;
        model[CLH_MODEL_KEY_d_vocab_out] = false;
    }
    clh_model_config_fill(m, model);
}

static size_t at_most(uint64_t size, size_t most)
{
    return size < most ? (size_t)size : most;
}

/** The sequences of an epoch and of an evaluation. */
static void resolve_sequences(clh_resolver *r)
{
    static const clh_task_facts no_task = {.first_scored = 1, .epoch_sequences = 1};
    const clh_task_facts *f = r->task ? &r->task->facts : &no_task;
    clh_run_config *c = r->config;
    if (automatic(r, CLH_RUN_KEY_first_scored))
        c->first_scored = f->first_scored;
    if (automatic(r, CLH_RUN_KEY_test_sequences))
        c->train.test_sequences = f->test_sequences
                                      ? f->test_sequences
                                      : at_most(f->split_size[CLH_SPLIT_TEST], CLH_TASK_TEST_MOST);
    if (automatic(r, CLH_RUN_KEY_epoch_sequences))
        c->train.epoch_sequences =
            f->epoch_sequences ? f->epoch_sequences
                               : at_most(f->split_size[CLH_SPLIT_TRAIN], CLH_TASK_EPOCH_MOST);
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
                        ? (clh_run_task_none(r->config->task) ? 0 : 20)
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

/** That the model can read and predict the task's sequences and something of them is scored. */
static clh_status check_fit(const clh_resolver *r, clh_error *err)
{
    const clh_run_config *c = r->config;
    const clh_model_config *m = &c->model;
    const size_t length = r->task ? clh_task_length_max(r->task) : 0;
    const size_t read = r->task ? clh_task_d_vocab(r->task) : 0;
    const size_t predicted = r->task ? clh_task_d_vocab_out(r->task) : 0;
    if (m->n_ctx < length)
        return clh_fail(err, CLH_ERANGE,
                        "n_ctx is %zu, want at least %zu, the tokens of the longest sequence",
                        m->n_ctx, length);
    if (m->d_vocab < read || m->d_vocab_out < predicted)
        return clh_fail(err, CLH_ERANGE, "%s is %zu, want at least %zu, the task's vocabulary",
                        m->d_vocab < read ? "d_vocab" : "d_vocab_out",
                        m->d_vocab < read ? m->d_vocab : m->d_vocab_out,
                        m->d_vocab < read ? read : predicted);
    if (length && c->first_scored >= length)
        return clh_fail(err, CLH_ERANGE,
                        "first_scored is %zu, want less than %zu, the tokens of the longest "
                        "sequence",
                        c->first_scored, length);
    if (c->first_scored == 0 &&
        (r->task ? !r->task->facts.scores_itself : clh_run_task_none(c->task)))
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
    for (size_t i = 0; i < clh_run_key_count() && !status; i++)
        status = clh_key_check(&clh_run_keys()[i], &c, err);
    return status ? status : clh_model_config_check(&c.model, err);
}

static clh_status resolve_all(clh_resolver *r, clh_error *err)
{
    clh_status status = r->task ? take_defaults(r, err) : CLH_OK;
    if (!status) {
        resolve_model(r);
        resolve_sequences(r);
        status = resolve_training(r, err);
    }
    if (!status)
        status = check_fit(r, err);
    return status ? status : clh_run_config_check(r->config, err);
}

/* What the layers give is in its range before anything is made to follow from it. */
static clh_status check_given(const clh_run_layer *layer, clh_error *err)
{
    const clh_key *keys = clh_run_keys();
    clh_status status = CLH_OK;
    for (size_t i = 0; i < clh_run_key_count() && !status; i++)
        if (layer->state[i] > CLH_KEY_AUTOMATIC || !keys[i].automatic)
            status = clh_key_check(&keys[i], &layer->config, err);
    return status;
}

clh_status clh_run_config_resolve(clh_run_config *out, const clh_run_layer *layer,
                                  const clh_task *task, clh_error *err)
{
    CLH_REQUIRE(out && layer, err, "layers, and room for the config");
    clh_status status = check_given(layer, err);
    if (status)
        return status;
    clh_run_config config = layer->config;
    clh_task *opened = NULL;
    clh_resolver r = {.config = &config, .layer = layer, .task = task};
    memcpy(r.state, layer->state, sizeof r.state);
    (void)snprintf(config.task, sizeof config.task, "%s", clh_run_task_name(layer));
    if (clh_run_task_none(config.task))
        status = check_none(&r, err);
    else if (!task)
        status = open_for_sizes(&r, &opened, err);
    if (!status)
        status = clh_run_vocab_record(&config, err);
    if (!status)
        status = resolve_all(&r, err);
    if (!status && r.task)
        clh_run_task_record(&config, r.task, 0);
    clh_task_close(opened);
    if (!status)
        *out = config;
    return status;
}

char *clh_run_config_notes(const clh_run_config *config, const clh_run_layer *layer, clh_error *err)
{
    if (!config || !layer) {
        (void)clh_fail_null(err, __func__, "a config and its layers");
        return NULL;
    }
    const clh_model_config *m = &config->model;
    const clh_train_config *t = &config->train;
    const clh_key *keys = clh_run_keys();
    const bool given = config->init[0] || config->init_weights[0]; /* weights to start from */
    const bool rotary = m->positional_embedding_type == CLH_POSITIONS_ROTARY;
#define KEY(name) CLH_RUN_KEY_##name, #name
    const struct {
        clh_run_key key;
        const char *name;
        bool idle;
        const char *why;
    } rule[] = {
        {KEY(act_fn), m->attn_only, "an attn_only model has no MLP"},
        {KEY(d_mlp), m->attn_only, "an attn_only model has no MLP"},
        {KEY(use_hook_mlp_in), m->attn_only, "an attn_only model has no MLP"},
        {KEY(attn_scale), !m->use_attn_scale, "use_attn_scale is false"},
        {KEY(eps), m->normalization_type == CLH_NORM_NONE, "normalization_type is None"},
        {KEY(rotary_dim), !rotary && m->rotary_dim != m->d_head,
         "positional_embedding_type is not rotary"},
        {KEY(rotary_base), !rotary && m->rotary_base != 10000,
         "positional_embedding_type is not rotary"},
        {KEY(rotary_adjacent_pairs), !rotary, "positional_embedding_type is not rotary"},
        {KEY(final_rms),
         m->normalization_type != CLH_NORM_LN && m->normalization_type != CLH_NORM_LNPRE,
         "the norms are not LN or LNPre"},
        {KEY(tl_version), m->normalization_type != CLH_NORM_LN, "the norms are not LN"},
        {KEY(init_mode), given && m->init_mode != CLH_INIT_GPT2, "the weights are those of init"},
        {KEY(initializer_range), m->init_mode == CLH_INIT_MUP && !given, "init_mode is muP"},
        {KEY(initializer_range), given, "the weights are those of init"},
        {KEY(beta1), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(beta2), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(optimizer_eps), t->optimizer == CLH_SGD, "the optimizer is sgd"},
        {KEY(momentum), t->optimizer != CLH_SGD, "the optimizer is not sgd"},
        {KEY(warmup_steps), t->schedule == CLH_SCHEDULE_CONSTANT, "the schedule is constant"},
        {KEY(min_lr), t->schedule != CLH_SCHEDULE_COSINE, "the schedule is not cosine"},
        {KEY(epochs), layer->state[clh_run_key_place(CLH_RUN_KEY_steps)] == CLH_KEY_ASKED,
         "steps decides"},
    };
#undef KEY
    clh_strbuf text = {0};
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (layer->state[i] == CLH_KEY_ASKED && clh_run_key_task(i) &&
            strcmp(clh_run_key_task(i), config->task) != 0)
            clh_strbuf_addf(&text, "%s has no effect: the task is %s\n", keys[i].name,
                            config->task);
    for (size_t i = 0; i < CLH_COUNT(rule); i++)
        if (rule[i].idle && layer->state[clh_run_key_place(rule[i].key)] == CLH_KEY_ASKED)
            clh_strbuf_addf(&text, "%s has no effect: %s\n", rule[i].name, rule[i].why);
    return clh_strbuf_take(&text, err);
}
