/* A file's tensors into a model's parameters: under TransformerLens' names until 3.x, or under those that its
 * TransformerBridge has (4.x's native model), which is written as torch.nn writes it.
 *
 *   ours, and HookedTransformer's                TransformerBridge's
 *   embed.W_E, unembed.b_U, blocks.0.ln1.w       embed.weight, unembed.bias, blocks.0.ln1.weight
 *   blocks.0.attn.W_Q, blocks.0.mlp.b_in         blocks.0.attn.q.weight, blocks.0.mlp.in.bias
 *
 *   a table [rows, d_model]                      the same
 *   W [in, out] (of W_O in = heads x d_head)     [out, in]
 *   W_Q, W_K, W_V [head, in, d_head]             [head x d_head, in]
 *   b_Q, b_K, b_V [head, d_head]                 [head x d_head]
 *
 * With grouped queries HookedTransformer calls keys and values _W_K, _b_V; where each head has its own they are
 * W_K, b_V. Source: TransformerLens 4.3, utilities/tl_checkpoint_conversion.py. */
#include "run/folder/weights.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "model/memory/tensors.h"
#include "run/folder/weights_file.h"

enum { NAME_MAX_BYTES = CLH_ROW_NAME_MAX + 8 };

/* Where a parameter's numbers are. */
typedef struct source {
    size_t place;
    bool there, bridged;
} source;

typedef struct loading {
    clh_model *model;
    const clh_weights_file *file;
    const char *path;
    source *from; /* [tensors of the model] */
    bool *used;   /* [tensors of the file] */
} loading;

/* ---- Names -------------------------------------------------------------------------------------
 */

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    assert(dot);
    return dot + 1;
}

static const char *bridge_name(const clh_row *row, const char *name, char out[NAME_MAX_BYTES])
{
    const char *last = last_part(name);
    const char *what = last[0] == 'W' || last[0] == 'w' ? "weight" : "bias";
    const bool has_own = row->scope == SCOPE_BLOCK && last[1] == '_';
    int length = snprintf(out, NAME_MAX_BYTES, "%.*s%s%s%s", (int)(last - name), name,
                          has_own ? last + 2 : "", has_own ? "." : "", what);
    assert(length > 0 && length < NAME_MAX_BYTES);
    for (char *at = out + (last - name); at < out + length; at++)
        *at = (char)tolower((unsigned char)*at);
    return out;
}

