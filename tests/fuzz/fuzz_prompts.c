/* Prompts, with a vocabulary and as numbers. */
#include "fuzz/fuzz.h"
#include "measure/sequences/prompts.h"

static bool read_with(const clh_vocab *vocab, const uint8_t *bytes, size_t size)
{
    clh_prompts prompts;
    clh_error err = {0};
    clh_model_config config = clh_model_config_default();
    config.n_ctx = 8;
    config.d_vocab = 65;
    const clh_status status =
        clh_prompts_read(&prompts, fuzz_file(bytes, size, ".txt"), vocab, &config, &err);
    if (status) {
        FUZZ_MUST(!prompts.ids && !prompts.start);
        return fuzz_refused(status, &err);
    }
    FUZZ_MUST(prompts.count > 0);
    for (size_t k = 0; k < prompts.count; k++) {
        const clh_tokens one = clh_prompts_tokens(&prompts, k);
        FUZZ_MUST(one.pos > 0 && one.pos <= 8);
        for (size_t i = 0; i < one.pos; i++)
            FUZZ_MUST(one.ids[i] < 65);
    }
    clh_prompts_deinit(&prompts);
    return true;
}

FUZZ_TARGET(prompts)
{
    const bool ids = read_with(NULL, bytes, size);
    return read_with(clh_task_vocab(clh_run_task(fuzz_run())), bytes, size) || ids;
}
