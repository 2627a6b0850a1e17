/* An edit as JSON, both ways: a table of keys, which kinds take each, how it is read and printed. */
#include "edit/edit_read.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/json_keys.h"
#include "base/keys.h"
#include "base/quote.h"
#include "base/strbuf.h"
#include "edit/what.h"

enum { POSITION_MOST = 1000000, CHOICES_MAX = 64 };

/* Where the keys of an edit go. */
typedef struct reading {
    clh_edit *edit;
    clh_edit_room *room;
    clh_edit_outside *outside;
    size_t index;
} reading;

/* Append the value of a key; false where the edit does not need it said. */
typedef bool print_value(clh_strbuf *out, const clh_edit *edit);
typedef clh_status read_value(const reading *r, const char *key, const json_t *value,
                              clh_error *err);
typedef const char *name_of(unsigned index);

/* ---- Values -------------------------------------------------------------------------------------
 */

static const char *kind_name(unsigned index)
{
    return clh_edit_kind_name((clh_edit_kind)index);
}

static const char *sources_name(unsigned index)
{
    return clh_edit_sources_name((clh_edit_sources)index);
}

static const char *circuit_name(unsigned index)
{
    return clh_edit_circuit_name((clh_edit_circuit)index);
}

static const char *part_name(unsigned index)
{
    return index == CLH_PART_TOKEN ? "token" : "position";
}

static const char *norm_name(unsigned index)
{
    return index ? "frozen" : "recomputed";
}

static const char *rest_name(unsigned index)
{
    return index ? "zero" : "mean";
}

static clh_status read_choice(unsigned *out, const reading *r, const char *key, const json_t *value,
                              name_of *name, unsigned count, clh_error *err)
{
    const char *text = json_string_value(value), *names[CHOICES_MAX];
    assert(count <= CHOICES_MAX);
    for (unsigned i = 0; i < count; i++) {
        names[i] = name(i);
        if (text && strcasecmp(text, names[i]) == 0) {
            *out = i;
            return CLH_OK;
        }
    }
    const char *near = text ? clh_nearest_name(text, names, count) : NULL;
    clh_strbuf line = {0};
    for (unsigned i = 0; i < count && !near; i++)
        clh_strbuf_addf(&line, "%s%s", i ? ", " : ", want one of ", names[i]);
    clh_status status = clh_fail(err, CLH_EINPUT, "edit %zu: %s is %s%s%s%s", r->index, key,
                                 text ? clh_quoted_text(text).text : "no text",
                                 near ? "; did you mean " : clh_strbuf_view(&line),
                                 near ? near : "", near ? "?" : "");
    clh_strbuf_deinit(&line);
    return status;
}

static clh_status read_kind(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    unsigned kind = 0;
    clh_status status =
        read_choice(&kind, r, key, value, kind_name, (unsigned)clh_what_count(), err);
    r->edit->kind = (clh_edit_kind)kind;
    return status;
}

static clh_status read_circuit(const reading *r, const char *key, const json_t *value,
                               clh_error *err)
{
    unsigned circuit = 0;
    clh_status status = read_choice(&circuit, r, key, value, circuit_name, CLH_EDIT_CIRCUITS, err);
    r->edit->circuit = (clh_edit_circuit)circuit;
    return status;
}

static clh_status read_part(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    unsigned part = 0;
    clh_status status = read_choice(&part, r, key, value, part_name, 2, err);
    r->edit->part = (clh_input_part)part;
    return status;
}

static clh_status read_norm(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    unsigned frozen = 0;
    clh_status status = read_choice(&frozen, r, key, value, norm_name, 2, err);
    r->edit->frozen = frozen == 1;
    return status;
}

static clh_status read_rest(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    unsigned bare = 0;
    clh_status status = read_choice(&bare, r, key, value, rest_name, 2, err);
    r->edit->bare = bare == 1;
    return status;
}

