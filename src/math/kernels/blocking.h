/** How products are cut for the caches of this machine. It decides how fast they are and no bit of them: an element
 *  of a product is the same chain of additions however rows and columns are dealt.
 *
 *  What the caches do not choose: a block of k is CLH_GEMM_BLOCK everywhere, since it decides bits; a panel of B is
 *  as wide as the register tile (with AVX2 it lies in a first cache of 32 KB, with AVX-512 it streams from the
 *  second, which feeds the multiply-adds); and no cut is made for the third, since a block of B's rows passes by once for
 *  as many rows of A as the second cache holds, which memory keeps up with. */
#ifndef CLH_BLOCKING_H
#define CLH_BLOCKING_H

#include <stddef.h>

/** Rows of A that go together whatever the machine. */
enum { CLH_BLOCKING_LEAST = 60 };

typedef struct clh_blocking {
    size_t second_cache; /**< bytes a processor has, or what is taken where nobody says */
    size_t rows;         /**< of A that stay there while all panels of B pass by: whole strips */
} clh_blocking;

/** For a second cache of so many bytes; 0: unknown. */
clh_blocking clh_blocking_of(size_t second_cache);

/** For this machine, which is asked once. */
const clh_blocking *clh_blocking_here(void);

#endif
