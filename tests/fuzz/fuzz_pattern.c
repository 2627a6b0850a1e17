/* An attention pattern of one's own: rows as JSON. */
#include "clearhead/heads.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(pattern)
{
    clh_tensor pattern;
    clh_error err = {0};
    const clh_status status = clh_pattern_read(&pattern, fuzz_file(bytes, size, ".json"), &err);
    FUZZ_MUST(!status == (pattern.data != NULL));
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(pattern.rank == 2 && pattern.shape[0] == pattern.shape[1] && pattern.shape[0] > 0);
    clh_free(pattern.data);
    return true;
}
