#include "model/pack.h"

#include <assert.h>

#include "base/base.h"
#include "model/layout.h"

bool clh_pack_narrows(const clh_model_config *config)
{
    return config->n_layers > 0 && !clh_heads_split(config) &&
           (config->attn_only || !config->parallel_attn_mlp);
}

size_t clh_pack_bytes(size_t rows)
{
    return clh_bytes_times(rows, sizeof(clh_packed) + 3 * sizeof(uint32_t));
}

clh_status clh_pack_open(clh_pack *pack, const clh_model_config *config, size_t rows,
                         clh_error *err)
{
    assert(pack && config && rows > 0);
    *pack = (clh_pack){.narrows = clh_pack_narrows(config),
                       .causal = config->attention_dir == CLH_ATTENTION_CAUSAL,
                       .capacity = rows};
    pack->sequence = clh_alloc_array(rows, sizeof *pack->sequence, err);
    pack->id = clh_alloc_array(rows, sizeof *pack->id, err);
    pack->position = clh_alloc_array(rows, sizeof *pack->position, err);
    pack->asked_row = clh_alloc_array(rows, sizeof *pack->asked_row, err);
    if (pack->sequence && pack->id && pack->position && pack->asked_row)
        return CLH_OK;
    clh_pack_close(pack);
    return CLH_ENOMEM;
}

void clh_pack_close(clh_pack *pack)
{
    clh_free(pack->asked_row);
    clh_free(pack->position);
    clh_free(pack->id);
    clh_free(pack->sequence);
    *pack = (clh_pack){0};
}

void clh_pack_clear(clh_pack *pack)
{
    pack->count = pack->rows = pack->asked = pack->pairs = pack->longest = 0;
}

bool clh_pack_add(clh_pack *pack, const uint32_t *tokens, size_t length, size_t first_scored,
                  clh_loss_sum *sum, double *per_position)
{
    assert(pack && tokens && first_scored >= 1);
    clh_packed s = {.tokens = tokens,
                    .length = length,
                    .first_scored = first_scored,
                    .row0 = pack->rows,
                    .asked0 = pack->asked,
                    .pairs0 = pack->pairs,
                    .sum = sum,
                    .per_position = per_position};
    if (length > first_scored) {
        s.rows = pack->causal ? length - 1 : length;
        s.first = pack->narrows ? first_scored - 1 : 0;
        s.asked = s.rows - s.first;
    }
    if (pack->count == pack->capacity || s.rows > pack->capacity - pack->rows)
        return false;
    for (size_t i = 0; i < s.rows; i++) {
        pack->id[s.row0 + i] = tokens[i];
        pack->position[s.row0 + i] = (uint32_t)i;
    }
    for (size_t i = 0; i < s.asked; i++)
        pack->asked_row[s.asked0 + i] = (uint32_t)(s.row0 + s.first + i);
    pack->sequence[pack->count++] = s;
    pack->rows += s.rows;
    pack->asked += s.asked;
    pack->pairs += s.rows * s.rows;
    pack->longest = s.rows > pack->longest ? s.rows : pack->longest;
    return true;
}
