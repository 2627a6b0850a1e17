/* Commands, with their allocations made to fail in turn: one ends with exit code 3 and a line that says so, or prints the
 * very text that it prints else. What it makes is then whole or not there: no temporary file stays, and training goes
 * on from what it left to the same weights. Each try is a process of its own. */
#include <ftw.h>
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

enum { WORDS_MOST = 32, LINE_MOST = 512 };

static const failing_alloc_some some = {.first = 8, .last = 10, .thinner = 2};

static const char words[] = "n=2 d_model=8 d_head=4 steps=5 epoch_sequences=6 checkpoint_every=4 "
                            "eval_every=3 test_sequences=3 threads=1";

#define SIZES                                                                                      \
    "--n 2 --d-model 8 --d-head 4 --steps 5 --epoch-sequences 6 --checkpoint-every 4 "             \
    "--eval-every 3 --test-sequences 3 --threads 1"

static const char data_line[] = "train --out made --data ids.jsonl --vocab v.txt --d-model 8 "
                                "--d-head 4 --steps 3 --test-sequences 1 --threads 1";
static const char train_line[] = "train --out made " SIZES, run_line[] = "run --out made " SIZES;

/* What a command prints is the same each time, but for how long training took. What it makes is in MADE. */
#define MADE "made"
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
    "export r --to made --json",
    train_line,
    run_line,
    "import e/model.safetensors --config e/cfg.json --out made",
    "import e/model.safetensors --config e/cfg.json --task permutations --out made",
    "import e/model.safetensors --config e/cfg.json --out made --json",
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
    data_line,
    "eval d --count 1",
    "show d",
    "resume d",
    "sample d --prompts prompts.txt --free",
    "sample d --tokens batch.json",
    "edit r --edits edits.json --count 3",
    "cache r --letters ab --edits edits.json",
    "pattern r --letters ab --range max --gamma 0.5 --terminal",
    "heads r --count 3 --terminal",
    "attribute r --letters ab --terminal",
    "lens r --letters ab --terminal",
    "emergence r --count 3 --terminal",
    "eval r --count 3 --seeds 2 --terminal",
};

/* What the commands read, made before. */
static const struct {
    const char *name, *text;
} files[] = {
    {"ids.jsonl", "[0, 1, 2]\n[2, 1, 0]\n[1, 1, 2]\n"},
    {"v.txt", "a\nb\nc\n"},
    {"prompts.txt", "ab\n[2, 1]\nc\n"},
    {"batch.json", "[[0, 1, 2], [2, 2, 1]]"},
    {"edits.json", "{\"format\": \"clearhead-edits-1\", \"edits\": "
                   "[{\"kind\": \"mean\", \"site\": \"blocks.0.attn.hook_z\"}]}"},
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

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static void remove_made(const temp_folder *folder)
{
    char path[TEMP_PATH_MAX];
    (void)nftw(temp_folder_path(folder, MADE, path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The exit code of the command in `folder`; what it prints is in the files "out" and "said". */
static int command(const temp_folder *folder, const char *line, size_t fail_at)
{
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
        (getenv("CLH_COVERAGE") ? exit : _exit)(code); /* branches are counted at exit() */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("%s: ended by signal %d, allocation %zu failed", line, WTERMSIG(status), fail_at);
    return WEXITSTATUS(status);
}

/* What a command printed, without the clock's words: "in 0.00 s (2113 steps/s)". The caller's (free()). */
static char *printed(const temp_folder *folder)
{
    size_t n;
    char *text = run_case_read(folder->path, "out", &n), *at = strstr(text, "steps in ");
    if (at)
        memmove(at, at + strcspn(at, ")"), strlen(at + strcspn(at, ")")) + 1);
    return text;
}

/* What was made of an interrupted training is gone on with, and comes to the weights of `wanted`; of anything else
 * nothing is there. */
static void assert_made_whole(const temp_folder *folder, const char *line, size_t k,
                              const char *wanted, size_t size)
{
    char made[TEMP_PATH_MAX];
    size_t n = 0;
    if (access(temp_folder_path(folder, MADE, made), F_OK) != 0)
        return;
    if (strncmp(line, "train", 5) != 0 && strncmp(line, "run", 3) != 0)
        fail_msg("%s: after allocation %zu failed, its folder is there", line, k);
    run_case_assert_tidy(made);
    const int code = command(folder, "resume made", 0);
    char *weights = code ? NULL : run_case_read(made, "model.safetensors", &n);
    if (!weights || n != size || memcmp(weights, wanted, n) != 0)
        fail_msg("%s: after allocation %zu failed, resume ends with %d, or with other weights",
                 line, k, code);
    free(weights);
}

/* What a command comes to when nothing fails. */
typedef struct good {
    int code;
    char *text, *weights;
    size_t count, size;
} good;

static void fail_allocation(const temp_folder *folder, const char *line, size_t k, const good *g)
{
    size_t n;
    remove_made(folder);
    const int code = command(folder, line, k);
    char *out = printed(folder), *said = run_case_read(folder->path, "said", &n);
    if (code == g->code && strcmp(out, g->text) != 0)
        fail_msg("%s: allocation %zu fails, exit %d, and it prints another text:\n%s", line, k,
                 code, out);
    if (code != g->code && (code != 3 || !strstr(said, "memory")))
        fail_msg("%s: allocation %zu fails: exit %d, %s", line, k, code, said);
    if (code != g->code)
        assert_made_whole(folder, line, k, g->weights, g->size);
    free(said);
    free(out);
}

static good without_failure(const temp_folder *folder, const char *line)
{
    char path[TEMP_PATH_MAX];
    remove_made(folder);
    good g = {.code = command(folder, line, 0), .count = state->calls, .text = printed(folder)};
    if (temp_file_get(temp_folder_path(folder, MADE "/model.safetensors", path), NULL, 0) !=
        SIZE_MAX)
        g.weights = run_case_read(folder->path, MADE "/model.safetensors", &g.size);
    assert_true(g.code == 0 || g.code == 1);
    return g;
}

static void every_command(void **context)
{
    const temp_folder *folder = *context;
    char run[TEMP_PATH_MAX], path[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config(words);
    run_case_train(&config, temp_folder_path(folder, "r", run));
    for (size_t i = 0; i < CLH_COUNT(files); i++)
        (void)temp_folder_put(folder, files[i].name, files[i].text, strlen(files[i].text), path);
    assert_int_equal(command(folder, "export r --to e", 0), 0);
    assert_int_equal(command(folder, data_line, 0), 0);
    assert_int_equal(
        rename(temp_folder_path(folder, MADE, path), temp_folder_path(folder, "d", run)), 0);
    for (size_t i = 0; i < CLH_COUNT(commands); i++) {
        size_t tried = 0;
        const good g = without_failure(folder, commands[i]);
        for (size_t k = 1; k <= g.count; k = failing_alloc_next(&some, k, g.count), tried++)
            fail_allocation(folder, commands[i], k, &g);
        print_message("# %s: %zu of %zu allocations\n", commands[i], tried, g.count);
        free(g.weights);
        free(g.text);
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
