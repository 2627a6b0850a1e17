#include "clearhead/safetensors.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "train/safetensors_header.h"

enum { ALIGNMENT = 8, CHUNK_NUMBERS = 1 << 12 };

static int text_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sorts the texts; the first that is there twice or is `taken`, NULL when there is none. */
static const char *text_repeated(const char **texts, size_t count, const char *taken)
{
    if (count > 1)
        qsort(texts, count, sizeof texts[0], text_compare);
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], taken) == 0 || (i > 0 && strcmp(texts[i - 1], texts[i]) == 0))
            return texts[i];
    return NULL;
}

/* A name that is there twice, or is that of the metadata, makes a file that nothing reads. */
static clh_status names_check(const char *path, const clh_tensor *tensors, size_t count,
                              clh_error *err)
{
    const char **names = clh_alloc_array(count, sizeof names[0], err);
    if (!names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        assert(tensors[i].name && tensors[i].rank <= CLH_RANK_MAX);
        assert(tensors[i].data || clh_tensor_count(&tensors[i]) == 0);
        names[i] = tensors[i].name;
    }
    const char *repeated = text_repeated(names, count, CLH_SAFETENSORS_METADATA);
    clh_free(names);
    if (!repeated)
        return CLH_OK;
    return clh_fail(err, CLH_EINPUT, "cannot write %s: the name %s of a tensor is taken", path,
                    clh_safetensors_short_name(repeated).text);
}

/* {"__metadata__":{…},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},…} and spaces */
static void header_build(clh_strbuf *text, const clh_tensor *tensors, size_t count,
                         const clh_pair *metadata, size_t pairs)
{
    const char *comma = "";
    clh_strbuf_adds(text, "{");
    for (size_t i = 0; i < pairs; i++, comma = ",") {
        assert(metadata[i].key && metadata[i].value);
        clh_strbuf_adds(text, i ? "," : "\"" CLH_SAFETENSORS_METADATA "\":{");
        clh_strbuf_add_json(text, metadata[i].key);
        clh_strbuf_adds(text, ":");
        clh_strbuf_add_json(text, metadata[i].value);
    }
    clh_strbuf_adds(text, pairs ? "}" : "");
    size_t begin = 0;
    for (size_t i = 0; i < count; i++, comma = ",") {
        size_t end = begin + clh_tensor_count(&tensors[i]) * sizeof(float);
        clh_strbuf_adds(text, comma);
        clh_strbuf_add_json(text, tensors[i].name);
        clh_strbuf_adds(text, ":{\"dtype\":\"F32\",\"shape\":[");
        for (size_t k = 0; k < tensors[i].rank; k++)
            clh_strbuf_addf(text, k ? ",%zu" : "%zu", tensors[i].shape[k]);
        clh_strbuf_addf(text, "],\"data_offsets\":[%zu,%zu]}", begin, end);
        begin = end;
    }
    clh_strbuf_adds(text, "}");
    while (text->length % ALIGNMENT && !text->failed)
        clh_strbuf_adds(text, " ");
}

static void numbers_write(clh_file *file, const clh_tensor *tensor)
{
    uint32_t chunk[CHUNK_NUMBERS];
    const size_t count = clh_tensor_count(tensor);
    for (size_t done = 0; done < count;) {
        size_t length = count - done < CHUNK_NUMBERS ? count - done : CHUNK_NUMBERS;
        for (size_t i = 0; i < length; i++) {
            float value = (float)tensor->data[done + i];
            memcpy(&chunk[i], &value, sizeof value);
            chunk[i] = htole32(chunk[i]);
        }
        clh_file_write(file, chunk, length * sizeof chunk[0]);
        done += length;
    }
}

clh_status clh_safetensors_write(const char *path, const clh_tensor *tensors, size_t count,
                                 const clh_pair *metadata, size_t pairs, clh_error *err)
{
    assert(path && (tensors || count == 0) && (metadata || pairs == 0));
    clh_status status = names_check(path, tensors, count, err);
    if (status)
        return status;
    clh_strbuf header = {0};
    clh_file *file = NULL;
    header_build(&header, tensors, count, metadata, pairs);
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
            numbers_write(file, &tensors[i]);
        status = clh_file_commit(file, err);
    }
    clh_strbuf_deinit(&header);
    return status;
}
