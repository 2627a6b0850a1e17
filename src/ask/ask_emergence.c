/* emergence: what was learned when, by measures at every checkpoint and by swapping circuits between a
 * checkpoint and the final weights. */
#include "ask/ratios.h"
#include "clearhead/emergence.h"

typedef struct emergence_settings {
    size_t count;
    double least;
} emergence_settings;

static const clh_key keys[] = {
    {.name = "count",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(emergence_settings, count),
     .fallback = "100",
     .values = "[1, 1000000]",
     .help = "how many held-out sequences"},
    {.name = "least",
     .kind = CLH_KEY_REAL,
     CLH_SETTING(emergence_settings, least),
     .fallback = CLH_RIGHT_TEXT,
     .values = "[0, 1]",
     .help = "the accuracy that counts as right"},
};

/* From which checkpoint on is this right? */
static const struct {
    clh_swap swap;
    clh_ratio ratio;
} from_of[] = {
    {CLH_SWAP_NONE, CLH_RATIO_SPACES},     {CLH_SWAP_NONE, CLH_RATIO_LETTERS},
    {CLH_SWAP_NONE, CLH_RATIO_PERIODS},    {CLH_SWAP_QK_THEN, CLH_RATIO_LETTERS},
    {CLH_SWAP_OV_THEN, CLH_RATIO_LETTERS}, {CLH_SWAP_QK_LAST, CLH_RATIO_LETTERS},
    {CLH_SWAP_OV_LAST, CLH_RATIO_LETTERS},
};

#define FROM(name_, meaning_)                                                                      \
    {                                                                                              \
        .name = name_, .unit = "step", .meaning = meaning_, .flags = CLH_HEADLINE                  \
    }
static const clh_field numbers[] = {
    FROM("spaces_from", "first checkpoint from which on spaces are right"),
    FROM("letters_from", "letters are right"),
    FROM("period_from", "the period is right"),
    FROM("qk_from", "the final model with this QK writes letters right"),
    FROM("ov_from", "the final model with this OV does"),
    FROM("letters_with_last_qk_from", "the checkpoint with the final QK writes letters right"),
    FROM("letters_with_last_ov_from", "the checkpoint with the final OV does"),
    {0}};

#define ACCURACY(name_, meaning_, flags_)                                                          \
    {                                                                                              \
        .name = name_, .unit = "share", .meaning = meaning_, .decimals = 4,                        \
        .flags = (flags_) | CLH_SHARE, .panel = "accuracy"                                         \
    }
static const clh_field columns[] = {
    {"loss", "nats/token", "of the checkpoint", .decimals = 6, .flags = CLH_HEADLINE | CLH_LOG},
    ACCURACY("space_accuracy", "of spaces", CLH_HEADLINE),
    ACCURACY("letter_accuracy", "of letters", CLH_HEADLINE),
    ACCURACY("period_accuracy", "of the period", CLH_HEADLINE),
    ACCURACY("qk_then", "of letters: the final model with this checkpoint's QK", CLH_HEADLINE),
    ACCURACY("ov_then", "of letters: the final model with this checkpoint's OV", CLH_HEADLINE),
    {"qk_last", "share", "of letters: the checkpoint with the final QK", .decimals = 4,
     .flags = CLH_HEADLINE | CLH_SHARE},
    {"ov_last", "share", "of letters: the checkpoint with the final OV", .decimals = 4,
     .flags = CLH_HEADLINE | CLH_SHARE},
    {0}};

typedef struct ratios {
    double of[CLH_RATIOS];
} ratios;
#define RATIO(name_, ratio)                                                                        \
    {                                                                                              \
        .name = name_, .unit = (ratio) == CLH_RATIO_LOSS ? "nats/token" : "share",                 \
        .decimals = (ratio) == CLH_RATIO_LOSS ? 6 : 4, .from = CLH_FROM_DOUBLE,                    \
        .offset = offsetof(ratios, of) + (ratio) * sizeof(double)                                  \
    }
