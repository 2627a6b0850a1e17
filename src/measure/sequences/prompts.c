#include "measure/sequences/prompts.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/base.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"

enum { FILE_MAX = 1 << 30 };

/* What reads a line: its tokens go to ids + used, of which there is room for one each byte. */
typedef struct reader {
    const clh_vocab *vocab;
    const clh_model_config *model;
    uint32_t *ids;
    size_t room, used;
} reader;

static clh_status add_text(reader *r, const char *text, clh_error *err)
{
    size_t length = 0;
    clh_status status =
        clh_vocab_encode(r->vocab, text, r->ids + r->used, r->room - r->used, &length, err);
    r->used += status ? 0 : length;
    return status;
}

static clh_status add_ids(reader *r, const json_t *array, clh_error *err)
{
    for (size_t i = 0, n = json_array_size(array); i < n; i++) {
        const json_t *id = json_array_get(array, i);
        const json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || (uintmax_t)value >= r->model->d_vocab)
            return clh_fail(err, CLH_EINPUT, "token %zu is %s, want a whole number in [0, %zu]", i,
                            clh_quoted_json(id).text, r->model->d_vocab - 1);
        assert(r->used < r->room);
        r->ids[r->used++] = (uint32_t)value;
    }
    return CLH_OK;
}

static clh_status add_json(reader *r, const char *line, clh_error *err)
{
    json_t *value = NULL;
    clh_status status =
        clh_json_parse(&value, line, strlen(line), JSON_DECODE_ANY, "the prompt", NULL, err);
    if (status)
        return status;
    status =
        json_is_string(value) ? add_text(r, json_string_value(value), err) : add_ids(r, value, err);
    json_decref(value);
    return status;
}

static clh_status add_line(reader *r, const char *line, clh_error *err)
{
    const size_t begin = r->used;
    clh_status status =
        *line == '"' || *line == '[' ? add_json(r, line, err) : add_text(r, line, err);
    for (size_t i = begin; i < r->used && !status; i++)
        if (r->ids[i] >= r->model->d_vocab)
            status = clh_fail(err, CLH_EINPUT, "token %zu is %u, the model reads ids below %zu",
                              i - begin, r->ids[i], r->model->d_vocab);
    const size_t length = r->used - begin;
    if (!status && (length == 0 || length > r->model->n_ctx))
        status = clh_fail(err, CLH_ESHAPE, "the prompt has %zu tokens, want 1 to %zu (n_ctx)",
                          length, r->model->n_ctx);
    return status;
}

/* Lines become texts of their own: `text` is written over where they end. */
static clh_status read_lines(clh_prompts *out, char *text, const char *path, reader *r,
                             clh_error *err)
{
    clh_status status = CLH_OK;
    for (char *line = text, *next; *line && !status; line = next) {
        const size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        status = add_line(r, line, err);
        if (status)
            clh_fail_context(err, status, "%s line %zu", path, out->count + 1);
        else
            out->start[++out->count] = r->used;
    }
    if (!status && out->count == 0)
        status = clh_fail(err, CLH_EFORMAT, "%s is empty, want a prompt a line", path);
    return status;
}

clh_status clh_prompts_read(clh_prompts *out, const char *path, const clh_vocab *vocab,
                            const clh_model_config *model, clh_error *err)
{
    assert(out && path && model);
    char *text = NULL;
    *out = (clh_prompts){0};
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    size_t lines = 1;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    reader r = {.vocab = vocab, .model = model, .room = strlen(text) + 1};
    out->ids = r.ids = clh_alloc_array(r.room, sizeof *r.ids, err);
    out->start = clh_alloc_zeroed(lines + 1, sizeof *out->start, err);
    status = out->ids && out->start ? read_lines(out, text, path, &r, err) : CLH_ENOMEM;
    clh_free(text);
    if (status)
        clh_prompts_deinit(out);
    return status;
}

clh_tokens clh_prompts_tokens(const clh_prompts *p, size_t index)
{
    assert(p && index < p->count);
    return (clh_tokens){p->ids + p->start[index], 1, p->start[index + 1] - p->start[index]};
}

void clh_prompts_deinit(clh_prompts *prompts)
{
    clh_free(prompts->start);
    clh_free(prompts->ids);
    *prompts = (clh_prompts){0};
}
