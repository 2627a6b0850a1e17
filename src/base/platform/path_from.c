/* One path as it is reached from another. */
#include <assert.h>
#include <string.h>

#include "base/platform/file_system.h"
#include "base/strbuf.h"

/* The whole path of a folder that need not be there: of what there is above it, and the rest. */
static char *whole_folder(const char *folder, clh_error *err)
{
    if (clh_path_exists(folder))
        return clh_path_whole(folder, err);
    size_t length = strlen(folder);
    char *copy = clh_text_copy(folder, err), *above = NULL, *whole = NULL;
    while (copy && length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    const char *name = copy ? strrchr(copy, '/') : NULL;
    if (copy)
        above = clh_path_above(copy, err);
    if (above)
        whole = whole_folder(above, err);
    char *joined = whole ? clh_path_join(whole, name ? name + 1 : copy, err) : NULL;
    clh_free(whole);
    clh_free(above);
    clh_free(copy);
    return joined;
}

/* Characters of both paths up to the end of the last folder they have in common, with its slash. */
static size_t in_common(const char *folder, const char *path)
{
    size_t common = 0;
    for (size_t i = 0;; i++) {
        const bool ends = folder[i] == '\0' || folder[i] == '/';
        if (ends && path[i] == '/')
            common = i + 1;
        if (folder[i] == '\0' || folder[i] != path[i])
            return common;
    }
}

char *clh_path_from(const char *folder, const char *path, clh_error *err)
{
    assert(folder && path);
    clh_strbuf text = {0};
    char *from = whole_folder(folder, err), *to = from ? clh_path_whole(path, err) : NULL;
    const size_t common = to && *from == '/' && *to == '/' ? in_common(from, to) : 0;
    if (common > 1) {
        const char *rest = strlen(from) < common ? NULL : from + common;
        for (; rest && *rest; rest = strchr(rest, '/') ? strchr(rest, '/') + 1 : NULL)
            clh_strbuf_adds(&text, "../");
        clh_strbuf_adds(&text, to + common);
    } else if (to) {
        clh_strbuf_adds(&text, to);
    }
    char *made = to ? clh_strbuf_take(&text, err) : NULL;
    clh_free(to);
    clh_free(from);
    clh_strbuf_deinit(&text);
    return made;
}
