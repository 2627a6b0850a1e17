#include "file/array_stream.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "file/safetensors_header.h"

static const struct dtype_row {
    const char *name;
    size_t size;
} dtypes[CLH_DTYPES] = {
    [CLH_F32] = {"F32", 4}, [CLH_F64] = {"F64", 8}, [CLH_I32] = {"I32", 4}, [CLH_I64] = {"I64", 8}};

size_t clh_dtype_size(clh_dtype dtype)
{
    return dtype < CLH_DTYPES ? dtypes[dtype].size : 0;
}

const char *clh_dtype_name(clh_dtype dtype)
{
    return dtype < CLH_DTYPES ? dtypes[dtype].name : NULL;
}

clh_array clh_array_of(const clh_tensor *tensor)
{
    if (!tensor)
        return (clh_array){0};
    const clh_dtype dtype = sizeof(clh_real) == sizeof(float) ? CLH_F32 : CLH_F64;
    clh_array array = {.name = tensor->name,
                       .data = tensor->data,
                       .memory = dtype,
                       .dtype = dtype,
                       .rank = tensor->rank};
    memcpy(array.shape, tensor->shape, sizeof array.shape);
    memcpy(array.extent, tensor->shape, sizeof array.extent);
    return array;
}

clh_array clh_array_vector(const char *name, clh_dtype dtype, const void *data, size_t count)
{
    return (clh_array){.name = name,
                       .data = data,
                       .memory = dtype,
                       .dtype = dtype,
                       .rank = 1,
                       .shape = {count},
                       .extent = {count}};
}

clh_array clh_array_matrix(const char *name, clh_dtype dtype, const void *data, size_t rows,
                           size_t cols)
{
    clh_array array = clh_array_vector(name, dtype, data, rows);
    array.rank = 2;
    array.shape[1] = array.extent[1] = cols;
    return array;
}

clh_array clh_array_cube(const char *name, clh_dtype dtype, const void *data, size_t blocks,
                         size_t rows, size_t cols)
{
    return (clh_array){.name = name,
                       .data = data,
                       .memory = dtype,
                       .dtype = dtype,
                       .rank = 3,
                       .shape = {blocks, rows, cols},
                       .extent = {blocks, rows, cols}};
}

void clh_array_select(clh_array *array, size_t dimension, const size_t *index, size_t count)
{
    if (!array || dimension >= array->rank || dimension >= CLH_RANK_MAX)
        return;
    array->index[dimension] = index;
    array->shape[dimension] = count;
}

size_t clh_array_count(const clh_array *array)
{
    size_t count = array && array->rank <= CLH_RANK_MAX;
    for (size_t i = 0; count > 0 && i < array->rank; i++)
        count *= array->shape[i];
    return count;
}

size_t clh_array_bytes(const clh_array *array)
{
    return array ? clh_array_count(array) * clh_dtype_size(array->dtype) : 0;
}

/* ---- Bytes --------------------------------------------------------------------------------------
 */

enum { CHUNK_NUMBERS = 1 << 12, PIECE = 1 << 17 }; /* numbers; bytes, that stay in the cache */

/* A big-endian machine turns every number around. */
static void to_little_endian(unsigned char *bytes, size_t size, size_t count)
{
    for (size_t i = 0; i < count && htole32(1) != 1; i++, bytes += size)
        for (size_t k = 0; k < size / 2; k++) {
            const unsigned char byte = bytes[k];
            bytes[k] = bytes[size - 1 - k];
            bytes[size - 1 - k] = byte;
        }
}

/* `count` numbers that lie beside each other from `at` on, as bytes of the file into `out`. */
static void convert(const clh_array *array, size_t at, size_t count, unsigned char *out)
{
    const size_t wide_size = clh_dtype_size(array->memory), size = clh_dtype_size(array->dtype);
    const unsigned char *from = (const unsigned char *)array->data + at * wide_size;
    if (array->memory == array->dtype)
        memcpy(out, from, count * size);
    for (size_t i = 0; i < count && array->memory != array->dtype; i++) {
        double wide;
        memcpy(&wide, from + i * wide_size, wide_size);
        const float narrow = (float)wide;
        memcpy(out + i * size, &narrow, size);
    }
    to_little_endian(out, size, count);
}

/* The first dimension from which on memory and file have the same order. */
static size_t dense_from(const clh_array *array)
{
    size_t dense = array->rank;
    while (dense > 0 && !array->index[dense - 1])
        dense--;
    return dense;
}

