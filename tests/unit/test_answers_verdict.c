/* Every verdict from numbers on both sides of each threshold of docs/mathematics.md. */
#include <math.h>

#include "base/base.h"
#include "clearhead/answers.h"
#include "clearhead/measure.h"
#include "clearhead/permutations.h"
#include "support/cmocka_all.h"

static void says(const clh_answers *a, clh_notebook_question question, const char *want)
{
    char said[CLH_ANSWERS_VERDICT];
    assert_string_equal(clh_answers_verdict(a, question, said), want);
}

enum { MANY = 500 };

/* Answers about a model that is able, from `sequences`, none of which lost anything. */
static clh_answers able(size_t sequences)
{
    return (clh_answers){.sequences = sequences, .plain.accuracy = 1};
}

static clh_interval lost(double low, double high)
{
    return (clh_interval){(low + high) / 2, low, high};
}

/* Right sequences of so many: what 0 of n says is 1 - 0.05^(1/n), rounded up. */
static void unseen_is_what_the_sample_cannot_rule_out(void **state)
{
    (void)state;
    static const struct {
        size_t right, of;
        const char *verdict;
    } rows[] = {
        {1, 1, "not seen to fail in 1; at most 95 % fail (95 %)"},
        {20, 20, "not seen to fail in 20; at most 14 % fail (95 %)"},
        {500, 500, "not seen to fail in 500; at most 0.6 % fail (95 %)"},
        {1000000, 1000000, "not seen to fail in 1000000; at most 0.0003 % fail (95 %)"},
        {0, 500, "not seen to work in 500; at most 0.6 % work (95 %)"},
        {499, 500, "mostly: it fails at times"},
        {19, 20, "mostly: it fails at times"},
        {250, 500, "at times: it works and it fails"},
        {2, 3, "at times: it works and it fails"},
        {1, 500, "seldom: it mostly fails"},
        {0, 0, "not decided by 0 sequences"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        says(&(clh_answers){.sequences = rows[i].of,
                            .held_out = {.sequences = rows[i].of,
                                         .sequences_correct = rows[i].right},
                            .whole = clh_binomial_interval(rows[i].right, rows[i].of, 0.95)},
             CLH_QUESTION_UNSEEN, rows[i].verdict);
}

/* Twenty sequences and more decide, where no interval lies on both sides of a threshold. */
static void qk_is_decided_by_intervals(void **state)
{
    (void)state;
    static const struct {
        size_t sequences;
        double position[2], token[2];
        const char *verdict;
    } rows[] = {
        {20, {0.01, 0.02}, {0.5, 0.6}, "by position"},
        {19, {0.01, 0.02}, {0.5, 0.6}, "not decided by 19 sequences"},
        {MANY, {0.01, 0.021}, {0.5, 0.6}, "not decided by 500 sequences"},
        {MANY, {0.5, 0.6}, {-0.01, 0.02}, "by token"},
        {MANY, {0, 0.02}, {0, 0.02}, "neither is needed"},
        {MANY, {0.03, 0.1}, {0.5, 0.6}, "mostly by position"},
        {MANY, {0.03, 0.11}, {0.5, 0.6}, "not decided by 500 sequences"},
        {MANY, {0.11, 0.2}, {0.03, 0.1}, "mostly by token"},
        {MANY, {0.11, 0.2}, {0.03, 0.11}, "not decided by 500 sequences"},
        {MANY, {0.11, 0.2}, {0.11, 0.2}, "by both together"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = able(rows[i].sequences);
        a.qk_token_mean.lost = lost(rows[i].position[0], rows[i].position[1]);
        a.qk_position_mean.lost = lost(rows[i].token[0], rows[i].token[1]);
        says(&a, CLH_QUESTION_QK, rows[i].verdict);
        a.plain.accuracy = 0.49;
        says(&a, CLH_QUESTION_QK, "nothing that serves the task");
    }
}

/* Of chance 0.2 an effect of 0.208 is 0.01 of the rest; a deviation of 0.001 is 0.00125 of it. */
static void a_cue_counts_by_its_size_and_not_by_how_sure_it_is(void **state)
{
    (void)state;
    static const char depends[] =
        "no: attention depends on features of letters, and does not need them";
    static const struct {
        size_t sequences;
        double effect, deviation, lost[2];
        const char *verdict;
    } rows[] = {
        {MANY, 0.2, 0.0001, {0, 0}, "no"},
        {MANY, 0.2051, 1e-6, {0, 0}, "no"}, /* small, and surely there */
        {MANY, 0.2099, 0.001, {0, 0}, "not decided by 500 sequences"},
        {MANY, 0.2101, 0.001, {0, 0}, depends},
        {MANY, 0.4, 0.03, {0, 0.02}, depends}, /* large, and less than ten deviations */
        {19, 0.4, 0.03, {0, 0.02}, "not decided by 19 sequences"},
        {MANY, 0.4, 0.03, {0, 0.021}, "not decided by 500 sequences"},
        {MANY, 0.4, 0.03, {0.021, 0.03}, "yes"},
        {MANY, 0.2099, 0.001, {0.021, 0.03}, "not decided by 500 sequences"},
        {MANY, 0.2, 0.0001, {0.021, 0.03}, "no"}, /* needed, but not depended on */
        {MANY, NAN, 0, {0, 0}, "no"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = able(rows[i].sequences);
        a.attention.cue[CLH_CUE_ALPHABET] =
            (clh_cue){.effect = rows[i].effect, .shuffled = 0.2, .deviation = rows[i].deviation};
        a.cue[CLH_CUE_ALPHABET].lost_without = lost(rows[i].lost[0], rows[i].lost[1]);
        says(&a, CLH_QUESTION_CUES, rows[i].verdict);
    }
    clh_answers a = able(MANY);
    a.plain.accuracy = 0.49;
    says(&a, CLH_QUESTION_CUES, "no");
    a.attention.cue[CLH_CUE_ALPHABET] = (clh_cue){.effect = 0.5};
    says(&a, CLH_QUESTION_CUES,
         "attention depends on features of letters, and the task is not done");
}

static void ov_copies_where_the_token_keeps_and_the_position_does_not(void **state)
{
    (void)state;
    static const struct {
        double plain, copies, token[2], position[2];
        const char *verdict;
    } rows[] = {
        {1, 0.91, {0, 0.02}, {0.021, 0.03}, "it copies the letter it reads"},
        {1, 0.89, {0, 0.02}, {0.021, 0.03}, "it reads the letter, and does not copy it"},
        {1, 0.91, {0.021, 0.03}, {0, 0.02}, "it reads where it is"},
        {1, 0.91, {0, 0.02}, {0, 0.02}, "it reads letter and place"},
        {1, 0.91, {0.021, 0.03}, {0.021, 0.03}, "it reads letter and place"},
        {1, 0.91, {0, 0.03}, {0.021, 0.03}, "not decided by 500 sequences"},
        {1, 0.91, {0, 0.02}, {0.01, 0.03}, "not decided by 500 sequences"},
        {0.49, 0.91, {0, 0}, {0.4, 0.5}, "it copies letters, and the task is not done"},
        {0.49, 0.89, {0, 0}, {0.4, 0.5}, "nothing that serves the task"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = able(MANY);
        a.plain.accuracy = rows[i].plain;
        a.copies = rows[i].copies;
        a.v_position_mean.lost = lost(rows[i].token[0], rows[i].token[1]);
        a.v_token_mean.lost = lost(rows[i].position[0], rows[i].position[1]);
        says(&a, CLH_QUESTION_OV, rows[i].verdict);
    }
}

/* An interval above a threshold, below it, or around it. */
static clh_interval around(double low, double high)
{
    return (clh_interval){(low + high) / 2, low, high};
}

/* Three checkpoints: accuracies that lie above 0.95 (+), below it (-), or on both sides (?). */
static void order_is_told_by_a_checkpoint_that_tells_them_apart(void **state)
{
    (void)state;
    static const struct {
        const char *spaces, *letters, *verdict;
    } rows[] = {
        {"-++", "--+", "spaces before letters"},
        {"--+", "-++", "letters before spaces"},
        {"-?+", "--+", "spaces and letters between the same checkpoints"},
        {"-++", "-++", "spaces and letters between the same checkpoints"},
        {"-+?", "--+", "spaces before letters"},
        {"-+-", "-+-", "neither spaces nor letters by the end"},
        {"--+", "---", "spaces, no letters yet"},
        {"+-+", "-++", "now spaces, now letters"},
        {"-?+", "-??", "not decided by 100 sequences"},
        {"?"
         "?"
         "?",
         "---", "not decided by 100 sequences"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_emergence_row row[3] = {{.step = 0}, {.step = 1}, {.step = 2}};
        for (size_t c = 0; c < 3; c++) {
            const char of[2] = {rows[i].spaces[c], rows[i].letters[c]};
            const clh_ratio ratio[2] = {CLH_RATIO_OF(CLH_TOKEN_SPACE),
                                        CLH_RATIO_OF(CLH_TOKEN_LETTER)};
            row[c].tally[CLH_SWAP_NONE].sequences = 100;
            for (size_t k = 0; k < 2; k++)
                row[c].then[ratio[k]] = of[k] == '+'   ? around(0.95, 1)
                                        : of[k] == '-' ? around(0, 0.949)
                                                       : around(0.94, 0.96);
        }
        says(&(clh_answers){.sequences = MANY, .emergence = {row, 3}}, CLH_QUESTION_ORDER,
             rows[i].verdict);
    }
}

/* Of the predictions for which some source holds the answer; and in every one of n sequences. */
static void duplicates_are_a_share_of_what_is_possible(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        size_t always;
        const char *verdict;
    } rows[] = {{1, 1, 500, "not seen to fail in 500; at most 0.6 % fail (95 %)"},
                {0.99, 1, 499, "nearly always"},
                {0.98, 1, 0, "not decided by 500 sequences"},
                {0.5, 0.98, 0, "often"},
                {0.49, 0.98, 0, "not decided by 500 sequences"},
                {0.4, 0.49, 0, "no"},
                {NAN, NAN, 500, "no source holds it"}};
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {.sequences = MANY, .attention.sequences = MANY};
        a.attention.band.answer_found = around(rows[i].low, rows[i].high);
        a.attention.answer_found = a.attention.band.answer_found.value;
        a.attention.answer_sequences = rows[i].always;
        says(&a, CLH_QUESTION_DUPLICATES, rows[i].verdict);
    }
}

static void early_sources_are_asked_for_their_reason(void **state)
{
    (void)state;
    static const char undecided[] = "not decided by 500 sequences";
    static const struct {
        double prompt[2], found[2], earliest[2], latest[2];
        const char *verdict;
    } rows[] = {
        {{0, 0.09}, {1, 1}, {1, 1}, {0, 0}, "they are not"},
        {{0.09, 0.11}, {1, 1}, {1, 1}, {0, 0}, undecided},
        {{0.1, 0.11}, {0.9, 0.98}, {1, 1}, {0, 0}, "not for holding the answer"},
        {{0.1, 0.11}, {NAN, NAN}, {NAN, NAN}, {NAN, NAN}, "not for holding the answer"},
        {{0.1, 0.11}, {0.98, 1}, {1, 1}, {0, 0}, undecided},
        {{0.1, 0.11},
         {0.99, 1},
         {0.5, 0.6},
         {0, 0.4},
         "it looks for the first that holds the answer"},
        {{0.1, 0.11}, {0.99, 1}, {0.4, 0.6}, {0, 0.4}, undecided},
        {{0.1, 0.11},
         {0.99, 1},
         {0.4, 0.49},
         {0.5, 0.6},
         "not by rule: it looks for the last that does"},
        {{0.1, 0.11}, {0.99, 1}, {0.4, 0.49}, {0.4, 0.6}, undecided},
        {{0.1, 0.11},
         {0.99, 1},
         {0.4, 0.49},
         {0.4, 0.49},
         "every letter is there from the start: some answers are sought there"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {.sequences = MANY};
        a.attention.band =
            (clh_attention_bands){.answer_found = around(rows[i].found[0], rows[i].found[1]),
                                  .top_prompt = around(rows[i].prompt[0], rows[i].prompt[1]),
                                  .top_earliest = around(rows[i].earliest[0], rows[i].earliest[1]),
                                  .top_latest = around(rows[i].latest[0], rows[i].latest[1])};
        says(&a, CLH_QUESTION_EARLY, rows[i].verdict);
    }
}

static void spacing_and_loss_are_shares(void **state)
{
    (void)state;
    static const struct {
        size_t gap;
        double low, high;
        const char *verdict;
    } rows[] = {{0, 0, 0, "no two share one"},
                {5, 0.9, 0.95, "yes"},
                {5, 0.89, 0.95, "not decided by 500 sequences"},
                {5, 0.25, 0.89, "often"},
                {5, 0.24, 0.89, "not decided by 500 sequences"},
                {5, 0.1, 0.24, "no"}};
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {.sequences = MANY, .attention.gap = rows[i].gap};
        a.attention.band.gap_share = around(rows[i].low, rows[i].high);
        says(&a, CLH_QUESTION_SPACING, rows[i].verdict);
    }
    static const struct {
        double low, high;
        const char *verdict;
    } worst[] = {{0.5, 0.6, "at a few"},
                 {0.4, 0.49, "spread out"},
                 {0.4, 0.6, "not decided by 500 sequences"},
                 {NAN, NAN, "not decided by 500 sequences"}};
    for (size_t i = 0; i < CLH_COUNT(worst); i++)
        says(&(clh_answers){.sequences = MANY, .worst_band = around(worst[i].low, worst[i].high)},
             CLH_QUESTION_LOSS, worst[i].verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unseen_is_what_the_sample_cannot_rule_out),
        cmocka_unit_test(qk_is_decided_by_intervals),
        cmocka_unit_test(a_cue_counts_by_its_size_and_not_by_how_sure_it_is),
        cmocka_unit_test(ov_copies_where_the_token_keeps_and_the_position_does_not),
        cmocka_unit_test(order_is_told_by_a_checkpoint_that_tells_them_apart),
        cmocka_unit_test(duplicates_are_a_share_of_what_is_possible),
        cmocka_unit_test(early_sources_are_asked_for_their_reason),
        cmocka_unit_test(spacing_and_loss_are_shares),
    };
    return cmocka_run_group_tests_name("answers_verdict", tests, NULL, NULL);
}
