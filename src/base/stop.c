#include "base/stop.h"

#include <assert.h>
#include <string.h>

static clh_status stopped(size_t done, size_t count, const char *what, clh_error *err)
{
    return clh_fail(err, CLH_STOPPED, "stopped after %zu of %zu %s", done, count, what);
}

clh_status clh_watch_check(const clh_watch *watch, size_t done, size_t count, const char *what,
                           clh_error *err)
{
    assert(what);
    return clh_watch_call(watch, done, count) ? CLH_OK : stopped(done, count, what, err);
}

clh_status clh_watch_zero(void *memory, size_t bytes, const clh_watch *watch, size_t done,
                          size_t count, const char *what, clh_error *err)
{
    enum { PIECE = 1 << 22 };
    char *at = memory;
    clh_status status = CLH_OK;
    for (size_t begin = 0; begin < bytes && !status; begin += PIECE) {
        status = begin ? clh_watch_check(watch, done, count, what, err) : CLH_OK;
        if (!status)
            memset(at + begin, 0, bytes - begin < PIECE ? bytes - begin : PIECE);
    }
    return status;
}

/* ---- A part of something longer ----------------------------------------------------------------
 */

static bool tell_whole(size_t done, size_t count, void *user)
{
    const clh_watch_part *p = user;
    const double share = count ? (double)done / (double)count : 0;
    return clh_watch_call(p->whole, p->begin + (size_t)(share * (double)p->width), p->count);
}

const clh_watch *clh_watch_part_of(clh_watch_part *part, const clh_watch *whole, size_t begin,
                                   size_t width, size_t count)
{
    assert(part && begin <= count && width <= count - begin);
    *part = (clh_watch_part){.watch = {tell_whole, part},
                             .whole = whole,
                             .begin = begin,
                             .width = width,
                             .count = count};
    return whole ? &part->watch : NULL;
}

/* ---- Several threads ---------------------------------------------------------------------------
 */

static bool ask_again(size_t done, size_t count, void *user)
{
    (void)done, (void)count;
    return !clh_stop_ask(user);
}

static bool pass_on(size_t done, size_t count, void *user)
{
    (void)done, (void)count;
    return !clh_stop_said(user);
}

void clh_stop_init(clh_stop *stop, const clh_watch *watch, size_t count, const char *what)
{
    assert(stop && what);
    stop->watch = watch;
    stop->what = what;
    stop->count = count;
    atomic_init(&stop->done, 0);
    atomic_init(&stop->said, false);
    stop->inner[0] = (clh_watch){ask_again, stop};
    stop->inner[1] = (clh_watch){pass_on, stop};
}

bool clh_stop_ask(clh_stop *stop)
{
    if (!clh_stop_said(stop) && !clh_watch_call(stop->watch, atomic_load(&stop->done), stop->count))
        atomic_store(&stop->said, true);
    return clh_stop_said(stop);
}

bool clh_stop_said(const clh_stop *stop)
{
    return atomic_load(&stop->said);
}

bool clh_stop_now(clh_stop *stop, size_t worker)
{
    return worker == 0 ? clh_stop_ask(stop) : clh_stop_said(stop);
}

void clh_stop_step(clh_stop *stop)
{
    (void)atomic_fetch_add(&stop->done, 1);
}

const clh_watch *clh_stop_watch(const clh_stop *stop, size_t worker)
{
    return stop->watch ? &stop->inner[worker > 0] : NULL;
}

clh_status clh_stop_status(const clh_stop *stop, clh_error *err)
{
    return clh_stop_said(stop) ? stopped(atomic_load(&stop->done), stop->count, stop->what, err)
                               : CLH_OK;
}

clh_status clh_stop_end(clh_stop *stop, clh_error *err)
{
    (void)clh_stop_ask(stop);
    return clh_stop_status(stop, err);
}
