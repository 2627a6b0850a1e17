/* A safetensors file: the bytes as they are, and as the header of one. */
#include <math.h>

#include "clearhead/safetensors.h"
#include "fuzz/fuzz.h"

enum { NUMBERS_MOST = 1 << 12, DATA = 80 };

/* What was read without complaint is finite and lies inside the file. */
static void check_tensor(const clh_safetensors *file, const char *name, size_t size)
{
    static clh_real number[NUMBERS_MOST];
    clh_tensor tensor;
    clh_error err = {0};
    const char *dtype = NULL;
    clh_status status = clh_safetensors_describe(file, name, &tensor, &dtype, &err);
    if (status) {
        FUZZ_MUST(status == CLH_ESUPPORT);
        (void)fuzz_refused(status, &err);
        return;
    }
    FUZZ_MUST(strcmp(tensor.name, name) == 0 && dtype && !tensor.data &&
              tensor.rank <= CLH_RANK_MAX);
    const size_t count = clh_tensor_count(&tensor);
    FUZZ_MUST(count <= size);
    if (count > NUMBERS_MOST)
        return;
    tensor.data = number;
    status = clh_safetensors_read(file, &tensor, &err);
    if (status) {
        (void)fuzz_refused(status, &err);
        if (status != CLH_ENOMEM)
            FUZZ_MUST(clh_safetensors_read_any(file, &tensor, NULL) ==
                      (status == CLH_ENUMERIC ? CLH_OK : status));
        return;
    }
    for (size_t i = 0; i < count; i++)
        FUZZ_MUST(isfinite(number[i]));
}

static bool opens(const uint8_t *bytes, size_t size)
{
    clh_safetensors *file = NULL;
    clh_error err = {0};
    const clh_status status =
        clh_safetensors_open(&file, fuzz_file(bytes, size, ".safetensors"), &err);
    FUZZ_MUST(!status == (file != NULL));
    if (status)
        return fuzz_refused(status, &err);
    for (size_t i = 0; i < clh_safetensors_count(file); i++)
        check_tensor(file, clh_safetensors_name(file, i), size);
    const char *config = clh_safetensors_metadata(file, "config");
    FUZZ_MUST(!config || strlen(config) <= size);
    clh_safetensors_close(file);
    return true;
}

FUZZ_TARGET(safetensors)
{
    uint8_t *whole = calloc(1, 8 + size + DATA);
    FUZZ_MUST(whole);
    for (size_t i = 0; i < 8; i++)
        whole[i] = (uint8_t)(size >> 8 * i);
    if (size)
        memcpy(whole + 8, bytes, size);
    for (size_t i = 0; i < DATA; i++)
        whole[8 + size + i] = (uint8_t)i;
    const bool header = opens(whole, 8 + size + DATA);
    free(whole);
    return opens(bytes, size) || header;
}
