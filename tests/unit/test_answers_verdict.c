/* Every verdict from numbers on both sides of each threshold of docs/mathematics.md. */
#include <math.h>

#include "base/base.h"
#include "clearhead/answers.h"
#include "clearhead/permutations.h"
#include "support/cmocka_all.h"

static void says(const clh_answers *a, clh_notebook_question question, const char *want)
{
    assert_string_equal(clh_answers_verdict(a, question), want);
}

static void unseen_is_decided_by_the_interval(void **state)
{
    (void)state;
    says(&(clh_answers){.whole.low = 0.951, .whole.high = 1}, CLH_QUESTION_UNSEEN, "yes");
    says(&(clh_answers){.whole.low = 0.949, .whole.high = 1}, CLH_QUESTION_UNSEEN, "not always");
    says(&(clh_answers){.whole.low = 0.1, .whole.high = 0.51}, CLH_QUESTION_UNSEEN, "not always");
    says(&(clh_answers){.whole.low = 0.1, .whole.high = 0.49}, CLH_QUESTION_UNSEEN, "no");
}

/* 10 deviations above 0.02 with a deviation of 0.001 are 0.03. */
static void a_cue_is_heard_ten_deviations_above_chance(void **state)
{
    (void)state;
    clh_answers a = {.plain.accuracy = 1};
    for (int f = 0; f < CLH_CUES; f++)
        a.cue[f].accuracy_without = 1;
    clh_cue *cue = &a.attention.cue[CLH_CUE_ALPHABET];
    *cue = (clh_cue){.effect = 0.029, .shuffled = 0.02, .deviation = 0.001};
    says(&a, CLH_QUESTION_CUES, "no");
    cue->effect = 0.031;
    says(&a, CLH_QUESTION_CUES,
         "no: attention depends on features of letters, and does not need them");
    a.cue[CLH_CUE_ALPHABET].accuracy_without = 0.981;
    says(&a, CLH_QUESTION_CUES,
         "no: attention depends on features of letters, and does not need them");
    a.cue[CLH_CUE_ALPHABET].accuracy_without = 0.979;
    says(&a, CLH_QUESTION_CUES, "yes");
    a.cue[CLH_CUE_ALPHABET].accuracy_without = 1;
    a.cue[CLH_CUE_CLASS].accuracy_without = 0; /* needed, but not heard */
    says(&a, CLH_QUESTION_CUES,
         "no: attention depends on features of letters, and does not need them");
    a.plain.accuracy = 0.49;
    says(&a, CLH_QUESTION_CUES,
         "attention depends on features of letters, and the task is not done");
    cue->effect = 0;
    says(&a, CLH_QUESTION_CUES, "no");
}

