/* Train the notebook's model: 500 steps on permutations of four letters.
 *
 *    01_train FOLDER        a run folder to make, e.g. runs/first
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

/* Called after every step; says once an epoch how well it does. False would stop it. */
static bool on_progress(const clh_progress *progress, void *user)
{
    (void)user;
    if (progress->evaluated)
        printf("step %3zu: held-out loss %.6f, accuracy %.4f\n", progress->step,
               progress->evaluation->loss, progress->evaluation->token_accuracy);
    return true;
}

int main(int argc, char **argv)
{
    clh_error err = {0};
    clh_run_layer settings; /* the notebook's; a layer with "n" or "seed" could go on top */
    clh_run_config config;
    clh_run *run = NULL;
    clh_evaluation answers = {0};

    if (argc != 2) {
        fprintf(stderr, "usage: 01_train FOLDER\n");
        return 2;
    }
    clh_run_layer_default(&settings);
    clh_status status = clh_run_config_resolve(&config, &settings, NULL, &err);
    if (!status)
        status = clh_train(&config, argv[1], &(clh_train_watch){on_progress, NULL}, &err);
    if (!status)
        status = clh_run_open(&run, argv[1], &err);
    if (!status) /* 1000 sequences of letters it has never seen together, on two threads */
        status = clh_evaluate(&answers, clh_run_model(run), clh_run_task(run), CLH_SPLIT_TEST, 0,
                              1000, &(clh_how){2, NULL}, &err);
    if (!status)
        printf("on %zu new sequences: loss %.6f, accuracy %.6f, whole sequences %.4f\n",
               answers.sequences, answers.loss, answers.token_accuracy, answers.sequence_accuracy);
    else
        fprintf(stderr, "01_train: %s\n", err.message);
    clh_evaluation_deinit(&answers);
    clh_run_close(run);
    return clh_status_exit_code(status);
}
