/* clearhead show: what a run's model is made of. */
#include <string.h>

#include "base/base.h"
#include "cli/cli_run.h"
#include "run/run_keys.h"

static void add_shape(clh_strbuf *text, const clh_tensor *tensor)
{
    clh_strbuf_adds(text, "{\"name\": ");
    clh_strbuf_add_json(text, tensor->name);
    clh_strbuf_adds(text, ", \"shape\": [");
    for (size_t i = 0; i < tensor->rank; i++)
        clh_strbuf_addf(text, "%s%zu", i ? ", " : "", tensor->shape[i]);
    clh_strbuf_adds(text, "]}");
}

/** Every hook point once, with its shape for a sequence of n_ctx tokens. */
static void add_hooks(clh_strbuf *text, const clh_cache *cache, size_t n_ctx)
{
    for (size_t i = 0, shown = 0; i < clh_cache_count(cache); i++) {
        const clh_tensor hook = clh_cache_describe(cache, i, 1, n_ctx);
        if (clh_cache_repeats(cache, i))
            continue;
        clh_strbuf_adds(text, shown++ ? ", " : "");
        add_shape(text, &hook);
    }
}

/** Lines as texts. */
static void add_lines(clh_strbuf *text, const char *lines)
{
    for (const char *at = lines, *end; (end = strchr(at, '\n')); at = end + 1) {
        char line[256];
        (void)snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
        clh_strbuf_adds(text, at == lines ? "" : ", ");
        clh_strbuf_add_json(text, line);
    }
}

/** Settings of the model that nothing reads, though they say something: neither 0 nor false. */
static char *idle_settings(const clh_run_config *config, clh_error *err)
{
    const clh_key *keys = clh_run_keys();
    clh_run_layer layer = {.config = *config};
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        clh_strbuf value = {0};
        clh_key_to_json(&keys[i], config, &value);
        if (strcmp(keys[i].section, "model") == 0 &&
            !clh_word_in("0|false", '|', clh_strbuf_view(&value)))
            layer.state[i] = CLH_KEY_ASKED;
        clh_strbuf_deinit(&value);
    }
    return clh_run_config_notes(config, &layer, err);
}

static clh_status print_json(const clh_run *run, const char *idle, clh_error *err)
{
    const clh_model *model = clh_run_model(run);
    const clh_run_config *config = clh_run_get_config(run);
    clh_cache *cache = NULL;
    clh_strbuf text = {0};
    clh_status status = clh_cache_open(&cache, &config->model, CLH_KEEP_ALL, err);
    char *config_text = status ? NULL : clh_run_config_json(config, err);
    if (!config_text) {
        clh_cache_close(cache);
        return status ? status : CLH_ENOMEM;
    }
    clh_strbuf_adds(&text, "{\"run\": ");
    clh_strbuf_add_json(&text, clh_run_path(run));
    clh_strbuf_addf(&text, ", \"step\": %zu, \"n_parameters\": %zu, \"parameters\": [",
                    clh_run_step(run), clh_model_parameter_count(model));
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const clh_tensor tensor = clh_model_tensor(model, i);
        clh_strbuf_adds(&text, i ? ", " : "");
        add_shape(&text, &tensor);
    }
    clh_strbuf_adds(&text, "], \"hooks\": [");
    add_hooks(&text, cache, config->model.n_ctx);
    clh_strbuf_adds(&text, "], \"without_effect\": [");
    add_lines(&text, idle);
    clh_strbuf_addf(&text, "], \"config\": %s}\n", config_text);
    status = clh_strbuf_check(&text, err);
    if (!status)
        (void)fputs(clh_strbuf_view(&text), stdout);
    clh_strbuf_deinit(&text);
    clh_free(config_text);
    clh_cache_close(cache);
    return status;
}

static clh_status print_text(const clh_run *run, const char *idle, clh_error *err)
{
    const clh_model *model = clh_run_model(run);
    const clh_run_config *config = clh_run_get_config(run);
    char *tree = NULL, *task = clh_run_config_describe(config, err);
    clh_status status = task ? clh_model_tree(&config->model, &tree, err) : CLH_ENOMEM;
    if (status) {
        clh_free(task);
        return status;
    }
    const size_t length = strlen(tree);
    (void)printf("%s%s", tree, length && tree[length - 1] == '\n' ? "" : "\n");
    (void)printf("parameters: %zu in %zu tensors\n", clh_model_parameter_count(model),
                 clh_model_tensor_count(model));
    (void)printf("task: %s\nstep: %zu of %zu, seed %llu\n%s", task, clh_run_step(run),
                 config->train.steps, (unsigned long long)config->seed, idle);
    clh_free(tree);
    clh_free(task);
    return CLH_OK;
}

int clh_cmd_show(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    char *idle = NULL;
    clh_status status = clh_cli_open_run(inv, &run, &err);
    if (!status && !(idle = idle_settings(clh_run_get_config(run), &err)))
        status = CLH_ENOMEM;
    if (!status)
        status = inv->json ? print_json(run, idle, &err) : print_text(run, idle, &err);
    clh_free(idle);
    clh_run_close(run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