/* Whole numbers of an array, negative ones from the end. */
static clh_status read_list(const long **out, size_t *count, long *room, const reading *r,
                            const char *key, const json_t *value, clh_error *err)
{
    const size_t size = json_array_size(value);
    if (!json_is_array(value) || size == 0 || size > CLH_EDIT_LIST_MAX)
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s want an array of 1 to %d whole numbers",
                        r->index, key, CLH_EDIT_LIST_MAX);
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_array_get(value, i);
        const json_int_t number = json_integer_value(item);
        if (!json_is_integer(item) || number < -POSITION_MOST || number > POSITION_MOST)
            return clh_fail(err, CLH_EINPUT, "edit %zu: %s[%zu] is not a whole number in [%d, %d]",
                            r->index, key, i, -POSITION_MOST, POSITION_MOST);
        room[i] = (long)number;
    }
    *out = room;
    *count = size;
    return CLH_OK;
}

static clh_status read_positions(const reading *r, const char *key, const json_t *value,
                                 clh_error *err)
{
    return read_list(&r->edit->positions, &r->edit->position_count, r->room->positions, r, key,
                     value, err);
}

static clh_status read_heads(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    return read_list(&r->edit->heads, &r->edit->head_count, r->room->heads, r, key, value, err);
}

/* The name of a set, or an array of positions. */
static clh_status read_sources(const reading *r, const char *key, const json_t *value,
                               clh_error *err)
{
    unsigned sources = CLH_SOURCES_POSITIONS;
    clh_status status =
        json_is_array(value)
            ? read_list(&r->edit->keys, &r->edit->key_count, r->room->keys, r, key, value, err)
            : read_choice(&sources, r, key, value, sources_name, CLH_SOURCES_POSITIONS, err);
    r->edit->sources = (clh_edit_sources)sources;
    return status;
}

static clh_status read_text(const char **out, const reading *r, const char *key,
                            const json_t *value, size_t most, clh_error *err)
{
    const char *text = json_string_value(value);
    if (!text || !text[0] || strlen(text) > most)
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s wants a text of 1 to %zu bytes", r->index,
                        key, most);
    *out = text;
    return CLH_OK;
}

static clh_status read_site(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    const char *text = "";
    clh_status status = read_text(&text, r, key, value, sizeof r->room->site - 1, err);
    (void)snprintf(r->room->site, sizeof r->room->site, "%s", text);
    r->edit->site = r->room->site;
    return status;
}

static clh_status read_number(const reading *r, const char *key, const json_t *value,
                              clh_error *err)
{
    if (!json_is_number(value) || !isfinite((float)json_number_value(value)))
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s wants a finite number", r->index, key);
    r->edit->value = json_number_value(value);
    return CLH_OK;
}

enum { NAME_MOST = 4095 };

static clh_status read_file(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    return read_text(&r->outside->file, r, key, value, NAME_MOST, err);
}

static clh_status read_tensor(const reading *r, const char *key, const json_t *value,
                              clh_error *err)
{
    return read_text(&r->outside->tensor, r, key, value, NAME_MOST, err);
}

static clh_status read_from(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    (void)key;
    (void)err;
    r->outside->from = value; /* what it must be depends on the kind */
    return CLH_OK;
}

static clh_status read_step(const reading *r, const char *key, const json_t *value, clh_error *err)
{
    const json_int_t step = json_integer_value(value);
    if (!json_is_integer(value) || step < 0)
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s wants a whole number, 0 or more", r->index,
                        key);
    r->outside->step = (size_t)step;
    return CLH_OK;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static bool print_kind(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, clh_edit_kind_name(edit->kind));
    return true;
}

static bool print_site(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, edit->site ? edit->site : "");
    return edit->site && edit->site[0];
}

static bool print_list(clh_strbuf *out, const long *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clh_strbuf_addf(out, "%s%ld", i ? ", " : "[", list[i]);
    clh_strbuf_adds(out, count ? "]" : "");
    return count > 0;
}

