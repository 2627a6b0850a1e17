/* The editor leaves the bits of whole passes with hooks, whatever was edited before; lists measured
 * together are those measured alone; what comes from longer sequences is their beginning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "edit/editor_parts.h"
#include "support/each_case.h"
#include "support/edit_bench.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 53, COUNT = 4, STREAM_ORDER = 621 };

static const long first[] = {0}, last[] = {-1}, some[] = {0, -1, 1};

/* A model of a case, a second one, sequences two tokens longer than the case's, and the same cut. */
typedef struct bench {
    clh_model *model, *other;
    clh_sample sample, cut;
    size_t length[COUNT];
    clh_cache *whole;
    clh_edits *edits;
    clh_editor *editor;
} bench;

enum { LISTS = 17 };

static const clh_model_config *config_of(const bench *b)
{
    return clh_model_get_config(b->model);
}

/* One of every kind, alone and together, everywhere and in places. */
static size_t make_lists(const bench *b, clh_edit edit[2 * LISTS], clh_edit_list list[LISTS])
{
    const clh_edit kinds[] = {
        {.kind = CLH_EDIT_ZERO, .site = "blocks.*.attn.hook_z", .heads = last, .head_count = 1},
        {.kind = CLH_EDIT_SET, .site = "blocks.0.attn.hook_attn_scores", .value = 0.25},
        {.kind = CLH_EDIT_ADD,
         .site = "hook_pos_embed",
         .value = -1,
         .positions = some,
         .position_count = 3},
        {.kind = CLH_EDIT_MEAN, .site = "blocks.*.attn.hook_pattern"},
        {.kind = CLH_EDIT_RESAMPLE,
         .site = "blocks.*.hook_resid_p[or][se]t",
         .positions = last,
         .position_count = 1},
        {.kind = CLH_EDIT_ONE_HOT, .heads = first, .head_count = 1},
        {.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_POSITIONS, .keys = some, .key_count = 3},
        {.kind = CLH_EDIT_WITHOUT,
         .sources = CLH_SOURCES_ANSWER,
         .positions = some,
         .position_count = 3},
        {.kind = CLH_EDIT_DIRECT},
        {.kind = CLH_EDIT_PART, .site = "blocks.*.attn.hook_[qv]", .part = CLH_PART_TOKEN},
        {.kind = CLH_EDIT_PART,
         .site = "blocks.*.attn.hook_k",
         .part = CLH_PART_POSITION,
         .frozen = true,
         .positions = last,
         .position_count = 1},
        {.kind = CLH_EDIT_PATCH,
         .site = "blocks.*.attn.hook_v",
         .from = clh_sample_tokens(&b->sample, 1)},
        {.kind = CLH_EDIT_WEIGHTS, .circuit = CLH_EDIT_QK, .other = b->other},
        {.kind = CLH_EDIT_EVEN},
        {.kind = CLH_EDIT_MODEL, .site = "blocks.0.attn.hook_[kz]", .other = b->other},
    };
    size_t lists = 1, edits = CLH_COUNT(kinds);
    memcpy(edit, kinds, sizeof kinds);
    edit_without_parts(b->model, edit, edits);
    list[0] = (clh_edit_list){.name = "none"};
    for (size_t i = 0; i < CLH_COUNT(kinds); i++)
        list[lists++] =
            (clh_edit_list){.name = clh_edit_kind_name(edit[i].kind), .edit = &edit[i], .count = 1};
    /* Several at once: other weights, and their mean and part, behind an edit of the embedding. */
    const size_t together[] = {12, 2, 3, 9, 7};
    for (size_t i = 0; i < CLH_COUNT(together); i++)
        edit[edits + i] = edit[together[i]];
    list[lists++] = (clh_edit_list){"together", NULL, &edit[edits], CLH_COUNT(together)};
    assert_int_equal(lists, LISTS);
    return lists;
}

