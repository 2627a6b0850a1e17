#include "report/format.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/platform/file.h"
#include "base/quote.h"
#include "result/finite.h"

static const clh_format *const formats[] = {
#define FORMAT(name) &clh_format_##name,
#include "report/formats.def"
#ifdef CLH_MORE_FORMATS /* the tests add rows */
#include CLH_MORE_FORMATS
#endif
#undef FORMAT
};

const clh_format *clh_format_at(size_t index)
{
    return index < CLH_COUNT(formats) ? formats[index] : NULL;
}

bool clh_format_is_flag(const clh_format *format)
{
    return format->text && format != &clh_format_text && format != &clh_format_json;
}

const clh_format *clh_format_find(const char *name, clh_error *err)
{
    const char *names[CLH_COUNT(formats)];
    for (size_t i = 0; i < CLH_COUNT(formats); i++) {
        names[i] = formats[i]->name;
        if (strcmp(names[i], name) == 0)
            return formats[i];
    }
    const char *nearest = clh_nearest_name(name, names, CLH_COUNT(formats));
    clh_fail(err, CLH_EUSAGE, "there is no format %s%s%s", clh_quoted_text(name).text,
             nearest ? ", did you mean " : "", nearest ? nearest : "");
    return NULL;
}

/* Whether the name of the file at `path` ends with one of `endings`, in any case, after something. */
static bool ends_with_one(const char *path, const char *endings)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t length = strlen(name);
    for (const char *at = endings; *at;) {
        const size_t ending = strcspn(at, " ");
        if (length > ending && strncasecmp(name + length - ending, at, ending) == 0)
            return true;
        at += ending + strspn(at + ending, " ");
    }
    return false;
}

void clh_format_endings(clh_strbuf *out, bool pictures)
{
    bool first = true;
    for (size_t i = 0; i < CLH_COUNT(formats); i++)
        for (const char *at = formats[i]->endings; *at && (formats[i]->picture || !pictures);) {
            const size_t ending = strcspn(at, " ");
            clh_strbuf_addf(out, "%s%.*s", first ? "" : ", ", (int)ending, at);
            at += ending + strspn(at + ending, " ");
            first = false;
        }
}

const clh_format *clh_format_of_path(const char *path, clh_error *err)
{
    clh_strbuf all = {0};
    for (size_t i = 0; i < CLH_COUNT(formats); i++)
        if (ends_with_one(path, formats[i]->endings))
            return formats[i];
    clh_format_endings(&all, false);
    clh_fail(err, CLH_EUSAGE, "%s has no ending that names a format, want one of %s", path,
             clh_strbuf_view(&all));
    clh_strbuf_deinit(&all);
    return NULL;
}

/* ---- What is refused ---- */

/* No part of the name that `show` asks for; `names` are those there are. */
static clh_status no_such_part(const clh_show *show, const char *const *names, size_t count,
                               clh_error *err)
{
    const char *nearest = clh_nearest_name(show->part, names, count);
    return clh_fail(err, CLH_EUSAGE, "there is no part %s in this result%s%s",
                    clh_quoted_text(show->part).text,
                    nearest ? ", did you mean "
                    : count ? ", want one such as "
                            : "",
                    nearest ? nearest
                    : count ? names[0]
                            : "");
}

clh_status clh_format_part(const clh_schema **out, const clh_schema *schema, const clh_show *show,
                           clh_error *err)
{
    enum { PARTS_MAX = 32 };
    const char *names[PARTS_MAX];
    size_t count = 0;
    *out = NULL;
    if (!show || !show->part)
        return CLH_OK;
    *out = clh_schema_find(schema, show->part);
    if (*out)
        return CLH_OK;
    for (; schema->kind && count < PARTS_MAX; schema++)
        names[count++] = schema->name;
    return no_such_part(show, names, count, err);
}