/* Where in memory run `number` of the file begins. */
static size_t run_begin(const clh_array *array, size_t dense, size_t number, size_t length)
{
    size_t at = 0, stride = length;
    for (size_t d = dense; d-- > 0;) {
        const size_t place = number % array->shape[d];
        number /= array->shape[d];
        at += (array->index[d] ? array->index[d][place] : place) * stride;
        stride *= array->extent[d];
    }
    return at;
}

void clh_array_stream(const clh_array *array, clh_bytes_fn *sink, void *user)
{
    assert(array && sink && (array->data || clh_array_count(array) == 0));
    assert(array->memory == array->dtype || (array->memory == CLH_F64 && array->dtype == CLH_F32));
    unsigned char chunk[CHUNK_NUMBERS * 8];
    const size_t total = clh_array_count(array), size = clh_dtype_size(array->dtype);
    const size_t dense = dense_from(array);
    const bool as_is = array->memory == array->dtype && htole32(1) == 1; /* memory is as the file */
    const size_t most = as_is && size ? PIECE / size : CHUNK_NUMBERS;
    size_t length = 1; /* of a run: numbers that lie beside each other in both */
    for (size_t d = dense; d < array->rank; d++)
        length *= array->shape[d];
    for (size_t run = 0; total > 0 && run < total / length; run++) {
        const size_t begin = run_begin(array, dense, run, length);
        for (size_t done = 0, count; done < length; done += count) {
            count = length - done < most ? length - done : most;
            if (!as_is)
                convert(array, begin + done, count, chunk);
            sink(user, as_is ? (const unsigned char *)array->data + (begin + done) * size : chunk,
                 count * size);
        }
    }
}

/* ---- Checks --------------------------------------------------------------------------------------
 */

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

/* What cannot be an array, in a word or two; NULL when it can. */
static const char *array_fault(const clh_array *a)
{
    if (!a->name)
        return "a name";
    if (a->rank > CLH_RANK_MAX)
        return "at most 4 dimensions";
    if (a->dtype >= CLH_DTYPES || a->memory >= CLH_DTYPES)
        return "types that there are";
    if (a->memory != a->dtype && (a->memory != CLH_F64 || a->dtype != CLH_F32))
        return "the type that it has in memory, or F32 of F64";
    if (!a->data && clh_array_count(a) > 0)
        return "its numbers";
    for (size_t d = 0; d < a->rank; d++) {
        if (!a->index[d] && a->shape[d] != a->extent[d])
            return "the size that it has in memory, or which are to be written";
        for (size_t i = 0; a->index[d] && i < a->shape[d]; i++)
            if (a->index[d][i] >= a->extent[d])
                return "indices that it has";
    }
    return NULL;
}

/* Every array can be one, and no name is there twice or is `taken`. */
static clh_status check_arrays(const char *path, const clh_array *arrays, size_t count,
                               const char *taken, clh_error *err)
{
    const char **names = clh_alloc_array(count, sizeof names[0], err), *fault = NULL;
    if (!names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count && !fault; i++) {
        names[i] = arrays[i].name;
        fault = array_fault(&arrays[i]);
        if (fault)
            (void)clh_fail(err, CLH_EINPUT, "cannot write %s: array %zu (%s), want %s", path, i,
                           names[i] ? clh_quoted_name(names[i]).text : "no name", fault);
    }
    if (fault) {
        clh_free(names);
        return CLH_EINPUT;
    }
    const char *repeated = text_repeated(names, count, taken);
    clh_free(names);
    if (!repeated)
        return CLH_OK;
    return clh_fail(err, CLH_EINPUT, "cannot write %s: the name %s of a tensor is taken", path,
                    clh_quoted_name(repeated).text);
}

clh_status clh_array_file_check(const char *path, const clh_array *arrays, size_t count,
                                const clh_pair *metadata, size_t pairs, const char *taken,
                                clh_error *err)
{
    for (size_t i = 0; i < pairs; i++)
        if (!metadata[i].key || !metadata[i].value)
            return clh_fail(err, CLH_EINPUT,
                            "cannot write %s: pair %zu of the metadata lacks its %s", path, i,
                            metadata[i].key ? "value" : "key");
    return check_arrays(path, arrays, count, taken, err);
}

void clh_pairs_add_json(clh_strbuf *text, const clh_pair *pairs, size_t count)
{
    clh_strbuf_adds(text, "{");
    for (size_t i = 0; i < count; i++) {
        assert(pairs[i].key && pairs[i].value);
        clh_strbuf_adds(text, i ? "," : "");
        clh_strbuf_add_json(text, pairs[i].key);
        clh_strbuf_adds(text, ":");
        clh_strbuf_add_json(text, pairs[i].value);
    }
    clh_strbuf_adds(text, "}");
}