static const char *grouped_name(const char *name, char out[NAME_MAX_BYTES])
{
    const char *last = last_part(name);
    (void)snprintf(out, NAME_MAX_BYTES, "%.*s_%s", (int)(last - name), name, last);
    return out;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* What else TransformerLens' state_dict holds: buffers that follow from the config, and a parameter that
 * nothing reads. */
static bool is_passed_over(const char *name, const clh_model_config *config)
{
    const clh_positions positions = config->positional_embedding_type;
    if (ends_with(name, ".attn.mask") || ends_with(name, ".attn.IGNORE"))
        return true;
    if (ends_with(name, ".attn.rotary_sin") || ends_with(name, ".attn.rotary_cos"))
        return positions == CLH_POSITIONS_ROTARY || positions == CLH_POSITIONS_NONE;
    return positions == CLH_POSITIONS_ALIBI &&
           strcmp(name, clh_layout_params.row[CLH_P_W_POS].name) == 0;
}

static source find(const loading *l, const clh_row *row, const char *name)
{
    char other[NAME_MAX_BYTES];
    source from = {.there = true};
    if (clh_weights_find(l->file, name, &from.place) ||
        clh_weights_find(l->file, grouped_name(name, other), &from.place))
        return from;
    from.there = from.bridged =
        clh_weights_find(l->file, bridge_name(row, name, other), &from.place);
    return from;
}

static void find_all(loading *l)
{
    for (size_t i = 0; i < clh_model_tensor_count(l->model); i++) {
        const char *name = clh_model_tensor(l->model, i).name;
        l->from[i] = find(l, clh_row_named(&clh_layout_params, name), name);
        if (l->from[i].there)
            l->used[l->from[i].place] = true;
    }
}

static clh_status check_known(const loading *l, clh_error *err)
{
    for (size_t i = 0; i < clh_weights_count(l->file); i++) {
        const char *name = clh_weights_name(l->file, i);
        if (!l->used[i] && !is_passed_over(name, clh_model_get_config(l->model)))
            return clh_fail(err, CLH_EFORMAT,
                            "%s: tensor %s is none of this model's parameters: want the settings "
                            "of the model the file was made with",
                            l->path, name);
    }
    return CLH_OK;
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

/* A table of rows, one for each token or position: torch.nn.Embedding has it as we do. */
static bool is_table(const clh_row *row)
{
    return row->dim[0] == DIM_D_VOCAB || row->dim[0] == DIM_N_CTX;
}

/* ours [heads, in, out] from theirs [heads x out, in]; W_O and what has no heads are one of these. */
static void turn(const clh_tensor *ours, const clh_real *theirs, size_t heads, size_t in,
                 size_t out)
{
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < in; i++)
            for (size_t o = 0; o < out; o++)
                ours->data[(h * in + i) * out + o] = theirs[(h * out + o) * in + i];
}

static clh_status read_bridged(const loading *l, const clh_row *row, const clh_tensor *ours,
                               size_t place, clh_error *err)
{
    const size_t count = clh_tensor_count(ours);
    clh_tensor theirs = *ours;
    if (ours->rank < 2 || is_table(row))
        return clh_weights_read(l->file, place, ours, err);
    if (row->start == START_ZEROS) { /* of each head */
        theirs.rank = 1;
        theirs.shape[0] = count;
        return clh_weights_read(l->file, place, &theirs, err);
    }
    const size_t out = ours->shape[ours->rank - 1];
    const bool apart = ours->rank == 3 && row->dim[1] == DIM_D_MODEL;
    const size_t heads = apart ? ours->shape[0] : 1, in = count / out / heads;
    theirs.rank = 2;
    theirs.shape[0] = heads * out;
    theirs.shape[1] = in;
    theirs.data = clh_alloc_array(count, sizeof *theirs.data, err);
    if (!theirs.data)
        return CLH_ENOMEM;
    const clh_status status = clh_weights_read(l->file, place, &theirs, err);
    if (!status)
        turn(ours, theirs.data, heads, in, out);
    clh_free(theirs.data);
    return status;
}

/* A gated MLP of TransformerBridge adds nothing behind its products. */
static bool is_left_out(const loading *l, const clh_row *row)
{
    size_t place;
    char other[NAME_MAX_BYTES];
    const clh_row *table = &clh_layout_params.row[CLH_P_W_E];
    return row->group == GROUP_MLP && row->start == START_ZEROS &&
           clh_model_get_config(l->model)->gated_mlp &&
           clh_weights_find(l->file, bridge_name(table, table->name, other), &place);
}

static clh_status read_one(const loading *l, size_t index, clh_error *err)
{
    const clh_tensor ours = clh_model_tensor(l->model, index);
    const clh_row *row = clh_row_named(&clh_layout_params, ours.name);
    const source from = l->from[index];
    if (from.there)
        return from.bridged ? read_bridged(l, row, &ours, from.place, err)
                            : clh_weights_read(l->file, from.place, &ours, err);
    if (!is_left_out(l, row))
        return clh_weights_missing(l->file, ours.name, err);
    memset(ours.data, 0, clh_tensor_count(&ours) * sizeof *ours.data);
    return CLH_OK;
}

/* That what is tied is the same in the file, bit for bit. */
static clh_status check_tied(const loading *l, clh_error *err)
{
    const clh_tensor W_U = clh_model_param(l->model, CLH_P_W_U, 0);
    const size_t count = clh_tensor_count(&W_U);
    if (!clh_model_get_config(l->model)->tie_word_embeddings)
        return CLH_OK;
    clh_real *read = clh_alloc_array(count, sizeof *read, err);
    if (!read)
        return CLH_ENOMEM;
    memcpy(read, W_U.data, count * sizeof *read);
    clh_model_tie(l->model);
    bool same = true;
    for (size_t i = 0; i < count; i++)
        same = same && read[i] == W_U.data[i];
    clh_free(read);
    return same ? CLH_OK
                : clh_fail(err, CLH_EFORMAT,
                           "%s: %s is not %s turned over, want tie_word_embeddings false", l->path,
                           W_U.name, clh_layout_params.row[CLH_P_W_E].name);
}

/* ---- What is said ------------------------------------------------------------------------------
 */

static void note_names(const loading *l, clh_strbuf *notes)
{
    for (size_t i = 0; i < clh_model_tensor_count(l->model); i++)
        if (l->from[i].bridged) {
            clh_strbuf_addf(notes, "%s and others: names and shapes of TransformerBridge\n",
                            clh_weights_name(l->file, l->from[i].place));
            return;
        }
}

static void note_types(const loading *l, clh_strbuf *notes)
{
    static const struct {
        const char *dtype, *how;
    } converted[] = {{"BF16", "exactly"}, {"F16", "exactly"}, {"F64", "rounded"}};
    for (size_t t = 0; t < CLH_COUNT(converted); t++) {
        size_t count = 0;
        for (size_t i = 0; i < clh_weights_count(l->file); i++)
            count += l->used[i] && strcmp(clh_weights_dtype(l->file, i), converted[t].dtype) == 0;
        if (count)
            clh_strbuf_addf(notes, "%zu tensor%s of %s: converted to F32, %s\n", count,
                            count == 1 ? "" : "s", converted[t].dtype, converted[t].how);
    }
}

clh_status clh_model_load_from(clh_model *model, const clh_weights_file *file, clh_strbuf *notes,
                               clh_error *err)
{
    assert(model && file);
    loading l = {.model = model, .file = file, .path = clh_weights_path(file)};
    const size_t count = clh_model_tensor_count(model);
    l.from = clh_alloc_zeroed(count, sizeof *l.from, err);
    l.used = clh_alloc_zeroed(clh_weights_count(file), sizeof *l.used, err);
    clh_status status = l.from && l.used ? CLH_OK : CLH_ENOMEM;
    if (!status) {
        find_all(&l);
        status = check_known(&l, err);
    }
    for (size_t i = 0; i < count && !status; i++)
        status = read_one(&l, i, err);
    if (!status)
        status = check_tied(&l, err);
    if (!status && notes) {
        note_names(&l, notes);
        note_types(&l, notes);
    }
    clh_free(l.used);
    clh_free(l.from);
    return status;
}

clh_status clh_model_load(clh_model *model, const char *path, clh_error *err)
{
    CLH_REQUIRE(model && path, err, "a model, and a file of weights");
    clh_weights_file *file = NULL;
    clh_status status = clh_weights_open(&file, path, err);
    if (!status)
        status = clh_model_load_from(model, file, NULL, err);
    clh_weights_close(file);
    return status;
}