static bool print_heads(clh_strbuf *out, const clh_edit *edit)
{
    return print_list(out, edit->heads, edit->head_count);
}

static bool print_positions(clh_strbuf *out, const clh_edit *edit)
{
    return print_list(out, edit->positions, edit->position_count);
}

static bool print_number(clh_strbuf *out, const clh_edit *edit)
{
    clh_real_to_json(edit->value, out);
    return true;
}

static bool print_sources(clh_strbuf *out, const clh_edit *edit)
{
    if (edit->sources == CLH_SOURCES_POSITIONS)
        return print_list(out, edit->keys, edit->key_count);
    clh_strbuf_add_json(out, sources_name(edit->sources));
    return true;
}

static bool print_part(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, part_name(edit->part));
    return true;
}

static bool print_norm(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, norm_name(edit->frozen));
    return edit->frozen;
}

static bool print_rest(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, rest_name(edit->bare));
    return edit->bare;
}

static bool print_from(clh_strbuf *out, const clh_edit *edit)
{
    for (size_t i = 0; i < edit->from.pos; i++)
        clh_strbuf_addf(out, "%s%u", i ? ", " : "{\"tokens\": [", edit->from.ids[i]);
    clh_strbuf_adds(out, "]}");
    return true;
}

static bool print_circuit(clh_strbuf *out, const clh_edit *edit)
{
    clh_strbuf_add_json(out, circuit_name(edit->circuit));
    return true;
}

/* ---- Keys ---------------------------------------------------------------------------------------
 */

static const struct key_row {
    const char *name;
    read_value *read;
    print_value *print; /* NULL: a file or a model, of which an edit knows no name */
    unsigned takes;     /* kinds that take one of these take it */
    bool optional;      /* also where a kind needs what it stands for */
} keys[] = {
    {"kind", read_kind, print_kind, 0, false},
    {"site", read_site, print_site, CLH_TAKES_SITE, false},
    {"heads", read_heads, print_heads, CLH_TAKES_HEADS, false},
    {"positions", read_positions, print_positions, CLH_TAKES_POSITIONS, false},
    {"value", read_number, print_number, CLH_TAKES_NUMBER, true},
    {"file", read_file, NULL, CLH_TAKES_NUMBER, true},
    {"tensor", read_tensor, NULL, CLH_TAKES_NUMBER, true},
    {"sources", read_sources, print_sources, CLH_TAKES_SOURCES, false},
    {"part", read_part, print_part, CLH_TAKES_PART, false},
    {"norm", read_norm, print_norm, CLH_TAKES_MANNER, true},
    {"rest", read_rest, print_rest, CLH_TAKES_MANNER, true},
    {"from", read_from, print_from, CLH_TAKES_SEQUENCE | CLH_TAKES_MODEL, false},
    {"circuit", read_circuit, print_circuit, CLH_TAKES_CIRCUIT, false},
    {"step", read_step, NULL, CLH_TAKES_MODEL, true},
};

static clh_status read_keys(const reading *r, const json_t *object, clh_error *err)
{
    const char *names[CLH_COUNT(keys)];
    for (size_t i = 0; i < CLH_COUNT(keys); i++)
        names[i] = keys[i].name;
    clh_status status = clh_json_keys_check(object, names, CLH_COUNT(names), CLH_EINPUT, err);
    if (status)
        return clh_fail_context(err, status, "edit %zu", r->index);
    for (size_t i = 0; i < CLH_COUNT(keys) && !status; i++) {
        const json_t *value = json_object_get(object, keys[i].name);
        if (value)
            status = keys[i].read(r, keys[i].name, value, err);
    }
    return status;
}

