/* Which piece of a clean run brings the answer back: activation patching.
 *
 *    04_patching RUN CLEAN CORRUPTED        e.g. runs/notebook abcd abce
 */
#include <math.h>
#include <stdio.h>

#include <clearhead/clearhead.h>

int main(int argc, char **argv)
{
    static uint32_t clean[5042], corrupted[5042]; /* the longest sequence, of six letters */
    clh_error err = {0};
    clh_run *run = NULL;
    clh_patch patch = {0};
    clh_sequence a = {.tokens = clean, .capacity = 5042},
                 b = {.tokens = corrupted, .capacity = 5042};

    if (argc != 4)
        return fprintf(stderr, "usage: 04_patching RUN CLEAN CORRUPTED\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_task_expand(clh_run_task(run), argv[2], &a, &err) ||
        clh_task_expand(clh_run_task(run), argv[3], &b, &err))
        goto done;
    const clh_patch_ask ask = {
        .clean = {clean, 1, a.length},
        .corrupted = {corrupted, 1, b.length},
        .metric = {.kind = CLH_METRIC_LOSS, .first_scored = a.first_scored},
        .attribution = true,
    };
    if (clh_patch_run(&patch, clh_run_model(run), &ask, NULL, &err))
        goto done;
    printf("loss of writing %s: %.4f, of it after %s: %.4f\n", argv[2], patch.clean, argv[3],
           patch.corrupted);
    for (size_t s = 0; s < patch.count; s++) {
        const clh_patch_site *site = &patch.site[s];
        size_t best = 0;
        for (size_t i = 1; i < (site->heads ? site->heads : 1) * patch.pos; i++)
            if (site->value[i] < site->value[best])
                best = i;
        printf("%s at position %zu: %+.4f (the gradient says %+.4f)\n", site->name,
               best % patch.pos, site->value[best] - patch.corrupted, site->estimate[best]);
    }
done:
    if (err.status)
        fprintf(stderr, "04_patching: %s\n", err.message);
    clh_patch_deinit(&patch);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
