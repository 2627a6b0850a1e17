/* How the next token is chosen: what may be drawn, how often, and that it follows from the choice. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "model/whole/choose.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { N = 6, DRAWS = 20000 };

/* In no order, two of them equal. */
static const clh_real logits[N] = {0, 2, -1, 3, 2, (clh_real)-INFINITY};

static const struct {
    const char *what;
    clh_choice choice;
    const char *may; /* tokens that may be drawn */
} rows[] = {
    {"the most likely", {.seed = 3}, "3"},
    {"temperature 1", {.temperature = 1}, "01234"},
    {"temperature 1, top_p 1", {.temperature = 1, .top_p = 1}, "01234"},
    {"hot", {.temperature = 50}, "01234"},
    {"cold", {.temperature = 1e-3}, "3"},
    {"so cold that others have nothing", {.temperature = 1e-300}, "3"},
    {"top_k 1", {.temperature = 9, .top_k = 1}, "3"},
    {"top_k 2: of equal ones the first", {.temperature = 1, .top_k = 2}, "13"},
    {"top_k 3", {.temperature = 1, .top_k = 3}, "134"},
    {"top_k more than there are", {.temperature = 1, .top_k = 99}, "01234"},
    {"top_p small", {.temperature = 1, .top_p = 1e-9}, "3"},
    {"top_p reached by the first", {.temperature = 1, .top_p = 0.5}, "3"}, /* 0.55 */
    {"top_p reached by two", {.temperature = 1, .top_p = 0.7}, "13"},
    {"top_p of what top_k left", {.temperature = 1, .top_k = 3, .top_p = 0.75}, "13"}, /* 0.58 */
};

static double share(const clh_choice *choice, const char *may, uint32_t token)
{
    double all = 0, own = 0;
    if (choice->temperature <= 0)
        return token == 3;
    for (uint32_t i = 0; i < N; i++) {
        const double w =
            strchr(may, '0' + (int)i) ? exp(((double)logits[i] - 3) / choice->temperature) : 0;
        all += w;
        own = i == token ? w : own;
    }
    return own / all;
}

static void tokens_are_drawn_as_often_as_they_are_likely(void **state)
{
    (void)state;
    clh_error err = {0};
    for (size_t r = 0; r < CLH_COUNT(rows); r++) {
        clh_chooser chooser;
        size_t count[N] = {0};
        must(clh_chooser_open(&chooser, &rows[r].choice, N, &err), &err);
        for (size_t d = 0; d < DRAWS; d++) { /* texts and positions both */
            chooser.choice.text = d / 10;
            count[clh_chooser_next(&chooser, logits, d % 10)]++;
        }
        for (uint32_t i = 0; i < N; i++) {
            const double p = share(&rows[r].choice, rows[r].may, i);
            const double apart = fabs((double)count[i] - DRAWS * p);
            if (apart > 5 * sqrt(DRAWS * p * (1 - p)) ||
                (count[i] > 0 && !strchr(rows[r].may, '0' + (int)i)))
                fail_msg("%s: token %u was drawn %zu times of %d, want %.0f", rows[r].what, i,
                         count[i], DRAWS, DRAWS * p);
        }
        clh_chooser_deinit(&chooser);
    }
}

/* The same for the same, another for another seed, text or position. */
static void what_is_drawn_follows_from_seed_text_and_position(void **state)
{
    (void)state;
    enum { LENGTH = 64 };
    static const struct {
        uint64_t seed, text, from;
        bool same;
    } others[] = {{0, 0, 0, true},
                  {1, 0, 0, false},
                  {0, 1, 0, false},
                  {0, 0, 1, false},
                  {0, 1ull << 40, 0, false}};
    clh_error err = {0};
    uint32_t first[LENGTH];
    for (size_t o = 0; o < CLH_COUNT(others); o++) {
        clh_chooser chooser;
        size_t equal = 0;
        const clh_choice choice = {
            .temperature = 3, .seed = others[o].seed, .text = others[o].text};
        must(clh_chooser_open(&chooser, &choice, N, &err), &err);
        for (size_t i = 0; i < LENGTH; i++) {
            const uint32_t token = clh_chooser_next(&chooser, logits, i + others[o].from);
            first[i] = o == 0 ? token : first[i];
            equal += token == first[i];
        }
        assert_true(others[o].same ? equal == LENGTH : equal < LENGTH);
        clh_chooser_deinit(&chooser);
    }
}

/* Nothing is drawn by what is no number: the pass is told to be unsound elsewhere. */
static void what_is_no_number_draws_nothing(void **state)
{
    (void)state;
    static const clh_real bad[] = {(clh_real)NAN, (clh_real)INFINITY};
    clh_error err = {0};
    for (size_t b = 0; b < CLH_COUNT(bad); b++)
        for (size_t at = 0; at < N; at++) {
            clh_real row[N];
            clh_chooser chooser;
            memcpy(row, logits, sizeof row);
            row[at] = bad[b];
            must(clh_chooser_open(&chooser, &(clh_choice){.temperature = 1}, N, &err), &err);
            assert_true(clh_chooser_next(&chooser, row, 0) < N);
            clh_chooser_deinit(&chooser);
        }
}

static void choices_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        clh_choice choice;
        const char *said;
    } bad[] = {
        {{.temperature = -1}, "the temperature is -1, want 0 or more"},
        {{.temperature = (double)INFINITY}, "the temperature is inf, want 0 or more"},
        {{.temperature = 1, .top_p = 1.5}, "top_p is 1.5, want it in [0, 1]"},
        {{.temperature = 1, .top_p = -0.5}, "top_p is -0.5, want it in [0, 1]"},
    };
    for (size_t i = 0; i < CLH_COUNT(bad); i++) {
        clh_error err = {0};
        clh_chooser chooser;
        assert_int_equal(clh_chooser_open(&chooser, &bad[i].choice, N, &err), CLH_ERANGE);
        assert_string_equal(err.message, bad[i].said);
        assert_null(chooser.candidate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_drawn_as_often_as_they_are_likely),
        cmocka_unit_test(what_is_drawn_follows_from_seed_text_and_position),
        cmocka_unit_test(what_is_no_number_draws_nothing),
        cmocka_unit_test(choices_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
