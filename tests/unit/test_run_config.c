/* Run configuration: layers mean the same in any order of keys, automatic values follow from the
 * others, what is written reads back, and what has no effect is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clearhead/run_config.h"
#include "model/description/model_keys.h"
#include "run/settings/run_keys.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"

/** defaults < preset (when `preset`) < file (when `json`) < "key=value key=value". */
static clh_status resolve(clh_run_config *out, clh_run_layer *all, bool preset, const char *json,
                          const char *line, clh_error *err)
{
    clh_run_layer layer;
    char words[512];
    clh_run_layer_default(all);
    if (preset) {
        assert_int_equal(clh_run_layer_preset(&layer, "notebook", err), CLH_OK);
        clh_run_layer_apply(all, &layer);
    }
    if (json) {
        clh_status status = clh_run_layer_json(&layer, json, "cfg.json", err);
        if (status)
            return status;
        clh_run_layer_apply(all, &layer);
    }
    clh_run_layer_init(&layer);
    (void)snprintf(words, sizeof words, "%s", line ? line : "");
    for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equal = strchr(word, '=');
        *equal = '\0';
        clh_status status = clh_run_layer_set(&layer, word, equal + 1, err);
        if (status)
            return status;
    }
    clh_run_layer_apply(all, &layer);
    return clh_run_config_resolve(out, all, NULL, err);
}

static clh_run_config meant(bool preset, const char *line)
{
    clh_run_config config;
    clh_run_layer all;
    clh_error err = {0};
    if (resolve(&config, &all, preset, NULL, line, &err))
        fail_msg("%s: %s", line ? line : "defaults", err.message);
    return config;
}

static void assert_same(const clh_run_config *a, const clh_run_config *b, const char *what)
{
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (!clh_key_equal(&clh_run_keys()[i], a, b))
            fail_msg("%s: %s differs", what, clh_run_keys()[i].name);
}

static void every_key_has_help_and_a_default(void **state)
{
    (void)state;
    const clh_key *keys = clh_run_keys();
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        assert_true(strlen(keys[i].help) > 0 && strlen(keys[i].help) <= 80);
        assert_true(!keys[i].fallback != !keys[i].automatic);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i].name, keys[k].name);
        char resets[256];
        (void)snprintf(resets, sizeof resets, "%s", keys[i].resets ? keys[i].resets : "");
        for (char *save, *name = strtok_r(resets, " ", &save); name;
             name = strtok_r(NULL, " ", &save)) {
            const clh_key *key = clh_key_find(keys, clh_run_key_count(), name, NULL);
            assert_non_null(key);
            assert_non_null(key->automatic);
        }
    }
}

static void the_defaults_are_the_notebook(void **state)
{
    (void)state;
    clh_run_config a = meant(false, NULL), b = meant(true, NULL);
    assert_same(&a, &b, "defaults and --preset notebook");
    assert_string_equal(a.task, "permutations");
    assert_int_equal(a.first_scored, 6);
    assert_int_equal(a.model.n_ctx, 122);
    assert_int_equal(a.model.d_vocab, 65);
    assert_int_equal(a.model.d_vocab_out, 65);
    assert_int_equal(a.model.d_head, 64);
    assert_true(a.model.attn_only && a.model.d_mlp == 0 && a.model.attn_scale == 8);
    assert_int_equal(a.train.epoch_sequences, 97);
    assert_int_equal(a.train.test_sequences, 25);
    assert_int_equal(a.train.steps, 500);
    assert_int_equal(a.train.eval_every, 25);
    assert_true(a.train.lr == 1e-3 && a.train.beta1 == 0.9 && a.train.beta2 == 0.99);
    assert_true(a.train.weight_decay == 0.01 && a.train.eps == 1e-8 && a.train.max_grad_norm == 1);
    const clh_model_config open = clh_model_config_default();
    const clh_model_config model = clh_model_config_resolved(&open);
    assert_true(model.d_model == a.model.d_model && model.d_head == a.model.d_head);
    assert_true(model.initializer_range == a.model.initializer_range);
}

