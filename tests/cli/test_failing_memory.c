/* Commands, with their allocations made to fail in turn: one ends with exit code 3 and a line that says so, or prints the
 * very text that it prints else. Each try is a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/run_case.h"

/* What fontconfig keeps to the end is no leak of ours (heard only by a build with sanitizers). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

/* main() of the command. */
int clearhead_main(int argc, char **argv);

enum { WORDS_MOST = 32, LINE_MOST = 512, EACH = 12, LAST = 12, THINNER = 3 };

static const char words[] = "n=2 d_model=8 d_head=4 steps=5 epoch_sequences=6 checkpoint_every=4 "
                            "eval_every=3 test_sequences=3 threads=1";

/* What a command prints is the same each time: no clock is read. */
static const char *const commands[] = {
    "data --n 2 --first 3",
    "data --n 3 --split test --first 3 --json",
    "config --n 5",
    "questions",
    "questions --json",
    "help",
    "help program check",
    "docs bash",
    "show r",
    "export r --to e --json",
    "eval r --count 3",
    "eval r --count 3 --json --full",
    "eval r --count 3 --markdown",
    "eval r --count 3 --checkpoints",
    "eval r --count 3 --against r@4",
    "causal r --as-edits",
    "decompile r",
    "sample r --letters ab",
    "audit --n 2 --count 3",
    "figure r",
    "resume r",
};

static failing_alloc *state; /* shared with the child */

static int split(char line[LINE_MOST], char *argv[WORDS_MOST + 1])
{
    int argc = 0;
    for (char *save, *word = strtok_r(line, " ", &save); word && argc < WORDS_MOST;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    return argc;
}

static void remove_export(const temp_folder *folder)
{
    static const char *const names[] = {"e/model.safetensors", "e/cfg.json", "e/load.py", "e"};
    char path[TEMP_PATH_MAX];
    for (size_t i = 0; i < CLH_COUNT(names); i++)
        (void)remove(temp_folder_path(folder, names[i], path));
}

/* The exit code of the command in `folder`; what it prints is in the files "out" and "said". */
static int command(const temp_folder *folder, const char *line, size_t fail_at)
{
    remove_export(folder);
    (void)fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char text[LINE_MOST], *argv[WORDS_MOST + 1];
        (void)snprintf(text, sizeof text, "clearhead %s", line);
        const int argc = split(text, argv);
        if (chdir(folder->path) || !freopen("out", "w", stdout) || !freopen("said", "w", stderr))
            _exit(99);
        failing_alloc_install(state, fail_at);
        const int code = clearhead_main(argc, argv);
        failing_alloc_remove(state);
        (void)fflush(NULL);
        _exit(code);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("%s: ended by signal %d, allocation %zu failed", line, WTERMSIG(status), fail_at);
    return WEXITSTATUS(status);
}

static void fail_allocation(const temp_folder *folder, const char *line, size_t k, int good,
                            const char *wanted)
{
    size_t n;
    const int code = command(folder, line, k);
    char *out = run_case_read(folder->path, "out", &n),
         *said = run_case_read(folder->path, "said", &n);
    if (code == good && strcmp(out, wanted) != 0)
        fail_msg("%s: allocation %zu fails, exit %d, and it prints another text:\n%s", line, k,
                 code, out);
    if (code != good && (code != 3 || !strstr(said, "memory")))
        fail_msg("%s: allocation %zu fails: exit %d, %s", line, k, code, said);
    free(said);
    free(out);
}

static void every_command(void **context)
{
    const temp_folder *folder = *context;
    char run[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config(words);
    run_case_train(&config, temp_folder_path(folder, "r", run));
    for (size_t i = 0; i < CLH_COUNT(commands); i++) {
        size_t n, tried = 0;
        const int good = command(folder, commands[i], 0);
        const size_t count = state->calls;
        char *wanted = run_case_read(folder->path, "out", &n);
        assert_true(good == 0 || good == 1);
        for (size_t k = 1; k <= count; tried++) {
            fail_allocation(folder, commands[i], k, good, wanted);
            k += k < EACH || k + LAST > count ? 1 : 1 + (k - EACH) / THINNER;
        }
        print_message("# %s: %zu of %zu allocations\n", commands[i], tried, count);
        free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_command),
    };
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return state == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
