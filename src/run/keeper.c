#include "run/keeper.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MOST = 4 };

struct clh_keeper {
    bool busy, threaded;
    pthread_t thread;
    int log, log_failure; /* errno, 0 while all is well */
    const char *log_path;
    size_t count;
    clh_file *files[FILES_MOST];
};

clh_status clh_keeper_open(clh_keeper **out, clh_error *err)
{
    assert(out);
    *out = clh_alloc_zeroed(1, sizeof **out, err);
    return *out ? CLH_OK : CLH_ENOMEM;
}

static void *settle(void *keeper)
{
    clh_keeper *k = keeper;
    k->log_failure = fdatasync(k->log) ? errno : 0;
    bool well = !k->log_failure;
    for (size_t i = 0; i < k->count && well; i++)
        well = clh_file_settle(k->files[i]);
    return NULL;
}

/* Signals stay with the thread that trains. */
static bool start(clh_keeper *k)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&k->thread, NULL, settle, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

void clh_keeper_give(clh_keeper *k, int log, const char *log_path, clh_file *const files[],
                     size_t count)
{
    assert(k && !k->busy && files && count <= FILES_MOST);
    k->busy = true;
    k->log = log;
    k->log_path = log_path;
    k->count = count;
    for (size_t i = 0; i < count; i++)
        k->files[i] = files[i];
    k->threaded = start(k);
    if (!k->threaded)
        (void)settle(k);
}

bool clh_keeper_busy(const clh_keeper *k)
{
    return k && k->busy;
}

clh_status clh_keeper_wait(clh_keeper *k, clh_error *err)
{
    if (!clh_keeper_busy(k))
        return CLH_OK;
    if (k->threaded)
        pthread_join(k->thread, NULL);
    k->busy = false;
    clh_status status = k->log_failure ? clh_fail(err, CLH_EIO, "cannot write %s: %s", k->log_path,
                                                  strerror(k->log_failure))
                                       : CLH_OK;
    for (size_t i = 0; i < k->count; i++)
        if (status)
            clh_file_abandon(k->files[i]);
        else
            status = clh_file_commit(k->files[i], err);
    return status;
}

void clh_keeper_close(clh_keeper *k)
{
    (void)clh_keeper_wait(k, NULL);
    clh_free(k);
}
