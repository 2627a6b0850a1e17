/* Every command, with its file operations made to fail in turn: it ends with a message and an exit code
 * that is not 0, leaves no temporary file, and done again it comes to the very files that it would have come
 * to: so nothing was lost, and what is there is whole.
 *
 * First one operation fails and those behind it succeed; then all that change something fail from one
 * on, as on a full disk. Each try is a process of its own, in a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask/asking/asking.h"
#include "base/base.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/failing_files.h"
#include "support/must.h"
#include "support/run_case.h"

/* What fontconfig keeps to the end is no leak of ours (heard only by a build with sanitizers). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

/* main() of the command. */
int clearhead_main(int argc, char **argv);

enum { WORDS_MOST = 32, LINE_MOST = 512, STOP_AT = 3, POINTS_MOST = 2000 };

/* Of a long command the first operations, then some; questions open runs and write in one way, so of each
 * question some, and of all together each. */
enum { EACH = 24, STRIDE = 11, QUESTION_STRIDE = 6 };

static const char words[] = "n=2 d_model=8 d_head=4 steps=5 epoch_sequences=6 checkpoint_every=4 "
                            "eval_every=3 test_sequences=3 threads=1";

#define SIZES                                                                                      \
    "--n 2 --d-model 8 --d-head 4 --steps 5 --epoch-sequences 6 --checkpoint-every 4 "             \
    "--eval-every 3 --test-sequences 3 --threads 1"

/* What is there before. */
typedef enum ground { NOTHING, INTERRUPTED, TRAINED, EXPORTED } ground;

typedef struct row {
    const char *name;
    ground ground;
    const char *command;
    const char *apart; /* in the path of files that are not compared */
    const char *again; /* how one goes on where the command refuses what is there already */
} row;

static const row commands[] = {
    {"train", NOTHING, "train --out r " SIZES, NULL, "resume r"},
    {"run", NOTHING, "run --out r " SIZES, "/figures/", "resume r"}, /* which draws nothing */
    {"resume", INTERRUPTED, "resume r --threads 1", NULL, NULL},
    {"export", TRAINED, "export r --to e", NULL, NULL},
    {"export --fold", TRAINED, "export r --fold --to e", NULL, NULL},
    {"import", EXPORTED, "import e/model.safetensors --config e/cfg.json --out i", NULL, NULL},
    {"train --vocab", NOTHING,
     "train --out r --data ids.jsonl --vocab v.txt --d-model 8 --d-head 4 --steps 3 --threads 1",
     NULL, "resume r"},
    {"import --vocab", EXPORTED,
     "import e/model.safetensors --config e/cfg.json --vocab v.txt --out i", NULL, NULL},
    {"figure", TRAINED, "figure r", NULL, NULL},
    {"figure --out", TRAINED, "figure r --kind loss --out f.svg", NULL, NULL},
    {"docs man", NOTHING, "docs man --out d", NULL, NULL},
    {"docs bash", NOTHING, "docs bash --out d", NULL, NULL},
    {"txt", TRAINED, "eval r --count 3 --out o.txt", NULL, NULL},
    {"csv", TRAINED, "eval r --count 3 --out o.csv", NULL, NULL},
    {"md", TRAINED, "eval r --count 3 --out o.md", NULL, NULL},
    {"npz", TRAINED, "cache r --letters ab --out o.npz", NULL, NULL},
    {"safetensors", TRAINED, "cache r --letters ab --out o.safetensors", NULL, NULL},
    {"png and svg", TRAINED, "eval r --count 3 --out o.svg --figure o.png", NULL, NULL},
    {"pdf", TRAINED, "eval r --count 3 --figure o.pdf", NULL, NULL},
    {"over checkpoints", TRAINED, "eval r --count 3 --checkpoints --out o.json", NULL, NULL},
    {"over seeds", TRAINED, "eval r --count 3 --seeds 2 --out o.json", NULL, NULL},
    {"against", TRAINED, "eval r --count 3 --against r@4 --out o.json", NULL, NULL},
};

static failing_files *files;

