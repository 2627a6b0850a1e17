/* Every question, with its allocations failing in turn: it says that memory ran out, or gives the very answer
 * that it gives else; never another one, and nothing stays allocated. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/ask.h"
#include "clearhead/report.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/question_case.h"
#include "support/run_case.h"

/* Of a question the first allocations and the last, where its texts are put together, each; between them fewer and
 * fewer. */
static const failing_alloc_some some = {.first = 16, .last = 24, .thinner = 6};

static const char words[] = "n=2 d_model=8 d_head=4 steps=5 epoch_sequences=6 checkpoint_every=4 "
                            "eval_every=3 test_sequences=4 threads=1";

typedef enum way { ONCE, STEPS, AGAINST } way;

typedef struct asked {
    const temp_folder *folder;
    char run[TEMP_PATH_MAX];
    const char *question;
    way way;
} asked;

static clh_status ask(clh_result **out, const asked *a, clh_subject *subject, clh_subject *other,
                      const clh_settings *settings, clh_error *err)
{
    switch (a->way) {
    case STEPS:
        return clh_ask_steps(out, subject, a->question, settings, NULL, NULL, NULL, NULL, err);
    case AGAINST:
        return clh_ask_against(out, subject, other, a->question, settings, NULL, NULL, err);
    case ONCE:
        break;
    }
    return clh_ask(out, subject, a->question, settings, NULL, err);
}

/* The answer, whose text the caller frees under the same allocator; *used: how many allocations it took.
 * Allocation fail_at of them fails, 0: none. How a run is opened is tested elsewhere. */
static clh_status answer(char **text, size_t *used, const asked *a, failing_alloc *state,
                         size_t fail_at)
{
    clh_error err = {0};
    clh_subject *subject = NULL, *other = NULL;
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    must(question_case_subject(&subject, a->question, a->folder, a->run, &err), &err);
    must(question_case_subject(&other, a->question, a->folder, a->run, &err), &err);
    must(question_case_settings(&settings, a->question, a->folder, 2, 3, &err), &err);
    const size_t before = state->calls;
    state->fail_at = fail_at ? before + fail_at : 0;
    clh_status status = ask(&result, a, subject, other, settings, &err);
    if (!status)
        status = clh_report_text(text, result, "json", &(clh_show){.full = true}, &err);
    *used = state->calls - before;
    clh_result_close(result);
    clh_settings_close(settings);
    clh_subject_close(other);
    clh_subject_close(subject);
    if (status && status != CLH_ENOMEM)
        fail_msg("%s: %s", a->question, err.message);
    return status;
}

/* What it answers when nothing fails, the caller's to free(); how many allocations that takes. */
static char *plain_answer(const asked *a, size_t *used)
{
    failing_alloc state;
    char *text = NULL;
    failing_alloc_install(&state, 0);
    assert_int_equal(answer(&text, used, a, &state, 0), CLH_OK);
    char *kept = text ? strdup(text) : NULL;
    clh_free(text);
    failing_alloc_remove(&state);
    assert_int_equal(state.live, 0);
    assert_non_null(kept);
    return kept;
}

static void fail_allocation(const asked *a, size_t k, const char *wanted)
{
    failing_alloc state;
    char *text = NULL;
    size_t used;
    failing_alloc_install(&state, 0);
    const clh_status status = answer(&text, &used, a, &state, k);
    const bool same = text && (!question_case_repeats(a->question) || strcmp(text, wanted) == 0);
    if (!status && !same)
        fail_msg("%s: allocation %zu fails, and the answer is another:\n%s\nwant\n%s", a->question,
                 k, text, wanted);
    assert_true(!status || !text);
    clh_free(text);
    failing_alloc_remove(&state);
    if (state.live)
        fail_msg("%s: allocation %zu fails, and %zu blocks stay", a->question, k, state.live);
}

static void fail_in_turn(const asked *a)
{
    size_t count, tried = 0;
    char *wanted = plain_answer(a, &count);
    for (size_t k = 1; k <= count; k = failing_alloc_next(&some, k, count), tried++)
        fail_allocation(a, k, wanted);
    print_message("# %s: %zu of %zu allocations\n", a->question, tried, count);
    free(wanted);
}

static asked make_asked(const temp_folder *folder)
{
    asked a = {.folder = folder};
    (void)temp_folder_path(folder, "run", a.run);
    if (!temp_folder_count(folder)) {
        const clh_run_config config = run_case_config(words);
        run_case_train(&config, a.run);
    }
    return a;
}

static void every_question(void **state)
{
    asked a = make_asked(*state);
    size_t count = 0;
    for (; (a.question = clh_question_name(count)); count++)
        if (strcmp(a.question, "bench") != 0) /* which may do without what it cannot have */
            fail_in_turn(&a);
    assert_true(count > 20);
}

static void over_checkpoints_and_against(void **state)
{
    asked a = make_asked(*state);
    for (a.way = STEPS; a.way <= AGAINST; a.way++) {
        a.question = a.way == STEPS ? "heads" : "causal";
        fail_in_turn(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_question),
        FOLDER_TEST(over_checkpoints_and_against),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
