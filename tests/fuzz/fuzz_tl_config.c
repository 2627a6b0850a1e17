/* A TransformerLens config. What is taken is written, and read back as the same model. */
#include "run/transformer_lens/tl_config.h"

#include "fuzz/fuzz.h"

FUZZ_TARGET(tl_config)
{
    clh_model_config config, again;
    clh_error err = {0};
    char *notes = NULL, *more = NULL;
    clh_status status = clh_tl_config_from_json(&config, &notes, fuzz_text(bytes, size), "cfg.json",
                                                size % 2 == 1, &err);
    FUZZ_MUST(!status == (notes != NULL));
    if (status)
        return fuzz_refused(status, &err);
    char *text = clh_tl_config_json(&config, &err);
    status = text ? clh_tl_config_from_json(&again, &more, text, "again", false, &err) : err.status;
    char *second = status ? NULL : clh_tl_config_json(&again, &err);
    if (!status && !second)
        status = err.status;
    FUZZ_MUST(status == CLH_OK || status == CLH_ENOMEM);
    FUZZ_MUST(status || (text && second && strcmp(text, second) == 0));
    clh_free(second);
    clh_free(more);
    clh_free(text);
    clh_free(notes);
    return status ? fuzz_refused(status, &err) : true;
}