/* ---- Doing -----------------------------------------------------------------------------------*/

static int split(char line[LINE_MOST], char *argv[WORDS_MOST + 1])
{
    int argc = 0;
    for (char *save, *word = strtok_r(line, " ", &save); word && argc < WORDS_MOST;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    return argc;
}

/* The exit code of the command in `folder`; what it says on stderr is in the file "said". Operations fail as
 * `how` says (NULL: none). */
static int command(const char *folder, const char *line, const failing_files *how)
{
    *files = how ? *how : (failing_files){0};
    (void)fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char text[LINE_MOST], *argv[WORDS_MOST + 1];
        (void)snprintf(text, sizeof text, "clearhead %s", line);
        const int argc = split(text, argv);
        if (chdir(folder) || !freopen("/dev/null", "w", stdout) || !freopen("said", "w", stderr))
            _exit(99);
        failing_files_begin(files);
        const int code = clearhead_main(argc, argv);
        failing_files_end();
        (void)fflush(NULL);
        exit(code); /* not _exit(): who counts coverage writes it down now */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("%s: ended by signal %d after %s", line, WTERMSIG(status), files->failed);
    return WEXITSTATUS(status);
}

static bool stop_there(const clh_progress *p, void *user)
{
    (void)user;
    return p->step < STOP_AT;
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[TEMP_PATH_MAX];
    temp_folder where;
    (void)snprintf(where.path, sizeof where.path, "%s", folder);
    (void)temp_folder_put(&where, name, text, strlen(text), path);
}

static void make_ground(const char *folder, ground what)
{
    char run[TEMP_PATH_MAX + 8];
    clh_error err = {0};
    const clh_run_config config = run_case_config(words);
    const clh_train_watch watch = {.progress = what == INTERRUPTED ? stop_there : NULL};
    assert_int_equal(mkdir(folder, 0777), 0);
    put(folder, "edits.json",
        "{\"format\": \"clearhead-edits-1\", \"edits\": "
        "[{\"kind\": \"zero\", \"site\": \"blocks.0.attn.hook_z\"}]}");
    put(folder, "ids.jsonl", "[0, 1, 2]\n[2, 1, 0]\n[1, 1, 2]\n");
    put(folder, "v.txt", "a\nb\nc\n");
    put(folder, "p.txt",
        "clearhead-program 1\ntask permutations n=2\ncopy 1.1 -> letters\n"
        "write \".\" -> rest\n");
    put(folder, "q.txt", "clearhead-program 1\ntask permutations n=2\ncopy first -> letters\n");
    (void)snprintf(run, sizeof run, "%s/r", folder);
    if (what == NOTHING)
        return;
    const clh_status status = clh_train(&config, run, &watch, &err);
    assert_true(status == (what == INTERRUPTED ? CLH_STOPPED : CLH_OK));
    if (what == EXPORTED)
        assert_int_equal(command(folder, "export r --to e", NULL), 0);
}

/* ---- Comparing -------------------------------------------------------------------------------*/

static struct {
    const char *one, *other, *apart, *failed;
    bool only_names;
    size_t files; /* seen below `one` */
} walk;

static char *read_all(const char *path, size_t *size)
{
    *size = temp_file_get(path, NULL, 0);
    if (*size == SIZE_MAX)
        return NULL;
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(temp_file_get(path, bytes, *size), *size);
    bytes[*size] = '\0';
    return bytes;
}

/* What the clock said, and what of a line is a sum over it. */
static void drop_seconds(char *text, size_t *size)
{
    static const char *const keys[] = {"\"seconds\": ", "\"sum\": "};
    for (size_t k = 0; k < CLH_COUNT(keys); k++)
        for (char *at = text; (at = strstr(at, keys[k]));) {
            const char *rest = at + strlen(keys[k]);
            rest += strcspn(rest, ",}\n");
            memmove(at, rest, strlen(rest) + 1);
            *size = strlen(text);
        }
}

static bool is_compared(const char *path, const char *name)
{
    return strcmp(name, "said") != 0 && strcmp(name, ".lock") != 0 &&
           !(walk.apart && strstr(path, walk.apart));
}

static int compare_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    char other[2 * TEMP_PATH_MAX];
    const char *name = path + where->base;
    (void)info;
    if (kind != FTW_F || !is_compared(path, name))
        return 0;
    walk.files++;
    (void)snprintf(other, sizeof other, "%s%s", walk.other, path + strlen(walk.one));
    size_t n = 0, m = 0;
    char *a = read_all(path, &n), *b = read_all(other, &m);
    if (!a || !b)
        fail_msg("after %s there is %s and no %s", walk.failed, path, other);
    if (!strstr(name, ".safetensors") && strstr(name, ".json")) {
        drop_seconds(a, &n);
        drop_seconds(b, &m);
    }
    if (!walk.only_names && (n != m || memcmp(a, b, n) != 0))
        fail_msg("after %s %s differs from %s", walk.failed, other, path);
    free(b);
    free(a);
    return 0;
}

