#include "support/question_case.h"

#include <stdio.h>
#include <string.h>

static const char edits[] = "{\"format\": \"clearhead-edits-1\", \"edits\": ["
                            "{\"kind\": \"mean\", \"site\": \"blocks.0.attn.hook_z\"}, "
                            "{\"kind\": \"add\", \"site\": \"hook_embed\", \"value\": 0.125}]}";

/* What a question wants that has no default: the name of a file with this in it. */
static const struct {
    const char *question, *setting, *file, *text;
} wanted[] = {{"edit", "edits", "edits.json", edits}};

/* Where the question has such a setting. */
static clh_status set(clh_settings *settings, const char *name, size_t value, clh_error *err)
{
    clh_error found = {0};
    char text[32];
    (void)snprintf(text, sizeof text, "%zu", value);
    const clh_status status = clh_settings_set(settings, name, text, &found);
    if (!status || strstr(found.message, "unknown"))
        return CLH_OK;
    *err = found;
    return status;
}

clh_status question_case_settings(clh_settings **out, const char *question,
                                  const temp_folder *folder, size_t count, clh_error *err)
{
    char path[TEMP_PATH_MAX];
    clh_status status = clh_settings_open(out, question, err);
    if (!status)
        status = set(*out, "count", count, err);
    if (!status)
        status = set(*out, "others", 1 + count / 5, err);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && !status; i++)
        if (strcmp(wanted[i].question, question) == 0)
            status = clh_settings_set(*out, wanted[i].setting,
                                      temp_folder_put(folder, wanted[i].file, wanted[i].text,
                                                      strlen(wanted[i].text), path),
                                      err);
    return status;
}
