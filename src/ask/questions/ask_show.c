/* show: what a model is made of. */
#include <stdio.h>

#include "ask/shared/question.h"
#include "model/description/tree.h"
#include "run/settings/run_about.h"
#include "task/task_ops.h"

static const clh_field numbers[] = {
    CLH_FIELD_TEXT("task", "what it was trained for", 0),
    CLH_FIELD_COUNT("n_parameters", NULL, "how many numbers it learns"),
    CLH_FIELD_COUNT("n_tensors", NULL, "in how many tensors they stand"),
    CLH_FIELD_COUNT("steps", NULL, "optimizer steps its run makes in all"),
    {0}};

static const clh_field tree_columns[] = {
    CLH_FIELD_TEXT("shape", "of a parameter, or of what a hook point sees", 0),
    CLH_FIELD_TEXT("class", "HookedTransformer's name of its kind", CLH_DETAIL),
    {0}};
static const clh_field parameter_columns[] = {
    CLH_FIELD_TEXT("shape", "as the model holds it", 0),
    CLH_FIELD_COUNT("count", NULL, "numbers in it"),
    {0},
};
static const clh_field hook_columns[] = {
    CLH_FIELD_TEXT("shape", "for one sequence of n_ctx tokens", 0),
    CLH_FIELD_COUNT("count", NULL, "numbers in it"),
    {0}};
static const clh_field config_columns[] = {
    {"value", NULL, "as a number, of what is one; 1 for true", .decimals = 6,
     CLH_FROM(clh_run_setting, value)},
    CLH_FIELD_TEXT("text", "as config.json has it", 0, CLH_FROM(clh_run_setting, text)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "modules", "with parameters, hook points and their shapes", .keys = "module",
     .flags = CLH_TREE, .fields = tree_columns},
    {CLH_PART_TABLE, "parameters", "every tensor of them", .keys = "parameter", .flags = CLH_DETAIL,
     .fields = parameter_columns},
    {CLH_PART_TABLE, "hooks", "every hook point, once", .keys = "hook", .flags = CLH_DETAIL,
     .fields = hook_columns},
    {CLH_PART_TABLE, "config", "every setting", .keys = "key", .flags = CLH_DETAIL,
     .fields = config_columns},
    {0}};

static void put_node(const clh_tree_node *node, void *user)
{
    clh_result *out = user;
    char label[2 * CLH_TREE_TEXT];
    if (node->kind == CLH_TREE_END)
        return;
    (void)snprintf(label, sizeof label, "%*s%s", (int)(2 * node->depth), "", node->label);
    clh_result_row(out, "modules", *node->path ? node->path : node->class_name);
    clh_row_label(out, label, NULL);
    clh_row_text(out, "shape", node->shape);
    clh_row_text(out, "class", node->class_name);
    if (*node->off)
        clh_row_absent(out, node->off);
}

static void put_tensor(clh_result *out, const char *table, const clh_tensor *tensor)
{
    char shape[96];
    clh_result_row(out, table, tensor->name);
    clh_row_text(out, "shape", clh_tensor_shape_text(tensor, shape));
    clh_row_put_number(out, "count", (double)clh_tensor_count(tensor));
}

static clh_status put_hooks(clh_result *out, const clh_model_config *config, clh_error *err)
{
    clh_cache *cache = NULL;
    clh_status status = clh_cache_open(&cache, config, CLH_KEEP_ALL, err);
    for (size_t i = 0; !status && i < clh_cache_count(cache); i++) {
        const clh_tensor hook = clh_cache_describe(cache, i, 1, config->n_ctx);
        if (!clh_cache_repeats(cache, i))
            put_tensor(out, "hooks", &hook);
    }
    clh_cache_close(cache);
    return status;
}

static void put_setting(const clh_run_setting *setting, void *user)
{
    clh_result *out = user;
    clh_result_row(out, "config", setting->name);
    clh_row_read(out, setting);
}

/* What only a run has: a task, settings, and those of them that nothing reads. */
static clh_status put_run(clh_result *out, const clh_run *run, clh_error *err)
{
    if (!run) {
        clh_result_absent_each(out, "a model in memory has no run", "task", "steps", "config");
        return CLH_OK;
    }
    const clh_run_config *config = clh_run_get_config(run);
    char *task = clh_run_config_describe(config, err);
    char *idle = task ? clh_run_config_idle(config, err) : NULL;
    if (idle) {
        clh_result_put_text(out, "task", task);
        clh_result_put_number(out, "steps", (double)config->train.steps);
        clh_run_settings(config, put_setting, out);
        clh_result_note_lines(out, idle);
    }
    clh_free(idle);
    clh_free(task);
    return idle ? CLH_OK : CLH_ENOMEM;
}

static clh_status ask_show(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const clh_model *model = clh_subject_model(s);
    const clh_model_config *config = clh_model_get_config(model);
    (void)settings;
    (void)how;
    clh_result_put_numbers(out, {"n_parameters", (double)clh_model_parameter_count(model)},
                           {"n_tensors", (double)clh_model_tensor_count(model)});
    clh_model_walk(config, put_node, out);
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const clh_tensor tensor = clh_model_tensor(model, i);
        put_tensor(out, "parameters", &tensor);
    }
    if (clh_subject_task(s) && clh_subject_task(s)->facts.away)
        clh_result_note(out, clh_subject_task(s)->facts.away->message);
    clh_status status = put_hooks(out, config, err);
    return status ? status : put_run(out, clh_subject_run(s), err);
}

const clh_question clh_question_show = {
    .needs = CLH_NEEDS_NO_N,
    .name = "show",
    .summary = "the model's modules, hook points, shapes",
    .description =
        "Shows the module tree with its hook points and shapes, as the notebook's print(model) "
        "does, and the number of parameters. With --full also every tensor and hook point with "
        "its size, and every setting of the run.",
    .examples = "clearhead show runs/notebook # the module tree\n"
                "clearhead show runs/notebook --part hooks # what every hook point sees",
    .schema = schema,
    .over = "n_parameters",
    .ask = ask_show};
