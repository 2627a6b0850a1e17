/** What tests/examples/bad_arguments.py finds declared beside example_prelude.h: one of each thing that a
 *  public function takes.
 */
#ifndef CLH_BAD_ARGUMENTS_H
#define CLH_BAD_ARGUMENTS_H

#include <unistd.h>

#include "example_prelude.h"

static clh_error e;
static const clh_allocator allocator = {my_alloc, my_free, &state};

/* Room for what functions write: more than any needs. */
static char text_room[4096];
static double numbers_out[65536];
static size_t sizes_out[128];
static uint64_t wide_out[8];
static bool flags[128];
static uint32_t id_room[1024];
static clh_real real_room[1 << 20];

/* A folder that is not there: every call is a process of its own. */
static const char *fresh_path(void)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "runs/made-%ld", (long)getpid());
    return path;
}

static clh_array array;
static clh_pair pair = {"key", "value"};
static clh_run_layer layer, line;
static clh_run_config short_config;
static const clh_task_setting task_settings[] = {{"n", "3"}, {NULL, NULL}};
static const clh_task_config task_config = {.name = "permutations", .settings = task_settings};
static clh_sequence sequence = {.tokens = id_room, .capacity = 1024};
static clh_settings *settings;
static clh_result *result, *arrays_result;
static const char *array_name;

static clh_measure measure;
static clh_interval intervals[CLH_RATIOS];
static clh_loss_sum loss_sum;
static size_t lengths[1], firsts[1];
static const clh_scored scored = {lengths, firsts};
static clh_cache *extended;
static clh_change change = {.begin = 2, .end = 3};
static clh_tensor W_E;

static clh_status write_nothing(const clh_hook_point *point, void *user, clh_error *err_)
{
    (void)point;
    (void)user;
    (void)err_;
    return CLH_OK;
}

static clh_write one_write = {.begin = 2, .end = 3, .write = write_nothing};
static const clh_writes writes = {.items = &one_write, .count = 1};

static clh_dense dense;
static clh_circuit circuit;
static clh_qk_split qk_split;
static const clh_qk_end qk_end = {1, 2, 1.0};
static double score_parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS];
static clh_model *deep; /* of two layers */
static clh_composition composition;

