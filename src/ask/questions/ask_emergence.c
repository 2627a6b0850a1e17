/* emergence: what was learned when, by measures at every checkpoint and by swapping circuits between a
 * checkpoint and the final weights. */
#include "ask/shared/ratios.h"
#include "clearhead/emergence.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

typedef struct emergence_settings {
    size_t count;
    double least;
} emergence_settings;

static const clh_key keys[] = {
    CLH_ROW_COUNT(emergence_settings, "100", "[1, 1000000]"),
    CLH_ROW(emergence_settings, least, REAL, TEXT(CLH_RIGHT), "[0, 1]",
            "the accuracy that counts as right"),
};

/* A row of a table: every ratio of one model, or of a checkpoint with the answer's tokens of each swap. */
typedef struct row {
    double of[CLH_RATIOS], swap[CLH_SWAPS];
} row;
#define RATIO(ratio) .from = CLH_FROM_DOUBLE, .offset = offsetof(row, of) + (ratio) * sizeof(double)
#define SWAP(swap_)                                                                                \
    .from = CLH_FROM_DOUBLE, .offset = offsetof(row, swap) + (swap_) * sizeof(double)

static const clh_field columns[] = {
    CLH_FIELD_LOSS("loss", "of the checkpoint", CLH_HEADLINE, RATIO(CLH_RATIO_LOSS)),
    CLH_FIELD_SHARE("*_accuracy", "of the tokens of this kind, those predicted right",
                    CLH_HEADLINE | CLH_BY_KIND, .panel = "accuracy", RATIO(CLH_RATIO_KIND)),
    CLH_FIELD_SHARE(
        "qk_then",
        "of the answer's tokens, those right by the final model with this checkpoint's QK",
        CLH_HEADLINE, .panel = "accuracy", SWAP(CLH_SWAP_QK_THEN)),
    CLH_FIELD_SHARE("ov_then", "of the same, by the final model with this checkpoint's OV",
                    CLH_HEADLINE, .panel = "accuracy", SWAP(CLH_SWAP_OV_THEN)),
    CLH_FIELD_SHARE("qk_last", "of the same, by the checkpoint with the final QK", CLH_HEADLINE,
                    SWAP(CLH_SWAP_QK_LAST)),
    CLH_FIELD_SHARE("ov_last", "of the same, by the checkpoint with the final OV", CLH_HEADLINE,
                    SWAP(CLH_SWAP_OV_LAST)),
    {0}};
static const clh_field from_columns[] = {
    {"step", "step", "the first checkpoint from which on it stays right", .flags = CLH_HEADLINE},
    {0}};

static const clh_field all_columns[] = {
    CLH_FIELD_LOSS("loss", "mean of -log p(right token) over scored predictions", 0,
                   RATIO(CLH_RATIO_LOSS)),
    CLH_FIELD_SHARE("token_accuracy",
                    "of scored predictions, those whose most likely token is right", 0,
                    RATIO(CLH_RATIO_ACCURACY)),
    {"*_accuracy", "share", "of the tokens of this kind, those predicted right", .decimals = 4,
     .flags = CLH_BY_KIND, RATIO(CLH_RATIO_KIND)},
    CLH_FIELD_SHARE("sequence_accuracy", "of sequences, those without a mistake", 0,
                    RATIO(CLH_RATIO_SEQUENCES)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "checkpoints", "each checkpoint, and what swapped circuits do",
     .keys = "#step", .draw = "curve", .fields = columns},
    {CLH_PART_TABLE, "from", "from which checkpoint on something is right: at least --least",
     .keys = "what", .fields = from_columns},
    {CLH_PART_TABLE, "swaps",
     "every measure: then is the checkpoint; qk_then and ov_then the final model with its QK "
     "(W_Q, b_Q, W_K, b_K) or OV (W_V, b_V, W_O, b_O); qk_last and ov_last the reverse",
     .keys = "#step,swap", .flags = CLH_DETAIL, .fields = all_columns},
    {0}};

/* What is asked of the swaps: letters where the task has them, else every token. */
static clh_ratio answer_of(const clh_task *task)
{
    const clh_token_kind letters = clh_task_letter_kind(task);
    return letters == CLH_TOKEN_OTHER ? CLH_RATIO_ACCURACY : CLH_RATIO_OF(letters);
}

static void put_row(clh_result *out, const clh_task *task, const clh_emergence_row *from)
{
    char step[24];
    row all[CLH_SWAPS];
    for (clh_swap k = 0; k < CLH_SWAPS; k++) {
        for (clh_ratio r = 0; r < CLH_RATIOS; r++)
            all[k].of[r] = clh_tally_ratio(&from->tally[k], r);
        all[CLH_SWAP_NONE].swap[k] = clh_tally_ratio(&from->tally[k], answer_of(task));
    }
    clh_result_row(out, "checkpoints", clh_key_text(step, from->step));
    clh_row_read(out, &all[CLH_SWAP_NONE]);
    for (clh_swap k = 0; k < CLH_SWAPS; k++) {
        clh_result_row(out, "swaps", step, clh_swap_name(k));
        clh_row_read(out, &all[k]);
    }
}

static void put_from(clh_result *out, const clh_emergence *e, const char *what, clh_swap swap,
                     clh_ratio ratio, double least)
{
    const size_t at = clh_emergence_from(e, swap, ratio, least);
    clh_result_row(out, "from", what);
    if (at < e->count)
        clh_row_put_number(out, "step", (double)e->row[at].step);
    else
        clh_row_absent(out, "not by the end");
}

static clh_status ask_emergence(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    const emergence_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    const clh_sample *sample = NULL;
    clh_emergence e = {0};
    clh_status status = clh_ask_sample(&sample, out, s, set->count, err);
    if (!status)
        status = clh_emergence_run(&e, clh_subject_path(s), CLH_LAST, sample, how, err);
    for (size_t i = 0; i < e.count && !status; i++)
        put_row(out, task, &e.row[i]);
    for (clh_ratio r = CLH_RATIO_ACCURACY; r < CLH_RATIOS && !status; r++)
        if (r != CLH_RATIO_SEQUENCES && clh_ratio_name(task, r))
            put_from(out, &e, clh_ratio_name(task, r), CLH_SWAP_NONE, r, set->least);
    for (clh_swap k = CLH_SWAP_QK_THEN; k < CLH_SWAPS && !status; k++)
        put_from(out, &e, clh_swap_name(k), k, answer_of(task), set->least);
    clh_emergence_deinit(&e);
    return status;
}

const clh_question clh_question_emergence = {
    .name = "emergence",
    .summary = "what was learned when, over a run's checkpoints",
    .description =
        "Measures every checkpoint of a run on held-out sequences: loss, and the accuracy of "
        "letters, spaces and the period. Then swaps circuits: the final model with the QK (W_Q, "
        "b_Q, W_K, b_K) or the OV (W_V, b_V, W_O, b_O) of the checkpoint, and the checkpoint with "
        "those of the final model. So when QK and OV were learned is read from what they do, not "
        "from how they look.",
    .examples = "clearhead emergence runs/notebook # every checkpoint\n"
                "clearhead emergence runs/notebook --figure learned.png # as curves\n"
                "clearhead emergence runs/notebook --seeds 8 # in the same order for other seeds?",
    CLH_SETTINGS(keys, emergence_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_ABOUT_WHOLE_RUN | CLH_NEEDS_ATTENTION,
    .schema = schema,
    .over = "letter_accuracy.step, space_accuracy.step, period_accuracy.step, token_accuracy.step, "
            "qk_then.step, ov_then.step",
    .ask = ask_emergence};