/* What each kind needs, and nothing it does not take. */
static clh_status check_keys(const reading *r, const json_t *object, clh_error *err)
{
    const clh_what *what = clh_what_at(r->edit->kind);
    for (size_t i = 0; i < CLH_COUNT(keys); i++) {
        const bool given = json_object_get(object, keys[i].name) != NULL;
        const bool taken = !keys[i].takes || (what->takes & keys[i].takes);
        const bool needed = !keys[i].optional && (what->needs & keys[i].takes);
        if (given ? !taken : needed)
            return clh_fail(err, CLH_EINPUT, "edit %zu: %s %s %s", r->index, what->name,
                            given ? "takes no" : "needs a", keys[i].name);
    }
    const bool value = json_object_get(object, "value") != NULL;
    const bool file = r->outside->file != NULL, tensor = r->outside->tensor != NULL;
    if ((what->takes & CLH_TAKES_NUMBER) && (file != tensor || value == file))
        return clh_fail(err, CLH_EINPUT,
                        "edit %zu: %s needs a value, or a file and a tensor instead", r->index,
                        what->name);
    if ((what->takes & CLH_TAKES_MODEL) && !r->outside->from && r->outside->step == SIZE_MAX)
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s needs a from, a step or both", r->index,
                        what->name);
    return CLH_OK;
}

clh_status clh_edit_read(clh_edit *out, clh_edit_room *room, clh_edit_outside *outside,
                         const json_t *object, size_t index, clh_error *err)
{
    assert(out && room && outside);
    *out = (clh_edit){0};
    *outside = (clh_edit_outside){.step = SIZE_MAX};
    const reading r = {out, room, outside, index};
    if (!json_is_object(object))
        return clh_fail(err, CLH_EINPUT, "edit %zu is no object", index);
    clh_status status = read_keys(&r, object, err);
    if (!status && !json_object_get(object, "kind"))
        status = clh_fail(err, CLH_EINPUT, "edit %zu: needs a kind", index);
    return status ? status : check_keys(&r, object, err);
}

/* What the pointers of an edit lead to has no name in a text. */
static clh_status check_printable(const clh_edit *edit, const clh_what *what, size_t index,
                                  clh_error *err)
{
    const bool tensor = (what->takes & CLH_TAKES_NUMBER) && edit->tensor.data;
    const bool model = (what->takes & CLH_TAKES_MODEL) != 0;
    const bool batch = (what->takes & CLH_TAKES_SEQUENCE) && edit->from.batch != 1;
    if (tensor || model || batch || edit->last)
        return clh_fail(err, CLH_ESUPPORT, "edit %zu: %s of %s cannot be said in a file", index,
                        what->name,
                        tensor  ? "a tensor in memory"
                        : model ? "a model in memory"
                        : batch ? "several sequences"
                                : "the last of several hooks");
    return CLH_OK;
}

clh_status clh_edit_print(clh_strbuf *out, const clh_edit *edit, size_t index, clh_error *err)
{
    assert(out && edit);
    if ((size_t)edit->kind >= clh_what_count())
        return clh_fail(err, CLH_EINPUT, "edit %zu: kind %d, there are %zu", index, (int)edit->kind,
                        clh_what_count());
    const clh_what *what = clh_what_at(edit->kind);
    clh_status status = check_printable(edit, what, index, err);
    clh_strbuf value = {0};
    clh_strbuf_adds(out, "{");
    for (size_t i = 0, said = 0; i < CLH_COUNT(keys) && !status; i++) {
        clh_strbuf_clear(&value);
        if (!keys[i].print || (keys[i].takes && !(what->takes & keys[i].takes)) ||
            !keys[i].print(&value, edit))
            continue;
        clh_strbuf_addf(out, "%s\"%s\": %s", said++ ? ", " : "", keys[i].name,
                        clh_strbuf_view(&value));
    }
    clh_strbuf_adds(out, "}");
    if (!status)
        status = clh_strbuf_check(&value, err);
    clh_strbuf_deinit(&value);
    return status;
}
