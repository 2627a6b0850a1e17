#include "cli/show/cli_progress.h"

#include <assert.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/platform/clock.h"
#include "base/platform/decimal.h"
#include "cli/show/cli_terminal.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

/* Ctrl-C, a system that goes down, a terminal that is closed. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Under nohup a closed terminal is nothing to hear of. */
static bool is_caught(int number)
{
    struct sigaction now;
    return number != SIGHUP || sigaction(number, NULL, &now) || now.sa_handler != SIG_IGN;
}

/* SA_RESETHAND: the second Ctrl-C ends a process that does not get around to stopping. No SA_RESTART:
 * what waits for a pipe waits no longer; what is written to the disk is, all the same. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CLH_COUNT(signals); i++)
        if (is_caught(signals[i]))
            (void)sigaction(signals[i], &action, NULL);
}

/* Seconds between two lines: a terminal's row is drawn over, a file keeps them all. What
 * CLEARHEAD_PROGRESS says is for files; what is no number there says nothing. */
static double seconds_between(const clh_invocation *inv)
{
    const char *given = inv->progress ? NULL : getenv("CLEARHEAD_PROGRESS");
    char *end = NULL;
    if (given && strcmp(given, "off") == 0)
        return INFINITY;
    const double seconds = given && *given ? clh_read_double(given, &end) : 0;
    const bool said = end && *end == '\0' && seconds >= 0;
    return said ? seconds : inv->progress ? 0.1 : 10;
}

bool clh_cli_stop_wanted(void)
{
    return stop_wanted != 0;
}

void clh_cli_progress_show(clh_cli_progress *p, const char *line)
{
    const double now = clh_clock_seconds();
    if (now - p->shown < p->between)
        return;
    p->shown = now;
    p->there = p->inv->progress;
    if (!p->there) {
        (void)fprintf(stderr, "%s\n", line);
        (void)fflush(stderr);
        return;
    }
    /* no wider than the terminal: \r goes back over one row only */
    (void)fprintf(stderr, "\r%.*s\033[K", (int)clh_cli_columns(STDERR_FILENO) - 1, line);
    (void)fflush(stderr);
}

void clh_cli_progress_clear(clh_cli_progress *p)
{
    if (p->there)
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    p->there = false;
}

void clh_cli_progress_say(const clh_cli_progress *p, const char *text)
{
    if (p->inv->progress || clh_clock_seconds() - p->began >= p->between)
        (void)fprintf(stderr, "%s: %s\n", p->what, text);
}

static bool on_progress(size_t done, size_t count, void *user)
{
    clh_cli_progress *p = user;
    char line[96];
    (void)snprintf(line, sizeof line, "%s: %zu of %zu", p->what, done, count);
    clh_cli_progress_show(p, line);
    return !stop_wanted;
}

clh_watch clh_cli_progress_begin(clh_cli_progress *p)
{
    assert(p->inv && p->what);
    stop_wanted = 0;
    p->began = p->shown = clh_clock_seconds();
    p->between = seconds_between(p->inv);
    catch_signals();
    return (clh_watch){on_progress, p};
}

void clh_cli_progress_end(clh_cli_progress *p)
{
    for (size_t i = 0; i < CLH_COUNT(signals); i++)
        if (is_caught(signals[i]))
            (void)signal(signals[i], SIG_DFL);
    clh_cli_progress_clear(p);
}
