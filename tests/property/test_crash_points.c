/* A process that dies at any point at which the folder changes, and is resumed, ends with the bytes
 * of one that never died; so does one whose disk refuses a checkpoint. The calls that change a
 * folder are replaced here by ones that can end the process, before and after, or fail. Each point
 * is tried in turn; what the other of the two threads that change the folder has done by then is
 * left to luck. tests/cli/test_kill.c kills the program itself at random moments.
 *
 * A power cut cannot be tried. What it takes to outlive one is looked at in every process instead: a
 * folder in which a name is new is synced before anything is built on that name. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/random.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "run/folder/checkpoint.h"
#include "support/cmocka_all.h"
#include "support/run_case.h"

/* ---- Calls that can be the last ---------------------------------------------------------------*/

static struct {
    bool armed;
    size_t at;           /* the point that ends the process; 0: none does */
    atomic_size_t *seen; /* points passed, shared with the parent */
    const char *refused; /* a file that does not come into its place; NULL: all do */
    unsigned slow;       /* microseconds of each sync */
} crash;

static bool is_last(void)
{
    return crash.armed && atomic_fetch_add(crash.seen, 1) + 1 == crash.at;
}

static void point(void)
{
    if (is_last())
        (void)kill(getpid(), SIGKILL);
}

/* ---- Names that a power cut may still take ----------------------------------------------------*/

enum { FOLDERS_MOST = 8, NOT_SYNCED = 98 };

/* Folders in which a name is new since they were synced: of a state of the optimizer, or another. */
typedef struct names {
    size_t count;
    struct stat folder[FOLDERS_MOST];
} names;

static struct {
    pthread_mutex_t mutex;
    names state, other;
} fresh = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_state(const char *path)
{
    return strstr(path, "/checkpoints/optimizer-") != NULL;
}

/* The folder that is `levels` above `path`. */
static struct stat folder_above(const char *path, int levels)
{
    char folder[TEMP_PATH_MAX + 64];
    struct stat info = {0};
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (; levels > 0; levels--)
        *strrchr(folder, '/') = '\0';
    (void)stat(folder, &info);
    return info;
}

/* Its place in the list, or the list's end. */
static size_t place_of(const names *list, const struct stat *folder)
{
    size_t i = 0;
    while (i < list->count &&
           (list->folder[i].st_ino != folder->st_ino || list->folder[i].st_dev != folder->st_dev))
        i++;
    return i;
}

static void note_name(const char *path)
{
    if (!crash.armed)
        return;
    const struct stat folder = folder_above(path, 1);
    pthread_mutex_lock(&fresh.mutex);
    names *list = is_state(path) ? &fresh.state : &fresh.other;
    const size_t i = place_of(list, &folder);
    if (i == list->count && i < FOLDERS_MOST)
        list->folder[list->count++] = folder;
    pthread_mutex_unlock(&fresh.mutex);
}

static void note_sync(int fd)
{
    struct stat folder;
    if (fstat(fd, &folder))
        return;
    names *const lists[] = {&fresh.state, &fresh.other};
    pthread_mutex_lock(&fresh.mutex);
    for (size_t k = 0; k < CLH_COUNT(lists); k++) {
        const size_t i = place_of(lists[k], &folder);
        if (i < lists[k]->count)
            lists[k]->folder[i] = lists[k]->folder[--lists[k]->count];
    }
    pthread_mutex_unlock(&fresh.mutex);
}

/* No name of `list` is new in the folder that is `levels` above `path`. Else the process ends, which no
 * test takes for success. */
static void assert_synced(const names *list, const char *path, int levels)
{
    if (!crash.armed)
        return;
    const struct stat folder = folder_above(path, levels);
    pthread_mutex_lock(&fresh.mutex);
    const bool synced = place_of(list, &folder) == list->count;
    pthread_mutex_unlock(&fresh.mutex);
    if (!synced) {
        print_error("%s is changed, the folder %d above is not synced\n", path, levels);
        _exit(NOT_SYNCED);
    }
}

/* ---- The calls --------------------------------------------------------------------------------*/

/* A checkpoint is of use only in a folder that is there, with the metrics before it; the optimizer's
 * state only beside its parameters. Parameters of several steps may be renamed before a sync. */
int rename(const char *old, const char *new)
{
    point();
    if (strstr(new, "/checkpoints/"))
        assert_synced(&fresh.other, new, 2);
    if (!strstr(new, "/checkpoints/step-"))
        assert_synced(&fresh.other, new, 1);
    if (crash.refused && strstr(new, crash.refused)) {
        errno = EIO;
        return -1;
    }
    long result = syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
    note_name(new);
    point();
    return (int)result;
}

int unlink(const char *name)
{
    point();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}

int unlinkat(int fd, const char *name, int flag)
{
    point();
    return (int)syscall(SYS_unlinkat, fd, name, flag);
}

