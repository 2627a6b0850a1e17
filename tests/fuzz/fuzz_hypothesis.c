/* A hypothesis of causal scrubbing. */
#include "clearhead/scrub.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(hypothesis)
{
    static clh_hypothesis hypothesis;
    clh_error err = {0};
    const clh_status status =
        clh_hypothesis_read(&hypothesis, fuzz_file(bytes, size, ".json"), &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(hypothesis.count <= CLH_SCRUB_RULES_MAX);
    for (size_t i = 0; i < hypothesis.count; i++)
        FUZZ_MUST(hypothesis.rule[i].position_count <= CLH_SCRUB_POSITIONS_MAX);
    return true;
}