static const clh_field all_columns[] = {RATIO("loss", CLH_RATIO_LOSS),
                                        RATIO("token_accuracy", CLH_RATIO_ACCURACY),
                                        RATIO("letter_accuracy", CLH_RATIO_LETTERS),
                                        RATIO("space_accuracy", CLH_RATIO_SPACES),
                                        RATIO("period_accuracy", CLH_RATIO_PERIODS),
                                        RATIO("sequence_accuracy", CLH_RATIO_SEQUENCES),
                                        {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "checkpoints", "each checkpoint, and what swapped circuits do",
     .keys = "#step", .draw = "curve", .fields = columns},
    {CLH_PART_NUMBERS, "from", NULL, .fields = numbers},
    {CLH_PART_TABLE, "swaps",
     "every measure: then is the checkpoint; qk_then and ov_then the final model with its QK (W_Q, "
     "b_Q, W_K, b_K) or OV (W_V, b_V, W_O, b_O); qk_last and ov_last the reverse",
     .keys = "#step,swap", .flags = CLH_DETAIL, .fields = all_columns},
    {0}};

static void put_row(clh_result *out, const clh_emergence_row *row)
{
    static const char *const swapped[CLH_SWAPS] = {NULL, "qk_then", "ov_then", "qk_last",
                                                   "ov_last"};
    char step[24];
    const clh_tally *then = &row->tally[CLH_SWAP_NONE];
    clh_result_row(out, "checkpoints", clh_key_text(step, row->step));
    clh_row_put_number(out, "loss", clh_tally_ratio(then, CLH_RATIO_LOSS));
    clh_row_put_number(out, "space_accuracy", clh_tally_ratio(then, CLH_RATIO_SPACES));
    clh_row_put_number(out, "letter_accuracy", clh_tally_ratio(then, CLH_RATIO_LETTERS));
    clh_row_put_number(out, "period_accuracy", clh_tally_ratio(then, CLH_RATIO_PERIODS));
    for (int k = CLH_SWAP_QK_THEN; k < CLH_SWAPS; k++)
        clh_row_put_number(out, swapped[k], clh_tally_ratio(&row->tally[k], CLH_RATIO_LETTERS));
    for (int k = 0; k < CLH_SWAPS; k++) {
        ratios all;
        for (int r = 0; r < CLH_RATIOS; r++)
            all.of[r] = clh_tally_ratio(&row->tally[k], (clh_ratio)r);
        clh_result_row(out, "swaps", step, clh_swap_name((clh_swap)k));
        clh_row_read(out, &all);
    }
}

static clh_status ask_emergence(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    const emergence_settings *set = settings;
    const clh_sample *sample = NULL;
    clh_emergence e = {0};
    clh_status status = clh_subject_sample(&sample, s, set->count, err);
    if (!status)
        status = clh_emergence_run(&e, clh_subject_path(s), CLH_LAST, sample, how->threads,
                                   how->watch, err);
    if (!status)
        clh_ask_stamp_sample(out, s, set->count);
    for (size_t i = 0; i < e.count && !status; i++)
        put_row(out, &e.row[i]);
    for (size_t i = 0; i < CLH_COUNT(from_of) && !status; i++) {
        const size_t at = clh_emergence_from(&e, from_of[i].swap, from_of[i].ratio, set->least);
        if (at < e.count)
            clh_result_put_number(out, numbers[i].name, (double)e.row[at].step);
        else
            clh_result_absent(out, numbers[i].name, "not by the end");
    }
    clh_emergence_deinit(&e);
    return status;
}

const clh_question clh_question_emergence = {
    .name = "emergence",
    .summary = "what was learned when, over a run's checkpoints",
    .description =
        "Measures every checkpoint of a run on held-out sequences: loss, and the accuracy of "
        "letters, spaces and the period. Then swaps circuits: the final model with the QK (W_Q, "
        "b_Q, "
        "W_K, b_K) or the OV (W_V, b_V, W_O, b_O) of the checkpoint, and the checkpoint with those "
        "of the final model. So when QK and OV were learned is read from what they do, not from "
        "how "
        "they look.",
    .examples = "clearhead emergence runs/notebook # every checkpoint\n"
                "clearhead emergence runs/notebook --figure learned.png # as curves\n"
                "clearhead emergence runs/notebook --seeds 8 # in the same order for other seeds?",
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(emergence_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_ABOUT_WHOLE_RUN | CLH_NEEDS_ATTENTION,
    .schema = schema,
    .ask = ask_emergence};