int mkdir(const char *path, mode_t mode)
{
    point();
    const int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (result == 0)
        note_name(path);
    return result;
}

/* The one file that is made under its own name and is no lock. */
int open(const char *file, int oflag, ...)
{
    va_list more;
    va_start(more, oflag);
    const mode_t mode = oflag & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    const char *const ending = "/metrics.jsonl";
    const size_t length = strlen(file), at = length < strlen(ending) ? 0 : length - strlen(ending);
    const bool made = (oflag & O_CREAT) && strcmp(file + at, ending) == 0 && access(file, F_OK);
    if (made)
        point();
    const int result = (int)syscall(SYS_openat, AT_FDCWD, file, oflag, mode);
    if (made && result >= 0)
        note_name(file);
    return result;
}

int ftruncate(int fd, off_t length)
{
    point();
    const int result = (int)syscall(SYS_ftruncate, fd, length);
    point();
    return result;
}

/* Half of it may have been written. */
ssize_t write(int fd, const void *buf, size_t n)
{
    if (is_last()) {
        (void)syscall(SYS_write, fd, buf, n / 2);
        (void)kill(getpid(), SIGKILL);
    }
    return syscall(SYS_write, fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t offset)
{
    if (is_last()) {
        (void)syscall(SYS_pwrite64, fd, buf, nbytes / 2, offset);
        (void)kill(getpid(), SIGKILL);
    }
    return syscall(SYS_pwrite64, fd, buf, nbytes, offset);
}

/* The temporary file is there, whole. Not synced: this is about processes that die, not disks. On a
 * slow one several checkpoints are taken together. */
int fsync(int fd)
{
    point();
    (void)usleep(crash.slow);
    note_sync(fd);
    return 0;
}

int fdatasync(int fildes)
{
    return fsync(fildes);
}

/* ---- Processes --------------------------------------------------------------------------------*/

enum { STEPS = 7, STOP_AT = 3, KILLED = 1000, POINTS_LEAST = 25 };

/* Small, but everything happens: log-spaced and regular checkpoints, evaluations between them. */
static const char words[] = "n=2 d_model=8 d_head=4 steps=7 epoch_sequences=6 checkpoint_every=5 "
                            "eval_every=3 test_sequences=3";

typedef struct job {
    const char *path;
    size_t stop_at;  /* the watcher asks to stop there; 0: it does not */
    size_t crash_at; /* point that ends the process; 0: none */
    size_t threads;
    unsigned slow; /* microseconds that the disk takes to sync */
} job;

static bool go_on(const clh_progress *p, void *user)
{
    const job *j = user;
    return j->stop_at == 0 || p->step < j->stop_at;
}

/* What a user would do: train, or resume what can be resumed. */
static clh_status train_or_resume(const job *j, clh_error *err)
{
    char config_path[TEMP_PATH_MAX + 16];
    (void)snprintf(config_path, sizeof config_path, "%s/config.json", j->path);
    const clh_train_watch watch = {.progress = go_on, .user = (void *)j};
    if (clh_path_exists(config_path))
        return clh_train_resume(j->path, j->threads, &watch, err);
    clh_run_config config = run_case_config(words);
    config.threads = j->threads;
    return clh_train(&config, j->path, &watch, err);
}

/* The exit code of a process that does the job, or KILLED; *points gets those it passed. */
static int run_job(const job *j, size_t *points)
{
    *crash.seen = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        clh_error err = {0};
        crash.at = j->crash_at;
        crash.slow = j->slow;
        crash.armed = true;
        clh_status status = train_or_resume(j, &err);
        crash.armed = false;
        if (status && status != CLH_STOPPED)
            print_error("%s\n", err.message);
        if (!status && fresh.state.count + fresh.other.count > 0)
            _exit(NOT_SYNCED);
        _exit(clh_status_exit_code(status));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (points)
        *points = *crash.seen;
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return KILLED;
    }
    return WEXITSTATUS(status);
}

typedef struct bench {
    void *folder;
    char whole[TEMP_PATH_MAX]; /* the run that never died */
} bench;

static void finish_and_compare(const bench *b, const char *path, size_t threads)
{
    assert_int_equal(run_job(&(job){.path = path, .threads = threads}, NULL), 0);
    run_case_assert_same(b->whole, path);
    run_case_assert_tidy(path);
}

static const char *run_path(const bench *b, const char *kind, size_t k, char out[TEMP_PATH_MAX])
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s-%zu", kind, k);
    return temp_folder_path(b->folder, name, out);
}

/* The process that does `j` dies at each of `points` points in turn; `before`, where there is one, is
 * done first. How many calls there are depends on how many checkpoints are taken together, so a
 * process may end before it comes to a point: it has done all, and at most some do. */
