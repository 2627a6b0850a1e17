/* Token ids of a JSON file. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/base.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "measure/sequences/batch.h"

enum { FILE_MAX = 1 << 30 };

/** One row of the file: ids into `out` [pos]. */
static clh_status read_row(const json_t *row, size_t index, size_t pos, size_t d_vocab,
                           uint32_t *out, clh_error *err)
{
    if (json_array_size(row) != pos)
        return clh_fail(err, CLH_ESHAPE,
                        "row %zu has %zu tokens and row 0 has %zu, want them equal", index,
                        json_array_size(row), pos);
    for (size_t i = 0; i < pos; i++) {
        const json_t *id = json_array_get(row, i);
        json_int_t value = json_integer_value(id);
        if (json_is_integer(id) && value >= 0 && (uintmax_t)value < d_vocab) {
            out[i] = (uint32_t)value;
            continue;
        }
        return clh_fail(err, CLH_EINPUT,
                        "row %zu, token %zu is %s, want a whole number in [0, %zu]", index, i,
                        clh_quoted_json(id).text, d_vocab - 1);
    }
    return CLH_OK;
}

static clh_status read_rows(clh_batch *out, const json_t *rows, const clh_model_config *model,
                            clh_error *err)
{
    static const char wanted[] = "want an array of arrays of token ids: [[0, 1, 3], [0, 1, 4]]";
    const size_t batch = json_array_size(rows), pos = json_array_size(json_array_get(rows, 0));
    size_t count;
    if (batch == 0)
        return clh_fail(err, CLH_EINPUT, "no rows, %s", wanted);
    for (size_t b = 0; b < batch; b++)
        if (!json_is_array(json_array_get(rows, b)))
            return clh_fail(err, CLH_EINPUT, "row %zu is no array, %s", b, wanted);
    if (pos == 0)
        return clh_fail(err, CLH_ESHAPE, "row 0 is empty, want at least one token");
    if (pos > model->n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "row 0 has %zu tokens, the model takes at most %zu (n_ctx)", pos,
                        model->n_ctx);
    if (!clh_mul_ok(batch, pos, &count))
        return clh_fail(err, CLH_ENOMEM, "[%zu, %zu] tokens cannot be counted", batch, pos);
    out->ids = clh_alloc_array(count, sizeof *out->ids, err);
    if (!out->ids)
        return CLH_ENOMEM;
    out->tokens = (clh_tokens){out->ids, batch, pos};
    clh_status status = CLH_OK;
    for (size_t b = 0; b < batch && !status; b++)
        status = read_row(json_array_get(rows, b), b, pos, model->d_vocab, out->ids + b * pos, err);
    return status;
}

clh_status clh_batch_read(clh_batch *out, const char *path, const clh_model_config *model,
                          size_t first_scored, clh_error *err)
{
    assert(out && path && model);
    char *text = NULL;
    *out = (clh_batch){.first_scored = first_scored};
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *rows = NULL;
    status = clh_json_parse(&rows, text, strlen(text), 0, path, NULL, err);
    clh_free(text);
    if (status)
        return status;
    status = read_rows(out, rows, model, err);
    json_decref(rows);
    if (status) {
        clh_batch_deinit(out);
        clh_fail_context(err, status, "%s", path);
    }
    return status;
}
