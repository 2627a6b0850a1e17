/** Random numbers as a function: value = f(seed, stream, index). Nothing is remembered, so any
 *  worker, shard or resumed run that asks for index k gets the same number.
 *
 *    double noise = clh_random_normal(seed, CLH_STREAM_INIT, i);
 *
 *  Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), as
 *  implemented by Random123: key = seed, counter = (index, stream).
 */
#ifndef CLH_RANDOM_H
#define CLH_RANDOM_H

#include <stdint.h>

/** Who draws: each use of randomness has its own stream, so none disturbs another. */
typedef enum clh_stream {
    CLH_STREAM_INIT =
        1, /**< initial weights; the tensor's row in the layout is added above bit 8 */
    CLH_STREAM_SPLIT = 2,        /**< which sets of letters are held out */
    CLH_STREAM_ORDER = 3,        /**< the order in which a split is visited */
    CLH_STREAM_MIX = 4,          /**< which n a sequence of a mixture has */
    CLH_STREAM_TASK = 5,         /**< what a task draws that has no rank */
    CLH_STREAM_CUE = 16,         /**< whose tokens stand in for a sequence's in a shuffle */
    CLH_STREAM_EDIT = 28,        /**< which sequence an edit takes values from */
    CLH_STREAM_COMPOSITION = 24, /**< random heads that composition scores are compared with */
    CLH_STREAM_BOOTSTRAP = 25,   /**< which sequences a resample takes */
    CLH_STREAM_VARIANT = 26,     /**< how a sequence of a variant is changed */
    CLH_STREAM_SCRUB = 30,       /**< which sequences stand in for one in causal scrubbing */
    CLH_STREAM_CHOICE =
        32, /**< which token a model goes on with; the text's number is added above bit 8 */
    CLH_STREAM_CERTIFY = 31, /**< which inputs a certificate begins its search for margins with */
} clh_stream;

/** Four independent uniform 32-bit words. */
void clh_random_words(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/** A uniform 64-bit word. */
uint64_t clh_random_word(uint64_t seed, uint64_t stream, uint64_t index);

/** A standard normal deviate (Box & Muller 1958, in double precision). Index 2i and 2i+1 are the
 *  cosine and sine of one pair. */
double clh_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

#endif
