/* The process of the caller is the caller's: training and a question change nothing of it, neither for
 * good nor while they last. */
#include <fenv.h>
#include <glob.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clearhead/attention.h"
#include "clearhead/edit.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

enum { SIGNALS = 64, THREADS = 2 };

/* What a process has one of, as far as a library could change it. */
typedef struct process {
    cpu_set_t processors;                                      /* of this thread */
    char blocked[SIGNALS + 1], held[SIGNALS + 1][SIGNALS + 1]; /* in this thread; while handled */
    void (*handler[SIGNALS + 1])(int);
    int flags[SIGNALS + 1];
    char locale[256], folder[TEMP_PATH_MAX];
    locale_t thread_locale;
    int rounding, traps;
    unsigned int control; /* flush to zero and the like */
    unsigned int mask;
    char **environment;
    size_t files, threads; /* open, running */
} process;

static size_t count_names(const char *pattern)
{
    glob_t found = {0};
    const size_t count = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
    globfree(&found);
    return count;
}

/* Without the flags of what has happened: any sum sets "inexact". */
static unsigned int float_control(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & ~0x3fU;
#else
    return 0;
#endif
}

/* Without setting it, which would show in files written meanwhile. */
static unsigned int mask_now(void)
{
    char text[8192];
    unsigned int mask = 0;
    const size_t length = temp_file_get("/proc/self/status", text, sizeof text - 1);
    assert_true(length < sizeof text);
    text[length] = '\0';
    const char *line = strstr(text, "\nUmask:");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "\nUmask: %o", &mask), 1);
    return mask;
}

static void list_signals(char out[SIGNALS + 1], const sigset_t *set)
{
    for (int s = 1; s <= SIGNALS; s++)
        out[s] = sigismember(set, s) == 1;
}

/* Into `p`, whose padding too is compared. */
static void look(process *p)
{
    memset(p, 0, sizeof *p);
    assert_int_equal(sched_getaffinity(0, sizeof p->processors, &p->processors), 0);
    sigset_t blocked;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    list_signals(p->blocked, &blocked);
    for (int s = 1; s <= SIGNALS; s++) {
        struct sigaction action;
        if (sigaction(s, NULL, &action))
            continue;
        p->handler[s] = action.sa_handler;
        p->flags[s] = action.sa_flags;
        list_signals(p->held[s], &action.sa_mask);
    }
    (void)snprintf(p->locale, sizeof p->locale, "%s", setlocale(LC_ALL, NULL));
    assert_non_null(getcwd(p->folder, sizeof p->folder));
    p->thread_locale = uselocale((locale_t)0);
    p->rounding = fegetround();
#ifdef __GLIBC__ /* others do not let traps be set */
    p->traps = fegetexcept();
#endif
    p->control = float_control();
    p->mask = mask_now();
    p->environment = environ;
}

static void look_at_all(process *p)
{
    look(p);
    p->files = count_names("/proc/self/fd/*");
    p->threads = count_names("/proc/self/task/*");
}

/* What is said while something is under way, and the process as it was before. */
typedef struct told {
    process before;
    size_t calls, changed;
    pthread_t thread;
} told;

static bool hear(told *t)
{
    process now;
    const void *is = &now, *was = &t->before; /* their bits */
    look(&now);
    t->calls++;
    t->changed += memcmp(is, was, sizeof now) != 0 || !pthread_equal(t->thread, pthread_self());
    return true;
}

static bool hear_step(const clh_progress *progress, void *user)
{
    (void)progress;
    return hear(user);
}

static bool hear_sequence(size_t done, size_t count, void *user)
{
    (void)done, (void)count;
    return hear(user);
}

static void train_and_ask(const char *path, told *t)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    clh_attention_report report = {0};
    clh_edits *edits = NULL;
    clh_edited edited = {0};
    clh_run_config config = run_case_config("n=3 steps=20 test_sequences=10 eval_every=5");
    const clh_train_watch training = {hear_step, t};
    const clh_watch watch = {hear_sequence, t};
    const clh_attention_ask ask = {.seed = 1};
    const clh_how how = {THREADS, &watch};
    const clh_edit edit = {.kind = CLH_EDIT_MEAN, .site = "blocks.0.attn.hook_z"};
    config.threads = THREADS;
    must(clh_train(&config, path, &training, &err), &err);
    must(clh_run_open(&run, path, &err), &err);
    const clh_model *model = clh_run_model(run);
    must(clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 40, &err), &err);
    must(clh_attention_look(&report, model, &sample, &ask, &how, &err), &err);
    const clh_edits_setting setting = {
        .model = model, .sample = &sample, .threads = THREADS, .watch = &watch};
    const clh_edit_list list = {.edit = &edit, .count = 1};
    must(clh_edits_open(&edits, &list, 1, &setting, &err), &err);
    must(clh_edits_run(&edited, edits, NULL, &(clh_how){THREADS, &watch}, &err), &err);
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    clh_attention_deinit(&report);
    clh_sample_deinit(&sample);
    clh_run_close(run);
}

/* Standard output and error go into a file meanwhile, which must stay empty. */
static long bytes_said(const char *path, const char *where, told *t)
{
    (void)fflush(NULL);
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    FILE *file = fopen(where, "w");
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    train_and_ask(path, t);
    (void)fflush(NULL);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    (void)close(out);
    (void)close(err);
    (void)fseek(file, 0, SEEK_END);
    const long said = ftell(file);
    (void)fclose(file);
    return said;
}

static void *do_nothing(void *argument)
{
    return argument;
}

/* A sanitizer starts a thread of its own beside the first one: not the library's. */
static void start_a_thread(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void nothing_of_the_process_changes(void **state)
{
    char path[TEMP_PATH_MAX], where[TEMP_PATH_MAX];
    sigset_t some;
    /* Not what a process begins with. */
    (void)sigemptyset(&some);
    (void)sigaddset(&some, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &some, NULL), 0);
    assert_true(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    (void)umask(027);
    (void)temp_folder_path(*state, "run", path);
    (void)temp_folder_path(*state, "said", where);
    static process before, after;
    static told t;
    t.thread = pthread_self();
    start_a_thread();
    look_at_all(&before);
    look(&t.before);
    const long said = bytes_said(path, where, &t);
    look_at_all(&after);
    assert_int_equal(said, 0);
    assert_true(t.calls > 40);
    assert_int_equal(t.changed, 0);
    assert_memory_equal(&before, &after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(nothing_of_the_process_changes),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
