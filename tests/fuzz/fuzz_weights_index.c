/* The index of weights in several files, of which one is there. What is taken lists tensors of that file. */
#include "fuzz/fuzz.h"
#include "run/folder/weights_file.h"

/* "a.safetensors" beside the index, made once. */
static void make_part(void)
{
    static bool made;
    char path[512];
    clh_error err = {0};
    if (made)
        return;
    FUZZ_MUST(!clh_model_save(clh_run_model(fuzz_run()), fuzz_path("a.safetensors", path),
                              clh_run_get_config(fuzz_run()), 0, &err));
    made = true;
}

FUZZ_TARGET(weights_index)
{
    clh_weights_file *file = NULL;
    clh_error err = {0};
    make_part();
    const clh_status status = clh_weights_open(&file, fuzz_file(bytes, size, ".json"), &err);
    FUZZ_MUST(!status == (file != NULL));
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(clh_weights_count(file) > 0);
    for (size_t i = 0; i < clh_weights_count(file); i++) {
        size_t place = SIZE_MAX;
        const char *name = clh_weights_name(file, i);
        FUZZ_MUST(clh_weights_find(file, name, &place) && place == i);
        FUZZ_MUST(clh_model_view(clh_run_model(fuzz_run()), name).data);
        FUZZ_MUST(strcmp(clh_weights_dtype(file, i), "F32") == 0);
    }
    clh_weights_close(file);
    return true;
}
