#include "math/packing.h"

#include <assert.h>

void clh_pack_rows(const clh_packing *p)
{
    assert(p && p->l0 + p->rows <= p->k && p->j0 + p->columns <= p->n);
    for (size_t l = 0; l < p->rows; l++)
        for (size_t j = 0; j < p->columns; j++)
            p->to[(p->l0 + l) * p->n + p->j0 + j] = p->from.at[l * p->from.row + j * p->from.col];
}
