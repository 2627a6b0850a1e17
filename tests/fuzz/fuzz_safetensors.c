/* Whatever a safetensors file holds, reading it ends with an answer: numbers, or one line of text.
 *
 *    clang … -DCLH_LIBFUZZER -fsanitize=fuzzer,address,undefined   and   fuzz_safetensors CORPUS
 *    fuzz_safetensors [MUTATIONS [FIRST]]      without libFuzzer: mutated copies of seeds of our
 * own, the same ones each time
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/safetensors.h"
#include "support/raw_safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Not assert: it must hold in every build. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { NUMBERS_MOST = 1 << 16, FILE_MOST = 1 << 12 };

static void check_line(const clh_error *err, clh_status status)
{
    MUST(err->status == status && err->message[0]);
    for (const char *c = err->message; *c; c++)
        MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
}

/* What was read without complaint is finite and lies inside the file. */
static void check_tensor(const clh_safetensors *file, const char *name, size_t size)
{
    static clh_real number[NUMBERS_MOST];
    clh_tensor tensor;
    clh_error err = {0};
    const char *dtype = NULL;
    clh_status status = clh_safetensors_describe(file, name, &tensor, &dtype, &err);
    if (status) {
        MUST(status == CLH_ESUPPORT);
        check_line(&err, status);
        return;
    }
    MUST(strcmp(tensor.name, name) == 0 && dtype && !tensor.data && tensor.rank <= CLH_RANK_MAX);
    const size_t count = clh_tensor_count(&tensor);
    MUST(count <= size);
    if (count > NUMBERS_MOST)
        return;
    tensor.data = number;
    status = clh_safetensors_read(file, &tensor, &err);
    if (status) {
        MUST(status == CLH_EFORMAT || status == CLH_ENUMERIC);
        check_line(&err, status);
        MUST(clh_safetensors_read_any(file, &tensor, NULL) ==
             (status == CLH_ENUMERIC ? CLH_OK : status));
        return;
    }
    MUST(count * sizeof(float) <= size);
    for (size_t i = 0; i < count; i++)
        MUST(isfinite(number[i]));
}

/* Whether the file of these bytes opens. */
static bool opens(const uint8_t *bytes, size_t size)
{
    char path[64];
    int memory = memfd_create("fuzz_safetensors", MFD_CLOEXEC);
    MUST(memory >= 0 && write(memory, bytes, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    clh_safetensors *file = NULL;
    clh_error err = {0};
    clh_status status = clh_safetensors_open(&file, path, &err);
    MUST(!status == (file != NULL));
    if (status) {
        MUST(status == CLH_EFORMAT);
        check_line(&err, status);
    } else {
        for (size_t i = 0; i < clh_safetensors_count(file); i++)
            check_tensor(file, clh_safetensors_name(file, i), size);
        const char *config = clh_safetensors_metadata(file, "config");
        MUST(!config || strlen(config) <= size);
    }
    clh_safetensors_close(file);
    (void)close(memory);
    return !status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    (void)opens(bytes, size);
    return 0;
}

#ifndef CLH_LIBFUZZER

static const char *const seeds[] = {
    "{\"__metadata__\":{\"config\":\"{}\",\"task\":\"permutations\"},"
    "\"embed.W_E\":{\"dtype\":\"F32\",\"shape\":[3,4],\"data_offsets\":[0,48]},"
    "\"blocks.0.attn.W_Q\":{\"dtype\":\"F32\",\"shape\":[1,2,2],\"data_offsets\":[48,64]},"
    "\"blocks.0.attn.mask\":{\"dtype\":\"BOOL\",\"shape\":[4,4],\"data_offsets\":[64,80]},"
    "\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[80,80]}}   ",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[72,80]},"
    "\"b\":{\"dtype\":\"F64\",\"shape\":[9],\"data_offsets\":[0,72]}}",
};

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "-",
    "0",
    "1",
    "80",
    "1.0",
    "1e9",
    "null",
    "true",
    "\xff",
    "\"F32\"",
    "\"F64\"",
    "\"BOOL\"",
    "\"shape\"",
    "\"dtype\"",
    "\"data_offsets\"",
    "9223372036854775807",
    "18446744073709551616",
    "[0,80]",
    "[1,1,1,1,1]",
    "[]",
    "\"__metadata__\"",
};

typedef struct input {
    uint8_t bytes[FILE_MOST];
    size_t size;
} input;

/* Put `length` bytes where `cut` were, as far as there is room. */
static void splice(input *in, size_t at, size_t cut, const void *bytes, size_t length)
{
    if (in->size - cut + length > FILE_MOST)
        return;
    memmove(in->bytes + at + length, in->bytes + at + cut, in->size - at - cut);
    memcpy(in->bytes + at, bytes, length);
    in->size += length - cut;
}

static void mutate_once(input *in, const uint32_t word[4])
{
    if (in->size == 0)
        return;
    const size_t at = word[1] % in->size, rest = in->size - at;
    const char *token = tokens[word[2] % CLH_COUNT(tokens)];
    uint8_t span[16];
    const size_t length = 1 + word[3] % (rest < sizeof span ? rest : sizeof span);
    memcpy(span, in->bytes + at, length);
    switch (word[0] % 8) {
    case 0:
        in->bytes[at] ^= (uint8_t)(1 << word[2] % 8);
        break;
    case 1:
        in->bytes[at] = (uint8_t)word[2];
        break;
    case 2:
        in->size = at;
        break;
    case 3:
        splice(in, at, length, "", 0);
        break;
    case 4:
        splice(in, at, 0, span, length);
        break;
    case 5:
        splice(in, at, 0, token, strlen(token));
        break;
    case 6:
        splice(in, at, length, token, strlen(token));
        break;
    default: /* another digit where one is: still JSON, other numbers */
        for (size_t i = at; i < in->size; i++) {
            if (in->bytes[i] >= '0' && in->bytes[i] <= '9') {
                in->bytes[i] = (uint8_t)('0' + word[2] % 10);
                break;
            }
        }
    }
}

/* Mutation number `index`: a seed changed one to four times. In most the header's length is put
 * right again, so that the lie is found further in. */
static void mutate(input *in, uint64_t index)
{
    uint32_t word[4];
    clh_random_words(0, 0, index, word);
    const char *header = seeds[word[0] % CLH_COUNT(seeds)];
    const size_t before = strlen(header);
    in->size = raw_safetensors(in->bytes, FILE_MOST, header, NULL, 80);
    for (size_t i = 8 + before; i < in->size; i++)
        in->bytes[i] = (uint8_t)i;
    const size_t times = 1 + word[1] % 4;
    for (uint64_t i = 1; i <= times; i++) {
        uint32_t change[4];
        clh_random_words(0, i, index, change);
        mutate_once(in, change);
    }
    if (word[2] % 8 && in->size >= 8 + 80) {
        for (size_t i = 0; i < 8; i++)
            in->bytes[i] = (uint8_t)((in->size - 88) >> 8 * i);
    }
}

int main(int count, char **arguments)
{
    const uint64_t mutations = count > 1 ? strtoull(arguments[1], NULL, 10) : 20000;
    const uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
    uint64_t opened = 0;
    for (uint64_t i = first; i < first + mutations; i++) {
        static input in;
        mutate(&in, i);
        opened += opens(in.bytes, in.size);
    }
    (void)printf("%ju of %ju mutated files open\n", (uintmax_t)opened, (uintmax_t)mutations);
    /* a fuzzer whose files all open, or none, tests nothing */
    return mutations < 1000 || (opened > mutations / 50 && opened < mutations / 2) ? 0 : 1;
}

#endif
