#include "model/memory/pack.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "model/description/layout.h"

bool clh_pack_narrows(const clh_model_config *config)
{
    return config->n_layers > 0 && !clh_heads_split(config) &&
           (config->attn_only || !config->parallel_attn_mlp);
}

/* Positions of a shortformer come in at every layer, so that its rows of them are not merged. */
static bool merges(const clh_model_config *config)
{
    return clh_pack_narrows(config) &&
           config->positional_embedding_type != CLH_POSITIONS_SHORTFORMER;
}

/* A power of two, so that half of it or more stays empty. */
static size_t found_room(size_t rows)
{
    size_t room = 2;
    while (room / 2 < rows && room <= SIZE_MAX / 2)
        room *= 2;
    return room;
}

size_t clh_pack_bytes(size_t rows)
{
    return clh_bytes_plus(clh_bytes_times(rows, sizeof(clh_packed) + 6 * sizeof(uint32_t)),
                          clh_bytes_times(found_room(rows), sizeof(uint32_t)));
}

clh_status clh_pack_open(clh_pack *pack, const clh_model_config *config, size_t rows,
                         clh_error *err)
{
    assert(pack && config && rows > 0);
    *pack = (clh_pack){.narrows = clh_pack_narrows(config),
                       .causal = config->attention_dir == CLH_ATTENTION_CAUSAL,
                       .merges = merges(config),
                       .found_room = found_room(rows),
                       .capacity = rows};
    uint32_t **of_rows[] = {&pack->id,         &pack->position,  &pack->asked_row,
                            &pack->merged_row, &pack->merged_id, &pack->merged_position};
    pack->sequence = clh_alloc_array(rows, sizeof *pack->sequence, err);
    pack->found = clh_alloc_array(pack->found_room, sizeof *pack->found, err);
    bool there = pack->sequence && pack->found;
    for (size_t i = 0; i < CLH_COUNT(of_rows) && there; i++)
        there = (*of_rows[i] = clh_alloc_array(rows, sizeof **of_rows[i], err)) != NULL;
    if (there)
        return CLH_OK;
    clh_pack_close(pack);
    return CLH_ENOMEM;
}

void clh_pack_close(clh_pack *pack)
{
    clh_free(pack->merged_position);
    clh_free(pack->merged_id);
    clh_free(pack->merged_row);
    clh_free(pack->asked_row);
    clh_free(pack->position);
    clh_free(pack->id);
    clh_free(pack->found);
    clh_free(pack->sequence);
    *pack = (clh_pack){0};
}

void clh_pack_clear(clh_pack *pack)
{
    pack->count = pack->rows = pack->asked = pack->pairs = pack->longest = 0;
    pack->merged = pack->merged_asked = 0;
}

/* The merged row of row r, made where there is none yet. */
static void merge_row(clh_pack *pack, size_t r)
{
    const uint32_t id = pack->id[r], position = pack->position[r];
    const uint64_t mixed = ((uint64_t)position << 32 | id) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(mixed >> 32) & (pack->found_room - 1);
    for (; pack->found[at]; at = (at + 1) & (pack->found_room - 1)) {
        const uint32_t m = pack->found[at] - 1;
        pack->merged_row[r] = m;
        if (pack->merged_id[m] == id && pack->merged_position[m] == position)
            return;
    }
    pack->merged_row[r] = (uint32_t)pack->merged;
    pack->merged_id[pack->merged] = id;
    pack->merged_position[pack->merged] = position;
    pack->found[at] = (uint32_t)++pack->merged;
}

void clh_pack_merge(clh_pack *pack)
{
    assert(pack && pack->merged == 0);
    if (!pack->merges)
        return;
    memset(pack->found, 0, pack->found_room * sizeof *pack->found);
    for (size_t i = 0; i < pack->asked; i++)
        merge_row(pack, pack->asked_row[i]);
    pack->merged_asked = pack->merged;
    for (size_t r = 0; r < pack->rows; r++)
        merge_row(pack, r);
    if (4 * pack->merged > 3 * pack->rows) /* copies back to all rows would cost as much */
        pack->merged = pack->merged_asked = 0;
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