static clh_answers_ask answers_ask = {.path = "runs/notebook", .step = CLH_LAST};
static clh_answers answers;
static const clh_attention_ask attention_ask = {.seed = 1};
static const clh_detect_options detect_options = {0};
static const size_t frequency = 2;
static const clh_fourier_ask fourier_ask = {0.01, 0.85, NULL, &frequency, 1};
static const clh_lens_ask lens_ask = {.begin = 5, .end = 8};
static clh_resid_ask resid_ask = {.split = CLH_SPLIT_HEADS, .begin = 2, .end = 5};
static clh_resid_stack stack;
static clh_box box;
static clh_patch_ask patch_ask;
static clh_paths_ask paths_ask;
static clh_paths *paths;
static clh_graph graph;
static const size_t path_edges[2] = {2, 5};
static clh_scrub *scrub;
static size_t hypothesis_count;
static clh_causal *causal;
static clh_program *program;
static clh_certify_options certify_options;
static const clh_necessity_options necessity_options;
static const clh_robustness_options robustness_options;
static const clh_repair_options repair_options = {CLH_REPAIR_KEYS, 1, 1, NULL}, repair_any;
static clh_repair_options repair_found;
static clh_repair_sums repair_sums;
static clh_real program_pattern[26 * 26];
static bool program_given[26];
static clh_causal_result causal_result;
static clh_causal_row causal_rows[CLH_INTERVENTIONS];
static clh_cue_test cue_tests[CLH_CUES];
static clh_ratio ratio_room[CLH_RATIOS];
static clh_emergence emergence;
static const clh_edit edit = {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z"};
static clh_edits_setting edits_setting;
static const clh_edits_base edits_base = {.count = 2};
static const clh_edits_ask edits_ask = {.sample = &sample};
static clh_edit_list edit_list = {.name = "mine", .edit = &edit, .count = 1};
static clh_edits *edits;
static clh_editor *editor;
static clh_edit_file *edit_file;
static clh_safetensors *file;

static clh_vocab *vocab;
static clh_series series;
static clh_curve_data curve_data = {.series = &series, .series_count = 1};
static clh_positions_data positions_data;
static clh_heatmap_panel heatmap_panel;
static clh_heatmap_data heatmap_data = {.panels = &heatmap_panel, .panel_count = 1};
static clh_tokens_data tokens_data;
static const clh_table_column table_column = {"symbol", false};
static clh_table_data table_data = {
    .column = &table_column, .columns = 1, .cell = symbols, .rows = 3};
static clh_rows_panel rows_panel = {.count = 1, .value = losses};
static clh_rows_data rows_data = {
    .rows = 3, .row_labels = symbols, .panels = &rows_panel, .panel_count = 1};

static clh_status open_readings(void)
{
    lengths[0] = pos;
    firsts[0] = 5;
    W_E = clh_model_view(model, "embed.W_E");
    array = clh_array_of(&tensor);
    clh_run_layer_default(&layer);
    while (strcmp(clh_cache_tensor(cache, change.activation).name, "blocks.0.attn.hook_z") != 0)
        change.activation++;
    one_write.activation = change.activation;
    short_config = config;
    short_config.train.steps = 1;
    clh_model_config deeper = config.model;
    deeper.n_layers = 2;
    clh_status status = clh_measure_run(&measure, model, &sample, NULL, NULL, &err);
    if (!status)
        status = clh_vocab_open(&vocab, "vocab.txt", &err);
    if (!status)
        status = clh_cache_open(&extended, &config.model, CLH_KEEP_BACKWARD, &err);
    if (!status)
        status = clh_cache_reserve(extended, 1, pos, &err);
    if (!status)
        status = clh_forward_more(model, &tokens, 0, extended, &err);
    if (!status)
        status = clh_dense_open(&dense, 3, 3, &err);
    if (!status)
        status = clh_circuit_open(&circuit, model, CLH_CIRCUIT_QK, 0, 0, false, &err);
    if (!status)
        status = clh_qk_split_open(&qk_split, model, 0, 0, &err);
    if (!status)
        status = clh_model_open(&deep, &deeper, &err);
    if (!status)
        status = clh_composition_open(&composition, deep, 2, 1, NULL, &err);
    if (!status)
        status = clh_resid_decompose(&stack, model, cache, &resid_ask, &err);
    if (!status)
        status = clh_box_parse(&box, "hook_embed[0,2,3]", cache, 1, pos, &err);
    if (!status)
        status = clh_safetensors_open(&file, "runs/notebook/model.safetensors", &err);
    return status;
}

static clh_status open_interventions(void)
{
    patch_ask = (clh_patch_ask){.clean = clean, .corrupted = corrupted, .metric = metric};
    paths_ask = (clh_paths_ask){.clean = clean, .corrupted = corrupted, .metric = metric};
    answers_ask.run = run;
    answers_ask.sample = &sample;
    answers_ask.plain = &measure;
    edits_setting = (clh_edits_setting){.model = model, .sample = &sample, .threads = 1};
    clh_status status = clh_paths_open(&paths, model, &paths_ask, NULL, &err);
    if (!status)
        status = clh_graph_make(&graph, &config.model, &err);
    if (!status)
        status = clh_scrub_open(&scrub, model, &sample, 1, NULL, &err);
    if (!status)
        status = clh_decompile(&program, model, task, NULL, &err);
    if (!status)
        status = clh_causal_open(&causal, model, &base, 1, NULL, &err);
    if (!status)
        status = clh_causal_run(&causal_result, causal, &sample, NULL, &err);
    if (!status)
        status = clh_emergence_run(&emergence, "runs/notebook", CLH_LAST, &sample, NULL, &err);
    if (!status)
        status = clh_edits_open(&edits, &edit_list, 1, &edits_setting, &err);
    if (!status)
        status = clh_editor_open(&editor, edits, &err);
    if (!status)
        status = clh_editor_begin(editor, &sample, 0, &err);
    if (!status)
        status = clh_edit_file_open(&edit_file, "edits.json", run, &err);
    if (!status)
        status = clh_answers_find(&answers, &answers_ask, NULL, &err);
    return status;
}

static clh_status open_figures(void)
{
    series = (clh_series){.name = "loss", .y = losses, .count = STEPS};
    positions_data = (clh_positions_data){.values = losses, .count = STEPS};
    heatmap_panel.values = pattern.data;
    heatmap_data.rows = heatmap_data.cols = pos;
    tokens_data = (clh_tokens_data){symbols, pattern.data, pos, CLH_NO_DESTINATION, {0}, NULL};
    clh_status status = clh_settings_open(&settings, "heads", &err);
    if (!status)
        status = clh_settings_set(settings, "count", "3", &err);
    if (!status)
        status = clh_ask(&result, subject, "heads", settings, NULL, &err);
    if (!status)
        status = clh_ask(&arrays_result, subject, "eval", NULL, NULL, &err);
    array_name = arrays_result ? clh_result_array_name(arrays_result, 0) : NULL;
    return status;
}

static clh_status bench_open(void)
{
    clh_status status = prelude_open();
    if (!status)
        status = open_readings();
    if (!status)
        status = open_interventions();
    if (!status)
        status = open_figures();
    return status;
}

#endif
