#include "base/platform/file_lines.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform/handle.h"

enum { BLOCK = 1 << 16, LINE_MOST = 1 << 28 };

/* A window onto the file: text[begin … end-1] is what stands there from offset `at` on.
 *
 *    forwards    what was given | lines to come …           refill() appends what follows
 *    backwards   … lines to come | what was given           refill_back() puts before it what does
 */
struct clh_lines {
    int file;
    char *path, *text;
    size_t capacity, begin, end;
    size_t rest;    /* bytes behind the last newline; backwards */
    uint64_t at;    /* offset of text[begin]; backwards */
    bool from_last; /* backwards, and begun */
};

clh_status clh_lines_open(clh_lines **out, const char *path, clh_error *err)
{
    assert(out && path);
    clh_lines *l = clh_alloc_zeroed(1, sizeof *l, err);
    if (!l)
        return CLH_ENOMEM;
    l->file = -1;
    l->path = clh_text_copy(path, err);
    l->capacity = BLOCK;
    l->text = l->path ? clh_alloc_array(l->capacity, 1, err) : NULL;
    clh_status status = l->text ? CLH_OK : CLH_ENOMEM;
    if (!status) {
        clh_reading file;
        status = clh_reading_open(&file, l->path, err);
        l->file = file.handle;
    }
    if (status)
        clh_lines_close(l);
    else
        *out = l;
    return status;
}

void clh_lines_close(clh_lines *l)
{
    if (!l)
        return;
    clh_handle_close(l->file);
    clh_free(l->text);
    clh_free(l->path);
    clh_free(l);
}

static clh_status cannot_read(const clh_lines *l, clh_error *err)
{
    return clh_fail_read(l->path, errno, err);
}

/* Room for a block more, the text at the front of it or, backwards, at its back. */
static clh_status make_room(clh_lines *l, bool at_back, clh_error *err)
{
    const size_t used = l->end - l->begin;
    if (used > LINE_MOST)
        return clh_fail(err, CLH_EFORMAT, "%s has a line of more than 256 MB", l->path);
    char *to = l->text;
    size_t capacity = l->capacity;
    if (used + BLOCK > capacity) {
        capacity *= 2;
        to = clh_alloc_array(capacity, 1, err);
        if (!to)
            return CLH_ENOMEM;
    }
    const size_t begin = at_back ? capacity - used : 0;
    memmove(to + begin, l->text + l->begin, used);
    if (to != l->text)
        clh_free(l->text);
    l->text = to;
    l->capacity = capacity;
    l->begin = begin;
    l->end = begin + used;
    return CLH_OK;
}

/* CLH_NO at the end of the file. */
static clh_status refill(clh_lines *l, clh_error *err)
{
    clh_status status = make_room(l, false, err);
    if (status)
        return status;
    const ssize_t got = read(l->file, l->text + l->end, BLOCK);
    if (got < 0)
        return cannot_read(l, err);
    l->end += (size_t)got;
    return got ? CLH_OK : CLH_NO;
}

clh_status clh_lines_next(clh_lines *l, const char **line, size_t *length, clh_error *err)
{
    assert(l && line && length && !l->from_last);
    size_t looked = 0;
    for (;;) {
        const char *from = l->text + l->begin;
        const size_t have = l->end - l->begin;
        const char *end = memchr(from + looked, '\n', have - looked);
        if (end) {
            *line = from;
            *length = (size_t)(end - from);
            l->begin += *length + 1;
            return CLH_OK;
        }
        looked = have;
        clh_status status = refill(l, err);
        if (status)
            return status;
    }
}

/* CLH_NO at the beginning of the file. */
static clh_status refill_back(clh_lines *l, clh_error *err)
{
    if (l->at == 0)
        return CLH_NO;
    clh_status status = make_room(l, true, err);
    if (status)
        return status;
    const size_t wanted = l->at < BLOCK ? (size_t)l->at : BLOCK;
    ssize_t got;
    do
        got = pread(l->file, l->text + l->begin - wanted, wanted, (off_t)(l->at - wanted));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cannot_read(l, err);
    if ((size_t)got < wanted)
        return clh_fail(err, CLH_EIO, "%s became shorter while it was read", l->path);
    l->begin -= wanted;
    l->at -= wanted;
    return CLH_OK;
}

/* At the end of the file, behind its last newline. CLH_NO: there is none. */
static clh_status begin_at_end(clh_lines *l, clh_error *err)
{
    struct stat info;
    if (fstat(l->file, &info))
        return cannot_read(l, err);
    l->from_last = true;
    l->at = (uint64_t)info.st_size;
    l->begin = l->end = l->capacity;
    size_t looked = 0; /* from the back */
    for (;;) {
        const size_t have = l->end - l->begin;
        const char *newline = memrchr(l->text + l->begin, '\n', have - looked);
        const clh_status status = newline ? CLH_OK : refill_back(l, err);
        if (newline || status == CLH_NO) {
            l->rest = newline ? (size_t)(l->text + l->end - newline) - 1 : have;
            l->end -= l->rest;
        }
        if (newline || status)
            return status;
        looked = have;
    }
}

clh_status clh_lines_rest(clh_lines *l, const char **rest, size_t *length, clh_error *err)
{
    assert(l && rest && length);
    const bool forwards = l->begin > 0 || l->end > 0;
    clh_status status = forwards ? CLH_OK : begin_at_end(l, err);
    *length = forwards ? l->end - l->begin : l->rest;
    *rest = l->text + (forwards ? l->begin : l->end);
    return status == CLH_NO ? CLH_OK : status;
}

clh_status clh_lines_last(clh_lines *l, const char **line, size_t *length, uint64_t *end,
                          clh_error *err)
{
    assert(l && line && length && end);
    clh_status status = l->from_last ? CLH_OK : begin_at_end(l, err);
    size_t looked = 1; /* from the back: its own newline */
    while (!status) {
        const size_t have = l->end - l->begin;
        const char *before =
            have > looked ? memrchr(l->text + l->begin, '\n', have - looked) : NULL;
        looked = have;
        status = before ? CLH_OK : refill_back(l, err);
        if (before || (status == CLH_NO && have > 0)) {
            const char *from = before ? before + 1 : l->text + l->begin;
            *line = from;
            *length = (size_t)(l->text + l->end - from) - 1;
            *end = l->at + (l->end - l->begin);
            l->end = (size_t)(from - l->text);
            return CLH_OK;
        }
    }
    return status;
}
