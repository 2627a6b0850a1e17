/** What the tests of the kernels share: rows that are NaN around their numbers, and every build at
 *  every length.
 *
 *    static void check(const clh_kernels *kernel, size_t n, size_t shift) { ... }
 *    for_each_length(check);
 */
#ifndef CLH_KERNEL_BENCH_H
#define CLH_KERNEL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "math/kernels/kernels.h"

enum { ROW_LONGEST = 184, ROW_GUARD = 20, ROW_SHIFTS = 16 };

/** A row somewhere in memory that is NaN around it. */
typedef struct row {
    clh_real room[ROW_LONGEST + ROW_SHIFTS + 2 * ROW_GUARD];
    clh_real *at;
} row;

/** `n` normal deviates that start `shift` < ROW_SHIFTS numbers later than they could. */
void row_fill(row *r, size_t n, size_t shift, uint64_t seed);

/** Assert that what lies around the `n` numbers is still NaN. */
void guards_hold(const row *r, size_t n);

/** Assert |got - want| <= allowed. */
void close_to(clh_real got, double want, double allowed);

/** `check` for every build, every length from 0 to ROW_LONGEST, at changing alignments. */
typedef void row_check(const clh_kernels *kernel, size_t n, size_t shift);
void for_each_length(row_check *check);

/** The builds with AVX2 and AVX-512; false, having said so, where the processor lacks one. */
bool kernels_of_avx(const clh_kernels **avx2, const clh_kernels **avx512);

#endif
