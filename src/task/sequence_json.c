#include "task/sequence_json.h"

#include <inttypes.h>

void clh_sequence_ids(clh_strbuf *out, const clh_sequence *sequence)
{
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < sequence->length; i++)
        clh_strbuf_addf(out, "%s%" PRIu32, i ? ", " : "", sequence->tokens[i]);
    clh_strbuf_adds(out, "]");
}

clh_status clh_sequence_json(clh_strbuf *out, const clh_task *task, const clh_split *split,
                             uint64_t index, const clh_sequence *sequence, clh_error *err)
{
    uint64_t rank = index;
    clh_split side = split ? *split : CLH_SPLIT_TRAIN;
    char *text = NULL;
    const bool ranks = clh_task_domain_size(task) > 0;
    clh_status status = clh_task_decode(task, sequence->tokens, sequence->length, &text, err);
    if (!status && split && ranks)
        status = clh_task_rank(task, sequence->tokens, sequence->length, &rank, err);
    if (!status && !split)
        status = clh_task_split_of(task, rank, &side, err);
    if (!status) {
        clh_strbuf_addf(out, "{\"index\": %" PRIu64 ", \"rank\": ", index);
        if (ranks)
            clh_strbuf_addf(out, "%" PRIu64, rank);
        else
            clh_strbuf_adds(out, "null");
        clh_strbuf_addf(out, ", \"split\": \"%s\", \"first_scored\": %zu, \"text\": ",
                        side == CLH_SPLIT_TRAIN ? "train" : "test", sequence->first_scored);
        clh_strbuf_add_json(out, text);
        clh_strbuf_adds(out, ", \"tokens\": ");
        clh_sequence_ids(out, sequence);
        clh_strbuf_adds(out, "}");
    }
    clh_free(text);
    return status;
}
