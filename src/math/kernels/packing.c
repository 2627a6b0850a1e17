#include "math/kernels/packing.h"

#include <assert.h>
#include <string.h>

void clh_pack_rows(const clh_packing *p)
{
    assert(p && p->l0 + p->rows <= p->k && p->j0 + p->columns <= p->n);
    for (size_t l = 0; l < p->rows; l++)
        for (size_t j = 0; j < p->columns; j++)
            p->to[(p->l0 + l) * p->n + p->j0 + j] = p->from.at[l * p->from.row + j * p->from.col];
}

/* Rows [begin, end) of A, whole strips: along the rows of `in`, so that memory is read and written in its
 * order; a strip's width is a constant. */
static void strip_some(size_t begin, size_t end, size_t k, const clh_real *in, size_t in_row,
                       clh_real *out)
{
    for (size_t l = 0; l < k; l++)
        for (size_t i = begin; i < end; i += CLH_STRIP)
            memcpy(out + i * k + l * CLH_STRIP, in + l * in_row + i, CLH_STRIP * sizeof *out);
}

/* So many strips at once: a processor foresees no more places that are written in turn. */
void clh_strip(size_t m, size_t k, const clh_real *in, size_t in_row, clh_real *out)
{
    enum { TOGETHER = 16 * CLH_STRIP };
    const size_t whole = m / CLH_STRIP * CLH_STRIP;
    for (size_t i = 0; i < whole; i += TOGETHER)
        strip_some(i, i + TOGETHER < whole ? i + TOGETHER : whole, k, in, in_row, out);
    for (size_t l = 0; l < k && whole < m; l++)
        memcpy(out + whole * k + l * CLH_STRIP, in + l * in_row + whole, (m - whole) * sizeof *out);
}
