/* Token ids of a JSON file. */
#include "fuzz/fuzz.h"
#include "measure/sequences/batch.h"

FUZZ_TARGET(tokens)
{
    clh_batch batch;
    clh_error err = {0};
    clh_model_config config = clh_model_config_default();
    config.n_ctx = 8;
    config.d_vocab = 65;
    const clh_status status =
        clh_batch_read(&batch, fuzz_file(bytes, size, ".json"), &config, 1, &err);
    if (status) {
        FUZZ_MUST(!batch.ids);
        return fuzz_refused(status, &err);
    }
    FUZZ_MUST(batch.tokens.batch > 0 && batch.tokens.pos > 0 && batch.tokens.pos <= 8);
    for (size_t i = 0; i < batch.tokens.batch * batch.tokens.pos; i++)
        FUZZ_MUST(batch.ids[i] < 65);
    clh_batch_deinit(&batch);
    return true;
}
