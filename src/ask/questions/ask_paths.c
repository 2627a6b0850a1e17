/* paths: what flows along each edge of the model's own graph. */
#include "ask/shared/given.h"
#include "base/stop.h"
#include "clearhead/path.h"
#include "lens/paths/path_table.h"

typedef struct paths_settings {
    clh_given_pair pair;
    size_t ig, top;
    char edges[CLH_GIVEN_NAMES], path[CLH_GIVEN_NAMES];
} paths_settings;

static const clh_key keys[] = {
    CLH_GIVEN_PAIR_KEYS(paths_settings, pair),
    CLH_ROW_AUTO(
        paths_settings, ig, SIZE, NULL, "[1, 100000]",
        "also estimate every edge by the mean gradient of so many runs between the two embeddings: 1 is EAP, more are EAP-IG"),
    CLH_ROW_AUTO(
        paths_settings, edges, TEXT, NULL, "EDGES",
        "the effect of these edges at once, names or patterns with commas between: 'embed->*.v,*->logits'"),
    CLH_ROW_AUTO(paths_settings, path, TEXT, NULL, "PATH",
                 "the effect along one path: 'embed->L0H0.v->logits'"),
    CLH_ROW_AUTO(paths_settings, top, SIZE, "all", "[1, 1000000]",
                 "only so many of the strongest edges in the table"),
};

#define EFFECT(name, meaning, flags_) CLH_FIELD(name, NULL, meaning, .decimals = 6, .flags = flags_)
static const clh_field numbers[] = {
    EFFECT("clean", "the metric of the clean run", CLH_HEADLINE),
    EFFECT("corrupted", "of the corrupted run", CLH_HEADLINE),
    EFFECT("change", "corrupted - clean: the effect of all edges at once", CLH_HEADLINE),
    {0}};
static const clh_field one[] = {
    EFFECT("effect", "the metric with what is asked about corrupted, less the clean one", 0), {0}};
static const clh_field all[] = {
    CLH_FIELD_COUNT("edge_count", NULL, "edges there are"),
    EFFECT("worst_error", "largest |ig - exact| of all edges", 0),
    {0},
};
#define OF(member) CLH_FROM(clh_path_row, member)
static const clh_field columns[] = {
    CLH_FIELD("exact", NULL, "the metric with this edge corrupted, less the clean one",
              .decimals = 6, .flags = CLH_HEADLINE, OF(exact)),
    {"ig", NULL, "the same estimated by the mean gradient of the runs between",
     "sum over positions of (corrupted - clean output) . mean gradient of the input; Syed et al. "
     "2023 (EAP), Hanna et al. 2024 (EAP-IG)",
     .decimals = 6, OF(estimate)},
    CLH_FIELD("error", NULL, "ig - exact", .decimals = 6, OF(error)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "metric", NULL, .fields = numbers},
    {CLH_PART_NUMBERS, "asked", NULL, .fields = one},
    {CLH_PART_NUMBERS, "graph", NULL, .fields = all},
    {CLH_PART_TABLE, "edges", "the strongest first", .keys = "edge", .fields = columns},
    {CLH_PART_ARRAY, "effect", "of every edge, from its writer to its reader; NaN: no such edge",
     .draw = "heat", .unit = "effect", .flags = CLH_GAPS},
    {CLH_PART_ARRAY, "exact", "of every edge", .flags = CLH_DETAIL},
    {CLH_PART_ARRAY, "ig", "its estimate", .flags = CLH_DETAIL},
    {0}};

CLH_CLOSER(close_table, clh_path_table_deinit)

static void put_arrays(clh_result *out, const clh_path_table *t, size_t ig)
{
    const char *const titles[] = {"exact", ig == 1 ? "EAP" : "EAP-IG"};
    const clh_axis axes[] = {{"way", titles}, {"writer", t->writer}, {"reader", t->reader}};
    const clh_axis edge = {"edge", t->edge};
    const clh_array effect =
        clh_array_cube("effect", CLH_F64, t->matrix, t->ways, t->writers, t->readers);
    clh_result_array(out, &effect, axes, NULL, NULL);
    clh_result_array_title(out, "Path patching", SIZE_MAX);
    for (size_t w = 0; w < t->ways; w++) {
        clh_array view = w ? clh_array_vector("ig", CLH_F64, t->estimate, t->edges)
                           : clh_array_vector("exact", CLH_F64, t->exact, t->edges);
        view.dtype = CLH_F32;
        clh_result_array(out, &view, &edge, NULL, NULL);
    }
}