clh_status clh_format_check(const clh_format *format, const clh_schema *schema,
                            const clh_show *show, clh_error *err)
{
    static const clh_show plain = {0};
    const clh_schema *part = NULL;
    clh_colour_range range = {0};
    show = show ? show : &plain;
    clh_status status = clh_format_part(&part, schema, show, err);
    if (!status && show->range)
        status = clh_colour_range_read(&range, show->range, err);
    if (!status && format->check)
        status = format->check(schema, show, err);
    return status;
}

clh_status clh_format_check_path(const char *path, const clh_schema *schema, const clh_show *show,
                                 clh_error *err)
{
    clh_file *file = NULL;
    const clh_format *format = clh_format_of_path(path, err);
    clh_status status = format ? clh_format_check(format, schema, show, err) : CLH_EUSAGE;
    if (!status)
        status = clh_file_begin(&file, path, err);
    clh_file_abandon(file);
    return status;
}

/* An array that only the result knows by its name: that there is one. */
static clh_status check_array(const clh_result *r, const clh_show *show, clh_error *err)
{
    enum { NAMES_MAX = 1024 };
    const char *names[NAMES_MAX];
    size_t count = 0;
    if (!show->part || clh_result_part(r, show->part))
        return CLH_OK;
    for (size_t i = 0; i < r->items; i++) {
        if (strcmp(r->item[i].view.name, show->part) == 0)
            return CLH_OK;
        if (count < NAMES_MAX)
            names[count++] = r->item[i].view.name;
    }
    return no_such_part(show, names, count, err);
}

/* ---- Writing ---- */

/* Rows of a long table that only those see who ask for it alone: set aside while the whole is shown, and back. */
static void set_aside(clh_result *r, const clh_show *show, bool aside)
{
    for (size_t i = 0; i < r->parts && !show->part; i++) {
        clh_part *part = &r->part[i];
        if (aside && part->rows > part->brief) {
            part->all = part->rows;
            part->rows = part->brief;
        } else if (!aside && part->all) {
            part->rows = part->all;
            part->all = 0;
        }
    }
}

static clh_status to_text(char **text, clh_result *r, const clh_format *format,
                          const clh_show *show, clh_error *err)
{
    clh_strbuf out = {0};
    clh_finite_note(r);
    clh_status status = clh_format_check(format, r->schema, show, err);
    if (!status)
        status = check_array(r, show, err);
    set_aside(r, show, true);
    if (!status)
        status = format->text(r, show, &out, err);
    set_aside(r, show, false);
    if (!status && !(*text = clh_strbuf_take(&out, err)))
        status = CLH_ENOMEM;
    clh_strbuf_deinit(&out);
    return status;
}

clh_status clh_report_text(char **text, clh_result *result, const char *format,
                           const clh_show *show, clh_error *err)
{
    static const clh_show plain = {0};
    if (!text || !result || !format)
        return clh_fail(err, CLH_EUSAGE, "clh_report_text() was given NULL, want a result");
    const clh_format *found = clh_format_find(format, err);
    if (!found)
        return CLH_EUSAGE;
    if (!found->text)
        return clh_fail(err, CLH_EUSAGE, "%s is written to files, want text for this", format);
    return to_text(text, result, found, show ? show : &plain, err);
}

clh_status clh_report_save(clh_result *result, const char *path, const clh_show *show,
                           clh_error *err)
{
    char *text = NULL;
    if (!result || !path)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_report_save() was given NULL, want a result and a path");
    clh_show in_file = show ? *show : (clh_show){0};
    in_file.colour = CLH_COLOUR_NONE; /* escape codes are for terminals */
    const clh_format *format = clh_format_of_path(path, err);
    if (!format)
        return CLH_EUSAGE;
    if (format->text) {
        clh_status status = to_text(&text, result, format, &in_file, err);
        if (!status)
            status = clh_file_write_text(path, text, err);
        clh_free(text);
        return status;
    }
    clh_finite_note(result);
    clh_status status = clh_format_check(format, result->schema, &in_file, err);
    if (!status)
        status = check_array(result, &in_file, err);
    set_aside(result, &in_file, true);
    if (!status)
        status = format->save(result, &in_file, path, err);
    set_aside(result, &in_file, false);
    return status;
}
