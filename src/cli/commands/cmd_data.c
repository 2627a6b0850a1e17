/* clearhead data: the task's sequences as text, token ids or JSON. */
#include <inttypes.h>

#include "cli/commands/commands.h"
#include "task/sequence_json.h"

/** What to print and from where. */
typedef struct clh_listing {
    const clh_invocation *inv;
    clh_task *task;
    bool split_given; /* the stream of a split instead of the domain */
    clh_split split;
    size_t from, first;
} clh_listing;

static uint64_t listing_size(const clh_listing *list)
{
    return list->split_given ? clh_task_split_size(list->task, list->split)
                             : clh_task_domain_size(list->task);
}

static clh_status print_sequence(const clh_listing *list, uint64_t index, clh_sequence *sequence,
                                 clh_error *err)
{
    clh_strbuf line = {0};
    char *text = NULL;
    const clh_split *split = list->split_given ? &list->split : NULL;
    clh_status status = split ? clh_task_draw(list->task, *split, index, sequence, err)
                              : clh_task_unrank(list->task, index, sequence, err);
    if (!status && list->inv->json)
        status = clh_sequence_json(&line, list->task, split, index, sequence, err);
    else if (!status && clh_opt_flag(list->inv, "tokens"))
        clh_sequence_ids(&line, sequence);
    else if (!status)
        status = clh_task_decode(list->task, sequence->tokens, sequence->length, &text, err);
    if (!status)
        status = clh_strbuf_check(&line, err);
    if (!status)
        (void)puts(text ? text : clh_strbuf_view(&line));
    clh_strbuf_deinit(&line);
    clh_free(text);
    return status;
}

/** Training goes round and round; the held-out sequences and the domain are listed once. */
static bool goes_round(const clh_listing *list)
{
    return list->split_given && list->split == CLH_SPLIT_TRAIN;
}

static clh_status print_all(const clh_listing *list, clh_error *err)
{
    uint64_t size = listing_size(list), end = (uint64_t)list->from + list->first;
    if (list->from >= size && list->first > 0 && !goes_round(list))
        return clh_fail(err, CLH_ERANGE,
                        "--from is %zu, want less than %" PRIu64 ", the number of "
                        "sequences",
                        list->from, size);
    if (end > size && !goes_round(list))
        end = size;
    if (end > size)
        (void)fprintf(stderr,
                      "training has %" PRIu64 " sequences: each %" PRIu64
                      " of its stream are a round, with every one once\n",
                      size, size);
    clh_sequence sequence = {.capacity = clh_task_length_max(list->task)};
    sequence.tokens = clh_alloc_array(sequence.capacity, sizeof *sequence.tokens, err);
    if (!sequence.tokens)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    for (uint64_t k = list->from; k < end && !status && !clh_cli_out_failed(); k++)
        status = print_sequence(list, k, &sequence, err);
    clh_free(sequence.tokens);
    return status;
}

static clh_status list_task(clh_listing *list, clh_error *err)
{
    unsigned split = 0;
    clh_status status = clh_opt_size(list->inv, "first", &list->first, err);
    if (!status)
        status = clh_opt_size(list->inv, "from", &list->from, err);
    if (!status)
        status = clh_opt_choice(list->inv, "split", &split, err);
    if (status)
        return status;
    list->split_given = clh_opt_given(list->inv, "split");
    list->split = split == 0 ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
    if (!list->split_given && clh_task_domain_size(list->task) == 0)
        return clh_fail(err, CLH_ESUPPORT,
                        "task %s has too many sequences to be counted, want --split train or test",
                        clh_task_name(list->task));
    if (!clh_opt_flag(list->inv, "count"))
        return print_all(list, err);
    (void)printf(list->inv->json ? "{\"count\": %" PRIu64 "}\n" : "%" PRIu64 "\n",
                 listing_size(list));
    return CLH_OK;
}

int clh_cmd_data(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_layer layers;
    clh_listing list = {.inv = inv};
    clh_status status = clh_opt_layers(inv, NULL, &layers, &err);
    if (!status)
        status = clh_run_layer_task(&list.task, &layers, &err);
    if (!status)
        status = list_task(&list, &err);
    clh_task_close(list.task);
    return status ? clh_cli_fail(inv, &err) : 0;
}