/* The same files, by name and bytes, and no others; others may be where a folder could not be listed, as
 * what an interruption left was then not found. */
static void assert_same_tree(const char *one, const char *other, const row *r, const char *failed)
{
    const int directions = strncmp(failed, "opendir ", 8) == 0 ? 1 : 2;
    for (int both = 0; both < directions; both++) {
        walk.one = both ? other : one;
        walk.other = both ? one : other;
        walk.apart = r->apart;
        walk.failed = failed;
        walk.only_names = both;
        walk.files = 0;
        assert_int_equal(nftw(walk.one, compare_one, 16, FTW_PHYS), 0);
        assert_true(walk.files > 0);
    }
    memset(&walk, 0, sizeof walk);
}

static int is_temporary(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind;
    return strstr(path + where->base, ".tmp-") != NULL;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

/* ---- A command -------------------------------------------------------------------------------*/

/* It said what went wrong: a line that begins with the program's name. */
static void assert_said(const char *folder, const char *line)
{
    size_t size;
    char path[TEMP_PATH_MAX + 8];
    (void)snprintf(path, sizeof path, "%s/said", folder);
    char *text = read_all(path, &size);
    if (!text || !strstr(text, "clearhead "))
        fail_msg("%s: %s fails, and nothing is said", line, files->failed);
    free(text);
}

/* Done again, it is done. */
static void finish(const char *folder, const row *r, int good, const char *failed)
{
    int code = command(folder, r->command, NULL);
    if (code != good && r->again)
        code = command(folder, r->again, NULL);
    if (code != good)
        fail_msg("%s: after %s it cannot be done again (exit %d)", r->command, failed, code);
}

/* What nothing may depend on: looking for what a killed process left, closing what was only tried, making
 * a folder that is there. It may end well then; the files are compared all the same. */
static bool is_idle(const char *operation)
{
    static const char *const names[] = {"opendir ", "fclose ", "mkdir "};
    for (size_t i = 0; i < CLH_COUNT(names); i++)
        if (strncmp(operation, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* One operation fails; false when there are no more. */
static bool fail_one(const temp_folder *bench, const row *r, const char *reference, int good,
                     const failing_files *how)
{
    char folder[TEMP_PATH_MAX];
    (void)temp_folder_path(bench, "try", folder);
    make_ground(folder, r->ground);
    const int code = command(folder, r->command, how);
    const bool failed = files->failed[0] != '\0';
    char what[sizeof files->failed];
    (void)snprintf(what, sizeof what, "%s", files->failed);
    if (code != good && !failed)
        fail_msg("%s: exit %d, and no operation failed", r->command, code);
    if (failed && code == good && !is_idle(what))
        fail_msg("%s: operation %zu, %s, fails, and the exit code is %d", r->command, how->fail_at,
                 what, code);
    if (code != good)
        assert_said(folder, r->command);
    if (nftw(folder, is_temporary, 16, FTW_PHYS))
        fail_msg("%s: operation %zu, %s, fails, and a temporary file stays", r->command,
                 how->fail_at, what);
    if (code != good)
        finish(folder, r, good, what);
    assert_same_tree(reference, folder, r, what);
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    return failed;
}

/* The operations first, first + stride, … of the command fail. */
static void fail_each(const temp_folder *bench, const row *r, size_t first, size_t stride)
{
    static const failing_files hows[] = {{.reason = EIO},
                                         {.reason = ENOSPC, .writing = true, .go_on = true}};
    char reference[TEMP_PATH_MAX];
    size_t points = 0;
    (void)temp_folder_path(bench, "reference", reference);
    make_ground(reference, r->ground);
    const int good = command(reference, r->command, NULL);
    if (good != 0 && good != 1) /* 1: the answer is no */
        fail_msg("%s: exit %d", r->command, good);
    for (size_t h = 0; h < CLH_COUNT(hows); h++) {
        failing_files how = hows[h];
        for (how.fail_at = first; fail_one(bench, r, reference, good, &how);
             how.fail_at += how.fail_at < EACH ? stride : STRIDE)
            assert_true(++points < POINTS_MOST);
    }
    assert_true(points >= CLH_COUNT(hows)); /* in either way something failed */
    assert_int_equal(nftw(reference, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    print_message("# %s: %zu operations failed\n", r->name, points);
}

/* Whether it draws a page, which a build without figures refuses. */
static bool draws(const row *r)
{
    return strstr(r->command, ".svg") || strstr(r->command, ".png") || strstr(r->command, ".pdf");
}

static void every_command(void **state)
{
    const char *only = getenv("CLH_ONLY"), *figures = getenv("CLH_FIGURES");
    const bool can = !figures || strcmp(figures, "no") != 0;
    for (size_t i = 0; i < CLH_COUNT(commands); i++)
        if ((!only || strcmp(only, commands[i].name) == 0) && (can || !draws(&commands[i])))
            fail_each(*state, &commands[i], 1, 1);
}

/* ---- Questions -------------------------------------------------------------------------------*/

/* `question` of a small run, as a command line; counts and files where it has such settings, letters where it
 * has no run to take them from. */
static void question_line(const clh_question *q, char line[LINE_MOST])
{
    static const char *const values[][2] = {
        {"count", "3"},    {"others", "2"},     {"clean", "ab"},
        {"corrupt", "ba"}, {"seconds", "0.01"}, {"edits", "edits.json"},
        {"steps", "1"},    {"sequences", "3"},  {"letters", "ab"},
    };
    size_t count;
    const clh_key *keys = clh_question_keys(q, &count);
    (void)snprintf(line, LINE_MOST, "%s%s%s --out o.json", q->name,
                   (const char *const[]){"", " p.txt", " p.txt q.txt"}[clh_question_words(q)],
                   q->needs & CLH_NEEDS_NOTHING ? "" : " r");
    for (size_t k = 0; k < count; k++)
        for (size_t v = 0; v < CLH_COUNT(values); v++)
            if (strcmp(keys[k].name, values[v][0]) == 0 &&
                (strcmp(keys[k].name, "letters") != 0 || clh_question_words(q) > 0)) {
                const size_t used = strlen(line);
                (void)snprintf(line + used, LINE_MOST - used, " --%s %s", values[v][0],
                               values[v][1]);
            }
}

static void every_question(void **state)
{
    const char *only = getenv("CLH_ONLY");
    for (size_t i = 0; i < clh_question_count(); i++) {
        const clh_question *q = clh_question_at(i);
        char line[LINE_MOST];
        question_line(q, line);
        const bool clock = strcmp(q->name, "bench") == 0;
        const row r = {q->name, TRAINED, line, clock ? "/o.json" : NULL, NULL};
        if (q->needs & CLH_NEEDS_SUMS) /* its run is another: fourier.sh */
            continue;
        if (!only || strcmp(only, q->name) == 0)
            fail_each(*state, &r, 1 + i % QUESTION_STRIDE, QUESTION_STRIDE);
    }
}

static int open_bench(void **state)
{
    files = failing_files_share();
    return files ? temp_folder_setup(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_command, open_bench, temp_folder_teardown),
        cmocka_unit_test_setup_teardown(every_question, open_bench, temp_folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
