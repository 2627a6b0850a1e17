/* What a model needs of itself: the causal suite on held-out sequences and on letters out of order.
 *
 *    07_causal RUN        e.g. runs/notebook
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

enum { SEQUENCES = 200, ROUNDS = 200 };

int main(int argc, char **argv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample held_out = {0}, shuffled = {0};
    clh_causal *causal = NULL;
    clh_causal_result result = {0}, other = {0};
    clh_causal_row row[CLH_INTERVENTIONS], there[CLH_INTERVENTIONS];

    if (argc != 2)
        return fprintf(stderr, "usage: 07_causal RUN\n"), 2;
    if (clh_run_open(&run, argv[1], &err))
        goto done;
    const clh_task *task = clh_run_task(run);
    if (clh_variant_draw(&held_out, CLH_VARIANT_NONE, task, SEQUENCES, 0, &err) ||
        clh_variant_draw(&shuffled, CLH_VARIANT_SHUFFLED, task, SEQUENCES, 0, &err) ||
        clh_causal_open(&causal, clh_run_model(run), &held_out, 0, NULL, &err) ||
        clh_causal_run(&result, causal, &held_out, NULL, &err) ||
        clh_causal_run(&other, causal, &shuffled, NULL, &err) ||
        clh_causal_rows(row, &result, ROUNDS, 0.95, 0, NULL, &err) ||
        clh_causal_rows(there, &other, ROUNDS, 0.95, 0, NULL, &err))
        goto done;
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        const clh_interval *v = &row[i].recovered;
        printf("%-20s letters %.4f, out of order %.4f; recovers %.4f [%.4f, %.4f]: %s\n",
               clh_intervention_name((clh_intervention)i),
               row[i].ratio[CLH_RATIO_OF(CLH_TOKEN_LETTER)].value,
               there[i].ratio[CLH_RATIO_OF(CLH_TOKEN_LETTER)].value, v->value, v->low, v->high,
               clh_intervention_text((clh_intervention)i));
    }
done:
    if (err.status)
        fprintf(stderr, "07_causal: %s\n", err.message);
    clh_causal_result_deinit(&other);
    clh_causal_result_deinit(&result);
    clh_causal_close(causal);
    clh_sample_deinit(&shuffled);
    clh_sample_deinit(&held_out);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
