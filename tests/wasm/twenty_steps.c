/* Twenty steps of the notebook and two questions about what came out, every number with all its bits: what
 * one build of the library says, another must say too.
 *
 *    twenty_steps FOLDER        a run folder to make
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

static bool on_progress(const clh_progress *progress, void *user)
{
    (void)user;
    printf("step %zu: loss %a, gradient %a\n", progress->step, progress->loss, progress->grad_norm);
    if (progress->evaluated)
        printf("held out: loss %a, accuracy %a\n", progress->evaluation->loss,
               progress->evaluation->token_accuracy);
    return true;
}

static clh_status configure(clh_run_config *config, clh_error *err)
{
    static const char *const given[][2] = {{"steps", "20"},
                                           {"epoch_sequences", "40"},
                                           {"test_sequences", "8"},
                                           {"checkpoint_every", "10"}};
    clh_run_layer settings;
    clh_status status = CLH_OK;
    clh_run_layer_default(&settings);
    for (size_t i = 0; i < sizeof given / sizeof *given && !status; i++)
        status = clh_run_layer_set(&settings, given[i][0], given[i][1], err);
    return status ? status : clh_run_config_resolve(config, &settings, NULL, err);
}

/* A question on 20 sequences, its numbers in order. */
static clh_status ask(clh_subject *subject, const char *question, clh_error *err)
{
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    clh_status status = clh_settings_open(&settings, question, err);
    if (!status)
        status = clh_settings_set(settings, "count", "20", err);
    if (!status)
        status = clh_ask(&result, subject, question, settings, NULL, err);
    if (!status)
        printf("%s of weights %s\n", question, clh_result_text(result, "weights"));
    for (size_t i = 0; !status && clh_result_path(result, i); i++) {
        const char *path = clh_result_path(result, i);
        printf("%s %a\n", path, clh_result_number(result, path));
    }
    clh_result_close(result);
    clh_settings_close(settings);
    return status;
}

int main(int argc, char **argv)
{
    clh_error err = {0};
    clh_run_config config;
    clh_subject *subject = NULL;
    if (argc != 2)
        return fprintf(stderr, "usage: twenty_steps FOLDER\n"), 2;
    clh_status status = configure(&config, &err);
    if (!status)
        status = clh_train(&config, argv[1], &(clh_train_watch){on_progress, NULL}, &err);
    if (!status)
        status = clh_subject_open(&subject, argv[1], &err);
    if (!status)
        status = ask(subject, "eval", &err);
    if (!status)
        status = ask(subject, "heads", &err);
    if (status)
        fprintf(stderr, "twenty_steps: %s\n", err.message);
    clh_subject_close(subject);
    return clh_status_exit_code(status);
}
