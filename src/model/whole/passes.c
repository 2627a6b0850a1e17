#include "model/whole/passes.h"

#include <assert.h>

#include "base/base.h"
#include "model/parts/pass.h"
#include "model/whole/loss_row.h"
#include "model/whole/packed.h"

/* In the last layer only asked rows go past keys and values; where that is the only one, and sequences are
 * short, blocks are larger, so that as many rows are asked. */
enum { ROWS = CLH_GEMM_BLOCK, ROWS_OF_ONE_LAYER = 3 * CLH_GEMM_BLOCK, SHORT = 24 };

size_t clh_passes_rows(const clh_model_config *config, size_t length)
{
    const size_t rows = clh_pack_narrows(config) && config->n_layers == 1 && length < SHORT
                            ? ROWS_OF_ONE_LAYER
                            : ROWS;
    return length > rows ? length : rows;
}

size_t clh_passes_bytes(const clh_model_config *config, size_t length, size_t rows)
{
    return clh_bytes_plus(clh_cache_bytes_packed(config, rows, length), clh_pack_bytes(rows));
}

clh_status clh_passes_open(clh_passes *passes, const clh_model *model, size_t length, size_t rows,
                           clh_error *err)
{
    assert(passes && model && length > 0 && rows >= length);
    const clh_model_config *config = clh_model_get_config(model);
    *passes = (clh_passes){.model = model, .length = length};
    clh_status status = clh_pack_open(&passes->pack, config, rows, err);
    if (!status)
        status = clh_cache_open(&passes->cache, config, CLH_KEEP_BACKWARD, err);
    return status ? status : clh_cache_reserve_packed(passes->cache, rows, length, err);
}

void clh_passes_close(clh_passes *passes)
{
    clh_cache_close(passes->cache);
    clh_pack_close(&passes->pack);
    *passes = (clh_passes){0};
}

size_t clh_passes_together(const clh_passes *passes)
{
    assert(passes && passes->length > 0);
    const clh_pack *pack = &passes->pack;
    const size_t rows = pack->causal ? passes->length - 1 : passes->length;
    return pack->capacity / (rows ? rows : 1);
}

void clh_passes_clear(clh_passes *passes)
{
    clh_pack_clear(&passes->pack);
}

clh_status clh_passes_check(const clh_passes *passes, const clh_sequence *sequence, bool losses,
                            clh_error *err)
{
    assert(passes && sequence);
    const clh_tokens tokens = {.ids = sequence->tokens, .batch = 1, .pos = sequence->length};
    const clh_scored scored = {&sequence->length, &sequence->first_scored};
    const size_t outputs = clh_model_get_config(passes->model)->d_vocab_out;
    const clh_status status = clh_pass_check_tokens(passes->model, &tokens, passes->cache, err);
    return status || !losses ? status : clh_loss_check(&tokens, &scored, outputs, err);
}

clh_status clh_passes_add(clh_passes *passes, const clh_sequence *sequence, clh_loss_sum *sum,
                          double *per_position, clh_error *err)
{
    const clh_status status = clh_passes_check(passes, sequence, sum != NULL, err);
    if (status)
        return status;
    assert(sequence->length <= passes->length);
    const bool added = clh_pack_add(&passes->pack, sequence->tokens, sequence->length,
                                    sequence->first_scored, sum, per_position);
    assert(added);
    (void)added;
    return CLH_OK;
}

void clh_passes_run(clh_passes *passes)
{
    clh_pack_merge(&passes->pack);
    clh_forward_packed(passes->model, &passes->pack, passes->cache, passes->weights);
}

void clh_passes_losses(clh_passes *passes)
{
    clh_passes_run(passes);
    clh_loss_packed(passes->cache, &passes->pack, 0, NULL);
}

const clh_real *clh_passes_logits(const clh_passes *passes, size_t i)
{
    assert(passes && i < passes->pack.count);
    const clh_packed *s = &passes->pack.sequence[i];
    const size_t row = s->asked0 + s->first_scored - 1 - s->first;
    return s->asked ? clh_blob_slot(&passes->cache->values, CLH_A_LOGITS, 0) +
                          row * passes->cache->values.config.d_vocab_out
                    : NULL;
}

bool clh_passes_sound(const clh_passes *passes, size_t i)
{
    return clh_cache_sound_packed(passes->cache, &passes->pack, i);
}
