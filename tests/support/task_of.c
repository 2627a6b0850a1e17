#include "support/task_of.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/must.h"

enum { WORDS_MOST = 16 };

clh_task *task_of(const char *format, ...)
{
    char words[256];
    clh_task_setting settings[WORDS_MOST + 1] = {{NULL, NULL}};
    clh_task_config config = {.settings = settings};
    clh_task *task = NULL;
    clh_error err = {0};
    size_t count = 0;
    va_list values;
    va_start(values, format);
    assert_true((size_t)vsnprintf(words, sizeof words, format, values) < sizeof words);
    va_end(values);
    for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        if (strcmp(word, "task") == 0)
            config.name = value;
        else if (strcmp(word, "seed") == 0)
            config.seed = strtoull(value, NULL, 10);
        else if (strcmp(word, "first_scored") == 0)
            config.first_scored = strtoul(value, NULL, 10);
        else if (strcmp(word, "test_sequences") == 0)
            config.test_sequences = strtoul(value, NULL, 10);
        else if (count < WORDS_MOST)
            settings[count++] = (clh_task_setting){word, value};
        else
            fail_msg("more than %d settings", WORDS_MOST);
    }
    must(clh_task_open(&task, &config, &err), &err);
    return task;
}
