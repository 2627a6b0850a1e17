#include "run/folder/keeper.h"

#include <assert.h>
#include <string.h>

#include "base/platform/handle.h"
#include "base/platform/thread.h"

enum { MOST = 8, STATES = 2, TOLD_MOST = MOST * STATES };

/* How far a checkpoint came. Its files are committed, or abandoned, by who gave them: the thread
 * allocates and frees nothing. */
typedef struct entry {
    clh_kept kept;
    int log_failure; /* errno, 0 while all is well */
    bool is_whole;   /* both of its files are in their places */
} entry;

/* queue[0 … settled-1] are through, … count-1 are under way. The thread ends when nothing is. */
struct clh_keeper {
    clh_mutex mutex;
    clh_condition moved; /* settled grew */
    clh_thread thread;
    bool running, started; /* it takes what is given; it is to be joined */
    bool failed;           /* nothing more is brought into place until that was said */
    entry queue[MOST];
    size_t settled, count;
    size_t seen[TOLD_MOST], told; /* whole ones that nobody was told of */
};

clh_status clh_keeper_open(clh_keeper **out, clh_error *err)
{
    assert(out);
    clh_keeper *k = clh_alloc_zeroed(1, sizeof *k, err);
    if (!k)
        return CLH_ENOMEM;
    clh_mutex_init(&k->mutex);
    clh_condition_init(&k->moved);
    *out = k;
    return CLH_OK;
}

/* ---- On the thread -----------------------------------------------------------------------------
 */

/* Own files synced, then renamed, in order; how many are in place. */
static size_t settle_own(const entry *batch, size_t count)
{
    size_t synced = 0, placed = 0;
    while (synced < count && clh_file_sync(batch[synced].kept.own))
        synced++;
    while (placed < synced && clh_file_place(batch[placed].kept.own))
        placed++;
    return placed;
}

/* The states of the last of `count` whose own files are in place. */
static bool settle_states(entry *batch, size_t count)
{
    const size_t first = count > STATES ? count - STATES : 0;
    const entry *last = &batch[count - 1];
    bool well = true;
    for (size_t i = first; i < count && well; i++)
        well = clh_file_sync(batch[i].kept.state);
    well = well && clh_file_sync_folder(last->kept.own);
    for (size_t i = first; i < count && well; i++)
        well = clh_file_place(batch[i].kept.state);
    well = well && clh_file_sync_folder(last->kept.state);
    for (size_t i = first; i < count; i++)
        batch[i].is_whole = well;
    return well;
}

/* Whether all of the batch is through. */
static bool settle(entry *batch, size_t count)
{
    batch[0].log_failure = clh_handle_sync(batch[count - 1].kept.log);
    if (batch[0].log_failure)
        return false;
    const size_t placed = settle_own(batch, count);
    return placed > 0 && settle_states(batch, placed) && placed == count;
}

static void *work(void *keeper)
{
    clh_keeper *k = keeper;
    clh_mutex_lock(&k->mutex);
    while (k->settled < k->count) {
        entry batch[MOST];
        const size_t count = k->count - k->settled;
        memcpy(batch, k->queue + k->settled, count * sizeof *batch);
        if (!k->failed) {
            clh_mutex_unlock(&k->mutex);
            const bool well = settle(batch, count);
            clh_mutex_lock(&k->mutex);
            k->failed = !well;
        }
        memcpy(k->queue + k->settled, batch, count * sizeof *batch);
        k->settled += count;
        clh_condition_broadcast(&k->moved);
    }
    k->running = false;
    clh_mutex_unlock(&k->mutex);
    return NULL;
}

/* ---- On the thread that gives ------------------------------------------------------------------
 */

static void join(clh_keeper *k)
{
    if (k->started)
        clh_thread_join(&k->thread);
    k->started = false;
}

static void start(clh_keeper *k)
{
    join(k);
    k->started = clh_thread_start(&k->thread, work, k) == 0;
    if (!k->started)
        (void)work(k);
}

/* The outcome of a checkpoint that is through; `status` is that of those before it. */
static clh_status finish(const entry *e, clh_status status, clh_error *err)
{
    if (!status && e->log_failure)
        status = clh_fail(err, CLH_EIO, "cannot write %s: %s", e->kept.log_path,
                          strerror(e->log_failure));
    clh_file *const files[] = {e->kept.own, e->kept.state};
    for (size_t i = 0; i < CLH_COUNT(files); i++)
        if (!status && clh_file_is_settled(files[i]))
            status = clh_file_commit(files[i], err);
        else
            clh_file_abandon(files[i]);
    return status;
}

/* Take what is through off the queue. */
static clh_status reap(clh_keeper *k, clh_error *err)
{
    entry through[MOST];
    clh_mutex_lock(&k->mutex);
    const size_t count = k->settled;
    memcpy(through, k->queue, count * sizeof *through);
    k->count -= count;
    memmove(k->queue, k->queue + count, k->count * sizeof *k->queue);
    k->settled = 0;
    clh_mutex_unlock(&k->mutex);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < count; i++) {
        status = finish(&through[i], status, err);
        if (through[i].is_whole && k->told < TOLD_MOST)
            k->seen[k->told++] = through[i].kept.step;
    }
    return status;
}

/* Until at least one is through or, with `all`, nothing is under way. */
static void wait_until_through(clh_keeper *k, bool all)
{
    clh_mutex_lock(&k->mutex);
    while (k->settled < (all ? k->count : 1))
        clh_condition_wait(&k->moved, &k->mutex);
    clh_mutex_unlock(&k->mutex);
}

clh_status clh_keeper_give(clh_keeper *k, const clh_kept *kept, clh_error *err)
{
    assert(k && kept && kept->own && kept->state);
    if (k->count == MOST) /* only this thread changes it */
        wait_until_through(k, false);
    clh_status status = reap(k, err);
    if (status) {
        clh_file_abandon(kept->own);
        clh_file_abandon(kept->state);
        (void)clh_keeper_wait(k, NULL); /* what was given since is not kept either */
        return status;
    }
    clh_mutex_lock(&k->mutex);
    k->queue[k->count++] = (entry){.kept = *kept};
    const bool idle = !k->running;
    k->running = true;
    clh_mutex_unlock(&k->mutex);
    if (idle)
        start(k);
    return CLH_OK;
}

clh_status clh_keeper_wait(clh_keeper *k, clh_error *err)
{
    if (!k)
        return CLH_OK;
    wait_until_through(k, true);
    clh_status status = reap(k, err);
    join(k);
    k->failed = false;
    return status;
}

bool clh_keeper_next(clh_keeper *k, size_t *step)
{
    assert(step);
    if (!k || k->told == 0)
        return false;
    *step = k->seen[0];
    memmove(k->seen, k->seen + 1, --k->told * sizeof *k->seen);
    return true;
}

void clh_keeper_close(clh_keeper *k)
{
    if (!k)
        return;
    (void)clh_keeper_wait(k, NULL);
    clh_condition_deinit(&k->moved);
    clh_mutex_deinit(&k->mutex);
    clh_free(k);
}
