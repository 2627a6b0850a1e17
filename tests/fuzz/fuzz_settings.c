/* Settings of a question: its name, then a line "name value" each. What is taken is shown as JSON. */
#include "base/json_text.h"

#include <jansson.h>

#include "ask/asking/asking.h"
#include "fuzz/fuzz.h"

/* The settings as JSON are an object. */
static clh_status show(const clh_settings *settings, clh_error *err)
{
    clh_strbuf text = {0};
    clh_settings_json(settings, &text);
    json_t *object = NULL;
    clh_status status = clh_strbuf_check(&text, err);
    if (!status)
        status = clh_json_parse(&object, clh_strbuf_view(&text), text.length, 0, "them", NULL, err);
    FUZZ_MUST(status == CLH_ENOMEM || json_is_object(object));
    json_decref(object);
    clh_strbuf_deinit(&text);
    return status;
}

FUZZ_TARGET(settings)
{
    clh_settings *settings = NULL;
    clh_error err = {0};
    char *text = strdup(fuzz_text(bytes, size)), *at = text;
    FUZZ_MUST(text);
    clh_status status = clh_settings_open(&settings, fuzz_line(&at), &err);
    while (!status && at) {
        char *name = fuzz_line(&at), *value = strchr(name, ' ');
        if (value)
            *value++ = '\0';
        status = clh_settings_set(settings, name, value ? value : "", &err);
    }
    free(text);
    if (!status)
        status = show(settings, &err);
    clh_settings_close(settings);
    return status ? fuzz_refused(status, &err) : true;
}
