#include "edit/graft.h"

#include <assert.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "edit/edit_row.h"
#include "model/memory/tensors.h"

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
    return circuit < CLH_EDIT_CIRCUITS ? circuits[circuit].name : NULL;
}

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

static clh_status check_heads(const clh_edit *edit, const clh_row *row, const clh_tensor *to,
                              clh_error *err)
{
    char shape[96];
    if (!goes_with_heads(row))
        return clh_fail(err, CLH_ESHAPE, "heads are given, %s is %s and has none", to->name,
                        clh_tensor_shape_text(to, shape));
    const long heads = (long)to->shape[0];
    for (size_t i = 0; i < edit->head_count && has_heads(row); i++)
        if (edit->heads[i] < -heads || edit->heads[i] >= heads)
            return clh_fail(err, CLH_ERANGE, "head %ld, %s has %ld", edit->heads[i], to->name,
                            heads);
    return CLH_OK;
}

/* That the other model has it in the same shape. */
static clh_status check_shape(const clh_edit *edit, const clh_tensor *to, clh_error *err)
{
    char here[96], there[96];
    const clh_tensor from = clh_model_view(edit->other, to->name);
    if (!from.data)
        return clh_fail(err, CLH_ESHAPE, "%s is %s, the other model has none", to->name,
                        clh_tensor_shape_text(to, here));
    bool same = from.rank == to->rank;
    for (size_t d = 0; d < to->rank; d++)
        same = same && from.shape[d] == to->shape[d];
    return same ? CLH_OK
                : clh_fail(err, CLH_ESHAPE, "%s is %s, in the other model %s", to->name,
                           clh_tensor_shape_text(to, here), clh_tensor_shape_text(&from, there));
}

static void copy_tensor(const clh_edit *edit, const clh_row *row, const clh_tensor *to)
{
    const clh_tensor from = clh_model_view(edit->other, to->name);
    const size_t count = clh_tensor_count(to), each = count / to->shape[0];
    if (edit->head_count == 0)
        memmove(to->data, from.data, count * sizeof *to->data);
    else if (has_heads(row))
        for (size_t h = 0; h < to->shape[0]; h++)
            if (clh_edit_listed(edit->heads, edit->head_count, h, to->shape[0]))
                memmove(to->data + h * each, from.data + h * each, each * sizeof *to->data);
}

/* Parameters of some groups (GROUP_…); all are checked before the first is changed. */
static clh_status graft(clh_model *model, const clh_edit *edit, unsigned groups, const char *name,
                        clh_error *err)
{
    const char *site = edit->site ? edit->site : "";
    const size_t count = clh_model_tensor_count(model);
    clh_status status = CLH_OK;
    bool found = false;
    assert(count > 0);
    for (size_t i = 0; i < 2 * count && !status; i++) {
        const clh_tensor to = clh_model_tensor(model, i % count);
        const clh_row *row = clh_model_place(model, i % count).row;
        if (!(groups & row->group) || (*site && fnmatch(site, to.name, 0) != 0))
            continue;
        found = true;
        if (i >= count) {
            copy_tensor(edit, row, &to);
            continue;
        }
        status = edit->head_count ? check_heads(edit, row, &to, err) : CLH_OK;
        if (!status)
            status = check_shape(edit, &to, err);
    }
    if (!status && !found)
        status = clh_fail(err, CLH_EINPUT, "the model has no parameters of %s%s%s", name,
                          *site ? " that match " : "", site);
    return status;
}

clh_status clh_graft_edit(clh_model *model, const clh_edit *edit, clh_error *err)
{
    assert(model && edit);
    if (!edit->other || edit->circuit >= CLH_EDIT_CIRCUITS)
        return clh_fail(err, CLH_EINPUT, "%s",
                        edit->other ? "no such circuit" : "no model is given to take from");
    return graft(model, edit, circuits[edit->circuit].groups, circuits[edit->circuit].name, err);
}

clh_status clh_model_graft(clh_model *onto, const clh_model *from, const char *circuit,
                           clh_error *err)
{
    CLH_REQUIRE(onto && from, err, "two models");
    const char *names[CLH_EDIT_CIRCUITS];
    const clh_edit edit = {.other = from};
    for (size_t c = 0; c < CLH_EDIT_CIRCUITS; c++) {
        names[c] = circuits[c].name;
        if (circuit && strcmp(circuit, names[c]) == 0)
            return graft(onto, &edit, circuits[c].groups, circuit, err);
    }
    if (!circuit)
        return graft(onto, &edit, UINT_MAX, "any circuit", err);
    const char *near = clh_nearest_name(circuit, names, CLH_EDIT_CIRCUITS);
    return clh_fail(err, CLH_EINPUT, "no circuit is called %s%s%s%s", circuit,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