static clh_sample sample_of(size_t index, size_t pos)
{
    const clh_model_config c = model_case_config(index);
    const size_t low = c.d_vocab < c.d_vocab_out ? c.d_vocab : c.d_vocab_out;
    clh_error err = {0};
    clh_sample sample = {0};
    uint32_t *ids = clh_alloc_array(COUNT * pos, sizeof *ids, NULL);
    assert_non_null(ids);
    for (size_t i = 0; i < COUNT * pos; i++)
        ids[i] = (uint32_t)((i * i * 5 + i / pos * 3 + i) % low);
    must(clh_sample_given(&sample, &(clh_tokens){ids, COUNT, pos}, 1, &err), &err);
    clh_free(ids);
    return sample;
}

static void open_edits(bench *b, const clh_sample *sample, const clh_sample *reference)
{
    clh_edit edit[2 * LISTS];
    clh_edit_list list[LISTS];
    clh_error err = {0};
    const size_t count = make_lists(b, edit, list);
    const clh_edits_setting setting = {
        .model = b->model, .sample = sample, .reference = reference, .seed = SEED};
    must(clh_edits_open(&b->edits, list, count, &setting, &err), &err);
    must(clh_editor_open(&b->editor, b->edits, &err), &err);
}

static void close_edits(bench *b)
{
    clh_editor_close(b->editor);
    clh_edits_close(b->edits);
    b->editor = NULL;
    b->edits = NULL;
}

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    const clh_model_config config = model_case_config(index);
    clh_error err = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->model = model_case_open(index, SEED);
    b->other = model_case_open(index, SEED + 1);
    b->sample = sample_of(index, model_case_at(index)->pos + 2);
    b->cut = b->sample;
    b->cut.length = b->length;
    for (size_t k = 0; k < COUNT; k++)
        b->length[k] = b->sample.length[k] - k % 2; /* two lengths */
    must(clh_cache_open(&b->whole, &config, CLH_KEEP_ALL, &err), &err);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    close_edits(b);
    clh_cache_close(b->whole);
    clh_sample_deinit(&b->sample);
    clh_model_close(b->other);
    clh_model_close(b->model);
    free(b);
    return 0;
}

/* ---- Whole passes ------------------------------------------------------------------------------
 */

typedef struct hooked {
    const bench *b;
    const clh_writes *writes;
} hooked;

static clh_status make_all(const clh_hook_point *point, void *user, clh_error *err)
{
    const hooked *h = user;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < h->writes->count && !status; i++) {
        const clh_write *w = &h->writes->items[i];
        clh_hook_point here = *point;
        here.begin = w->begin;
        here.end = w->end;
        if (clh_cache_tensor(h->b->whole, w->activation).data == point->tensor.data)
            status = w->write(&here, w->user, err);
    }
    return status;
}

/* The list in one pass whose hooks make its writes. */
static void compute_whole(bench *b, const clh_sample *sample, size_t list, size_t index)
{
    clh_error err = {0};
    hooked h = {.b = b};
    const clh_tokens tokens = clh_sample_tokens(sample, index);
    must(clh_editor_writes(&h.writes, b->editor, list, &err), &err);
    const clh_hook hook = {"*", make_all, &h};
    must(clh_forward(clh_editor_model(b->editor), &tokens, b->whole,
                     &(clh_hooks){.items = &hook, .count = 1}, &err),
         &err);
}

static void same_bits(const clh_cache *got, const clh_cache *want, size_t list)
{
    for (size_t t = 0; t < clh_cache_count(want); t++) {
        const clh_tensor x = clh_cache_tensor(got, t), y = clh_cache_tensor(want, t);
        if (memcmp(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data) != 0)
            fail_msg("%s has other bits under list %zu", x.name, list);
    }
}

static void every_list_has_the_bits_of_a_whole_pass(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    open_edits(b, &b->cut, &b->sample);
    for (size_t k = 0; k < COUNT; k++) {
        must(clh_editor_begin(b->editor, &b->cut, k, &err), &err);
        for (size_t n = 0; n < (size_t)2 * LISTS; n++) { /* in any order */
            const size_t list = clh_random_word(SEED, STREAM_ORDER, k * 2 * LISTS + n) % LISTS;
            compute_whole(b, &b->cut, list, k);
            same_bits(clh_editor_cache(b->editor), b->whole, list);
        }
    }
}

