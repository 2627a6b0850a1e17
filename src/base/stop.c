#include "base/stop.h"

#include <assert.h>

clh_status clh_watch_check(const clh_watch *watch, size_t done, size_t count, const char *what,
                           clh_error *err)
{
    assert(what);
    return clh_watch_call(watch, done, count)
               ? CLH_OK
               : clh_fail(err, CLH_STOPPED, "stopped after %zu of %zu %s", done, count, what);
}
