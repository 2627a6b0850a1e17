/* Hypotheses from a JSON file. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "lens/paths/scrub_find.h"

enum { FILE_MAX = 1 << 20, NAMES_MAX = 32 };

/* A text of 1 to size - 1 bytes. */
static clh_status read_text(char *out, const json_t *value, const char *key, const char *where,
                            clh_error *err)
{
    const char *text = json_string_value(value);
    if (!text || !text[0] || strlen(text) >= CLH_SCRUB_NAME_MAX)
        return clh_fail(err, CLH_EINPUT, "%s: %s wants a text of 1 to %d bytes", where, key,
                        CLH_SCRUB_NAME_MAX - 1);
    (void)snprintf(out, CLH_SCRUB_NAME_MAX, "%s", text);
    return CLH_OK;
}

static clh_status read_agree(clh_agree *out, const json_t *value, const char *key, int count,
                             const char *where, clh_error *err)
{
    const char *text = json_string_value(value), *names[CLH_AGREES];
    for (int a = 0; a < count; a++) {
        names[a] = clh_agree_name((clh_agree)a);
        if (text && strcmp(text, names[a]) == 0) {
            *out = (clh_agree)a;
            return CLH_OK;
        }
    }
    const char *near = text ? clh_nearest_name(text, names, (size_t)count) : NULL;
    return clh_fail(err, CLH_EINPUT, "%s: %s is %s%s%s%s", where, key,
                    text ? clh_quoted_text(text).text : "not given",
                    near ? "; did you mean " : ", want ",
                    near                  ? near
                    : count == CLH_AGREES ? "nothing, all, token, alphabet, class or rank"
                                          : "nothing or all",
                    near ? "?" : "");
}

static clh_status read_positions(clh_scrub_rule *rule, const json_t *value, const char *where,
                                 clh_error *err)
{
    rule->position_count = json_array_size(value);
    if (!json_is_array(value) || rule->position_count == 0 ||
        rule->position_count > CLH_SCRUB_POSITIONS_MAX)
        return clh_fail(err, CLH_EINPUT, "%s: positions want an array of 1 to %d whole numbers",
                        where, CLH_SCRUB_POSITIONS_MAX);
    for (size_t i = 0; i < rule->position_count; i++) {
        const json_t *item = json_array_get(value, i);
        const json_int_t at = json_integer_value(item);
        if (!json_is_integer(item) || at < -1000000 || at > 1000000)
            return clh_fail(err, CLH_EINPUT,
                            "%s: positions[%zu] is not a whole number in [-1000000, 1000000]",
                            where, i);
        rule->positions[i] = (long)at;
    }
    return CLH_OK;
}

static clh_status read_rule(clh_scrub_rule *rule, const json_t *object, size_t index,
                            clh_error *err)
{
    static const char *const keys[] = {"from", "to", "agree", "positions"};
    char where[32];
    const json_t *positions = json_object_get(object, "positions");
    *rule = (clh_scrub_rule){0};
    (void)snprintf(where, sizeof where, "rule %zu", index);
    if (!json_is_object(object))
        return clh_fail(err, CLH_EINPUT, "%s is no object", where);
    clh_status status = clh_json_keys_check(object, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (status)
        return clh_fail_context(err, status, "%s", where);
    status = read_text(rule->from, json_object_get(object, "from"), "from", where, err);
    if (!status)
        status = read_text(rule->to, json_object_get(object, "to"), "to", where, err);
    if (!status)
        status = read_agree(&rule->agree, json_object_get(object, "agree"), "agree", CLH_AGREES,
                            where, err);
    if (!status && positions && rule->agree <= CLH_AGREE_ALL)
        status = clh_fail(err, CLH_EINPUT, "%s: agree %s takes no positions", where,
                          clh_agree_name(rule->agree));
    return status || !positions ? status : read_positions(rule, positions, where, err);
}

static clh_status read_all(clh_hypothesis *out, json_t *root, clh_error *err)
{
    static const char *const keys[] = {"format", "name", "otherwise", "rules"};
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *rules = json_object_get(root, "rules");
    *out = (clh_hypothesis){0};
    if (!format || strcmp(format, "clearhead-hypothesis-1") != 0)
        return clh_fail(err, CLH_EFORMAT, "format is %s, want clearhead-hypothesis-1",
                        format ? clh_quoted_text(format).text : "not given");
    clh_status status = clh_json_keys_check(root, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (status)
        return status;
    if (!json_is_array(rules) || json_array_size(rules) > CLH_SCRUB_RULES_MAX)
        return clh_fail(err, CLH_EFORMAT, "rules want an array of at most %d", CLH_SCRUB_RULES_MAX);
    status = read_text(out->name, json_object_get(root, "name"), "name", "hypothesis", err);
    if (!status)
        status = read_agree(&out->otherwise, json_object_get(root, "otherwise"), "otherwise",
                            CLH_AGREE_ALL + 1, "hypothesis", err);
    for (; out->count < json_array_size(rules) && !status; out->count++)
        status =
            read_rule(&out->rule[out->count], json_array_get(rules, out->count), out->count, err);
    return status;
}

clh_status clh_hypothesis_read(clh_hypothesis *out, const char *path, clh_error *err)
{
    CLH_REQUIRE(out && path, err, "the path of a hypothesis, and room for it");
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *root = NULL;
    status = clh_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, path, NULL, err);
    clh_free(text);
    if (status)
        return status;
    status = read_all(out, root, err);
    if (status)
        status = clh_fail_context(err, status, "%s", path);
    json_decref(root);
    return status;
}

clh_status clh_hypotheses_find(clh_hypotheses *out, const char *text, clh_error *err)
{
    const char *names[NAMES_MAX];
    size_t all;
    const clh_hypothesis *presets = clh_hypothesis_presets(&all);
    *out = (clh_hypotheses){.first = presets, .count = all};
    for (size_t i = 0; *text && i < all && i < NAMES_MAX; i++) {
        names[i] = presets[i].name;
        if (strcmp(names[i], text) == 0) {
            *out = (clh_hypotheses){.first = &presets[i], .count = 1, .preset = i};
            return CLH_OK;
        }
    }
    if (!*text)
        return CLH_OK;
    *out = (clh_hypotheses){.first = &out->own, .count = 1, .preset = SIZE_MAX};
    if (strpbrk(text, "./"))
        return clh_hypothesis_read(&out->own, text, err);
    const char *near = clh_nearest_name(text, names, all);
    return clh_fail(err, CLH_EUSAGE, "the hypothesis is %s, want %s%s or a file (hypothesis.json)",
                    text, near ? "perhaps " : "one of those that clearhead scrub RUN lists",
                    near ? near : "");
}
