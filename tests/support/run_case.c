#include "support/run_case.h"

#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { NAMES_MAX = 256 };

clh_run_config run_case_config_of(const clh_model_config *model, const char *words)
{
    clh_error err = {0};
    clh_run_layer all, layer, weights;
    clh_run_config config;
    char text[2048];
    clh_run_layer_default(&all);
    if (model) {
        clh_run_layer_model(&weights, model);
        clh_run_layer_apply(&all, &weights);
    }
    clh_run_layer_init(&layer);
    assert_true((size_t)snprintf(text, sizeof text, "%s", words) < sizeof text);
    for (char *save, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equal = strchr(word, '=');
        assert_non_null(equal);
        *equal = '\0';
        must(clh_run_layer_set(&layer, word, equal + 1, &err), &err);
    }
    clh_run_layer_apply(&all, &layer);
    if (model)
        clh_run_layer_fill(&all, &weights);
    must(clh_run_config_open(&config, NULL, &all, &err), &err);
    return config;
}

clh_run_config run_case_config(const char *words)
{
    return run_case_config_of(NULL, words);
}

void run_case_train(const clh_run_config *config, const char *path)
{
    clh_error err = {0};
    must(clh_train(config, path, NULL, &err), &err);
}

char *run_case_read(const char *folder, const char *name, size_t *length)
{
    char path[2 * TEMP_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    size_t size = temp_file_get(path, NULL, 0);
    if (size == SIZE_MAX)
        fail_msg("%s is not there", path);
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(temp_file_get(path, bytes, size), size);
    bytes[size] = '\0';
    if (length)
        *length = size;
    return bytes;
}

size_t run_case_metrics(const char *path, const char *type, const char *key, double *out,
                        size_t most)
{
    char *text = run_case_read(path, "metrics.jsonl", NULL);
    size_t count = 0;
    for (char *save, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *object = json_loads(line, 0, NULL);
        assert_true(json_is_object(object));
        const char *kind = json_string_value(json_object_get(object, "type"));
        const json_t *value = json_object_get(object, key);
        if (kind && strcmp(kind, type) == 0 && value && count < most)
            out[count++] = json_is_number(value) ? json_number_value(value) : (double)NAN;
        json_decref(object);
    }
    free(text);
    return count;
}

/* Names of the files that make up a run, sorted, one a line. */
static void list_files(const char *path, char *names[NAMES_MAX], size_t *count)
{
    static const char *const pattern[] = {"/[!.]*", "/checkpoints/*"};
    *count = 0;
    for (size_t i = 0; i < CLH_COUNT(pattern); i++) {
        char whole[2 * TEMP_PATH_MAX];
        glob_t found = {0};
        (void)snprintf(whole, sizeof whole, "%s%s", path, pattern[i]);
        if (glob(whole, 0, NULL, &found))
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            assert_true(*count < NAMES_MAX);
            names[(*count)++] = strdup(found.gl_pathv[k] + strlen(path) + 1);
        }
        globfree(&found);
    }
}

static void free_names(char *names[NAMES_MAX], size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
}

void run_case_assert_tidy(const char *path)
{
    char *names[NAMES_MAX];
    size_t count;
    list_files(path, names, &count);
    for (size_t i = 0; i < count; i++)
        if (strstr(names[i], ".tmp-"))
            fail_msg("%s/%s was left", path, names[i]);
    free_names(names, count);
}

/* Metrics without the times, which are the clock's, and the sums of their lines. */
static void drop_seconds(char *text)
{
    static const char key[] = ", \"seconds\": ";
    for (char *at = text; (at = strstr(at, key));) {
        const char *rest = at + strlen(key);
        rest += strcspn(rest, "}");
        memmove(at, rest, strlen(rest) + 1);
    }
}

static void assert_same_file(const char *path, const char *other, const char *name)
{
    size_t n, m;
    char *a = run_case_read(path, name, &n), *b = run_case_read(other, name, &m);
    if (strcmp(name, "metrics.jsonl") == 0) {
        drop_seconds(a);
        drop_seconds(b);
        if (strcmp(a, b) != 0)
            fail_msg("%s: the lines of %s and %s differ", name, path, other);
    } else if (n != m || memcmp(a, b, n) != 0) {
        fail_msg("%s: the bytes of %s and %s differ", name, path, other);
    }
    free(b);
    free(a);
}

void run_case_assert_same(const char *path, const char *other)
{
    char *names[NAMES_MAX], *others[NAMES_MAX];
    size_t count, other_count;
    list_files(path, names, &count);
    list_files(other, others, &other_count);
    for (size_t i = 0; i < count && i < other_count; i++)
        if (strcmp(names[i], others[i]) != 0)
            fail_msg("%s has %s where %s has %s", path, names[i], other, others[i]);
    assert_int_equal(count, other_count);
    assert_true(count >= 6); /* four files, folders, a checkpoint at least */
    for (size_t i = 0; i < count; i++) {
        bool bytes = strstr(names[i], ".safetensors") || strcmp(names[i], "metrics.jsonl") == 0;
        if (bytes)
            assert_same_file(path, other, names[i]);
    }
    free_names(others, other_count);
    free_names(names, count);
}
