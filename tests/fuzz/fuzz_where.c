/* What is asked about, RUN@STEP: a line in the folder of a run; a second line is the name of a file
 * among its checkpoints. */
#include <fcntl.h>
#include <unistd.h>

#include "clearhead/ask.h"
#include "fuzz/fuzz.h"
#include "run/folder/checkpoint.h"

/* A file called `name` in the run's checkpoints, empty; false where that is no name. */
static bool put(const char *checkpoints, const char *name)
{
    char path[1024];
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        snprintf(path, sizeof path, "%s/%s", checkpoints, name) >= (int)sizeof path)
        return false;
    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (file >= 0)
        (void)close(file);
    return file >= 0;
}

static void take_away(const char *checkpoints, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", checkpoints, name);
    (void)unlink(path);
}

FUZZ_TARGET(where)
{
    char checkpoints[512], whole[4096];
    size_t *steps = NULL, count = 0;
    clh_subject *subject = NULL;
    clh_error err = {0};
    const char *run = clh_run_path(fuzz_run());
    char *text = strdup(fuzz_text(bytes, size)), *at = text;
    FUZZ_MUST(text);
    const char *line = fuzz_line(&at), *name = at ? fuzz_line(&at) : "";
    (void)snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", run);
    const bool named = put(checkpoints, name);
    clh_status status = clh_checkpoint_list(run, &steps, &count, &err);
    FUZZ_MUST(status || (count <= 1 && (named || count == 0)));
    clh_free(steps);
    (void)snprintf(whole, sizeof whole, "%s%s", run, line);
    if (!status)
        status = clh_subject_open(&subject, whole, &err);
    FUZZ_MUST(!status == (subject != NULL));
    clh_subject_close(subject);
    if (named)
        take_away(checkpoints, name);
    free(text);
    return status ? fuzz_refused(status, &err) : true;
}
