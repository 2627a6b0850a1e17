#include "edit/edit_weights.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"

/* Parameters of a circuit as shell patterns of their state_dict keys. Those that begin
 * "blocks.*.attn." but for b_O have the heads as their first dimension. */
static const struct circuit_row {
    const char *name, *parts[4];
} circuits[CLH_EDIT_CIRCUITS] = {
    [CLH_EDIT_QK] = {"qk", {"*.attn.W_Q", "*.attn.b_Q", "*.attn.W_K", "*.attn.b_K"}},
    [CLH_EDIT_OV] = {"ov", {"*.attn.W_V", "*.attn.b_V", "*.attn.W_O", "*.attn.b_O"}},
    [CLH_EDIT_Q] = {"q", {"*.attn.W_Q", "*.attn.b_Q"}},
    [CLH_EDIT_K] = {"k", {"*.attn.W_K", "*.attn.b_K"}},
    [CLH_EDIT_V] = {"v", {"*.attn.W_V", "*.attn.b_V"}},
    [CLH_EDIT_O] = {"o", {"*.attn.W_O", "*.attn.b_O"}},
    [CLH_EDIT_MLP] = {"mlp", {"*.mlp.W_*", "*.mlp.b_*"}},
    [CLH_EDIT_EMBED] = {"embed", {"embed.W_E"}},
    [CLH_EDIT_POS_EMBED] = {"pos_embed", {"pos_embed.W_pos"}},
    [CLH_EDIT_UNEMBED] = {"unembed", {"unembed.*"}},
    [CLH_EDIT_LN] = {"ln", {"*.ln[12].[wb]", "*.mlp.ln.[wb]", "ln_final.[wb]"}},
};

const char *clh_edit_circuit_name(clh_edit_circuit circuit)
{
    assert(circuit < CLH_EDIT_CIRCUITS);
    return circuits[circuit].name;
}

static bool is_part(clh_edit_circuit circuit, const char *name)
{
    const char *const *part = circuits[circuit].parts;
    bool found = false;
    for (size_t i = 0; i < CLH_COUNT(circuits[circuit].parts) && part[i]; i++)
        found = found || fnmatch(part[i], name, 0) == 0;
    return found;
}

void clh_edit_weights_copy(clh_model *to, const clh_model *from, clh_edit_circuit circuit)
{
    assert(to && from && circuit < CLH_EDIT_CIRCUITS);
    for (size_t i = 0; i < clh_model_tensor_count(from); i++) {
        const clh_tensor of = clh_model_tensor(from, i), into = clh_model_tensor(to, i);
        assert(strcmp(of.name, into.name) == 0 && clh_tensor_count(&of) == clh_tensor_count(&into));
        if (is_part(circuit, of.name))
            memcpy(into.data, of.data, clh_tensor_count(&of) * sizeof *of.data);
    }
}

/* ---- An edit ------------------------------------------------------------------------------------
 */

static bool has_heads(const char *name)
{
    return fnmatch("*.attn.*", name, 0) == 0 && fnmatch("*.b_O", name, 0) != 0;
}

static clh_status check_heads(const clh_edit *edit, size_t index, const clh_tensor *to,
                              clh_error *err)
{
    char shape[96];
    if (fnmatch("*.attn.*", to->name, 0) != 0)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: heads are given, %s is %s and has none", index,
                        to->name, clh_tensor_shape_text(to, shape));
    for (size_t i = 0; i < edit->head_count && has_heads(to->name); i++)
        if (edit->heads[i] >= to->shape[0])
            return clh_fail(err, CLH_ERANGE, "edit %zu: head %zu, %s has %zu", index,
                            edit->heads[i], to->name, to->shape[0]);
    return CLH_OK;
}

static clh_status copy_tensor(const clh_edit *edit, size_t index, const clh_tensor *to,
                              clh_error *err)
{
    char here[96], there[96];
    const clh_tensor from = clh_model_view(edit->other, to->name);
    if (!from.data)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: %s is %s, the other model has none", index,
                        to->name, clh_tensor_shape_text(to, here));
    bool same = from.rank == to->rank;
    for (size_t d = 0; d < to->rank; d++)
        same = same && from.shape[d] == to->shape[d];
    if (!same)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: %s is %s, in the other model %s", index,
                        to->name, clh_tensor_shape_text(to, here),
                        clh_tensor_shape_text(&from, there));
    const size_t count = clh_tensor_count(to), each = count / to->shape[0];
    if (edit->head_count == 0)
        memcpy(to->data, from.data, count * sizeof *to->data);
    else if (has_heads(to->name))
        for (size_t i = 0; i < edit->head_count; i++)
            memcpy(to->data + edit->heads[i] * each, from.data + edit->heads[i] * each,
                   each * sizeof *to->data);
    return CLH_OK;
}

clh_status clh_edit_weights(clh_model *model, const clh_edit *edit, size_t index, clh_error *err)
{
    assert(model && edit && edit->other && edit->circuit < CLH_EDIT_CIRCUITS);
    clh_status status = CLH_OK;
    bool found = false;
    for (size_t i = 0; i < clh_model_tensor_count(model) && !status; i++) {
        const clh_tensor to = clh_model_tensor(model, i);
        if (!is_part(edit->circuit, to.name) ||
            (edit->site[0] && fnmatch(edit->site, to.name, 0) != 0))
            continue;
        found = true;
        status = edit->head_count ? check_heads(edit, index, &to, err) : CLH_OK;
        if (!status)
            status = copy_tensor(edit, index, &to, err);
    }
    if (!status && !found)
        status =
            clh_fail(err, CLH_EINPUT, "edit %zu: the model has no parameters of %s%s%s", index,
                     circuits[edit->circuit].name, edit->site[0] ? " that match " : "", edit->site);
    return status;
}
