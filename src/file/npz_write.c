/* npz: a zip of one npy file for each array, and of the metadata. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "clearhead/npz.h"
#include "file/zip.h"

enum { HEADER_MULTIPLE = 64, PREAMBLE = 10 };

#define METADATA "__metadata__"
#define ENDING ".npy"

/* What a member is made of: the npy header, then an array or text. */
typedef struct member {
    clh_strbuf name, header;
    const clh_array *array; /* NULL: text */
    const clh_strbuf *text;
} member;

static void give(const void *from, clh_bytes_fn *sink, void *user)
{
    const member *m = from;
    sink(user, m->header.data, m->header.length);
    if (m->array)
        clh_array_stream(m->array, sink, user);
    else
        sink(user, m->text->data, m->text->length);
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

static clh_status add_member(clh_zip *zip, member *m, const char *name, clh_error *err)
{
    clh_strbuf_addf(&m->name, "%s" ENDING, name);
    clh_status status = clh_strbuf_check(&m->name, err);
    if (!status)
        status = clh_strbuf_check(&m->header, err);
    if (!status)
        clh_zip_add(zip, clh_strbuf_view(&m->name), give, m);
    clh_strbuf_deinit(&m->name);
    clh_strbuf_deinit(&m->header);
    return status;
}

static clh_status add_array(clh_zip *zip, const clh_array *array, clh_error *err)
{
    static const char *const descr[CLH_DTYPES] = {
        [CLH_F32] = "<f4", [CLH_F64] = "<f8", [CLH_I32] = "<i4", [CLH_I64] = "<i8"};
    member m = {.array = array};
    npy_header(&m.header, descr[array->dtype], array->shape, array->rank);
    return add_member(zip, &m, array->name, err);
}

/* A single item of type bytes. */
static clh_status add_metadata(clh_zip *zip, const clh_pair *metadata, size_t pairs, clh_error *err)
{
    clh_strbuf json = {0};
    member m = {.text = &json};
    char descr[32];
    clh_pairs_add_json(&json, metadata, pairs);
    (void)snprintf(descr, sizeof descr, "|S%zu", json.length);
    clh_status status = clh_strbuf_check(&json, err);
    if (!status) {
        npy_header(&m.header, descr, NULL, 0);
        status = add_member(zip, &m, METADATA, err);
    }
    clh_strbuf_deinit(&json);
    return status;
}

static clh_status check_names(const char *path, const clh_array *arrays, size_t count,
                              clh_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(arrays[i].name), most = CLH_ZIP_NAME_MAX - strlen(ENDING);
        if (length > most)
            return clh_fail(err, CLH_EINPUT,
                            "cannot write %s: the name of array %zu has %zu bytes, a zip holds %zu",
                            path, i, length, most);
    }
    return CLH_OK;
}

clh_status clh_npz_write(const char *path, const clh_array *arrays, size_t count,
                         const clh_pair *metadata, size_t pairs, clh_error *err)
{
    CLH_REQUIRE(path && (arrays || count == 0) && (metadata || pairs == 0), err,
                "a path, and the arrays and pairs counted");
    clh_zip *zip = NULL;
    clh_status status = clh_array_file_check(path, arrays, count, metadata, pairs, METADATA, err);
    if (!status)
        status = check_names(path, arrays, count, err);
    if (!status)
        status = clh_zip_begin(&zip, path, err);
    for (size_t i = 0; i < count && !status; i++)
        status = add_array(zip, &arrays[i], err);
    if (!status && pairs)
        status = add_metadata(zip, metadata, pairs, err);
    if (!status)
        return clh_zip_commit(zip, err);
    clh_zip_abandon(zip);
    return status;
}
