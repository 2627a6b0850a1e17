/* npz: the zip is libarchive's, its members are npy files, and the bytes go through a file that is
 * whole or not there. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/platform/file.h"
#include "clearhead/npz.h"
#include "file/array_stream.h"

enum { HEADER_MULTIPLE = 64, PREAMBLE = 10, BLOCK = 1 << 16 };

#define METADATA "__metadata__"

/* A zip being written. */
typedef struct zip {
    struct archive *archive;
    const char *path;
    int result; /* of libarchive, the worst so far */
} zip;

clh_status clh_npz_available(clh_error *err)
{
    (void)err;
    return CLH_OK;
}

/* The file remembers what fails. */
static la_ssize_t to_file(struct archive *archive, void *file, const void *bytes, size_t length)
{
    (void)archive;
    clh_file_write(file, bytes, length);
    return (la_ssize_t)length;
}

static void note(zip *to, int result)
{
    to->result = result < to->result ? result : to->result;
}

static void to_member(void *user, const void *bytes, size_t length)
{
    zip *to = user;
    if (to->result == ARCHIVE_OK && archive_write_data(to->archive, bytes, length) < 0)
        note(to, ARCHIVE_FATAL);
}

/* \x93NUMPY, version 1.0, length, {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } */
static void npy_header(clh_strbuf *text, const char *descr, const size_t *shape, size_t rank)
{
    clh_strbuf dict = {0};
    clh_strbuf_addf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (size_t i = 0; i < rank; i++)
        clh_strbuf_addf(&dict, i + 1 < rank ? "%zu, " : rank == 1 ? "%zu," : "%zu", shape[i]);
    clh_strbuf_adds(&dict, "), }");
    while ((PREAMBLE + dict.length + 1) % HEADER_MULTIPLE && !dict.failed)
        clh_strbuf_adds(&dict, " ");
    clh_strbuf_adds(&dict, "\n");
    const char length[2] = {(char)(dict.length & 0xff), (char)(dict.length >> 8)};
    clh_strbuf_add(text, "\x93NUMPY\x01", 7);
    clh_strbuf_add(text, "", 1); /* a zero byte */
    clh_strbuf_add(text, length, sizeof length);
    clh_strbuf_add(text, clh_strbuf_view(&dict), dict.length);
    text->failed |= dict.failed;
    clh_strbuf_deinit(&dict);
}

/* A member of `bytes` behind its npy header. No time is set: the same content, the same bytes. */
static clh_status begin_member(zip *to, const char *name, const clh_strbuf *header, size_t bytes,
                               clh_error *err)
{
    clh_strbuf file = {0};
    clh_strbuf_addf(&file, "%s.npy", name);
    clh_status status = clh_strbuf_check(&file, err);
    if (!status)
        status = clh_strbuf_check(header, err);
    struct archive_entry *entry = status ? NULL : archive_entry_new();
    if (!status && !entry)
        status = clh_fail(err, CLH_ENOMEM, "no memory for a member of %s", to->path);
    if (!status) {
        archive_entry_set_pathname(entry, clh_strbuf_view(&file));
        archive_entry_set_size(entry, (la_int64_t)(header->length + bytes));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        note(to, archive_write_header(to->archive, entry));
        to_member(to, header->data, header->length);
    }
    archive_entry_free(entry);
    clh_strbuf_deinit(&file);
    return status;
}

static clh_status write_array(zip *to, const clh_array *array, clh_error *err)
{
    static const char *const descr[CLH_DTYPES] = {
        [CLH_F32] = "<f4", [CLH_F64] = "<f8", [CLH_I32] = "<i4", [CLH_I64] = "<i8"};
    clh_strbuf header = {0};
    npy_header(&header, descr[array->dtype], array->shape, array->rank);
    clh_status status = begin_member(to, array->name, &header, clh_array_bytes(array), err);
    if (!status)
        clh_array_stream(array, to_member, to);
    clh_strbuf_deinit(&header);
    return status;
}

/* A single item of type bytes. */
static clh_status write_metadata(zip *to, const clh_pair *metadata, size_t pairs, clh_error *err)
{
    clh_strbuf header = {0}, json = {0};
    char descr[32];
    clh_pairs_add_json(&json, metadata, pairs);
    (void)snprintf(descr, sizeof descr, "|S%zu", json.length);
    npy_header(&header, descr, NULL, 0);
    clh_status status = clh_strbuf_check(&json, err);
    if (!status)
        status = begin_member(to, METADATA, &header, json.length, err);
    if (!status)
        to_member(to, json.data, json.length);
    clh_strbuf_deinit(&json);
    clh_strbuf_deinit(&header);
    return status;
}

/* All members into `file`; what libarchive says of a failure, which is never the disk's. */
static clh_status write_members(zip *to, clh_file *file, const clh_array *arrays, size_t count,
                                const clh_pair *metadata, size_t pairs, clh_error *err)
{
    clh_status status = CLH_OK;
    note(to, archive_write_set_format_zip(to->archive));
    note(to, archive_write_zip_set_compression_store(to->archive));
    note(to, archive_write_set_bytes_per_block(to->archive, BLOCK));
    note(to, archive_write_set_bytes_in_last_block(to->archive, 1));
    note(to, archive_write_open(to->archive, file, NULL, to_file, NULL));
    for (size_t i = 0; i < count && !status; i++)
        status = write_array(to, &arrays[i], err);
    if (!status && pairs)
        status = write_metadata(to, metadata, pairs, err);
    if (!status)
        note(to, archive_write_close(to->archive));
    if (!status && to->result != ARCHIVE_OK) {
        const char *why = archive_error_string(to->archive);
        status = clh_fail(err, CLH_EIO, "cannot write %s: %s", to->path, why ? why : "libarchive");
    }
    return status;
}

clh_status clh_npz_write(const char *path, const clh_array *arrays, size_t count,
                         const clh_pair *metadata, size_t pairs, clh_error *err)
{
    CLH_REQUIRE(path && (arrays || count == 0) && (metadata || pairs == 0), err,
                "a path, and the arrays and pairs counted");
    clh_file *file = NULL;
    clh_status status = clh_array_file_check(path, arrays, count, metadata, pairs, METADATA, err);
    if (!status)
        status = clh_file_begin(&file, path, err);
    if (status)
        return status;
    zip to = {.archive = archive_write_new(), .path = path, .result = ARCHIVE_OK};
    status = to.archive ? write_members(&to, file, arrays, count, metadata, pairs, err)
                        : clh_fail(err, CLH_ENOMEM, "no memory for the zip of %s", path);
    if (to.archive)
        (void)archive_write_free(to.archive);
    if (!status)
        return clh_file_commit(file, err);
    clh_file_abandon(file);
    return status;
}
