/* What a change cannot have changed is not computed again, and nobody can tell: whatever activation
 * is written to, at whatever positions, a partial pass leaves the bits of a whole pass whose hook
 * makes the same edit. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 29, STREAM_EDIT = 601 };

/* One sequence of a case: its plain pass, one that is changed, one that is computed whole. */
typedef struct bench {
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *plain, *changed, *whole;
} bench;

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    const clh_model_config config = model_case_config(index);
    clh_error err = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->model = model_case_open(index, SEED);
    b->ids = model_case_tokens(index, SEED);
    b->tokens = (clh_tokens){b->ids, 1, model_case_at(index)->pos};
    clh_cache **caches[] = {&b->plain, &b->changed, &b->whole};
    for (size_t i = 0; i < CLH_COUNT(caches); i++) {
        must(clh_cache_open(caches[i], &config, CLH_KEEP_ALL, &err), &err);
        must(clh_forward(b->model, &b->tokens, *caches[i], NULL, &err), &err);
    }
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_cache_close(b->whole);
    clh_cache_close(b->changed);
    clh_cache_close(b->plain);
    clh_free(b->ids);
    clh_model_close(b->model);
    free(b);
    return 0;
}

/* Where the rows of a position lie in an activation: `blocks` of them, `width` numbers each. */
typedef struct rows {
    size_t blocks, block, width;
} rows;

static rows rows_of(const clh_tensor *tensor, size_t pos)
{
    const bool by_head = tensor->rank == 4 && strstr(tensor->name, "attn.hook_") &&
                         (strstr(tensor->name, "scores") || strstr(tensor->name, "pattern"));
    const size_t blocks = by_head ? tensor->shape[1] : 1;
    const size_t block = clh_tensor_count(tensor) / blocks;
    return (rows){blocks, block, pos ? block / pos : 0};
}

static void copy_rows(const clh_tensor *to, const clh_tensor *from, const bench *b,
                      const clh_change *change)
{
    const rows r = rows_of(to, b->tokens.pos);
    for (size_t k = 0; k < r.blocks; k++) {
        const size_t at = k * r.block + change->begin * r.width;
        memcpy(to->data + at, from->data + at,
               (change->end - change->begin) * r.width * sizeof *to->data);
    }
}

/* Other numbers at the positions of the change; of hook_tokens, other tokens. */
static void write_edit(const bench *b, const clh_change *change)
{
    const clh_tensor tensor = clh_cache_tensor(b->changed, change->activation);
    const rows r = rows_of(&tensor, b->tokens.pos);
    for (size_t k = 0; k < r.blocks; k++)
        for (size_t i = change->begin * r.width; i < change->end * r.width; i++) {
            clh_real *x = &tensor.data[k * r.block + i];
            *x = strcmp(tensor.name, "hook_tokens") == 0
                     ? (clh_real)(((size_t)*x + 1) % 9)
                     : (clh_real)(0.5 + clh_random_normal(SEED, STREAM_EDIT, i));
        }
}

/* The hook of the whole pass: the same edit to the same activation. */
typedef struct same_edit {
    const bench *b;
    const clh_change *change;
    const clh_real *data;
} same_edit;

static clh_status make_same_edit(const clh_hook_point *point, void *user, clh_error *err)
{
    const same_edit *e = user;
    (void)err;
    const clh_tensor from = clh_cache_tensor(e->b->changed, e->change->activation);
    if (point->tensor.data == e->data)
        copy_rows(&point->tensor, &from, e->b, e->change);
    return CLH_OK;
}

static void compute_whole(bench *b, const clh_change *change)
{
    clh_error err = {0};
    same_edit edit = {b, change, clh_cache_tensor(b->whole, change->activation).data};
    const clh_hook hook = {"*", make_same_edit, &edit};
    must(
        clh_forward(b->model, &b->tokens, b->whole, &(clh_hooks){.items = &hook, .count = 1}, &err),
        &err);
}

static void same_bits(const clh_cache *got, const clh_cache *want, const char *edited)
{
    for (size_t t = 0; t < clh_cache_count(want); t++) {
        const clh_tensor x = clh_cache_tensor(got, t), y = clh_cache_tensor(want, t);
        if (memcmp(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data) != 0)
            fail_msg("%s has other bits after an edit of %s", x.name, edited);
    }
}

typedef void each_change(bench *b, clh_change change);

