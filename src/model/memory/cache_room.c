#include "model/memory/cache_room.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"

/* As many keys as go together. */
enum { TURNED_KEYS = 128 };

size_t clh_heads_together(size_t heads, size_t T)
{
    assert(heads > 0 && T > 0);
    const size_t most = TURNED_KEYS / clh_cache_scratch_row(T);
    return most > heads ? heads : most > 0 ? most : 1;
}

size_t clh_head_turned_keys(size_t heads, size_t T)
{
    const size_t row = clh_cache_scratch_row(T), all = clh_bytes_times(heads, row);
    const size_t most = row > TURNED_KEYS ? row : TURNED_KEYS;
    return all < most ? all : most;
}

void clh_rotary_table(const clh_model_config *config, size_t pos, clh_real *turn)
{
    assert(config && turn);
    const size_t pairs = config->rotary_dim / 2;
    for (size_t i = 0; i < pairs; i++) {
        const double slow = pow(config->rotary_base, (double)i / (double)pairs);
        for (size_t p = 0; p < pos; p++) {
            turn[2 * (p * pairs + i)] = (clh_real)cos((double)p / slow);
            turn[2 * (p * pairs + i) + 1] = (clh_real)sin((double)p / slow);
        }
    }
}
