#include "clearhead/safetensors.h"

#include <assert.h>
#include <endian.h>

#include "base/strbuf.h"
#include "file/array_stream.h"
#include "file/safetensors_header.h"
#include "file/stage.h"

enum { ALIGNMENT = 8 };

/* {"__metadata__":{…},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},…} and spaces */
static void header_build(clh_strbuf *text, const clh_array *arrays, size_t count,
                         const clh_pair *metadata, size_t pairs)
{
    size_t begin = 0;
    clh_strbuf_adds(text, "{");
    if (pairs) {
        clh_strbuf_adds(text, "\"" CLH_SAFETENSORS_METADATA "\":");
        clh_pairs_add_json(text, metadata, pairs);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t end = begin + clh_array_bytes(&arrays[i]);
        clh_strbuf_adds(text, i || pairs ? "," : "");
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

static void put(void *file, const void *bytes, size_t length)
{
    clh_file_write(file, bytes, length);
}

static clh_status stage_arrays(clh_file **out, const char *path, const clh_array *arrays,
                               size_t count, const clh_pair *metadata, size_t pairs, clh_error *err)
{
    assert(out && path && (arrays || count == 0) && (metadata || pairs == 0));
    clh_status status =
        clh_array_file_check(path, arrays, count, metadata, pairs, CLH_SAFETENSORS_METADATA, err);
    if (status)
        return status;
    clh_strbuf header = {0};
    clh_file *file = NULL;
    header_build(&header, arrays, count, metadata, pairs);
    status = clh_strbuf_check(&header, err);
    if (!status && header.length > CLH_SAFETENSORS_HEADER_MAX)
        status = clh_fail(err, CLH_ESUPPORT,
                          "cannot write %s: its header has %zu bytes, want at "
                          "most %zu",
                          path, header.length, CLH_SAFETENSORS_HEADER_MAX);
    if (!status)
        status = clh_file_begin(&file, path, err);
    if (!status) {
        uint64_t length = htole64((uint64_t)header.length);
        clh_file_write(file, &length, sizeof length);
        clh_file_write(file, header.data, header.length);
        for (size_t i = 0; i < count; i++)
            clh_array_stream(&arrays[i], put, file);
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
