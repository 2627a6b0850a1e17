/* What a model can do without: loss and accuracy with one thing inside it changed at a time.
 *
 *    06_edit RUN        e.g. runs/notebook
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

int main(int argc, char **argv)
{
    static const clh_edit edits[] = {
        {.kind = CLH_EDIT_ADD, .site = "blocks.0.hook_resid_pre"}, /* 0: nothing changes */
        {.kind = CLH_EDIT_MEAN, .site = "blocks.0.attn.hook_pattern"},
        {.kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_[qk]", .part = CLH_PART_POSITION},
        {.kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_[qk]", .part = CLH_PART_TOKEN},
        {.kind = CLH_EDIT_ONE_HOT},
        {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_ANSWER},
        {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z"},
    };
    static const char *const names[] = {"as it is",
                                        "the same pattern for every sequence",
                                        "queries and keys know their position only",
                                        "queries and keys know their token only",
                                        "only the strongest source",
                                        "without sources that hold the answer",
                                        "without attention"};
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};

    if (argc != 2)
        return fprintf(stderr, "usage: 06_edit RUN\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 200, &err))
        goto done;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        clh_edits *edit = NULL;
        clh_measure measure = {0};
        if (clh_edits_open(&edit, &edits[i], 1, clh_run_model(run), &sample, 0, 1, &err))
            goto done;
        const clh_measure_way way = clh_edits_way(edit);
        if (!clh_measure_run(&measure, clh_run_model(run), &sample, &way, NULL, &err))
            printf("%-42s loss %.4f, accuracy %.4f\n", names[i],
                   clh_tally_ratio(&measure.total, CLH_RATIO_LOSS),
                   clh_tally_ratio(&measure.total, CLH_RATIO_ACCURACY));
        clh_measure_deinit(&measure);
        clh_edits_close(edit);
    }
done:
    if (err.status)
        fprintf(stderr, "06_edit: %s\n", err.message);
    clh_sample_deinit(&sample);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
