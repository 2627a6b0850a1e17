#include "edit/edit_weights.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "edit/edit_row.h"
#include "model/tensors.h"

/* The groups of parameters (layout.def) that a circuit is. */
static const struct circuit_row {
    const char *name;
    unsigned groups;
} circuits[CLH_EDIT_CIRCUITS] = {
    [CLH_EDIT_QK] = {"qk", GROUP_Q | GROUP_K},
    [CLH_EDIT_OV] = {"ov", GROUP_V | GROUP_O},
    [CLH_EDIT_Q] = {"q", GROUP_Q},
    [CLH_EDIT_K] = {"k", GROUP_K},
    [CLH_EDIT_V] = {"v", GROUP_V},
    [CLH_EDIT_O] = {"o", GROUP_O},
    [CLH_EDIT_MLP] = {"mlp", GROUP_MLP},
    [CLH_EDIT_EMBED] = {"embed", GROUP_EMBED},
    [CLH_EDIT_POS_EMBED] = {"pos_embed", GROUP_POS_EMBED},
    [CLH_EDIT_UNEMBED] = {"unembed", GROUP_UNEMBED},
    [CLH_EDIT_LN] = {"ln", GROUP_LN},
};

const char *clh_edit_circuit_name(clh_edit_circuit circuit)
{
    assert(circuit < CLH_EDIT_CIRCUITS);
    return circuits[circuit].name;
}

static bool is_part(clh_edit_circuit circuit, const clh_row *row)
{
    return (circuits[circuit].groups & row->group) != 0;
}

void clh_edit_weights_copy(clh_model *to, const clh_model *from, clh_edit_circuit circuit)
{
    assert(to && from && circuit < CLH_EDIT_CIRCUITS);
    for (size_t i = 0; i < clh_model_tensor_count(from); i++) {
        const clh_tensor of = clh_model_tensor(from, i), into = clh_model_tensor(to, i);
        assert(strcmp(of.name, into.name) == 0 && clh_tensor_count(&of) == clh_tensor_count(&into));
        if (is_part(circuit, clh_model_place(from, i).row))
            memcpy(into.data, of.data, clh_tensor_count(&of) * sizeof *of.data);
    }
}

/* ---- An edit ------------------------------------------------------------------------------------
 */

/* Whether its first dimension are the heads. */
static bool has_heads(const clh_row *row)
{
    return row->dim[0] == DIM_HEADS;
}

/* Whether it is of a head's group, as b_O is, which all heads share. */
static bool goes_with_heads(const clh_row *row)
{
    bool found = false;
    for (size_t id = 0; id < CLH_P_COUNT; id++)
        found = found || (clh_layout_params.row[id].group == row->group &&
                          has_heads(&clh_layout_params.row[id]));
    return found;
}

static clh_status check_heads(const clh_edit *edit, size_t index, const clh_row *row,
                              const clh_tensor *to, clh_error *err)
{
    char shape[96];
    if (!goes_with_heads(row))
        return clh_fail(err, CLH_ESHAPE, "edit %zu: heads are given, %s is %s and has none", index,
                        to->name, clh_tensor_shape_text(to, shape));
    const long heads = (long)to->shape[0];
    for (size_t i = 0; i < edit->head_count && has_heads(row); i++)
        if (edit->heads[i] < -heads || edit->heads[i] >= heads)
            return clh_fail(err, CLH_ERANGE, "edit %zu: head %ld, %s has %ld", index,
                            edit->heads[i], to->name, heads);
    return CLH_OK;
}

static clh_status copy_tensor(const clh_edit *edit, size_t index, const clh_row *row,
                              const clh_tensor *to, clh_error *err)
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
    else if (has_heads(row))
        for (size_t h = 0; h < to->shape[0]; h++)
            if (clh_edit_listed(edit->heads, edit->head_count, h, to->shape[0]))
                memcpy(to->data + h * each, from.data + h * each, each * sizeof *to->data);
    return CLH_OK;
}

clh_status clh_edit_weights(clh_model *model, const clh_edit *edit, size_t index, clh_error *err)
{
    assert(model && edit && edit->other && edit->circuit < CLH_EDIT_CIRCUITS);
    clh_status status = CLH_OK;
    bool found = false;
    for (size_t i = 0; i < clh_model_tensor_count(model) && !status; i++) {
        const clh_tensor to = clh_model_tensor(model, i);
        const clh_row *row = clh_model_place(model, i).row;
        if (!is_part(edit->circuit, row) ||
            (edit->site && edit->site[0] && fnmatch(edit->site, to.name, 0) != 0))
            continue;
        found = true;
        status = edit->head_count ? check_heads(edit, index, row, &to, err) : CLH_OK;
        if (!status)
            status = copy_tensor(edit, index, row, &to, err);
    }
    if (!status && !found)
        status = clh_fail(err, CLH_EINPUT, "edit %zu: the model has no parameters of %s%s%s", index,
                          circuits[edit->circuit].name,
                          edit->site && edit->site[0] ? " that match " : "",
                          edit->site ? edit->site : "");
    return status;
}
