#include "result/schema.h"

#include <assert.h>
#include <string.h>

static const char *const band_name[] = {"none", "bootstrap", "exact", "deviation", "range"};
static const char *const kind_name[] = {"", "numbers", "table", "verdicts", "array"};

const char *clh_band_text(clh_band band)
{
    static const char *const text[] = {"", "95 % bootstrap intervals",
                                       "95 % Clopper-Pearson intervals",
                                       "one standard deviation to each side", "least to most"};
    assert((size_t)band < CLH_COUNT(text));
    return text[band];
}

size_t clh_schema_count(const clh_schema *schema)
{
    size_t count = 0;
    while (schema && schema[count].kind != CLH_PART_END)
        count++;
    return count;
}

size_t clh_field_count(const clh_field *fields)
{
    size_t count = 0;
    while (fields && fields[count].name)
        count++;
    return count;
}

size_t clh_schema_key_count(const clh_schema *part)
{
    size_t count = part->keys && *part->keys ? 1 : 0;
    for (const char *c = part->keys; c && *c; c++)
        count += *c == ',';
    return count;
}

bool clh_schema_key(const clh_schema *part, size_t index, char out[32])
{
    const char *at = part->keys;
    assert(index < clh_schema_key_count(part));
    for (; index > 0; index--)
        at = strchr(at, ',') + 1;
    const bool whole = *at == '#';
    at += whole;
    const size_t length = strcspn(at, ",");
    assert(length < 32);
    memcpy(out, at, length);
    out[length] = '\0';
    return whole;
}

/* How much of `name` a family "prefix*suffix" says; SIZE_MAX: it is none of it. */
static size_t family_fit(const char *family, const char *name)
{
    const char *star = strchr(family, '*');
    const size_t length = strlen(name), before = star ? (size_t)(star - family) : 0;
    const size_t after = star ? strlen(star + 1) : 0;
    if (!star || before + after > length || strncmp(name, family, before) != 0 ||
        strcmp(name + length - after, star + 1) != 0)
        return SIZE_MAX;
    return before + after;
}

const clh_schema *clh_schema_find(const clh_schema *schema, const char *name)
{
    const clh_schema *family = NULL;
    size_t best = 0;
    for (; schema && schema->kind != CLH_PART_END; schema++) {
        if (strcmp(schema->name, name) == 0)
            return schema;
        const size_t fit =
            schema->kind == CLH_PART_ARRAY ? family_fit(schema->name, name) : SIZE_MAX;
        if (fit == SIZE_MAX || (family && fit < best))
            continue;
        family = schema;
        best = fit;
    }
    return family;
}

/* `"name": "text"`, a comma before; nothing for no text. */
static void add_text(clh_strbuf *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    clh_strbuf_addf(out, ", \"%s\": ", name);
    clh_strbuf_add_json(out, text);
}

static void add_field(const clh_field *f, bool verdict, clh_strbuf *out)
{
    clh_strbuf_adds(out, "{\"name\": ");
    clh_strbuf_add_json(out, f->name);
    add_text(out, verdict ? "question" : "meaning", f->meaning);
    add_text(out, verdict ? "rule" : "formula", f->formula);
    add_text(out, "unit", f->unit);
    clh_strbuf_addf(out, ", \"type\": \"%s\"", verdict || f->flags & CLH_TEXT ? "text" : "number");
    if (f->band)
        add_text(out, "interval", band_name[f->band]);
    if (f->flags & CLH_BY_KIND)
        clh_strbuf_adds(out, ", \"by\": \"kind of token\"");
    if (f->flags & CLH_HEADLINE)
        clh_strbuf_adds(out, ", \"headline\": true");
    clh_strbuf_adds(out, "}");
}

static void add_part(const clh_schema *part, clh_strbuf *out)
{
    clh_strbuf_addf(out, "{\"kind\": \"%s\", \"name\": ", kind_name[part->kind]);
    clh_strbuf_add_json(out, part->name);
    add_text(out, "meaning", part->meaning);
    add_text(out, "unit", part->unit);
    add_text(out, "drawn", part->draw);
    for (size_t k = 0; k < clh_schema_key_count(part); k++) {
        char name[32];
        const bool whole = clh_schema_key(part, k, name);
        clh_strbuf_addf(out, "%s{\"name\": \"%s\", \"type\": \"%s\"}", k ? ", " : ", \"keys\": [",
                        name, whole ? "integer" : "text");
    }
    clh_strbuf_adds(out, clh_schema_key_count(part) ? "]" : "");
    if (part->fields) {
        const size_t count = clh_field_count(part->fields);
        clh_strbuf_adds(out, ", \"fields\": [");
        for (size_t i = 0; i < count; i++) {
            clh_strbuf_adds(out, i ? ", " : "");
            add_field(&part->fields[i], part->kind == CLH_PART_VERDICTS, out);
        }
        clh_strbuf_adds(out, "]");
    }
    clh_strbuf_adds(out, "}");
}

void clh_schema_json(const clh_schema *schema, clh_strbuf *out)
{
    const size_t count = clh_schema_count(schema);
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(out, i ? ", " : "");
        add_part(&schema[i], out);
    }
    clh_strbuf_adds(out, "]");
}
