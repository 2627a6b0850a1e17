#include "support/kernel_bench.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"

enum { STREAM_ROW = 401 };

void row_fill(row *r, size_t n, size_t shift, uint64_t seed)
{
    for (size_t i = 0; i < CLH_COUNT(r->room); i++)
        r->room[i] = (clh_real)NAN;
    r->at = r->room + ROW_GUARD + shift;
    for (size_t i = 0; i < n; i++)
        r->at[i] = (clh_real)clh_random_normal(seed, STREAM_ROW, i);
}

void guards_hold(const row *r, size_t n)
{
    for (const clh_real *at = r->room; at < r->room + CLH_COUNT(r->room); at++)
        assert_true(isnan(*at) || (at >= r->at && at < r->at + n));
}

void close_to(clh_real got, double want, double allowed)
{
    if (!(fabs((double)got - want) <= allowed))
        fail_msg("%.9g, want %.9g within %.1e", (double)got, want, allowed);
}

void for_each_length(row_check *check)
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (size_t n = 0; n <= ROW_LONGEST; n++)
            check(kernel[k], n, n * 7 % 16);
}

bool kernels_of_avx(const clh_kernels **avx2, const clh_kernels **avx512)
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    *avx2 = *avx512 = NULL;
    for (size_t k = 0; k < builds; k++) {
        *avx2 = strcmp(kernel[k]->name, "avx2") == 0 ? kernel[k] : *avx2;
        *avx512 = strcmp(kernel[k]->name, "avx512") == 0 ? kernel[k] : *avx512;
    }
    if (!*avx2 || !*avx512)
        say_skipped("this processor has not both AVX2 and AVX-512");
    return *avx2 && *avx512;
}
