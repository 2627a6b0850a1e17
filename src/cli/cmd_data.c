/* clearhead data: the task's sequences as text, token ids or JSON. */
#include <inttypes.h>

#include "cli/cli.h"

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

static void print_ids(const clh_sequence *sequence)
{
    for (size_t i = 0; i < sequence->length; i++)
        (void)printf("%s%" PRIu32, i ? ", " : "[", sequence->tokens[i]);
    (void)printf("]");
}

/** {"index", "rank", "split", "text", "tokens", "first_scored"}; rank null where there are too many
 *  to be counted. */
static clh_status print_object(const clh_listing *list, uint64_t index, const char *text,
                               const clh_sequence *sequence, clh_error *err)
{
    uint64_t rank = index;
    clh_split split = list->split;
    clh_status status = CLH_OK;
    const bool ranks = clh_task_domain_size(list->task) > 0;
    char number[24] = "null";
    if (list->split_given && ranks)
        status = clh_task_rank(list->task, sequence->tokens, sequence->length, &rank, err);
    if (!status && !list->split_given)
        status = clh_task_split_of(list->task, rank, &split, err);
    if (status)
        return status;
    clh_strbuf quoted = {0};
    clh_strbuf_add_json(&quoted, text);
    if (ranks)
        (void)snprintf(number, sizeof number, "%" PRIu64, rank);
    (void)printf("{\"index\": %" PRIu64 ", \"rank\": %s"
                 ", \"split\": \"%s\", \"first_scored\": %zu, \"text\": %s, \"tokens\": ",
                 index, number, split == CLH_SPLIT_TRAIN ? "train" : "test", sequence->first_scored,
                 clh_strbuf_view(&quoted));
    clh_strbuf_deinit(&quoted);
    print_ids(sequence);
    (void)printf("}\n");
    return CLH_OK;
}

static clh_status print_sequence(const clh_listing *list, uint64_t index, clh_sequence *sequence,
                                 clh_error *err)
{
    char *text = NULL;
    clh_status status = list->split_given
                            ? clh_task_draw(list->task, list->split, index, sequence, err)
                            : clh_task_unrank(list->task, index, sequence, err);
    if (status)
        return status;
    if (clh_opt_flag(list->inv, "tokens") && !list->inv->json) {
        print_ids(sequence);
        (void)printf("\n");
        return CLH_OK;
    }
    status = clh_task_decode(list->task, sequence->tokens, sequence->length, &text, err);
    if (!status && list->inv->json)
        status = print_object(list, index, text, sequence, err);
    else if (!status)
        (void)printf("%s\n", text);
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
