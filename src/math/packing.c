#include "math/packing.h"

#include <assert.h>
#include <string.h>

void clh_pack_rows(const clh_packing *p)
{
    assert(p && p->l0 + p->rows <= p->k && p->j0 + p->columns <= p->n);
    for (size_t l = 0; l < p->rows; l++)
        for (size_t j = 0; j < p->columns; j++)
            p->to[(p->l0 + l) * p->n + p->j0 + j] = p->from.at[l * p->from.row + j * p->from.col];
}

/* Row by row, so that memory is read in its order; a strip's width is a constant. */
void clh_strip(size_t m, size_t k, const clh_real *in, size_t in_row, clh_real *out)
{
    const size_t whole = m / CLH_STRIP * CLH_STRIP;
    for (size_t l = 0; l < k; l++) {
        const clh_real *row = in + l * in_row;
        clh_real *to = out + l * CLH_STRIP;
        for (size_t i = 0; i < whole; i += CLH_STRIP)
            memcpy(to + i * k, row + i, CLH_STRIP * sizeof *to);
        memcpy(to + whole * k, row + whole, (m - whole) * sizeof *to);
    }
}