static void sizes_follow_from_n(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t n_ctx, train, test, first;
    } row[] = {{"n=1", 4, 3, 1, 3},       {"n=2", 8, 6, 2, 4},          {"n=3", 26, 20, 6, 5},
               {"n=5", 722, 577, 145, 7}, {"n=6", 5042, 4033, 1009, 8}, {"n=4,2", 122, 97, 25, 0}};
    for (size_t i = 0; i < CLH_COUNT(row); i++)
        for (int preset = 0; preset < 2; preset++) {
            clh_run_config c = meant(preset, row[i].line);
            assert_int_equal(c.model.n_ctx, row[i].n_ctx);
            assert_int_equal(c.train.epoch_sequences, row[i].train);
            assert_int_equal(c.train.test_sequences, row[i].test);
            assert_int_equal(c.train.steps, 20 * ((row[i].train + 3) / 4));
            assert_int_equal(c.first_scored, row[i].first);
        }
}

static void the_order_of_keys_does_not_matter(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"n=5 steps=60", "steps=60 n=5"},
        {"d_model=64 d_head=16 attn_scale=2", "attn_scale=2 d_head=16 d_model=64"},
        {"optimizer=sgd weight_decay=0.1", "weight_decay=0.1 optimizer=sgd"},
        {"n=3 n_ctx=200 epochs=2", "epochs=2 n_ctx=200 n=3"},
    };
    for (size_t i = 0; i < CLH_COUNT(pair); i++) {
        clh_run_config a = meant(true, pair[i][0]), b = meant(true, pair[i][1]);
        assert_same(&a, &b, pair[i][0]);
    }
    assert_int_equal(meant(true, "steps=60 n=5").train.steps, 60);
    assert_int_equal(meant(true, "n=3 n_ctx=200").model.n_ctx, 200);
}

/* The preset gives steps, weight_decay and sizes; what they follow from moves them. */
static void what_follows_moves_with_its_cause(void **state)
{
    (void)state;
    assert_int_equal(meant(true, "batch=8").train.steps, 260);
    assert_int_equal(meant(true, "epoch_sequences=9").train.steps, 60);
    assert_int_equal(meant(true, "epochs=2").train.steps, 50);
    assert_int_equal(meant(true, "steps=26").train.epochs, 2);
    assert_int_equal(meant(true, "steps=60").train.eval_every, 9);
    assert_int_equal(meant(true, "schedule=warmup").train.warmup_steps, 50);
    assert_int_equal(meant(true, "n_heads=4").model.d_head, 32);
    assert_int_equal(meant(true, "attn_only=false").model.d_mlp, 512);
    assert_int_equal(meant(true, "d_vocab=70").model.d_vocab_out, 70);
    assert_true(meant(true, "d_head=25").model.attn_scale == 5);
    assert_true(meant(true, "d_model=64").model.initializer_range == 0.1);
    assert_true(meant(true, "optimizer=sgd").train.weight_decay == 0);
    assert_true(meant(true, "optimizer=adam").train.weight_decay == 0);
}

/* --d-model 128 means what it already was; so does every other key. */
static void saying_what_already_is_changes_nothing(void **state)
{
    (void)state;
    clh_run_config base = meant(false, NULL);
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        const clh_key *key = &clh_run_keys()[i];
        clh_strbuf json = {0};
        clh_strbuf_addf(&json, "{\"%s\": ", key->name);
        clh_key_to_json(key, &base, &json);
        clh_strbuf_adds(&json, "}");
        clh_run_config c;
        clh_run_layer all;
        assert_int_equal(resolve(&c, &all, false, clh_strbuf_view(&json), NULL, NULL), CLH_OK);
        assert_same(&base, &c, key->name);
        clh_strbuf_deinit(&json);
    }
}

static void a_later_layer_returns_what_follows_to_automatic(void **state)
{
    (void)state;
    clh_run_config c;
    clh_run_layer all;
    const char *file = "{\"steps\": 7, \"n_ctx\": 300, \"d_head\": 8, \"lr\": 0.5}";
    assert_int_equal(resolve(&c, &all, true, file, NULL, NULL), CLH_OK);
    assert_int_equal(c.train.steps, 7);
    assert_int_equal(c.train.epochs, 1);
    assert_int_equal(c.model.d_head, 8);
    assert_int_equal(resolve(&c, &all, true, file, "epochs=3", NULL), CLH_OK);
    assert_int_equal(c.train.steps, 75);
    assert_int_equal(resolve(&c, &all, true, file, "n=3 d_model=32", NULL), CLH_OK);
    assert_int_equal(c.model.n_ctx, 26);
    assert_int_equal(c.model.d_head, 16);
    assert_true(c.model.attn_scale == 4 && c.train.lr == 0.5);
    assert_int_equal(c.train.steps, 100);
    assert_int_equal(resolve(&c, &all, true, file, "n_ctx=auto", NULL), CLH_OK);
    assert_int_equal(c.model.n_ctx, 122);
    assert_int_equal(resolve(&c, &all, true, "{\"d_head\": null}", NULL, NULL), CLH_OK);
    assert_int_equal(c.model.d_head, 64);
}

