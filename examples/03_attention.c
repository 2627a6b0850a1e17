/* What a trained head listens to: position or token, and whether keys need to know the token.
 *
 *    ./03_attention runs/notebook
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

int main(int argc, char **argv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    clh_attention_report report = {0};
    clh_cue_test test;
    clh_status status;
    if (argc != 2) {
        fprintf(stderr, "usage: %s RUN\n", argv[0]);
        return 2;
    }
    if ((status = clh_run_open(&run, argv[1], &err)))
        goto done;
    const clh_model *model = clh_run_model(run);
    if ((status = clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 50, &err)))
        goto done;
    if ((status = clh_attention_look(&report, model, &sample, &(clh_attention_ask){0, 0, 1}, NULL,
                                     &err)))
        goto done;
    printf("position explains %.4f of the scores' variance, %.4f of the pattern's\n",
           report.scores.position, report.pattern.position);
    printf("attention on sources that hold the right next token: %.4f\n", report.answer_mass);
    if ((status = clh_cue_try(&test, model, &sample, CLH_CUE_TOKEN, NULL, &err)))
        goto done;
    printf("loss %.6f; with keys that do not know their token %.6f\n", test.loss,
           test.loss_without);
done:
    if (status)
        fprintf(stderr, "%s\n", err.message);
    clh_attention_deinit(&report);
    clh_sample_deinit(&sample);
    clh_run_close(run);
    return status != CLH_OK;
}
