/* What a model can do without: loss and accuracy with one thing inside it changed at a time.
 *
 *    06_edit RUN        e.g. runs/notebook
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

int main(int argc, char **argv)
{
    static const clh_edit edit[] = {
        {.kind = CLH_EDIT_MEAN, .site = "blocks.0.attn.hook_pattern"},
        {.kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_[qk]", .part = CLH_PART_POSITION},
        {.kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_[qk]", .part = CLH_PART_TOKEN},
        {.kind = CLH_EDIT_ONE_HOT},
        {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_ANSWER},
        {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z"},
    };
    static const clh_edit_list lists[] = {
        {.name = "as it is"},
        {.name = "the same pattern for every sequence", .edit = &edit[0], .count = 1},
        {.name = "queries and keys know their position only", .edit = &edit[1], .count = 1},
        {.name = "queries and keys know their token only", .edit = &edit[2], .count = 1},
        {.name = "only the strongest source", .edit = &edit[3], .count = 1},
        {.name = "without sources that hold the answer", .edit = &edit[4], .count = 1},
        {.name = "without attention", .edit = &edit[5], .count = 1},
    };
    const size_t count = sizeof lists / sizeof *lists;
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    clh_edits *edits = NULL;
    clh_edited edited = {0};

    if (argc != 2)
        return fprintf(stderr, "usage: 06_edit RUN\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 200, &err))
        goto done;
    const clh_edits_setting setting = {.model = clh_run_model(run), .sample = &sample};
    if (clh_edits_open(&edits, lists, count, &setting, &err) ||
        clh_edits_run(&edited, edits, NULL, NULL, &err))
        goto done;
    for (size_t i = 0; i < count; i++)
        printf("%-42s loss %.4f, accuracy %.4f\n", lists[i].name,
               clh_tally_ratio(&edited.list[i].total, CLH_RATIO_LOSS),
               clh_tally_ratio(&edited.list[i].total, CLH_RATIO_ACCURACY));
done:
    if (err.status)
        fprintf(stderr, "06_edit: %s\n", err.message);
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    clh_sample_deinit(&sample);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
