/* The program, killed at random moments and resumed with any number of threads until it is through,
 * leaves the bytes of a run that nobody disturbed. Moments, signals and threads follow from a seed;
 * where in its work a moment meets the program does not: tests/property/test_crash_points.c is the
 * systematic half. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/platform/clock.h"
#include "base/platform/file.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/run_case.h"

enum { KILLS = 60, ATTEMPTS_MAX = 2000, ARGS_MAX = 32, SEED = 2026 };

static const char *const training[] = {
    "--n",       "3",  "--steps",      "200", "--epoch-sequences",  "23",
    "--batch",   "4",  "--eval-every", "30",  "--checkpoint-every", "10",
    "--d-model", "32", "--d-head",     "16",  "--test-sequences",   "3"};

typedef struct bench {
    void *folder;
    const char *program;
    char whole[TEMP_PATH_MAX];
    double seconds; /* a run takes undisturbed */
} bench;

/* "train --out path" or "resume path", with `threads`; its output is nobody's. */
static pid_t start(const bench *b, const char *path, unsigned threads)
{
    char config[TEMP_PATH_MAX + 16], count[8];
    const char *args[ARGS_MAX] = {b->program};
    size_t n = 1;
    (void)snprintf(config, sizeof config, "%s/config.json", path);
    (void)snprintf(count, sizeof count, "%u", threads);
    bool resumes = clh_path_exists(config);
    args[n++] = resumes ? "resume" : "train";
    if (!resumes)
        for (size_t i = 0; i < CLH_COUNT(training); i++)
            args[n++] = training[i];
    if (!resumes)
        args[n++] = "--out";
    args[n++] = path;
    args[n++] = "--threads";
    args[n++] = count;
    assert_true(n < ARGS_MAX);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)execv(b->program, (char **)args);
        _exit(127);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_ends_well(const bench *b, const char *path, unsigned threads)
{
    int status = end_of(start(b, path, threads));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void pause_for(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds};
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    (void)nanosleep(&time, NULL);
}

/* Start, wait a part of the time a whole run takes, send the signal. Returns how it ended. */
static int disturb(const bench *b, const char *path, uint64_t attempt, int *signal_sent)
{
    static const int signals[] = {SIGKILL, SIGKILL, SIGKILL, SIGINT, SIGTERM};
    uint32_t word[4];
    clh_random_words(SEED, 0, attempt, word);
    *signal_sent = signals[word[0] % CLH_COUNT(signals)];
    pid_t child = start(b, path, 1 + word[1] % 4);
    pause_for(b->seconds * 0.4 * (double)word[2] / 4294967296.0);
    (void)kill(child, *signal_sent);
    return end_of(child);
}

static void a_killed_run_ends_with_the_same_bytes(void **state)
{
    const bench *b = *state;
    char path[TEMP_PATH_MAX], name[32];
    size_t kills = 0, stops = 0, runs = 0;
    (void)temp_folder_path(b->folder, "run-0", path);
    for (uint64_t attempt = 0; kills < KILLS; attempt++) {
        assert_true(attempt < ATTEMPTS_MAX);
        int sent, status = disturb(b, path, attempt, &sent);
        kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        stops += WIFEXITED(status) && WEXITSTATUS(status) == 130;
        /* A polite signal in the moment before it is listened to ends the process as it would any
         * other; nothing else may go wrong. */
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == sent
                                        : WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 130);
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
            continue;
        run_case_assert_same(b->whole, path);
        run_case_assert_tidy(path);
        (void)snprintf(name, sizeof name, "run-%zu", ++runs);
        (void)temp_folder_path(b->folder, name, path);
    }
    assert_ends_well(b, path, 2);
    run_case_assert_same(b->whole, path);
    run_case_assert_tidy(path);
    print_message("# %zu kills and %zu stops in %zu runs\n", kills, stops, runs + 1);
}

static int open_bench(void **state)
{
    static bench b;
    b.program = getenv("CLEARHEAD");
    *state = &b;
    if (!b.program || access(b.program, X_OK) || temp_folder_setup(&b.folder)) {
        print_error("CLEARHEAD does not name the program\n");
        return -1;
    }
    double before = clh_clock_seconds();
    assert_ends_well(&b, temp_folder_path(b.folder, "whole", b.whole), 1);
    b.seconds = clh_clock_seconds() - before;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    return temp_folder_teardown(&b->folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_run_ends_with_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
