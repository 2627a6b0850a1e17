/** Making each call of tests/examples/bad_arguments.py in a process of its own, and judging it.
 */
#ifndef CLH_BAD_ARGUMENTS_RUN_H
#define CLH_BAD_ARGUMENTS_RUN_H

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bad_arguments.h"

enum { SECONDS_MOST = 60, NOTE_BYTES = 1500 };

/** What a call must do: REFUSED a status other than CLH_OK and a line, FINE success, NOT_A_NUMBER a NaN,
 *  BACK only come back. */
typedef enum wanted { REFUSED, FINE, NOT_A_NUMBER, BACK } wanted;

typedef struct variant {
    const char *what;
    wanted wanted;
} variant;

typedef struct outcome {
    clh_status status;
    double real;
} outcome;

typedef struct tried {
    const char *name;
    void (*call)(unsigned v, outcome *o);
    const variant *variants;
    size_t count;
    int gives_line; /* in an error it is given */
} tried;

/* In the child: 0 when the call did as it must, else a sentence on stderr. */
static int judge(const tried *t, unsigned v)
{
    outcome o = {CLH_OK, 0};
    e.message[0] = '\0';
    (void)alarm(SECONDS_MOST);
    t->call(v, &o);
    switch (t->variants[v].wanted) {
    case REFUSED:
        if (o.status != CLH_OK &&
            (e.message[0] || !t->gives_line || strcmp(t->variants[v].what, "err = NULL") == 0))
            return 0;
        fprintf(stderr, o.status ? "refused without a line" : "not refused");
        return 1;
    case FINE:
        if (o.status == CLH_OK)
            return 0;
        fprintf(stderr, "refused: %s", e.message);
        return 1;
    case NOT_A_NUMBER:
        if (isnan(o.real))
            return 0;
        fprintf(stderr, "%g, want NaN", o.real);
        return 1;
    default:
        return 0;
    }
}

/* One call; true when it did as it must. */
static int try_one(const tried *t, unsigned v)
{
    int ends[2], how_ended = 0;
    if (pipe(ends))
        return 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (getenv("CLH_COVERAGE") ? exit : _exit)(judge(t, v)); /* branches are counted at exit() */
    }
    (void)close(ends[1]);
    char text[NOTE_BYTES + 1], rest[4096];
    size_t have = 0;
    for (;;) {
        const int room = have < NOTE_BYTES;
        const ssize_t got =
            room ? read(ends[0], text + have, NOTE_BYTES - have) : read(ends[0], rest, sizeof rest);
        if (got <= 0)
            break;
        have += room ? (size_t)got : 0;
    }
    text[have] = '\0';
    (void)close(ends[0]);
    (void)waitpid(child, &how_ended, 0);
    if (WIFEXITED(how_ended) && WEXITSTATUS(how_ended) == 0)
        return 1;
    if (WIFSIGNALED(how_ended))
        printf("%s(%s): signal %d\n", t->name, t->variants[v].what, WTERMSIG(how_ended));
    else
        printf("%s(%s): exit code %d\n", t->name, t->variants[v].what, WEXITSTATUS(how_ended));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        printf("  %s\n", line);
    return 0;
}

static int try_all(const tried *table, size_t count, const char *only)
{
    if (bench_open()) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (only && strcmp(table[i].name, only) != 0)
            continue;
        size_t bad = 0;
        for (unsigned v = 0; v < table[i].count; v++)
            bad += !try_one(&table[i], v);
        printf("%sok - %s: %zu calls\n", bad ? "not " : "", table[i].name, table[i].count);
        fflush(stdout);
    }
    return 0;
}

#endif
