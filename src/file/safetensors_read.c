#include "clearhead/safetensors.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/platform/handle.h"
#include "base/quote.h"
#include "file/safetensors_header.h"
#include "file/safetensors_words.h"

enum { LENGTH_BYTES = 8, CHUNK_BYTES = 1 << 14 };

/* What jansson allocates for a byte of text at worst: 77 were measured for a list of "{},". */
enum { JSON_BYTES_MOST = 80 };

struct clh_safetensors {
    clh_reading from;
    char *path;
    size_t data_start;
    clh_safetensors_header header;
};

/* The length is checked against the file before anything of that size is allocated. */
static clh_status header_length(const clh_safetensors *file, size_t *length, clh_error *err)
{
    const size_t size = file->from.size;
    if (size < LENGTH_BYTES)
        return clh_fail(err, CLH_EFORMAT, "%s: the file is %zu bytes long, want at least %d",
                        file->path, size, LENGTH_BYTES);
    uint64_t little;
    clh_status status = clh_reading_get(&file->from, &little, sizeof little, 0, err);
    if (status)
        return status;
    uint64_t wanted = le64toh(little);
    if (wanted > size - LENGTH_BYTES)
        return clh_fail(err, CLH_EFORMAT,
                        "%s: the header is said to be %ju bytes, the file has %zu", file->path,
                        (uintmax_t)wanted, size - LENGTH_BYTES);
    if (wanted > CLH_SAFETENSORS_HEADER_MAX)
        return clh_fail(err, CLH_EFORMAT, "%s: the header is %ju bytes, want at most %zu",
                        file->path, (uintmax_t)wanted, CLH_SAFETENSORS_HEADER_MAX);
    *length = (size_t)wanted;
    if (clh_memory_check(*length * JSON_BYTES_MOST, "its header", err))
        return clh_fail_context(err, CLH_ENOMEM, "cannot read %s", file->path);
    return CLH_OK;
}

static clh_status header_load(clh_safetensors *file, clh_error *err)
{
    size_t length = 0;
    clh_status status = header_length(file, &length, err);
    if (status)
        return status;
    char *text = clh_alloc_array(length, 1, err);
    if (!text)
        return CLH_ENOMEM;
    file->data_start = LENGTH_BYTES + length;
    status = clh_reading_get(&file->from, text, length, LENGTH_BYTES, err);
    if (!status)
        status = clh_safetensors_header_parse(&file->header, text, length,
                                              file->from.size - file->data_start, file->path, err);
    if (!status)
        status = clh_safetensors_verify(&file->from, text, length, file->header.metadata, err);
    clh_free(text);
    return status;
}

/* What is no safetensors file is said to be what it looks like. */
static clh_status name_kind(const clh_safetensors *file, clh_status status, clh_error *err)
{
    unsigned char head[CLH_FILE_KIND_BYTES];
    const size_t size = file->from.size;
    const size_t length = size < sizeof head ? size : sizeof head;
    if (clh_reading_get(&file->from, head, length, 0, NULL))
        return status;
    return clh_file_kind_name(status, file->path, head, length, CLH_WANT_SAFETENSORS, err);
}

static clh_status file_load(clh_safetensors *file, clh_error *err)
{
    clh_status status = clh_reading_open(&file->from, file->path, err);
    if (!status)
        status = header_load(file, err);
    return status == CLH_EFORMAT ? name_kind(file, status, err) : status;
}

clh_status clh_safetensors_open(clh_safetensors **out, const char *path, clh_error *err)
{
    CLH_REQUIRE(out && path, err, "a path, and room for the file");
    clh_safetensors *file = clh_alloc_zeroed(1, sizeof *file, err);
    if (!file)
        return CLH_ENOMEM;
    file->from.handle = -1;
    file->path = clh_text_copy(path, err);
    clh_status status = file->path ? file_load(file, err) : CLH_ENOMEM;
    if (status) {
        clh_safetensors_close(file);
        return status;
    }
    *out = file;
    return CLH_OK;
}

void clh_safetensors_close(clh_safetensors *file)
{
    if (!file)
        return;
    clh_safetensors_header_deinit(&file->header);
    clh_handle_close(file->from.handle);
    clh_free(file->path);
    clh_free(file);
}

size_t clh_safetensors_count(const clh_safetensors *file)
{
    return file ? file->header.count : 0;
}

const char *clh_safetensors_name(const clh_safetensors *file, size_t index)
{
    return file && index < file->header.count ? file->header.names[index] : NULL;
}

