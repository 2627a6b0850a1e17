#include "math/kernels/blocking.h"

#include "base/platform/system.h"
#include "base/platform/thread.h"
#include "math/kernels/kernels.h"

enum { UNKNOWN = 512 << 10, ROWS_MOST = 1020 };

static clh_blocking here;
static clh_once once = CLH_ONCE_INIT;

clh_blocking clh_blocking_of(size_t second_cache)
{
    const size_t bytes = second_cache ? second_cache : UNKNOWN;
    const size_t half = bytes / 2 / (CLH_GEMM_BLOCK * sizeof(clh_real));
    const size_t rows = half < CLH_BLOCKING_LEAST ? CLH_BLOCKING_LEAST
                        : half > ROWS_MOST        ? ROWS_MOST
                                                  : half;
    return (clh_blocking){.second_cache = bytes, .rows = rows / CLH_STRIP * CLH_STRIP};
}

static void ask(void)
{
    here = clh_blocking_of(clh_system_second_cache());
}

const clh_blocking *clh_blocking_here(void)
{
    clh_once_do(&once, ask);
    return &here;
}
