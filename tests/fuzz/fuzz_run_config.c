/* config.json of a run. What is taken is written and read back as the same. */
#include "clearhead/run_config.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(run_config)
{
    clh_run_config config, again;
    clh_error err = {0};
    clh_status status =
        clh_run_config_from_json(&config, fuzz_text(bytes, size), "config.json", &err);
    if (status)
        return fuzz_refused(status, &err);
    char *text = clh_run_config_json(&config, &err), *second = NULL;
    status = text ? clh_run_config_from_json(&again, text, "again", &err) : err.status;
    if (!status && !(second = clh_run_config_json(&again, &err)))
        status = err.status;
    FUZZ_MUST(status == CLH_OK || status == CLH_ENOMEM);
    FUZZ_MUST(status || (text && second && strcmp(text, second) == 0));
    clh_free(second);
    clh_free(text);
    return status ? fuzz_refused(status, &err) : true;
}
