#include "cli/line/cli.h"

#include <assert.h>
#include <string.h>

#include "run/folder/run_gather.h"

const char *clh_arg(const clh_invocation *inv, size_t i)
{
    return i < inv->n_args ? inv->args[i] : NULL;
}

size_t clh_option_place(const clh_option_set *set, const char *name)
{
    size_t i = 0;
    while (i < set->count && strcmp(set->option[i].name, name) != 0)
        i++;
    return i;
}

bool clh_option_is_path(const clh_option *option)
{
    return option->kind == CLH_OPTION_FILE || option->kind == CLH_OPTION_WRITTEN ||
           option->kind == CLH_OPTION_FOLDER;
}

const char *clh_option_placeholder(const clh_option *option)
{
    switch (option->kind) {
    case CLH_OPTION_FLAG:
        return "";
    case CLH_OPTION_BOOL:
        return "true|false";
    case CLH_OPTION_SIZE:
        return "N";
    case CLH_OPTION_REAL:
        return "X";
    case CLH_OPTION_CHOICE:
    case CLH_OPTION_TEXT:
    case CLH_OPTION_FILE:
    case CLH_OPTION_WRITTEN:
    case CLH_OPTION_FOLDER:
        return option->values;
    }
    return "";
}

const char *clh_option_default(const clh_option *option)
{
    const char *value = option->automatic ? option->automatic : option->fallback;
    return value ? value : "";
}

static size_t place_of(const clh_invocation *inv, const char *name)
{
    const size_t i = clh_option_place(&inv->options, name);
    assert(i < inv->options.count && "an option of this command's table");
    return i;
}

bool clh_opt_given(const clh_invocation *inv, const char *name)
{
    return inv->value[place_of(inv, name)] != NULL;
}

const char *clh_opt_text(const clh_invocation *inv, const char *name)
{
    size_t i = place_of(inv, name);
    return inv->value[i] ? inv->value[i] : inv->options.option[i].fallback;
}

clh_status clh_opt_need(const clh_invocation *inv, const char *name, const char **value,
                        clh_error *err)
{
    assert(value);
    *value = clh_opt_text(inv, name);
    if (*value)
        return CLH_OK;
    return clh_fail(err, CLH_EUSAGE, "--%s %s is missing; see clearhead %s -h", name,
                    clh_option_placeholder(&inv->options.option[place_of(inv, name)]),
                    inv->command->typed);
}

bool clh_opt_is_on(const clh_invocation *inv, const char *name)
{
    return clh_option_place(&inv->options, name) < inv->options.count && clh_opt_flag(inv, name);
}

bool clh_opt_flag(const clh_invocation *inv, const char *name)
{
    const char *text = clh_opt_text(inv, name);
    return text && strcmp(text, "true") == 0;
}

/** Read an option through the reader of configuration keys, so that both say the same about wrong
 *  values. */
static clh_status read_value(const clh_invocation *inv, const char *name, clh_key_kind kind,
                             void *value, size_t size, clh_error *err)
{
    char dashed[40] = "--";
    size_t i = place_of(inv, name);
    const char *text = clh_opt_text(inv, name);
    clh_key key = {.name = strncat(dashed, name, sizeof dashed - 3),
                   .kind = kind,
                   .size = size,
                   .values = inv->options.option[i].values};
    return text ? clh_key_from_text(&key, value, text, err) : CLH_OK;
}

clh_status clh_opt_size(const clh_invocation *inv, const char *name, size_t *value, clh_error *err)
{
    return read_value(inv, name, CLH_KEY_SIZE, value, sizeof *value, err);
}

clh_status clh_opt_real(const clh_invocation *inv, const char *name, double *value, clh_error *err)
{
    return read_value(inv, name, CLH_KEY_REAL, value, sizeof *value, err);
}

clh_status clh_opt_choice(const clh_invocation *inv, const char *name, unsigned *value,
                          clh_error *err)
{
    return read_value(inv, name, CLH_KEY_CHOICE, value, sizeof *value, err);
}

clh_status clh_opt_line(const clh_invocation *inv, clh_run_layer *out, clh_error *err)
{
    assert(inv && out);
    clh_status status = CLH_OK;
    clh_run_layer_init(out);
    for (size_t i = 0; i < inv->options.count && !status; i++)
        if (inv->options.option[i].key && inv->value[i])
            status = clh_run_layer_set(out, inv->options.option[i].name, inv->value[i], err);
    return status;
}

clh_status clh_opt_layers(const clh_invocation *inv, const clh_model_config *weights,
                          clh_run_layer *out, clh_error *err)
{
    assert(inv && out);
    clh_run_layer line;
    clh_status status = clh_opt_line(inv, &line, err);
    return status ? status
                  : clh_run_layers_gather(out, clh_opt_text(inv, "preset"),
                                          clh_opt_text(inv, "config"), weights, &line, err);
}
