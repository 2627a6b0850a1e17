/* A file of edits, for a run. What a text can hold is written and read back as the same. */
#include "clearhead/edit.h"
#include "fuzz/fuzz.h"

static char *text_of(const clh_edit_file *file, clh_error *err)
{
    size_t count;
    char *text = NULL;
    const clh_edit_list *lists = clh_edit_file_lists(file, &count);
    (void)clh_edit_file_text(&text, lists, count, clh_edit_file_base(file), err);
    return text;
}

FUZZ_TARGET(edits)
{
    clh_edit_file *file = NULL, *again = NULL;
    clh_error err = {0};
    const clh_run *run = fuzz_run();
    clh_status status = clh_edit_file_open(&file, fuzz_file(bytes, size, ".json"), run, &err);
    FUZZ_MUST(!status == (file != NULL));
    if (status)
        return fuzz_refused(status, &err);
    char *text = text_of(file, &err), *second = NULL;
    clh_edit_file_close(file);
    if (!text)
        return fuzz_refused(err.status, &err) || err.status != CLH_ENOMEM;
    status = clh_edit_file_open(&again, fuzz_file((const uint8_t *)text, strlen(text), ".json"),
                                run, &err);
    if (!status && !(second = text_of(again, &err)))
        status = err.status;
    FUZZ_MUST(status == CLH_OK || status == CLH_ENOMEM);
    FUZZ_MUST(status || (text && second && strcmp(text, second) == 0));
    clh_edit_file_close(again);
    clh_free(second);
    clh_free(text);
    return status ? fuzz_refused(status, &err) : true;
}
