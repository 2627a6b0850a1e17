/* pattern: where a head attends on one sequence, as the notebook's heat map and coloured tokens. */
#include <stdio.h>

#include "ask/shared/attended.h"

typedef struct pattern_settings {
    clh_given given;
    size_t layer, head, position;
    char positions[CLH_GIVEN_NAMES];
} pattern_settings;

static const clh_key keys[] = {
    CLH_GIVEN_KEYS(pattern_settings, given),
    CLH_ROW(pattern_settings, layer, SIZE, "0", "[0, 1000]", "which layer"),
    CLH_ROW_AUTO(pattern_settings, head, SIZE, "all, side by side", "[0, 10000]",
                 "which head of it"),
    CLH_ROW_AUTO(pattern_settings, positions, TEXT, "all", "SLICES",
                 "between these positions only, to look closer: 600:722,-1"),
    CLH_ROW_AUTO(pattern_settings, position, SIZE, "the last that does not predict the end",
                 "[0, 100000]", "destination whose attention colours the tokens"),
};

static const clh_field numbers[] = {
    {"position", "position", "destination whose attention colours the tokens", .decimals = 0}, {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_ARRAY, "pattern", "attention from each destination (query) to each source (key)",
     .draw = "heat", .unit = "attention", .flags = CLH_HEADLINE},
    {CLH_PART_ARRAY, "tokens", "attention of the head from one destination to every source",
     .draw = "tokens", .unit = "attention"},
    {0}};

CLH_CLOSER(close_slices, clh_slices_deinit)

/* [head, query_pos, key_pos] of the heads and positions asked for. */
static clh_status put_pattern(clh_result *out, const clh_attended *a, const pattern_settings *set,
                              clh_error *err)
{
    const bool all = set->head == CLH_UNSET;
    const clh_real *from = a->pattern + (all ? 0 : set->head * a->pos * a->pos);
    const size_t heads = all ? a->heads : 1;
    char title[CLH_GIVEN_NAMES + 160], head[40] = "", part[CLH_GIVEN_NAMES + 64] = "";
    clh_slices *at = clh_result_make(out, sizeof *at, close_slices, err);
    clh_status status =
        at ? clh_slices_read(at, set->positions, "positions", a->pos, err) : CLH_ENOMEM;
    if (status)
        return status;
    clh_array view = clh_array_cube("pattern", CLH_F32, from, heads, a->pos, a->pos);
    const char **label =
        clh_alloc_array(a->pos > at->count ? a->pos : at->count, sizeof *label, err);
    if (!label)
        return CLH_ENOMEM;
    for (size_t i = 0; i < (at->index ? at->count : a->pos); i++)
        label[i] = a->label[at->index ? at->index[i] : i];
    for (size_t d = 1; d < 3 && at->index; d++)
        clh_array_select(&view, d, at->index, at->count);
    const clh_axis axes[] = {{"head", NULL}, {"query_pos", label}, {"key_pos", label}};
    if (!all || a->heads == 1)
        (void)snprintf(head, sizeof head, ", head %zu", all ? 0 : set->head);
    if (at->index)
        (void)snprintf(part, sizeof part, ", positions %s (%zu of %zu)", set->positions, at->count,
                       a->pos);
    (void)snprintf(title, sizeof title, "Attention, layer %zu%s%s", set->layer, head, part);
    clh_result_array(out, &view, axes, NULL, NULL);
    clh_result_array_title(out, title, SIZE_MAX);
    clh_free((void *)label);
    return CLH_OK;
}

static clh_status put_tokens(clh_result *out, const clh_attended *a, const clh_subject *s,
                             const pattern_settings *set, clh_error *err)
{
    const size_t head = set->head == CLH_UNSET ? 0 : set->head;
    const size_t at = set->position == CLH_UNSET
                          ? clh_attended_destination(clh_subject_task(s), a->pos)
                          : set->position;
    if (at >= a->pos)
        return clh_fail(err, CLH_ERANGE,
                        "position is %zu, want less than %zu, the tokens there are", at, a->pos);
    const clh_array view =
        clh_array_vector("tokens", CLH_F32, a->pattern + (head * a->pos + at) * a->pos, a->pos);
    const clh_axis axis = {"key_pos", a->token};
    char title[96];
    clh_result_put_number(out, "position", (double)at);
    clh_result_array(out, &view, &axis, NULL, NULL);
    (void)snprintf(title, sizeof title, "Attention from position %zu, layer %zu, head %zu", at,
                   set->layer, head);
    clh_result_array_title(out, title, at);
    return CLH_OK;
}

static clh_status ask_pattern(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    const pattern_settings *set = settings;
    clh_attended a = {0};
    (void)how;
    clh_status status = clh_attended_open(&a, out, s, &set->given, set->layer,
                                          set->head == CLH_UNSET ? 0 : set->head, err);
    if (!status)
        status = put_pattern(out, &a, set, err);
    if (!status)
        status = put_tokens(out, &a, s, set, err);
    clh_attended_deinit(&a);
    return status;
}

const clh_question clh_question_pattern = {
    .name = "pattern",
    .summary = "where a head attends on one sequence, as a heat map",
    .description =
        "The attention pattern of a head, or of every head of a layer, on the first held-out "
        "sequence or on the letters, text or tokens given; and the sequence's tokens coloured by "
        "the attention of one destination.",
    .examples =
        "clearhead pattern runs/notebook # in the terminal\n"
        "clearhead pattern runs/notebook --letters psM1 --figure attention.png # an image\n"
        "clearhead pattern runs/five --positions 600: --range row --figure a.png # closer\n"
        "clearhead pattern runs/notebook --part tokens --figure tokens.svg # coloured tokens",
    CLH_SETTINGS(keys, pattern_settings),
    .needs = CLH_NEEDS_ATTENTION,
    .schema = schema,
    .ask = ask_pattern,
    .check = clh_given_check};
