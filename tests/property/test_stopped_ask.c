/* Every question there is stops when it is told to, and so do the three ways to ask one more than
 * once. */
#include <stdio.h>
#include <string.h>

#include "base/keys.h"
#include "clearhead/alloc.h"
#include "clearhead/ask.h"
#include "clearhead/report.h"
#include "support/cmocka_all.h"
#include "support/question_case.h"
#include "support/stopping.h"

enum { ONCE, STEPS, SEEDS, AGAINST };

/* A question, on how many sequences, and how it is asked. */
typedef struct asked {
    const stopping_world *world;
    const char *question;
    bool many;
    int how;      /* ONCE, STEPS, … */
    size_t calls; /* a folder of its own for the seeds of each */
} asked;

static clh_status ask(clh_result **out, asked *a, clh_subject *subject,
                      const clh_settings *settings, const clh_how *how, clh_error *err)
{
    char folder[TEMP_PATH_MAX], name[32];
    switch (a->how) {
    case STEPS:
        return clh_ask_steps(out, subject, a->question, settings, NULL, NULL, NULL, how, err);
    case SEEDS:
        (void)snprintf(name, sizeof name, "seeds-%zu", a->calls++);
        return clh_ask_seeds(out, subject, a->question, settings, NULL,
                             temp_folder_path(a->world->folder, name, folder), 3, how, err);
    case AGAINST:
        return clh_ask_against(out, subject, subject, a->question, settings, NULL, how, err);
    default:
        return clh_ask(out, subject, a->question, settings, how, err);
    }
}

static clh_status work(void *context, stopping *s, clh_error *err)
{
    asked *a = context;
    clh_subject *subject = NULL;
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    char *text = NULL;
    clh_status status =
        question_case_subject(&subject, a->question, a->world->folder, a->world->path, err);
    if (!status)
        status = question_case_settings(&settings, a->question, a->world->folder, 4,
                                        a->many ? a->world->many.count : a->world->few.count, err);
    if (!status)
        status = ask(&result, a, subject, settings, s->how, err);
    if (!status && !a->many) /* how long that takes is another matter */
        status = clh_report_text(&text, result, "json", &(clh_show){.full = true}, err);
    if (text)
        stopping_note(s, text, question_case_repeats(a->question) ? strlen(text) : 1);
    clh_free(text);
    clh_result_close(result);
    clh_settings_close(settings);
    clh_subject_close(subject);
    return status;
}

static size_t looks(const asked *a, bool many)
{
    asked other = *a;
    other.many = many;
    return stopping_looks(work, &other);
}

/* Of more sequences each is looked at the watch for. */
static void every_question_stops(void **state)
{
    const stopping_world *w = *state;
    size_t count = 0, counted = 0;
    for (const char *name; (name = clh_question_name(count)); count++) {
        asked a = {.world = w, .question = name};
        if (clh_word_in("certify repair program_check necessity invariance robustness", ' ', name))
            continue; /* of so young a model too long: test_certify.c, test_robustness.c */
        print_message("# %s\n", name);
        stopping_check(work, &a, question_case_repeats(name));
        const size_t many = looks(&a, true), few = looks(&a, false);
        if (!question_case_counts(name))
            continue;
        if (many < few || many - few < w->many.count - w->few.count)
            fail_msg("%s: %zu looks at %zu sequences, %zu at %zu", name, few, w->few.count, many,
                     w->many.count);
        counted++;
    }
    assert_true(count > 5 && counted > 5);
}

static void asking_more_than_once_stops(void **state)
{
    for (int how = STEPS; how <= AGAINST; how++) {
        asked a = {.world = *state, .question = "heads", .how = how};
        stopping_check(work, &a, true);
        assert_true(looks(&a, false) >= a.world->few.count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_stops),
        cmocka_unit_test(asking_more_than_once_stops),
    };
    return cmocka_run_group_tests_name("stopped ask", tests, stopping_world_setup,
                                       stopping_world_teardown);
}