static void ov_copies_where_the_token_keeps_and_the_position_does_not(void **state)
{
    (void)state;
    static const struct {
        double plain, copies, token, position;
        const char *verdict;
    } rows[] = {
        {1, 0.91, 0.981, 0.979, "it copies the letter it reads"},
        {1, 0.89, 0.981, 0.979, "it reads the letter, and does not copy it"},
        {1, 0.91, 0.979, 0.981, "it reads where it is"},
        {1, 0.91, 0.981, 0.981, "it reads letter and place"},
        {1, 0.91, 0.979, 0.979, "it reads letter and place"},
        {0.49, 0.91, 0.49, 0, "it copies letters, and the task is not done"},
        {0.49, 0.89, 0.49, 0, "nothing that serves the task"},
        {0.51, 0.91, 0.5, 0, "it copies the letter it reads"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        says(&(clh_answers){.plain.accuracy = rows[i].plain,
                            .copies = rows[i].copies,
                            .v_position_mean.accuracy = rows[i].token,
                            .v_token_mean.accuracy = rows[i].position},
             CLH_QUESTION_OV, rows[i].verdict);
}

/* Checkpoints at which so many of 100 spaces and letters are right. */
static void check_order(const size_t spaces[3], const size_t letters[3], const char *want)
{
    clh_emergence_row row[3] = {{.step = 0}, {.step = 1}, {.step = 2}};
    for (size_t i = 0; i < 3; i++) {
        clh_tally *t = &row[i].tally[CLH_SWAP_NONE];
        t->kind_count[CLH_TOKEN_SPACE] = t->kind_count[CLH_TOKEN_LETTER] = 100;
        t->kind_correct[CLH_TOKEN_SPACE] = spaces[i];
        t->kind_correct[CLH_TOKEN_LETTER] = letters[i];
    }
    says(&(clh_answers){.emergence = {row, 3}}, CLH_QUESTION_ORDER, want);
}

static void order_is_that_of_the_checkpoints_from_which_it_stays(void **state)
{
    (void)state;
    const size_t never[3] = {0, 98, 98}, second[3] = {98, 99, 99}, third[3] = {99, 98, 99};
    check_order(second, third, "spaces before letters");
    check_order(third, second, "letters before spaces");
    check_order(third, third, "spaces and letters between the same checkpoints");
    check_order(third, never, "spaces, no letters yet");
    check_order(never, third, "letters before spaces");
    check_order(never, never, "neither spaces nor letters by the end");
}

/* Half of the predictions have a source with the right token. */
static void duplicates_are_a_share_of_what_is_possible(void **state)
{
    (void)state;
    static const struct {
        double top;
        const char *verdict;
    } rows[] = {
        {0.5, "always"}, {0.496, "nearly always"}, {0.494, "often"}, {0.26, "often"}, {0.24, "no"}};
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {0};
        a.attention.answer_possible = 0.5;
        a.attention.answer_top = rows[i].top;
        says(&a, CLH_QUESTION_DUPLICATES, rows[i].verdict);
    }
}

static void early_sources_are_asked_for_their_reason(void **state)
{
    (void)state;
    static const struct {
        double prompt, top, earliest, latest;
        const char *verdict;
    } rows[] = {
        {0.09, 0.5, 1, 0, "they are not"},
        {0.11, 0.494, 1, 0, "not for holding the answer"},
        {0.11, 0.496, 0.51, 0.49, "it looks for the first that holds the answer"},
        {0.11, 0.496, 0.49, 0.51, "not by rule: it looks for the last that does"},
        {0.11, 0.496, 0.49, 0.49,
         "every letter is there from the start: some answers are sought there"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {0};
        a.attention.answer_possible = 0.5;
        a.attention.answer_top = rows[i].top;
        a.attention.top_prompt = rows[i].prompt;
        a.attention.top_earliest = rows[i].earliest;
        a.attention.top_latest = rows[i].latest;
        says(&a, CLH_QUESTION_EARLY, rows[i].verdict);
    }
}

static void spacing_and_loss_are_shares(void **state)
{
    (void)state;
    static const struct {
        size_t gap;
        double share;
        const char *verdict;
    } rows[] = {{0, 0, "no two share one"},
                {5, 0.91, "yes"},
                {5, 0.89, "often"},
                {5, 0.26, "often"},
                {5, 0.24, "no"}};
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_answers a = {0};
        a.attention.gap = rows[i].gap;
        a.attention.gap_share = rows[i].share;
        says(&a, CLH_QUESTION_SPACING, rows[i].verdict);
    }
    says(&(clh_answers){.worst_share = 0.51}, CLH_QUESTION_LOSS, "at a few");
    says(&(clh_answers){.worst_share = 0.49}, CLH_QUESTION_LOSS, "spread out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unseen_is_decided_by_the_interval),
        cmocka_unit_test(a_cue_is_heard_ten_deviations_above_chance),
        cmocka_unit_test(ov_copies_where_the_token_keeps_and_the_position_does_not),
        cmocka_unit_test(order_is_that_of_the_checkpoints_from_which_it_stays),
        cmocka_unit_test(duplicates_are_a_share_of_what_is_possible),
        cmocka_unit_test(early_sources_are_asked_for_their_reason),
        cmocka_unit_test(spacing_and_loss_are_shares),
    };
    return cmocka_run_group_tests_name("answers_verdict", tests, NULL, NULL);
}