static void die_at_each(const bench *b, const char *kind, const job *before, job j, size_t points)
{
    char path[TEMP_PATH_MAX];
    size_t deaths = 0;
    assert_true(points >= POINTS_LEAST);
    for (j.crash_at = 1; j.crash_at <= points; j.crash_at++) {
        j.path = run_path(b, kind, j.crash_at, path);
        if (before)
            assert_int_equal(
                run_job(&(job){.path = path, .stop_at = before->stop_at, .threads = 1}, NULL), 130);
        const int end = run_job(&j, NULL);
        assert_true(end == KILLED || end == 0);
        deaths += end == KILLED;
        finish_and_compare(b, path, 1 + j.crash_at % 3);
    }
    assert_true(deaths >= points / 2);
}

static void dying_anywhere_changes_nothing(void **state)
{
    const bench *b = *state;
    char path[TEMP_PATH_MAX];
    size_t points = 0;
    const job j = {.path = run_path(b, "counted", 0, path), .threads = 1};
    assert_int_equal(run_job(&j, &points), 0);
    die_at_each(b, "died", NULL, j, points);
}

/* Stopped between checkpoints, so that one is there which an uninterrupted run would not have; then
 * dying anywhere in the resumed process. */
static void dying_after_a_stop_changes_nothing(void **state)
{
    const bench *b = *state;
    char path[TEMP_PATH_MAX];
    size_t points = 0;
    job stop = {.stop_at = STOP_AT, .threads = 1}, resume = {.threads = 2};
    stop.path = resume.path = run_path(b, "stop-counted", 0, path);
    assert_int_equal(run_job(&stop, NULL), 130);
    assert_int_equal(run_job(&resume, &points), 0);
    run_case_assert_same(b->whole, path);
    die_at_each(b, "stop-died", &stop, resume, points);
}

/* Dying again and again, each time somewhere else, stops in between. */
static void dying_many_times_changes_nothing(void **state)
{
    enum { RUNS = 20, DEATHS = 5 };
    const bench *b = *state;
    char path[TEMP_PATH_MAX];
    size_t deaths = 0;
    for (size_t r = 0; r < RUNS; r++) {
        (void)run_path(b, "often", r, path);
        for (size_t d = 0; d < DEATHS; d++) {
            uint32_t word[4];
            clh_random_words(11, r, d, word);
            job j = {.path = path, .threads = 1 + word[0] % 2, .crash_at = 1 + word[1] % 30};
            j.slow = r % 2 ? 500 : 0;
            j.stop_at = word[2] % 2 ? 1 + word[3] % STEPS : 0;
            deaths += run_job(&j, NULL) == KILLED;
        }
        finish_and_compare(b, path, 2);
    }
    assert_true(deaths >= 50);
}

static clh_status train_here(const char *path, const char *refused, clh_error *err)
{
    crash.refused = refused;
    clh_status status = train_or_resume(&(job){.path = path, .threads = 1}, err);
    crash.refused = NULL;
    return status;
}

static void a_refused_first_checkpoint_is_no_run(void **state)
{
    const bench *b = *state;
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    (void)run_path(b, "refused", 0, path);
    assert_int_equal(train_here(path, "step-00000000", &err), CLH_EIO);
    assert_non_null(strstr(err.message, "step-00000000.safetensors"));
    assert_false(clh_path_exists(path));
}

/* Steps of a checkpoint or two have gone by when it shows; nothing of them stays. */
static void a_refused_checkpoint_leaves_the_one_before(void **state)
{
    static const char *const refused[] = {"step-00000002", "step-00000005", "step-00000007"};
    static const size_t before[] = {1, 4, 5};
    const bench *b = *state;
    for (size_t i = 0; i < CLH_COUNT(refused); i++) {
        char path[TEMP_PATH_MAX];
        clh_error err = {0};
        size_t newest = 0;
        (void)run_path(b, "refused", 1 + i, path);
        assert_int_equal(train_here(path, refused[i], &err), CLH_EIO);
        assert_non_null(strstr(err.message, refused[i]));
        assert_int_equal(clh_checkpoint_newest(path, &newest, NULL), CLH_OK);
        assert_int_equal(newest, before[i]);
        run_case_assert_tidy(path);
        finish_and_compare(b, path, 1);
    }
}

static int open_bench(void **state)
{
    static bench b;
    crash.seen =
        mmap(NULL, sizeof *crash.seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *state = &b;
    if (crash.seen == MAP_FAILED || temp_folder_setup(&b.folder))
        return -1;
    (void)temp_folder_path(b.folder, "whole", b.whole);
    return run_job(&(job){.path = b.whole, .threads = 1}, NULL);
}

static int close_bench(void **state)
{
    bench *b = *state;
    (void)munmap(crash.seen, sizeof *crash.seen);
    return temp_folder_teardown(&b->folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying_anywhere_changes_nothing),
        cmocka_unit_test(dying_after_a_stop_changes_nothing),
        cmocka_unit_test(dying_many_times_changes_nothing),
        cmocka_unit_test(a_refused_first_checkpoint_is_no_run),
        cmocka_unit_test(a_refused_checkpoint_leaves_the_one_before),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
