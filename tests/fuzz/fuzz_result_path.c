/* The name of a number in a result, as --numbers has it: "interventions.test.plain.loss", "pattern.0.1.2". */
#include "clearhead/result.h"
#include "fuzz/fuzz.h"
#include "support/result_case.h"

FUZZ_TARGET(result_path)
{
    static clh_result *result;
    clh_value value;
    clh_error err = {0};
    if (!result) {
        result = result_case_make();
        for (size_t i = 0; clh_result_array_name(result, i); i++) {
            clh_array view; /* computed now, as the result stays */
            FUZZ_MUST(!clh_result_view(&view, result, clh_result_array_name(result, i), NULL));
        }
    }
    const char *path = fuzz_text(bytes, size);
    const clh_status status = clh_result_get(&value, result, path, &err);
    (void)clh_result_text(result, path);
    (void)clh_result_answer(result, path);
    return status ? fuzz_refused(status, &err) : true;
}
