#include "cli/cli_batch.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "cli/cli_measure.h"

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
        char text[32];
        size_t length = json_dumpb(id, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_COMPACT);
        text[length < sizeof text ? length : sizeof text - 1] = '\0';
        return clh_fail(err, CLH_EINPUT,
                        "row %zu, token %zu is %s, want a whole number in [0, %zu]", index, i, text,
                        d_vocab - 1);
    }
    return CLH_OK;
}

static clh_status read_rows(clh_cli_batch *out, const json_t *rows, const clh_model_config *model,
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

/** The file as JSON, whatever it holds. */
static clh_status load(json_t **rows, const char *path, const char *name, clh_error *err)
{
    json_error_t where;
    char *text = NULL;
    size_t length = 0;
    if (strcmp(path, "-") == 0) {
        *rows = json_loadf(stdin, 0, &where);
    } else {
        clh_status status = clh_file_read(&text, &length, path, FILE_MAX, err);
        if (status)
            return status;
        *rows = json_loadb(text, length, 0, &where);
        clh_free(text);
    }
    return *rows ? CLH_OK
                 : clh_fail(err, CLH_EFORMAT, "%s line %d: %s", name, where.line, where.text);
}

clh_status clh_cli_batch_read(clh_cli_batch *out, const char *path, const clh_run *run,
                              clh_error *err)
{
    assert(out && path && run);
    const clh_run_config *config = clh_run_get_config(run);
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    json_t *rows = NULL;
    *out = (clh_cli_batch){.first_scored = config->first_scored};
    clh_status status = load(&rows, path, name, err);
    if (status)
        return status;
    status = read_rows(out, rows, &config->model, err);
    json_decref(rows);
    if (status) {
        clh_cli_batch_deinit(out);
        clh_fail_context(err, status, "%s", name);
    }
    return status;
}

clh_status clh_cli_batch_init(clh_cli_batch *out, const clh_invocation *inv, const clh_run *run,
                              clh_error *err)
{
    assert(out && inv && run);
    const char *file = clh_opt_text(inv, "tokens");
    bool words = clh_opt_given(inv, "letters") || clh_opt_given(inv, "text");
    *out = (clh_cli_batch){0};
    if (file && words)
        return clh_fail(err, CLH_EUSAGE, "--tokens and --%s are both given, want one of them",
                        clh_opt_given(inv, "letters") ? "letters" : "text");
    if (file)
        return clh_cli_batch_read(out, file, run, err);
    clh_sequence sequence = {0};
    clh_status status = clh_cli_sequence(inv, run, 0, &sequence, err);
    if (status)
        return status;
    out->ids = sequence.tokens;
    out->tokens = (clh_tokens){out->ids, 1, sequence.length};
    out->first_scored =
        clh_opt_given(inv, "text") ? clh_run_get_config(run)->first_scored : sequence.first_scored;
    return CLH_OK;
}

/** The ids of a sample as a batch of their own. */
static clh_status take_sample(clh_cli_batch *out, const clh_sample *sample, clh_error *err)
{
    const size_t pos = sample->length[0];
    for (size_t b = 0; b < sample->count; b++)
        if (sample->length[b] != pos)
            return clh_fail(err, CLH_ESHAPE,
                            "held-out sequences have %zu tokens and %zu, want them equally long: "
                            "give --letters, --text or --tokens",
                            pos, sample->length[b]);
    out->ids = clh_alloc_array(sample->count * pos, sizeof *out->ids, err);
    for (size_t b = 0; out->ids && b < sample->count; b++)
        memcpy(out->ids + b * pos, sample->ids + b * sample->stride, pos * sizeof *out->ids);
    out->tokens = (clh_tokens){out->ids, sample->count, pos};
    out->first_scored = sample->first_scored[0];
    return out->ids ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_cli_batch_held_out(clh_cli_batch *out, const clh_run *run, size_t count,
                                  clh_error *err)
{
    assert(out && run && count > 0);
    clh_sample sample = {0};
    *out = (clh_cli_batch){0};
    clh_status status = clh_cli_held_out_sample(&sample, run, count, err);
    if (!status)
        status = take_sample(out, &sample, err);
    clh_sample_deinit(&sample);
    return status;
}

void clh_cli_batch_deinit(clh_cli_batch *batch)
{
    clh_free(batch->ids);
    *batch = (clh_cli_batch){0};
}
