/** A shuffle of 0 … size-1 that is computed, not stored: element i of the shuffled order in O(1),
 *  and back again.
 *
 *    clh_shuffle order = clh_shuffle_make(seed, CLH_STREAM_ORDER, 557845);
 *    uint64_t rank = clh_shuffle_at(&order, k);          // k-th element of the shuffled domain
 *    assert(clh_shuffle_index(&order, rank) == k);
 *
 *  A Feistel network of eight rounds with Philox as round function over the least even number of
 *  bits, six or more, that holds the domain, walked until it lands inside (Black & Rogaway 2002,
 *  "Ciphers with arbitrary finite domains"): a bijection by construction.
 */
#ifndef CLH_SHUFFLE_H
#define CLH_SHUFFLE_H

#include <stdint.h>

typedef struct clh_shuffle {
    uint64_t seed, stream, size;
    unsigned half_bits;
} clh_shuffle;

/** The shuffle of `size` >= 1 elements (at most 2^62) that belongs to (seed, stream < 2^56). */
clh_shuffle clh_shuffle_make(uint64_t seed, uint64_t stream, uint64_t size);

/** Element at place `index` < size. */
uint64_t clh_shuffle_at(const clh_shuffle *shuffle, uint64_t index);

/** Place of `element` < size: the inverse of clh_shuffle_at(). */
uint64_t clh_shuffle_index(const clh_shuffle *shuffle, uint64_t element);

#endif