/* Every activation, every interval of the first seven positions, and the last position. */
static void for_each_change(bench *b, each_change *then)
{
    const size_t pos = b->tokens.pos, most = pos < 7 ? pos : 7;
    for (size_t t = 0; t < clh_cache_count(b->plain); t++) {
        for (size_t begin = 0; begin < most; begin++)
            for (size_t end = begin + 1; end <= most; end++)
                then(b, (clh_change){.activation = t, .begin = begin, .end = end});
        then(b, (clh_change){.activation = t, .begin = pos - 1, .end = pos});
    }
}

static void undo(bench *b, const clh_change *change)
{
    clh_error err = {0};
    const clh_tensor to = clh_cache_tensor(b->changed, change->activation);
    const clh_tensor from = clh_cache_tensor(b->plain, change->activation);
    copy_rows(&to, &from, b, change);
    must(clh_forward_from(b->model, &b->tokens, b->changed, change, &err), &err);
}

static void check_change(bench *b, clh_change change)
{
    clh_error err = {0};
    const char *name = clh_cache_tensor(b->plain, change.activation).name;
    write_edit(b, &change);
    compute_whole(b, &change);
    must(clh_forward_from(b->model, &b->tokens, b->changed, &change, &err), &err);
    same_bits(b->changed, b->whole, name);
    undo(b, &change);
    same_bits(b->changed, b->plain, name);
}

static void a_change_gives_the_bits_of_a_whole_pass(void **state)
{
    for_each_change(*state, check_change);
}

static void check_wanted(bench *b, clh_change change)
{
    clh_error err = {0};
    const clh_tensor got = clh_cache_view(b->changed, "logits");
    const clh_tensor want = clh_cache_view(b->whole, "logits");
    const size_t vocab = got.shape[2];
    write_edit(b, &change);
    compute_whole(b, &change);
    for (size_t i = 0; i < b->tokens.pos; i++) {
        change.logits_begin = i;
        change.logits_end = i + 1;
        must(clh_forward_from(b->model, &b->tokens, b->changed, &change, &err), &err);
        if (memcmp(got.data + i * vocab, want.data + i * vocab, vocab * sizeof *got.data) != 0)
            fail_msg("logits at %zu have other bits after an edit of %s at %zu", i,
                     clh_cache_tensor(b->plain, change.activation).name, change.begin);
    }
    change.logits_begin = change.logits_end = 0;
    undo(b, &change);
}

static void the_logits_asked_for_are_those_of_a_whole_pass(void **state)
{
    for_each_change(*state, check_wanted);
}

static void fill(const clh_cache *cache, clh_real value)
{
    for (size_t t = 0; t < clh_cache_count(cache); t++) {
        const clh_tensor x = clh_cache_tensor(cache, t);
        for (size_t i = 0; i < clh_tensor_count(&x); i++)
            x.data[i] = value;
    }
}

static void a_pass_that_ends_early_has_the_bits_of_a_whole_one(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    for (size_t last = 0; last < clh_cache_count(b->plain); last++) {
        const char *name = clh_cache_tensor(b->plain, last).name;
        fill(b->changed, 7);
        must(clh_forward_until(b->model, &b->tokens, b->changed, last, &err), &err);
        for (size_t t = 0; t < clh_cache_count(b->plain); t++) {
            const clh_tensor x = clh_cache_tensor(b->changed, t);
            const clh_tensor y = clh_cache_tensor(b->plain, t);
            bool same = memcmp(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data) == 0;
            bool touched = false;
            for (size_t i = 0; i < clh_tensor_count(&x); i++)
                touched = touched || x.data[i] != 7;
            if (t <= last ? !same : touched)
                fail_msg("up to %s, %s %s", name, x.name,
                         t <= last ? "has other bits" : "is computed too");
        }
    }
}

static void a_change_outside_the_sequence_is_refused(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    const clh_change change = {.begin = 0, .end = b->tokens.pos + 1};
    assert_int_equal(clh_forward_from(b->model, &b->tokens, b->changed, &change, &err), CLH_ERANGE);
    clh_tokens shorter = b->tokens;
    shorter.pos--;
    const clh_change first = {.begin = 0, .end = 1};
    assert_int_equal(clh_forward_from(b->model, &shorter, b->changed, &first, &err), CLH_ESHAPE);
}

static const each_truth truths[] = {
    {"a change gives the bits of a whole pass", a_change_gives_the_bits_of_a_whole_pass},
    {"the logits asked for are those of a whole pass",
     the_logits_asked_for_are_those_of_a_whole_pass},
    {"a pass that ends early has the bits of a whole one",
     a_pass_that_ends_early_has_the_bits_of_a_whole_one},
    {"a change outside the sequence is refused", a_change_outside_the_sequence_is_refused},
};

int main(void)
{
    return each_case_run("partial", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), open_bench, close_bench);
}