const char *clh_safetensors_metadata(const clh_safetensors *file, const char *key)
{
    if (!file || !key)
        return NULL;
    return json_string_value(json_object_get(file->header.metadata, key));
}

clh_status clh_safetensors_describe(const clh_safetensors *file, const char *name,
                                    clh_tensor *shape, const char **dtype, clh_error *err)
{
    CLH_REQUIRE(file && name && shape, err, "a file, a name, and room for the shape");
    const clh_safetensors_header *header = &file->header;
    const clh_safetensors_entry *entry = clh_safetensors_header_find(header, name);
    clh_quote text = clh_quoted_name(name);
    if (!entry) {
        const char *nearest = clh_nearest_name(name, header->names, header->count);
        return nearest ? clh_fail(err, CLH_EINPUT, "%s has no tensor %s; the nearest is %s",
                                  file->path, text.text, clh_quoted_name(nearest).text)
                       : clh_fail(err, CLH_EINPUT, "%s has no tensor %s among its %zu", file->path,
                                  text.text, header->count);
    }
    if (entry->rank > CLH_RANK_MAX)
        return clh_fail(err, CLH_ESUPPORT, "%s: tensor %s has %zu dimensions, want at most %d",
                        file->path, text.text, entry->rank, CLH_RANK_MAX);
    *shape = (clh_tensor){.rank = entry->rank, .name = entry->name};
    memcpy(shape->shape, entry->shape, sizeof shape->shape);
    if (dtype)
        *dtype = entry->dtype;
    return CLH_OK;
}

