#include "clearhead/safetensors.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/checksum.h"
#include "base/strbuf.h"
#include "file/array_stream.h"
#include "file/safetensors_header.h"
#include "file/stage.h"

enum { ALIGNMENT = 8 };

/* {"__metadata__":{…,"checksum":"xxh3:0…0"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},…}
 * and spaces; *digits is where the checksum's begin. */
static void header_build(clh_strbuf *text, size_t *digits, const clh_array *arrays, size_t count,
                         const clh_pair *metadata, size_t pairs)
{
    size_t begin = 0;
    clh_strbuf_adds(text, "{\"" CLH_SAFETENSORS_METADATA "\":");
    clh_pairs_add_json(text, metadata, pairs);
    text->length -= !text->failed; /* the brace */
    clh_strbuf_addf(text, "%s%s", pairs ? "," : "", CLH_SAFETENSORS_CHECKSUM);
    *digits = text->length;
    clh_strbuf_adds(text, CLH_CHECKSUM_ZEROS "\"}");
    for (size_t i = 0; i < count; i++) {
        const size_t end = begin + clh_array_bytes(&arrays[i]);
        clh_strbuf_adds(text, ",");
        clh_strbuf_add_json(text, arrays[i].name);
        clh_strbuf_addf(text, ":{\"dtype\":\"%s\",\"shape\":[", clh_dtype_name(arrays[i].dtype));
        for (size_t k = 0; k < arrays[i].rank; k++)
            clh_strbuf_addf(text, k ? ",%zu" : "%zu", arrays[i].shape[k]);
        clh_strbuf_addf(text, "],\"data_offsets\":[%zu,%zu]}", begin, end);
        begin = end;
    }
    clh_strbuf_adds(text, "}");
    while (text->length % ALIGNMENT && !text->failed)
        clh_strbuf_adds(text, " ");
}

/* A file, and the checksum of what it gets. */
typedef struct summed {
    clh_file *file;
    clh_checksum sum;
} summed;

static void put(void *user, const void *bytes, size_t length)
{
    summed *to = user;
    clh_checksum_add(&to->sum, bytes, length);
    clh_file_write(to->file, bytes, length);
}

static void put_all(clh_file *file, const clh_strbuf *header, size_t digits,
                    const clh_array *arrays, size_t count)
{
    summed to = {.file = file};
    const uint64_t length = htole64((uint64_t)header->length);
    char text[CLH_CHECKSUM_TEXT];
    clh_checksum_begin(&to.sum);
    put(&to, &length, sizeof length);
    put(&to, header->data, header->length);
    for (size_t i = 0; i < count; i++)
        clh_array_stream(&arrays[i], put, &to);
    clh_checksum_end(&to.sum, text);
    clh_file_patch(file, sizeof length + digits, text, CLH_CHECKSUM_DIGITS);
}

static clh_status stage_arrays(clh_file **out, const char *path, const clh_array *arrays,
                               size_t count, const clh_pair *metadata, size_t pairs, clh_error *err)
{
    assert(out && path && (arrays || count == 0) && (metadata || pairs == 0));
    clh_status status =
        clh_array_file_check(path, arrays, count, metadata, pairs, CLH_SAFETENSORS_METADATA, err);
    for (size_t i = 0; i < pairs && !status; i++)
        if (strcmp(metadata[i].key, CLH_CHECKSUM_KEY) == 0)
            status = clh_fail(
                err, CLH_EINPUT,
                "cannot write %s: the key " CLH_CHECKSUM_KEY " of the metadata is taken", path);
    if (status)
        return status;
    clh_strbuf header = {0};
    clh_file *file = NULL;
    size_t digits = 0;
    header_build(&header, &digits, arrays, count, metadata, pairs);
    status = clh_strbuf_check(&header, err);
    if (!status && header.length > CLH_SAFETENSORS_HEADER_MAX)
        status = clh_fail(err, CLH_ESUPPORT,
                          "cannot write %s: its header has %zu bytes, want at "
                          "most %zu",
                          path, header.length, CLH_SAFETENSORS_HEADER_MAX);
    if (!status)
        status = clh_file_begin(&file, path, err);
    if (!status) {
        put_all(file, &header, digits, arrays, count);
        if (clh_file_flush(file))
            *out = file;
        else
            status = clh_file_commit(file, err);
    }
    clh_strbuf_deinit(&header);
    return status;
}

clh_status clh_safetensors_write_arrays(const char *path, const clh_array *arrays, size_t count,
                                        const clh_pair *metadata, size_t pairs, clh_error *err)
{
    CLH_REQUIRE(path && (arrays || count == 0) && (metadata || pairs == 0), err,
                "a path, and the arrays and pairs counted");
    clh_file *file = NULL;
    clh_status status = stage_arrays(&file, path, arrays, count, metadata, pairs, err);
    return status ? status : clh_file_commit(file, err);
}

clh_status clh_safetensors_stage(clh_file **out, const char *path, const clh_tensor *tensors,
                                 size_t count, const clh_pair *metadata, size_t pairs,
                                 clh_error *err)
{
    assert(out && path && (tensors || count == 0));
    clh_array *arrays = clh_alloc_array(count, sizeof *arrays, err);
    if (!arrays)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        arrays[i] = clh_array_of(&tensors[i]);
        arrays[i].dtype = CLH_F32;
    }
    clh_status status = stage_arrays(out, path, arrays, count, metadata, pairs, err);
    clh_free(arrays);
    return status;
}

clh_status clh_safetensors_write(const char *path, const clh_tensor *tensors, size_t count,
                                 const clh_pair *metadata, size_t pairs, clh_error *err)
{
    CLH_REQUIRE(path && (tensors || count == 0) && (metadata || pairs == 0), err,
                "a path, and the tensors and pairs counted");
    clh_file *file = NULL;
    clh_status status = clh_safetensors_stage(&file, path, tensors, count, metadata, pairs, err);
    return status ? status : clh_file_commit(file, err);
}
