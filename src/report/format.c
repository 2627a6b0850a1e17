#include "report/format.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/platform/file.h"
#include "result/result_parts.h"

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

const clh_format *clh_format_find(const char *name, clh_error *err)
{
    const char *names[CLH_COUNT(formats)];
    for (size_t i = 0; i < CLH_COUNT(formats); i++) {
        names[i] = formats[i]->name;
        if (strcmp(names[i], name) == 0)
            return formats[i];
    }
    const char *nearest = clh_nearest_name(name, names, CLH_COUNT(formats));
    clh_fail(err, CLH_EUSAGE, "there is no format %s%s%s", name, nearest ? ", did you mean " : "",
             nearest ? nearest : "");
    return NULL;
}

/* Whether `path` ends with one of `endings`, in any case. */
static bool ends_with_one(const char *path, const char *endings)
{
    const size_t length = strlen(path);
    for (const char *at = endings; *at;) {
        const size_t ending = strcspn(at, " ");
        if (length > ending && strncasecmp(path + length - ending, at, ending) == 0)
            return true;
        at += ending + strspn(at + ending, " ");
    }
    return false;
}

const clh_format *clh_format_of_path(const char *path, clh_error *err)
{
    clh_strbuf all = {0};
    for (size_t i = 0; i < CLH_COUNT(formats); i++) {
        if (ends_with_one(path, formats[i]->endings))
            return clh_strbuf_deinit(&all), formats[i];
        if (*formats[i]->endings)
            clh_strbuf_addf(&all, "%s%s", all.length ? ", " : "", formats[i]->endings);
    }
    clh_fail(err, CLH_EUSAGE, "%s has no ending that names a format, want one of %s", path,
             clh_strbuf_view(&all));
    clh_strbuf_deinit(&all);
    return NULL;
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
    const char *nearest = clh_nearest_name(show->part, names, count);
    return clh_fail(err, CLH_EUSAGE, "there is no part %s in this result%s%s", show->part,
                    nearest ? ", did you mean "
                    : count ? ", want one such as "
                            : "",
                    nearest ? nearest
                    : count ? names[0]
                            : "");
}

clh_status clh_format_check_path(const char *path, const clh_schema *schema, const clh_show *show,
                                 clh_error *err)
{
    const clh_schema *part = NULL;
    const clh_format *format = clh_format_of_path(path, err);
    clh_status status = !format  ? CLH_EUSAGE
                        : schema ? clh_format_part(&part, schema, show, err)
                                 : CLH_OK;
    if (!status && format->check)
        status = format->check(schema, show, err);
    return status;
}

clh_status clh_report_text(char **text, clh_result *result, const char *format,
                           const clh_show *show, clh_error *err)
{
    static const clh_show plain = {0};
    clh_strbuf out = {0};
    if (!text || !result || !format)
        return clh_fail(err, CLH_EUSAGE, "clh_report_text() was given NULL, want a result");
    show = show ? show : &plain;
    const clh_schema *part = NULL;
    const clh_format *found = clh_format_find(format, err);
    if (!found)
        return CLH_EUSAGE;
    if (!found->text)
        return clh_fail(err, CLH_EUSAGE, "%s is written to files, want text for this", format);
    clh_status status = clh_format_part(&part, result->schema, show, err);
    if (!status)
        status = found->text(result, show, &out, err);
    if (!status && !(*text = clh_strbuf_take(&out, err)))
        status = CLH_ENOMEM;
    clh_strbuf_deinit(&out);
    return status;
}

clh_status clh_report_save(clh_result *result, const char *path, const clh_show *show,
                           clh_error *err)
{
    static const clh_show plain = {0};
    char *text = NULL;
    if (!result || !path)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_report_save() was given NULL, want a result and a path");
    show = show ? show : &plain;
    clh_status status = clh_format_check_path(path, result->schema, show, err);
    if (status)
        return status;
    const clh_format *format = clh_format_of_path(path, err);
    if (format->save)
        return format->save(result, show, path, err);
    status = clh_report_text(&text, result, format->name, show, err);
    if (!status)
        status = clh_file_write_text(path, text, err);
    clh_free(text);
    return status;
}
