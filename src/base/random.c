#include "base/random.h"

/* Random123 refuses a processor that it has not met, for the sake of instructions that it knows of some.
 * Here it needs none: WebAssembly passes for one that has none. */
#if defined(__wasm__)
#define __riscv 1
#endif
#include <Random123/philox.h>
#include <math.h>

void clh_random_words(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        out[i] = block.v[i];
}

uint64_t clh_random_word(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t word[4];
    clh_random_words(seed, stream, index, word);
    return (uint64_t)word[0] | (uint64_t)word[1] << 32;
}

double clh_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    const double two_pi = 6.283185307179586476925286766559, two_to_minus_53 = 0x1p-53;
    uint32_t word[4];
    clh_random_words(seed, stream, index / 2, word);
    uint64_t a = ((uint64_t)word[0] | (uint64_t)word[1] << 32) >> 11;
    uint64_t b = ((uint64_t)word[2] | (uint64_t)word[3] << 32) >> 11;
    double u = ((double)a + 1.0) * two_to_minus_53; /* in (0, 1]: its logarithm is finite */
    double angle = two_pi * ((double)b * two_to_minus_53);
    double radius = sqrt(-2.0 * log(u));
    return radius * (index % 2 == 0 ? cos(angle) : sin(angle));
}
