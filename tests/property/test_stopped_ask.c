/* Every question there is stops when it is told to, and so do the three ways to ask one more than
 * once. */
#include <stdio.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "clearhead/ask.h"
#include "clearhead/report.h"
#include "support/cmocka_all.h"
#include "support/stopping.h"

enum { SETTINGS_MAX = 4 };

typedef struct setting {
    const char *name, *value;
} setting;

/* What a question wants beside its run. */
static const struct {
    const char *question;
    setting setting;
} wanted[] = {{"edit", {"edits", NULL}}};

static const char mean_of_z[] =
    "{\"format\": \"clearhead-edits-1\", \"edits\": [{\"kind\": \"mean\", \"site\": "
    "\"blocks.0.attn.hook_z\"}]}";

/* A question, on how many sequences, and how it is asked. */
typedef struct asked {
    const stopping_world *world;
    const char *question, *edits;
    bool many;
    enum { ONCE, STEPS, SEEDS, AGAINST } how;
    size_t calls; /* a folder of its own for the seeds of each */
} asked;

/* Where there is such a setting. */
static clh_status set(clh_settings *settings, const char *name, const char *value, clh_error *err)
{
    clh_error unknown = {0};
    const clh_status status = clh_settings_set(settings, name, value, &unknown);
    return status == CLH_ECONFIG && strstr(unknown.message, "unknown") ? CLH_OK
           : status                                                    ? (*err = unknown, status)
                                                                       : CLH_OK;
}

static clh_status open_settings(clh_settings **out, const asked *a, clh_error *err)
{
    clh_status status = clh_settings_open(out, a->question, err);
    if (!status)
        status = set(*out, "count", a->many ? "500" : "12", err);
    if (!status)
        status = set(*out, "others", a->many ? "100" : "5", err);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && !status; i++)
        if (strcmp(wanted[i].question, a->question) == 0)
            status = clh_settings_set(*out, wanted[i].setting.name, a->edits, err);
    return status;
}

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
    clh_status status = clh_subject_open(&subject, a->world->path, err);
    if (!status)
        status = open_settings(&settings, a, err);
    if (!status)
        status = ask(&result, a, subject, settings, s->how, err);
    if (!status)
        status = clh_report_text(&text, result, "json", &(clh_show){.full = true}, err);
    if (!status)
        stopping_note(s, text, strlen(text));
    clh_free(text);
    clh_result_close(result);
    clh_settings_close(settings);
    clh_subject_close(subject);
    return status;
}

static void put_edits(const stopping_world *w, char path[TEMP_PATH_MAX])
{
    (void)temp_folder_put(w->folder, "edits.json", mean_of_z, strlen(mean_of_z), path);
}

static void every_question_stops(void **state)
{
    const stopping_world *w = *state;
    char edits[TEMP_PATH_MAX];
    size_t count = 0;
    put_edits(w, edits);
    for (const char *name; (name = clh_question_name(count)); count++) {
        asked a = {.world = w, .question = name, .edits = edits};
        print_message("# %s\n", name);
        stopping_check(work, &a);
        a.many = true;
        stopping_in_time(work, &a, 50);
    }
    assert_true(count > 5);
}

static void asking_more_than_once_stops(void **state)
{
    for (int how = STEPS; how <= AGAINST; how++) {
        asked a = {.world = *state, .question = "heads", .how = how};
        stopping_check(work, &a);
        stopping_in_time(work, &a, 50);
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
