#include "cli/show/cli_output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/show/cli_progress.h"

int clh_cli_fail(const clh_invocation *inv, const clh_error *err)
{
    assert(inv && err);
    int code = clh_status_exit_code(err->status);
    const char *name = inv->command ? inv->command->typed : NULL;
    (void)fprintf(stderr, "clearhead%s%s: %s\n", name ? " " : "", name ? name : "", err->message);
    if (inv->json) {
        clh_strbuf text = {0};
        clh_strbuf_adds(&text, "{\"error\": ");
        clh_strbuf_add_json(&text, err->message);
        clh_strbuf_addf(&text, ", \"status\": \"%s\", \"exit\": %d}", clh_status_text(err->status),
                        code);
        (void)puts(clh_strbuf_view(&text));
        clh_strbuf_deinit(&text);
    }
    return code;
}

int clh_cli_usage(const clh_invocation *inv, const char *format, ...)
{
    clh_error err = {.status = CLH_EUSAGE};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    return clh_cli_fail(inv, &err);
}

bool clh_cli_out_failed(void)
{
    return ferror(stdout) != 0;
}

/* Told to stop while stdout took nothing more: what is left of the output is given up, which stdio
 * would else wait for. */
static int give_up(void)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        (void)dup2(nowhere, STDOUT_FILENO);
    return clh_status_exit_code(CLH_STOPPED);
}

int clh_cli_out_finish(const clh_invocation *inv, int code)
{
    int reason = 0;
    if (clh_cli_stop_wanted() && ferror(stdout))
        return give_up();
    if (fflush(stdout))
        reason = errno;
    /* stdio keeps that a write failed, not why: a byte more, on output that is broken anyway, tells
     */
    else if (ferror(stdout))
        reason = write(STDOUT_FILENO, "\n", 1) == 1 ? EIO : errno;
    clh_error err = {.status = CLH_EIO};
    if (code <= 1 && clh_strbuf_check_lost(0, &err)) /* what was printed may lack it */
        return clh_cli_fail(inv, &err);
    if (!reason || reason == EPIPE)
        return code;
    (void)snprintf(err.message, sizeof err.message, "cannot write to stdout: %s", strerror(reason));
    clh_invocation plain = *inv;
    plain.json = false; /* where it would go is what failed */
    return clh_cli_fail(&plain, &err);
}
