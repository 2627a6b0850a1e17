#include "task/rank_split.h"

#include <assert.h>

#include "base/random.h"

enum { ROUND_BITS = 40 };

clh_rank_split clh_rank_split_make(uint64_t seed, unsigned tag, uint64_t size, uint64_t held_out)
{
    assert(tag < CLH_RANK_SPLIT_TAGS && size >= 1 && size <= (uint64_t)1 << 62 && held_out < size);
    return (clh_rank_split){
        .places = clh_shuffle_make(seed, CLH_STREAM_SPLIT | (uint64_t)tag << 8, size),
        .held_out = held_out,
        .tag = tag,
    };
}

uint64_t clh_rank_split_size(const clh_rank_split *split, clh_split side)
{
    return side == CLH_SPLIT_TEST ? split->held_out : split->places.size - split->held_out;
}

clh_split clh_rank_split_of(const clh_rank_split *split, uint64_t rank)
{
    return clh_shuffle_index(&split->places, rank) < split->held_out ? CLH_SPLIT_TEST
                                                                     : CLH_SPLIT_TRAIN;
}

uint64_t clh_round_place(uint64_t seed, unsigned tag, clh_split side, uint64_t size, uint64_t k)
{
    assert(tag < CLH_RANK_SPLIT_TAGS && size > 0);
    const uint64_t round = (k / size) & (((uint64_t)1 << ROUND_BITS) - 1);
    const uint64_t stream =
        CLH_STREAM_ORDER | (uint64_t)side << 8 | (uint64_t)tag << 9 | round << 16;
    const clh_shuffle order = clh_shuffle_make(seed, stream, size);
    return clh_shuffle_at(&order, k % size);
}

uint64_t clh_rank_split_draw(const clh_rank_split *split, clh_split side, uint64_t k)
{
    const uint64_t place =
        clh_round_place(split->places.seed, split->tag, side, clh_rank_split_size(split, side), k);
    return clh_shuffle_at(&split->places, side == CLH_SPLIT_TEST ? place : split->held_out + place);
}