static void given_weights_are_a_layer_between_preset_and_file(void **state)
{
    (void)state;
    clh_run_layer all, layer;
    clh_run_config c;
    clh_model_config model = clh_model_config_default();
    model.n_layers = 2;
    model.n_heads = 2;
    model.d_head = 10;
    model.n_ctx = 500;
    model.d_vocab = model.d_vocab_out = 70;
    model = clh_model_config_resolved(&model);
    clh_run_layer_default(&all);
    clh_run_layer_model(&layer, &model);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_resolve(&c, &all, NULL, NULL), CLH_OK);
    model_case_same_config(&c.model, &model);
    assert_int_equal(c.train.steps, 500);
}

static void given_weights_keep_their_size_whatever_the_task(void **state)
{
    (void)state;
    clh_run_config a = meant(true, NULL);
    clh_run_layer all, weights, line;
    clh_error err = {0};
    clh_run_layer_model(&weights, &a.model);
    clh_run_layer_default(&all);
    clh_run_layer_apply(&all, &weights);
    clh_run_layer_init(&line);
    assert_int_equal(clh_run_layer_set(&line, "n", "3", &err), CLH_OK);
    clh_run_layer_apply(&all, &line);
    clh_run_layer_fill(&all, &weights);
    assert_int_equal(clh_run_config_resolve(&a, &all, NULL, &err), CLH_OK);
    assert_int_equal(a.model.n_ctx, 122);
    assert_int_equal(a.first_scored, 5);
    assert_int_equal(clh_run_layer_set(&line, "n_ctx", "30", &err), CLH_OK);
    clh_run_layer_apply(&all, &line);
    clh_run_layer_fill(&all, &weights);
    assert_int_equal(clh_run_config_resolve(&a, &all, NULL, &err), CLH_OK);
    assert_int_equal(a.model.n_ctx, 30); /* asked for: refused when the weights are read */
}

static void a_complete_config_reads_back_the_same(void **state)
{
    (void)state;
    static const char *const line[] = {
        "",
        "n=2,3,4 letters=tuples seed=9223372036854775807 lr=0.3333333333333333 optimizer=sgd",
        "attn-only=false act-fn=solu_ln d_mlp=7 normalization-type=None n_layers=3 eps=1e-12",
        "schedule=warmup warmup_steps=3 threads=2 init=runs/a checkpoint_log=false steps=0",
    };
    for (size_t i = 0; i < CLH_COUNT(line); i++) {
        clh_run_config a = meant(true, line[i]), b;
        char *json = clh_run_config_json(&a, NULL);
        clh_error err = {0};
        assert_non_null(json);
        if (clh_run_config_from_json(&b, json, "config.json", &err))
            fail_msg("%s: %s", line[i], err.message);
        assert_same(&a, &b, line[i]);
        char *again = clh_run_config_json(&b, NULL);
        assert_string_equal(json, again);
        clh_free(again);
        clh_free(json);
    }
}

