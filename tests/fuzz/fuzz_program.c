/* A program. What is taken is written, and read back as the same rules; what it writes to letters is a sequence. */
#include "clearhead/program.h"

#include "fuzz/fuzz.h"

FUZZ_TARGET(program)
{
    clh_program *program = NULL, *again = NULL;
    clh_program_sums sums;
    clh_error err = {0};
    char *text = NULL, *sequence = NULL;
    size_t differing = 1;
    const clh_task *task = size % 2 ? clh_run_task(fuzz_run()) : NULL;
    clh_status status =
        clh_program_parse(&program, fuzz_text(bytes, size), "program.txt", task, &err);
    FUZZ_MUST(!status == (program != NULL));
    if (status)
        return fuzz_refused(status, &err);
    status = clh_program_count(&sums, program, &err);
    FUZZ_MUST(status || (sums.rules <= sums.length && sums.sources <= sums.length &&
                         sums.constant + sums.copy + sums.mixture == sums.rules));
    if (!status)
        status = clh_program_text(&text, program, &err);
    if (!status)
        status = clh_program_parse(&again, text, "again", NULL, &err);
    if (!status)
        status = clh_program_diff(&differing, NULL, program, again, &err);
    FUZZ_MUST(status == CLH_ENOMEM || (!status && differing == 0));
    if (!status && sums.rules < sums.scored)
        FUZZ_MUST(clh_program_run(&sequence, program, "abcdef", NULL) != CLH_OK);
    else if (!status)
        status = clh_program_run(&sequence, program, &"abcdef"[6 - sums.letters], &err);
    FUZZ_MUST(!status || status == CLH_ENOMEM);
    clh_free(sequence);
    clh_free(text);
    clh_program_close(again);
    clh_program_close(program);
    return status ? fuzz_refused(status, &err) : true;
}
