/* Queries, keys and values of layer 0 that know only where they are, or only which token: those of
 * another model, with one embedding flattened, on the same tokens. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/quote.h"
#include "base/stop.h"
#include "edit/part.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"
#include "model/memory/tensors.h"

/* Every row of a [rows, d] becomes the mean of those that `count` (NULL: one each) says are used.
 */
static void flatten(const clh_tensor *W, const size_t *count, double *mean)
{
    const size_t rows = W->shape[0], d = W->shape[1];
    double all = 0;
    memset(mean, 0, d * sizeof *mean);
    for (size_t r = 0; r < rows; r++) {
        const double n = count ? (double)count[r] : 1;
        all += n;
        for (size_t i = 0; i < d; i++)
            mean[i] += n * (double)W->data[r * d + i];
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < d; i++)
            W->data[r * d + i] = (clh_real)(mean[i] / all);
}

/* How often the sample has each token, or uses each position. */
static size_t *count_use(const clh_sample *sample, clh_input_part part, size_t size, clh_error *err)
{
    size_t *count = clh_alloc_zeroed(size, sizeof *count, err);
    for (size_t b = 0; count && b < sample->count; b++) {
        const clh_tokens tokens = clh_sample_tokens(sample, b);
        for (size_t i = 0; i < tokens.pos; i++) {
            const size_t at = part == CLH_PART_POSITION ? tokens.ids[i] : i;
            if (at < size)
                count[at]++;
        }
    }
    return count;
}

clh_status clh_part_flatten(clh_model *model, const clh_sample *sample, clh_input_part part,
                            clh_error *err)
{
    assert(model && sample);
    const clh_model_config *c = clh_model_get_config(model);
    const size_t size = part == CLH_PART_POSITION ? c->d_vocab : c->n_ctx;
    clh_status status = clh_assume(c, CLH_ASSUME_POSITIONS, "a part of the input", err);
    if (status)
        return status;
    const clh_tensor W =
        clh_model_param(model, part == CLH_PART_POSITION ? CLH_P_W_E : CLH_P_W_POS, 0);
    double *mean = clh_alloc_array(c->d_model, sizeof *mean, err);
    size_t *count = count_use(sample, part, size, err);
    if (mean && count)
        flatten(&W, count, mean);
    status = mean && count ? CLH_OK : CLH_ENOMEM;
    clh_free(count);
    clh_free(mean);
    return status;
}

clh_status clh_part_open(clh_model **out, const clh_model *model, const clh_sample *sample,
                         clh_input_part part, clh_error *err)
{
    assert(out && model && sample);
    clh_status status = clh_model_copy(out, model, err);
    if (status)
        return status;
    status = clh_part_flatten(*out, sample, part, err);
    if (status) {
        clh_model_close(*out);
        *out = NULL;
    }
    return status;
}

enum { INPUTS_MAX = 3 };

/* The model with the inputs that the other one makes, on a sample. */
static clh_status measure(clh_tally *out, const clh_model *model, const clh_model *other,
                          const clh_sample *sample, const char *inputs, const clh_how *how,
                          clh_error *err)
{
    clh_edit edit[INPUTS_MAX];
    char site[INPUTS_MAX][CLH_ROW_NAME_MAX];
    const clh_edit_list list = {.edit = edit, .count = strlen(inputs)};
    const clh_edits_setting setting = {.model = model, .sample = sample};
    clh_edits *edits = NULL;
    clh_edited edited = {0};
    for (size_t i = 0; i < list.count; i++)
        edit[i] = (clh_edit){.kind = CLH_EDIT_MODEL,
                             .site = clh_row_name(clh_row_head_input(inputs[i]), 0, site[i]),
                             .other = other};
    clh_status status = clh_edits_open(&edits, &list, 1, &setting, err);
    if (!status)
        status = clh_edits_run(&edited, edits, NULL, how, err);
    if (!status)
        *out = edited.list->total;
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    return status;
}

clh_status clh_part_try(double *loss, double *accuracy, const clh_model *model,
                        const clh_sample *sample, const char *inputs, clh_input_part part,
                        const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(loss && accuracy && model && sample && inputs, err,
                "a model, a sample, inputs and room for both numbers");
    clh_model *other = NULL;
    clh_tally tally = {0};
    if (strspn(inputs, "qkv") != strlen(inputs) || strlen(inputs) > INPUTS_MAX)
        return clh_fail(err, CLH_EINPUT, "inputs are %s, want letters of qkv",
                        clh_quoted_text(inputs).text);
    clh_status status = clh_check_enum((unsigned)part, CLH_PART_TOKEN + 1, "part", err);
    if (!status)
        status = clh_sample_some(sample, err);
    if (!status)
        status = clh_part_open(&other, model, sample, part, err);
    if (!status)
        status = measure(&tally, model, other, sample, inputs, how, err);
    clh_model_close(other);
    if (!status && tally.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    if (status)
        return status;
    *loss = tally.loss / (double)tally.count;
    *accuracy = (double)tally.correct / (double)tally.count;
    return CLH_OK;
}
