/* What can be read once, for who may read it again: a file that is named on the command line and is a pipe
 * that this process was given ("-", /dev/stdin, <(command)) is read to its end into a file without a name,
 * which then has the pipe's number. So the name stays, and leads to what was read, as often as it is read.
 *
 * It is read before anything catches signals, so that one ends the waiting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask/shared/question.h"
#include "base/platform/decimal.h"
#include "cli/line/cli.h"

enum { BYTES_MOST = 1 << 30, BLOCK = 1 << 16 };

/* The number of the descriptor that a path means; -1: it is another path. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
        return STDIN_FILENO;
    for (size_t i = 0; i < CLH_COUNT(folders); i++) {
        const size_t length = strlen(folders[i]);
        char *end = NULL;
        if (strncmp(path, folders[i], length) != 0 || path[length] < '0' || path[length] > '9')
            continue;
        const size_t number = clh_read_size(path + length, &end);
        return *end || number > 1 << 20 ? -1 : (int)number;
    }
    return -1;
}

static clh_status cannot_read(const char *name, int reason, clh_error *err)
{
    return clh_fail(err, CLH_EIO, "%s: cannot read it: %s", name, strerror(reason));
}

/* All of `from` into `to`. */
static clh_status pour(int from, FILE *to, const char *name, clh_error *err)
{
    char block[BLOCK];
    size_t total = 0;
    for (;;) {
        const ssize_t got = read(from, block, sizeof block);
        if (got < 0)
            return cannot_read(name, errno, err);
        if (got == 0)
            break;
        total += (size_t)got;
        if (total > BYTES_MOST)
            return clh_fail(err, CLH_EFORMAT, "%s has more than 1 GiB, the most that is read",
                            name);
        if (fwrite(block, 1, (size_t)got, to) != (size_t)got)
            return clh_fail(err, CLH_EIO, "%s: cannot keep what it gives in a file of %s: %s", name,
                            P_tmpdir, strerror(errno));
    }
    return fflush(to) ? cannot_read(name, errno, err) : CLH_OK;
}

static clh_status take_pipe(int handle, const char *name, clh_error *err)
{
    FILE *kept = tmpfile();
    if (!kept)
        return clh_fail(err, CLH_EIO, "%s: cannot keep what it gives in a file of %s: %s", name,
                        P_tmpdir, strerror(errno));
    clh_status status = pour(handle, kept, name, err);
    if (!status && dup2(fileno(kept), handle) < 0)
        status = cannot_read(name, errno, err);
    (void)fclose(kept);
    return status;
}

/* *path, what `name` was given: a pipe is taken, "-" becomes a path. */
static clh_status take_path(const char **path, const char *name, clh_error *err)
{
    struct stat info;
    const int handle = descriptor_of(*path);
    if (handle < 0)
        return CLH_OK;
    if (strcmp(*path, "-") == 0)
        *path = "/dev/stdin";
    if (fstat(handle, &info))
        return cannot_read(name, errno, err);
    return S_ISREG(info.st_mode) ? CLH_OK : take_pipe(handle, name, err);
}

clh_status clh_cli_take_pipes(clh_invocation *inv, clh_error *err)
{
    const clh_question *question = inv->command->question;
    const size_t words = question ? clh_question_words(question) : 0;
    clh_status status = CLH_OK;
    for (size_t w = 0; w < words && w < inv->n_args && !status; w++)
        status = take_path(&inv->args[w], clh_question_word(question, w)->values, err);
    for (size_t i = 0; i < inv->options.count && !status; i++) {
        const clh_option *option = &inv->options.option[i];
        char name[sizeof option->name + 2];
        if (option->kind != CLH_OPTION_FILE || !inv->value[i])
            continue;
        (void)snprintf(name, sizeof name, "--%s", option->name);
        status = take_path(&inv->value[i], name, err);
    }
    return status;
}