static void nothing_stays_when_all_is_undone(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    open_edits(b, &b->sample, NULL);
    for (size_t k = 0; k < COUNT; k++) {
        const clh_tokens tokens = clh_sample_tokens(&b->sample, k);
        must(clh_editor_begin(b->editor, &b->sample, k, &err), &err);
        for (size_t list = 0; list < LISTS; list++) {
            must(clh_editor_apply(b->editor, list, &err), &err);
            must(clh_editor_undo(b->editor, &err), &err);
            must(clh_forward(clh_editor_model(b->editor), &tokens, b->whole, NULL, &err), &err);
            same_bits(clh_editor_cache(b->editor), b->whole, list);
        }
    }
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

static bool same_measure(const clh_measure *a, const clh_measure *c)
{
    const void *x = &a->total, *y = &c->total; /* their bits */
    bool same = memcmp(x, y, sizeof a->total) == 0;
    for (size_t k = 0; k < COUNT; k++)
        same = same && a->sequence[k].loss == c->sequence[k].loss;
    return same;
}

static void lists_together_are_those_alone(void **state)
{
    bench *b = *state;
    clh_edit edit[2 * LISTS];
    clh_edit_list list[LISTS];
    clh_error err = {0};
    clh_edited all = {0};
    bool left_out[LISTS] = {false};
    left_out[3] = true;
    const size_t count = make_lists(b, edit, list);
    open_edits(b, &b->cut, &b->sample);
    must(clh_edits_run(&all, b->edits, &(clh_edits_ask){.left_out = left_out}, &(clh_how){2, NULL},
                       &err),
         &err);
    const clh_edits_setting setting = {
        .model = b->model, .sample = &b->cut, .reference = &b->sample, .seed = SEED};
    for (size_t l = 0; l < count; l++) {
        clh_edits *alone = NULL;
        clh_measure one = {0};
        if (left_out[l]) {
            assert_int_equal(all.list[l].total.count, 0);
            continue;
        }
        must(clh_edits_open(&alone, &list[l], 1, &setting, &err), &err);
        edit_run(&one, alone, 1);
        if (!same_measure(&one, &all.list[l]))
            fail_msg("list %zu (%s) has other numbers alone", l, list[l].name);
        clh_measure_deinit(&one);
        clh_edits_close(alone);
    }
    clh_measure plain = {0};
    must(clh_measure_run(&plain, b->model, &b->cut, NULL, NULL, &err), &err);
    assert_true(same_measure(&plain, &all.list[0]));
    clh_measure_deinit(&plain);
    clh_edited_deinit(&all);
}

static void measure_one(bench *b, const clh_edit *edit, const clh_sample *reference,
                        clh_measure *out)
{
    clh_error err = {0};
    clh_edits *edits = NULL;
    const clh_edit_list list = {.edit = edit, .count = 1};
    const clh_edits_setting setting = {
        .model = b->model, .sample = &b->cut, .reference = reference, .seed = SEED};
    must(clh_edits_open(&edits, &list, 1, &setting, &err), &err);
    edit_run(out, edits, 1);
    clh_edits_close(edits);
}

/* Whatever an edit takes from a sequence that goes on, it takes from its beginning. */
static void longer_sequences_give_their_beginnings(void **state)
{
    bench *b = *state;
    const size_t pos = b->sample.length[0] - 1;
    const bool causal = config_of(b)->attention_dir == CLH_ATTENTION_CAUSAL;
    size_t shorter[COUNT];
    clh_sample begin = b->sample;
    for (size_t k = 0; k < COUNT; k++)
        b->length[k] = shorter[k] = pos;
    begin.length = shorter;
    clh_edit edits[] = {{.kind = CLH_EDIT_MEAN, .site = "blocks.*.attn.hook_pattern"},
                        {.kind = CLH_EDIT_MEAN, .site = "blocks.*.attn.hook_z"},
                        {.kind = CLH_EDIT_RESAMPLE, .site = "blocks.*.attn.hook_pattern"},
                        {.kind = CLH_EDIT_RESAMPLE, .site = "logits"},
                        {.kind = CLH_EDIT_PATCH, .site = "blocks.*.attn.hook_pattern"},
                        {.kind = CLH_EDIT_PATCH, .site = "blocks.*.attn.hook_q"}};
    for (size_t i = 0; i < CLH_COUNT(edits); i++) {
        clh_measure longer = {0}, cut = {0};
        edits[i].from = clh_sample_tokens(&b->sample, 2);
        measure_one(b, &edits[i], &b->sample, &longer);
        edits[i].from.pos = pos;
        measure_one(b, &edits[i], &begin, &cut);
        const bool same = same_measure(&longer, &cut);
        if (same ? i == 0 && !causal : causal)
            fail_msg("%s of %s is%s another of longer sequences", clh_edit_kind_name(edits[i].kind),
                     edits[i].site, same ? " not" : "");
        clh_measure_deinit(&cut);
        clh_measure_deinit(&longer);
    }
}

/* ---- Pieces ------------------------------------------------------------------------------------
 */

static void a_piece_is_the_edit_at_one_head_and_position(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    const size_t heads = clh_model_get_config(b->model)->n_heads, pos = b->sample.length[0];
    const long at[] = {(long)heads - 1, (long)pos - 2};
    const clh_edit edits[] = {{.kind = CLH_EDIT_MEAN, .site = "blocks.*.attn.hook_[pv]*"},
                              {.kind = CLH_EDIT_MEAN,
                               .site = "blocks.*.attn.hook_[pv]*",
                               .heads = &at[0],
                               .head_count = 1,
                               .positions = &at[1],
                               .position_count = 1}};
    const clh_edit_list lists[] = {{.edit = &edits[0], .count = 1},
                                   {.edit = &edits[1], .count = 1}};
    const clh_edits_setting setting = {.model = b->model, .sample = &b->sample};
    must(clh_edits_open(&b->edits, lists, 2, &setting, &err), &err);
    must(clh_editor_open(&b->editor, b->edits, &err), &err);
    must(clh_editor_begin(b->editor, &b->sample, 0, &err), &err);
    compute_whole(b, &b->sample, 1, 0);
    must(clh_editor_apply(b->editor, 0, &err), &err);
    must(clh_editor_apply_at(b->editor, 0, heads - 1, pos - 2, &err), &err);
    same_bits(clh_editor_cache(b->editor), b->whole, 0);
    assert_int_equal(clh_editor_apply_at(b->editor, 0, heads, 0, &err), CLH_ERANGE);
    assert_int_equal(clh_editor_apply_at(b->editor, 0, 0, pos, &err), CLH_ERANGE);
    must(clh_editor_apply(b->editor, 1, &err), &err); /* a refusal has lost nothing */
    same_bits(clh_editor_cache(b->editor), b->whole, 1);
}

/* A table of rows by token or position has the bits of rows that are computed for each sequence: an
 * edit of the embedding that changes nothing leaves no other way. */
static void parts_of_a_table_are_those_computed(void **state)
{
    bench *b = *state;
    if (!edit_has_parts(b->model)) {
        edit_parts_refused(b->model, &b->sample);
        return;
    }
    for (int p = 0; p < 4; p++) {
        const clh_edit edits[] = {{.kind = CLH_EDIT_PART,
                                   .site = "blocks.0.attn.hook_[qkv]",
                                   .part = (clh_input_part)(p % 2),
                                   .bare = p / 2},
                                  {.kind = CLH_EDIT_ADD, .site = "hook_embed"}};
        clh_error err = {0};
        clh_measure found[2] = {0};
        for (size_t n = 0; n < 2; n++) {
            clh_edits *compiled = NULL;
            must(edit_open(&compiled, edits, 1 + n, b->model, &b->sample, SEED, &err), &err);
            edit_run(&found[n], compiled, 1);
            clh_edits_close(compiled);
        }
        assert_true(same_measure(&found[0], &found[1]));
        for (size_t n = 0; n < 2; n++)
            clh_measure_deinit(&found[n]);
    }
}

/* A part is that of this very pass: where another edit makes all positions one, queries of positions
 * are one; likewise of tokens. */
static void parts_see_what_is_put_into_the_embeddings(void **state)
{
    bench *b = *state;
    if (!edit_has_parts(b->model)) {
        edit_parts_refused(b->model, &b->sample);
        return;
    }
    for (int p = 0; p < 2; p++) {
        const clh_edit edits[] = {
            {.kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_q", .part = (clh_input_part)p},
            {.kind = CLH_EDIT_SET, .site = p ? "hook_embed" : "hook_pos_embed", .value = 0.5}};
        clh_error err = {0};
        must(edit_open(&b->edits, edits, 2, b->model, &b->sample, SEED, &err), &err);
        must(clh_editor_open(&b->editor, b->edits, &err), &err);
        must(clh_editor_begin(b->editor, &b->sample, 0, &err), &err);
        must(clh_editor_apply(b->editor, 0, &err), &err);
        const clh_tensor q = clh_cache_view(clh_editor_cache(b->editor), "blocks.0.attn.hook_q");
        const size_t row = q.shape[2] * q.shape[3];
        for (size_t i = 1; i < q.shape[1]; i++)
            assert_memory_equal(q.data, q.data + i * row, row * sizeof *q.data);
        close_edits(b);
    }
}

/* What another model has on the same tokens: its logits make it that model, whatever its config. */
static void another_model_in_its_place_is_that_model(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    clh_model *bigger = NULL;
    clh_model_config config = *clh_model_get_config(b->model);
    config.n_layers++;
    must(clh_model_open(&bigger, &config, &err), &err);
    clh_model_init(bigger, SEED);
    const clh_model *const others[] = {b->model, b->other, bigger};
    clh_measure own = {0}, put = {0}, first_own = {0};
    for (size_t i = 0; i < CLH_COUNT(others); i++) {
        const clh_edit edit = {.kind = CLH_EDIT_MODEL, .site = "logits", .other = others[i]};
        must(clh_measure_run(&own, others[i], &b->cut, NULL, NULL, &err), &err);
        measure_one(b, &edit, NULL, &put);
        assert_true(same_measure(&own, &put));
        if (i == 0)
            must(clh_measure_run(&first_own, others[i], &b->cut, NULL, NULL, &err), &err);
        else
            assert_false(same_measure(&own, &first_own));
        clh_measure_deinit(&own);
        clh_measure_deinit(&put);
    }
    clh_measure_deinit(&first_own);
    clh_model_close(bigger);
}

static void what_cannot_be_is_refused(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    clh_edited edited = {0};
    clh_edits *edits = NULL;
    open_edits(b, &b->sample, NULL);
    assert_int_equal(clh_editor_apply(b->editor, 0, &err), CLH_EINPUT); /* no sequence yet */
    assert_int_equal(clh_editor_begin(b->editor, &b->sample, COUNT, &err), CLH_ERANGE);
    must(clh_editor_begin(b->editor, &b->sample, 0, &err), &err);
    assert_int_equal(clh_editor_apply(b->editor, LISTS, &err), CLH_ERANGE);
    assert_int_equal(clh_editor_open(&b->editor, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_edits_run(&edited, NULL, NULL, NULL, &err), CLH_EUSAGE);
    const clh_edits_setting none = {.model = b->model};
    assert_int_equal(clh_edits_open(&edits, NULL, 0, &none, &err), CLH_EUSAGE);
    const clh_edit unknown = {.kind = (clh_edit_kind)CLH_EDIT_KINDS, .site = "logits"};
    assert_int_equal(edit_open(&edits, &unknown, 1, b->model, &b->sample, 0, &err), CLH_EINPUT);
    const clh_edit nobody = {.kind = CLH_EDIT_MODEL, .site = "logits"};
    assert_int_equal(edit_open(&edits, &nobody, 1, b->model, &b->sample, 0, &err), CLH_EINPUT);
}

static const each_truth truths[] = {
    {"every list has the bits of a whole pass", every_list_has_the_bits_of_a_whole_pass},
    {"nothing stays when all is undone", nothing_stays_when_all_is_undone},
    {"lists together are those alone", lists_together_are_those_alone},
    {"longer sequences give their beginnings", longer_sequences_give_their_beginnings},
    {"a piece is the edit at one head and position", a_piece_is_the_edit_at_one_head_and_position},
    {"parts of a table are those computed", parts_of_a_table_are_those_computed},
    {"parts see what is put into the embeddings", parts_see_what_is_put_into_the_embeddings},
    {"another model in its place is that model", another_model_in_its_place_is_that_model},
    {"what cannot be is refused", what_cannot_be_is_refused},
};

int main(void)
{
    return each_case_run("editor", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), open_bench, close_bench);
}
