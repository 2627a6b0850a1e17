/* Which build of the kernels to run: asked once, of the processor and of CLEARHEAD_ISA. */
#include <string.h>

#include "base/platform/system.h"
#include "base/platform/thread.h"
#include "math/kernels/kernels.h"

static const clh_kernels *usable[5];
static size_t usable_count;
static const clh_kernels *best;
static clh_once once = CLH_ONCE_INIT;

static void choose(void)
{
    usable[usable_count++] = &clh_kernels_plain;
    usable[usable_count++] = &clh_kernels_base;
#if defined(CLH_HAVE_X86_KERNELS) && !defined(CLH_DOUBLE)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        usable[usable_count++] = &clh_kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        usable[usable_count++] = &clh_kernels_avx512;
#elif defined(CLH_HAVE_NEON_KERNELS) && !defined(CLH_DOUBLE)
    usable[usable_count++] = &clh_kernels_neon; /* every AArch64 processor has it */
#endif
    best = usable[usable_count - 1];
    const char *wanted = clh_system_setting("CLEARHEAD_ISA");
    for (size_t i = 0; wanted && i < usable_count; i++)
        if (strcmp(wanted, usable[i]->name) == 0)
            best = usable[i];
}

const clh_kernels *const *clh_kernels_all(size_t *count)
{
    clh_once_do(&once, choose);
    *count = usable_count;
    return usable;
}

const clh_kernels *clh_kernels_best(void)
{
    clh_once_do(&once, choose);
    return best;
}