static bool same_shape(const clh_tensor *a, const clh_tensor *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

static uint16_t bits_16(const unsigned char *bytes)
{
    uint16_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return le16toh(bits);
}

static double from_bits_32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double decode_f32(const unsigned char *bytes)
{
    uint32_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return from_bits_32(le32toh(bits));
}

static double decode_f64(const unsigned char *bytes)
{
    uint64_t bits;
    double value;
    memcpy(&bits, bytes, sizeof bits);
    bits = le64toh(bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The upper half of an F32. */
static double decode_bf16(const unsigned char *bytes)
{
    return from_bits_32((uint32_t)bits_16(bytes) << 16);
}

/* 1 bit sign, 5 exponent (bias 15), 10 fraction; IEEE 754 binary16. */
static double decode_f16(const unsigned char *bytes)
{
    enum { FRACTION = 1 << 10, EXPONENTS = 31, BIAS = 15, SHIFT = 10 };
    const unsigned bits = bits_16(bytes);
    const unsigned fraction = bits % FRACTION, exponent = bits / FRACTION & EXPONENTS;
    double value = fraction ? (double)NAN : (double)INFINITY;
    if (exponent == 0)
        value = ldexp(fraction, 1 - BIAS - SHIFT);
    else if (exponent < EXPONENTS)
        value = ldexp(FRACTION + fraction, (int)exponent - BIAS - SHIFT);
    return bits >> 15 ? -value : value;
}

typedef struct decoder {
    const char *dtype;
    size_t size;
    double (*decode)(const unsigned char *bytes);
} decoder;

/* The dtypes of floating-point numbers that a double holds; NULL for any other. */
static const decoder *decoder_find(const char *dtype)
{
    static const decoder table[] = {{"F32", sizeof(float), decode_f32},
                                    {"F64", sizeof(double), decode_f64},
                                    {"F16", sizeof(uint16_t), decode_f16},
                                    {"BF16", sizeof(uint16_t), decode_bf16}};
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (strcmp(dtype, table[i].dtype) == 0)
            return &table[i];
    return NULL;
}

static clh_status not_finite(const clh_safetensors *file, const clh_tensor *tensor, size_t index,
                             double value, clh_error *err)
{
    assert(tensor->name && index < clh_tensor_count(tensor));
    clh_tensor place = {.rank = tensor->rank};
    size_t rest = index;
    for (size_t i = tensor->rank; i-- > 0; rest /= tensor->shape[i])
        place.shape[i] = rest % tensor->shape[i];
    char text[96];
    return clh_fail(err, CLH_ENUMERIC, "%s: tensor %s is %g at %s, want %s", file->path,
                    clh_quoted_name(tensor->name).text, value, clh_tensor_shape_text(&place, text),
                    isfinite(value) ? "numbers that F32 holds" : "finite numbers");
}

/* As bytes of the file, little-endian and unaligned, in pieces that stay in the cache. */
static clh_status read_numbers(const clh_safetensors *file, const clh_safetensors_entry *entry,
                               const clh_tensor *into, bool finite, clh_error *err)
{
    const decoder *number = decoder_find(entry->dtype);
    assert(number && clh_tensor_count(into) * number->size == entry->end - entry->begin);
    unsigned char chunk[CHUNK_BYTES];
    const size_t size = number->size, per_chunk = sizeof chunk / size;
    const size_t count = clh_tensor_count(into);
    for (size_t done = 0; done < count;) {
        size_t length = count - done < per_chunk ? count - done : per_chunk;
        clh_status status = clh_reading_get(&file->from, chunk, length * size,
                                            file->data_start + entry->begin + done * size, err);
        if (status)
            return status;
        for (size_t i = 0; i < length; i++) {
            const double value = number->decode(chunk + i * size);
            into->data[done + i] = (clh_real)value;
            if (!isfinite(into->data[done + i]) && (finite || isfinite(value)))
                return not_finite(file, into, done + i, value, err);
        }
        done += length;
    }
    return CLH_OK;
}

static clh_status tensor_read(const clh_safetensors *file, const clh_tensor *into, bool finite,
                              clh_error *err)
{
    assert(file && into->name);
    if (into->rank > CLH_RANK_MAX)
        return clh_fail(err, CLH_ESHAPE, "tensor %s has %zu dimensions, want at most %d",
                        clh_quoted_name(into->name).text, into->rank, CLH_RANK_MAX);
    clh_tensor found;
    const char *dtype = NULL;
    clh_status status = clh_safetensors_describe(file, into->name, &found, &dtype, err);
    if (status)
        return status;
    assert(dtype);
    if (!decoder_find(dtype))
        return clh_fail(err, CLH_EFORMAT, "%s: tensor %s is %s, want F32, F64, F16 or BF16",
                        file->path, clh_quoted_name(into->name).text, dtype);
    if (!same_shape(&found, into)) {
        char is[96], want[96];
        return clh_fail(err, CLH_ESHAPE, "%s: tensor %s is %s, want %s", file->path,
                        clh_quoted_name(into->name).text, clh_tensor_shape_text(&found, is),
                        clh_tensor_shape_text(into, want));
    }
    return read_numbers(file, clh_safetensors_header_find(&file->header, into->name), into, finite,
                        err);
}

/* Whether a tensor says what is to be read, and where to. */
static bool has_room(const clh_tensor *into)
{
    return into && into->name && (into->data || clh_tensor_count(into) == 0);
}

static const char room_wanted[] = "a file, and a tensor with a name and room for its numbers";

clh_status clh_safetensors_read(const clh_safetensors *file, const clh_tensor *into, clh_error *err)
{
    CLH_REQUIRE(file && has_room(into), err, room_wanted);
    return tensor_read(file, into, true, err);
}

clh_status clh_safetensors_read_any(const clh_safetensors *file, const clh_tensor *into,
                                    clh_error *err)
{
    CLH_REQUIRE(file && has_room(into), err, room_wanted);
    return tensor_read(file, into, false, err);
}

clh_status clh_safetensors_read_words(const clh_safetensors *file, const char *name,
                                      clh_dtype dtype, void *into, size_t count, clh_error *err)
{
    assert(file && name && (into || count == 0) && clh_dtype_size(dtype) == sizeof(uint64_t));
    clh_tensor found;
    const char *type = NULL, *wanted = clh_dtype_name(dtype);
    clh_status status = clh_safetensors_describe(file, name, &found, &type, err);
    if (status)
        return status;
    assert(type);
    if (strcmp(type, wanted) != 0 || found.rank != 1 || found.shape[0] != count) {
        char is[96];
        return clh_fail(err, CLH_EFORMAT, "%s: tensor %s is %s %s, want %s [%zu]", file->path,
                        clh_quoted_name(name).text, type, clh_tensor_shape_text(&found, is), wanted,
                        count);
    }
    const clh_safetensors_entry *entry = clh_safetensors_header_find(&file->header, name);
    status = clh_reading_get(&file->from, into, count * sizeof(uint64_t),
                             file->data_start + entry->begin, err);
    for (size_t i = 0; i < count && !status; i++) { /* of both types the bytes alone are turned */
        uint64_t word;
        memcpy(&word, (char *)into + i * sizeof word, sizeof word);
        word = le64toh(word);
        memcpy((char *)into + i * sizeof word, &word, sizeof word);
    }
    return status;
}