static void wrong_configs_name_both_sides(void **state)
{
    (void)state;
    static const struct {
        const char *json, *line;
    } wrong[] = {
        {"{\"btach\": 4}", "cfg.json: unknown key btach; did you mean batch?"},
        {"{\"batch\": \"four\"}", "cfg.json: batch is \"four\", want a whole number"},
        {"{\"batch\": 0}", "cfg.json: batch is 0, want a whole number in [1, 1000000]"},
        {"{\"batch\": null}", "cfg.json: batch is null, want a whole number"},
        {"{\"n\": [3, 7]}", "cfg.json: n is 7, want whole numbers in [1, 6]"},
        {"{\"beta2\": 1.0}", "cfg.json: beta2 is 1, want a number in [0, 1)"},
        {"{\"n_ctx\": 6}",
         "n_ctx is 6, want at least 7, so that of n = 4 something is predicted after the first "
         "term"},
        {"{\"d_vocab\": 64}", "d_vocab is 64, want at least 65, the task's vocabulary"},
        {"{\"d_vocab_out\": 64}", "d_vocab_out is 64, want at least 65, the task's vocabulary"},
        {"{\"first_scored\": 122}",
         "first_scored is 122, want less than 122, the tokens of the longest sequence"},
        {"{\"task\": \"lines\"}",
         "n_ctx of task lines is not known before it is opened, want it given"},
        {"{\"attn_only\": false, \"d_mlp\": 0}", "d_mlp is 0, want 1 or more, or attn_only true"},
    };
    for (size_t i = 0; i < CLH_COUNT(wrong); i++) {
        clh_run_config c;
        clh_run_layer all;
        clh_error err = {0};
        assert_int_not_equal(resolve(&c, &all, false, wrong[i].json, NULL, &err), CLH_OK);
        assert_string_equal(err.message, wrong[i].line);
        assert_int_equal(clh_status_exit_code(err.status), 2);
    }
    clh_run_config c;
    clh_run_layer layer;
    clh_error err = {0};
    assert_int_not_equal(resolve(&c, &layer, false, "{\"task\": \"permutation\"}", NULL, &err), 0);
    assert_non_null(
        strstr(err.message, "task is \"permutation\", want one of: permutations, lines"));
    assert_non_null(strstr(err.message, " (did you mean permutations?)"));
    assert_int_equal(clh_run_layer_json(&layer, "{\n\"n\": 4,\n", "cfg.json", &err), CLH_EFORMAT);
    assert_non_null(strstr(err.message, "cfg.json line 3"));
    assert_int_equal(clh_run_layer_json(&layer, "[4]", "cfg.json", &err), CLH_EFORMAT);
    assert_string_equal(err.message, "cfg.json is JSON but no object, want {\"key\": value, ...}");
    assert_int_equal(clh_run_layer_json(&layer, "{\"n\": 4, \"n\": 5}", "f", &err), CLH_EFORMAT);
    assert_int_equal(clh_run_layer_file(&layer, "/nowhere/cfg.json", &err), CLH_EIO);
    assert_int_equal(clh_run_layer_preset(&layer, "notbook", &err), CLH_EUSAGE);
    assert_string_equal(err.message, "preset is notbook, want notebook");
}

static void what_has_no_effect_is_named_when_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *line, *notes;
    } row[] = {
        {"", ""},
        {"act_fn=solu", "act_fn has no effect: an attn_only model has no MLP\n"},
        {"act_fn=solu attn_only=false", ""},
        {"min_lr=0 warmup_steps=5", "warmup_steps has no effect: the schedule is constant\n"
                                    "min_lr has no effect: the schedule is not cosine\n"},
        {"optimizer=sgd beta1=0.5", "beta1 has no effect: the optimizer is sgd\n"},
        {"momentum=0.5", "momentum has no effect: the optimizer is not sgd\n"},
        {"steps=3 epochs=2", "epochs has no effect: steps decides\n"},
        {"task=permutations data=mine.jsonl", "data has no effect: the task is permutations\n"},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_run_config c;
        clh_run_layer all;
        assert_int_equal(resolve(&c, &all, true, NULL, row[i].line, NULL), CLH_OK);
        char *notes = clh_run_config_notes(&c, &all, NULL);
        assert_string_equal(notes, row[i].notes);
        clh_free(notes);
    }
}

static void a_complete_file_asks_for_nothing_in_particular(void **state)
{
    (void)state;
    clh_run_config a = meant(true, NULL), b;
    clh_run_layer all;
    char *json = clh_run_config_json(&a, NULL);
    assert_int_equal(resolve(&b, &all, false, json, NULL, NULL), CLH_OK);
    char *notes = clh_run_config_notes(&b, &all, NULL);
    assert_string_equal(notes, "");
    clh_free(notes);
    clh_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_help_and_a_default),
        cmocka_unit_test(the_defaults_are_the_notebook),
        cmocka_unit_test(sizes_follow_from_n),
        cmocka_unit_test(the_order_of_keys_does_not_matter),
        cmocka_unit_test(what_follows_moves_with_its_cause),
        cmocka_unit_test(saying_what_already_is_changes_nothing),
        cmocka_unit_test(a_later_layer_returns_what_follows_to_automatic),
        cmocka_unit_test(given_weights_are_a_layer_between_preset_and_file),
        cmocka_unit_test(given_weights_keep_their_size_whatever_the_task),
        cmocka_unit_test(a_complete_config_reads_back_the_same),
        cmocka_unit_test(wrong_configs_name_both_sides),
        cmocka_unit_test(what_has_no_effect_is_named_when_asked_for),
        cmocka_unit_test(a_complete_file_asks_for_nothing_in_particular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