static void put_edges(clh_result *out, const clh_path_table *t, const paths_settings *set)
{
    clh_result_put_numbers(out, {"edge_count", (double)t->edges}, {"worst_error", t->worst});
    for (size_t i = 0; i < t->edges && i < set->top; i++) {
        const clh_path_row row = clh_path_table_row(t, i);
        clh_result_row(out, "edges", row.edge);
        clh_row_read(out, &row);
    }
    if (!t->estimate)
        clh_result_absent(out, "worst_error", "ig was not asked for");
    put_arrays(out, t, set->ig);
}

static clh_status ask_one(clh_result *out, clh_paths *paths, const paths_settings *set,
                          const clh_how *how, clh_error *err)
{
    double effect = 0;
    clh_status status = clh_paths_one(&effect, paths, *set->edges ? set->edges : NULL,
                                      *set->path ? set->path : NULL, how->watch, err);
    clh_result_put_number(out, "effect", effect);
    clh_result_absent_each(out, "one effect was asked for", "edge_count", "worst_error", "edges");
    return status;
}

static clh_status ask_all(clh_result *out, clh_paths *paths, const paths_settings *set,
                          const clh_how *how, clh_error *err)
{
    clh_path_table *table = clh_result_make(out, sizeof *table, close_table, err);
    if (!table)
        return CLH_ENOMEM;
    clh_status status =
        clh_path_table_make(table, paths, set->ig == CLH_UNSET ? 0 : set->ig, how->watch, err);
    clh_result_absent(out, "effect", "edges or path say of what");
    if (!status)
        put_edges(out, table, set);
    return status;
}

static clh_status ask_paths(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const paths_settings *set = settings;
    clh_two two = {0};
    clh_paths *paths = NULL;
    clh_watch_part part;
    clh_status status = clh_given_pair_open(&two, s, &set->pair, err);
    const clh_paths_ask ask = {two.clean.tokens, two.corrupted.tokens, two.metric};
    if (!status)
        status = clh_paths_open(&paths, clh_subject_model(s), &ask,
                                clh_watch_part_of(&part, how->watch, 0, 0, 1), err);
    if (!status) {
        const double clean = clh_paths_clean(paths), corrupted = clh_paths_corrupted(paths);
        clh_given_pair_stamp(out, &set->pair);
        clh_result_put_numbers(out, {"clean", clean}, {"corrupted", corrupted},
                               {"change", corrupted - clean});
        if (set->ig == 1)
            clh_given_note_saturated(out, s, &two, "clean", clean,
                                     "; --ig 10 takes gradients on the way to the other run too");
        status = *set->edges || *set->path ? ask_one(out, paths, set, how, err)
                                           : ask_all(out, paths, set, how, err);
    }
    clh_paths_close(paths);
    clh_two_deinit(&two);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const paths_settings *set = settings;
    const bool single = *set->edges || *set->path;
    clh_status status = clh_refuse(
        err, {*set->edges && *set->path, "edges and path are both given, want one of them"},
        {single && set->ig != CLH_UNSET,
         "ig is of all edges one by one, and does not go with edges or path"},
        {single && set->top != CLH_UNSET,
         "top is of all edges one by one, and does not go with edges or path"});
    return status ? status : clh_given_pair_check(s, set, err);
}

const clh_question clh_question_paths = {
    .name = "paths",
    .summary = "what flows along each edge of the model's own graph",
    .description =
        "Path patching: embed, pos_embed, every head and every MLP write to the residual stream; "
        "the q, k and v input of every head, every MLP and the logits read it. An edge leads from "
        "every writer to every reader behind it (L0H1->L1H0.q). Along one edge at a time the "
        "reader gets what the corrupted sequence's run wrote there, all else being the clean run, "
        "everything behind the reader is computed again, and the metric (as in patch) compared "
        "with the clean one.\n\n"
        "With --ig 1 the estimate of edge attribution patching stands beside each, with more that "
        "of its integrated gradients, each with its error. --edges and --path ask for one number "
        "instead: the effect of many edges at once, or along one path.",
    .examples =
        "clearhead paths runs/notebook --clean abcd --corrupt wxyz --ig 10 # a table\n"
        "clearhead paths RUN --clean abcd --corrupt abce --metric logit_diff:8:d:e "
        "# two logits\n"
        "clearhead paths RUN --clean abcd --corrupt wxyz --path 'embed->L0H0.v->logits' # one "
        "path\n"
        "clearhead paths RUN --clean abcd --corrupt wxyz --figure paths.png # writers by readers",
    CLH_SETTINGS(keys, paths_settings),
    .needs = CLH_NEEDS_TASK | CLH_NEEDS_ATTENTION,
    .schema = schema,
    .over = "clean, corrupted",
    .check = check,
    .ask = ask_paths};
