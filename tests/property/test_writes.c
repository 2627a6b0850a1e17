/* Writes made in a partial pass leave the bits of a whole pass whose hooks make them, and nothing of
 * them stays when they are gone: whatever is written where, after whatever was written before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 43, STREAM_DRAW = 611, STREAM_NUMBER = 612, WRITES = 6, ROUNDS = 120 };

typedef struct bench bench;

/* A write: what it adds depends on `salt` and on the number's place, and on what is there. */
typedef struct salted {
    const bench *b;
    uint64_t salt;
    size_t activation, begin, end, head_begin, head_end;
} salted;

/* One sequence of a case: its plain pass, one that is written to, one that is computed whole. */
struct bench {
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *plain, *written, *whole;
    salted edit[WRITES];
    clh_write write[WRITES];
    clh_writes writes;
    uint64_t drawn;
};

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
    clh_cache **caches[] = {&b->plain, &b->written, &b->whole};
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
    clh_cache_close(b->written);
    clh_cache_close(b->plain);
    clh_free(b->ids);
    clh_model_close(b->model);
    free(b);
    return 0;
}

/* ---- A write -----------------------------------------------------------------------------------
 */

static bool is_by_query(const clh_tensor *t)
{
    return strstr(t->name, "hook_pattern") || strstr(t->name, "hook_attn_scores");
}

static size_t heads_of(const clh_tensor *t)
{
    return t->rank < 4 ? 1 : t->shape[is_by_query(t) ? 1 : 2];
}

static void change(const clh_tensor *t, uint64_t salt, size_t at)
{
    clh_real *x = &t->data[at];
    if (strcmp(t->name, "hook_tokens") == 0)
        *x = (clh_real)(((size_t)*x + 1 + salt % 3) % 9);
    else
        *x =
            (isinf(*x) ? 0 : *x / 2) + (clh_real)(0.5 + clh_random_normal(salt, STREAM_NUMBER, at));
}

static void change_rows(const salted *e, const clh_tensor *t, size_t begin, size_t end)
{
    const size_t pos = e->b->tokens.pos, heads = heads_of(t);
    const size_t width = clh_tensor_count(t) / pos / heads;
    for (size_t h = e->head_begin; h < (e->head_end ? e->head_end : heads); h++)
        for (size_t p = begin; p < end; p++)
            for (size_t i = 0; i < width; i++)
                change(t, e->salt, width * (is_by_query(t) ? h * pos + p : p * heads + h) + i);
}

static clh_status make_write(const clh_hook_point *point, void *user, clh_error *err)
{
    const salted *e = user;
    (void)err;
    assert_true(e->begin <= point->begin && point->end <= e->end && !point->gradient);
    change_rows(e, &point->tensor, point->begin, point->end);
    return CLH_OK;
}

/* The hook of the whole pass: all writes to the activation, known by its memory. */
static clh_status make_all(const clh_hook_point *point, void *user, clh_error *err)
{
    const bench *b = user;
    (void)err;
    assert_true(point->begin == 0 && point->end == b->tokens.pos);
    for (size_t i = 0; i < b->writes.count; i++)
        if (clh_cache_tensor(b->whole, b->edit[i].activation).data == point->tensor.data)
            change_rows(&b->edit[i], &point->tensor, b->edit[i].begin, b->edit[i].end);
    return CLH_OK;
}

static void add(bench *b, salted e)
{
    const size_t i = b->writes.count++;
    e.b = b;
    b->edit[i] = e;
    b->write[i] = (clh_write){.activation = e.activation,
                              .begin = e.begin,
                              .end = e.end,
                              .head_begin = e.head_begin,
                              .head_end = e.head_end,
                              .write = make_write,
                              .user = &b->edit[i]};
    b->writes.items = b->write;
}

/* ---- Writes drawn ------------------------------------------------------------------------------
 */

static size_t draw(bench *b, size_t below)
{
    return (size_t)(clh_random_word(SEED, STREAM_DRAW, b->drawn++) % below);
}

/* Up to WRITES of them, often to the same activation or to neighbours. */
static void draw_writes(bench *b)
{
    const size_t count = clh_cache_count(b->plain), pos = b->tokens.pos;
    size_t at = draw(b, count);
    b->writes.count = 0;
    for (size_t n = 1 + draw(b, WRITES); n > 0 && at < count; n--) {
        const clh_tensor t = clh_cache_tensor(b->plain, at);
        salted e = {.activation = at, .salt = draw(b, 1000), .begin = draw(b, pos)};
        e.end = e.begin + draw(b, pos - e.begin + 1); /* maybe none */
        if (draw(b, 2) && heads_of(&t) > 1) {
            e.head_begin = draw(b, heads_of(&t));
            e.head_end = e.head_begin + 1;
        }
        if (draw(b, 4) == 0)
            e.begin = e.head_begin = e.head_end = 0, e.end = pos;
        add(b, e);
        at += draw(b, 3) ? draw(b, 3) : draw(b, count);
    }
}

static void compute_whole(bench *b)
{
    clh_error err = {0};
    const clh_hook hook = {"*", make_all, b};
    must(
        clh_forward(b->model, &b->tokens, b->whole, &(clh_hooks){.items = &hook, .count = 1}, &err),
        &err);
}

static void write_drawn(bench *b)
{
    clh_error err = {0};
    must(clh_forward_writes(b->model, &b->tokens, b->written, &b->writes, &err), &err);
}

static void write_nothing(bench *b)
{
    b->writes.count = 0;
    write_drawn(b);
}

static bool same_tensor(const clh_tensor *x, const clh_tensor *y)
{
    return memcmp(x->data, y->data, clh_tensor_count(x) * sizeof *x->data) == 0;
}

static void same_bits(const bench *b, const clh_cache *want, const char *when)
{
    for (size_t t = 0; t < clh_cache_count(want); t++) {
        const clh_tensor x = clh_cache_tensor(b->written, t), y = clh_cache_tensor(want, t);
        if (!same_tensor(&x, &y))
            fail_msg("%zu (%s) has other bits %s; %zu writes, the first to %s [%zu, %zu)", t,
                     x.name, when, b->writes.count,
                     clh_cache_tensor(want, b->edit[0].activation).name, b->edit[0].begin,
                     b->edit[0].end);
    }
}

/* ---- Truths ------------------------------------------------------------------------------------
 */

static void writes_give_the_bits_of_a_whole_pass(void **state)
{
    bench *b = *state;
    for (size_t round = 0; round < ROUNDS; round++) {
        draw_writes(b);
        write_drawn(b);
        compute_whole(b);
        same_bits(b, b->whole, "than a whole pass");
    }
}

static void nothing_stays_of_writes_that_are_gone(void **state)
{
    bench *b = *state;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t n = draw(b, 4); n > 0; n--) {
            draw_writes(b);
            write_drawn(b);
        }
        write_nothing(b);
        same_bits(b, b->plain, "than the plain pass");
        assert_int_equal(clh_cache_undo_count(b->written), 0);
    }
}

/* Whichever logits each call asks for: those are right, and in the end all are plain. */
static void the_logits_asked_for_are_those_of_a_whole_pass(void **state)
{
    bench *b = *state;
    const clh_tensor got = clh_cache_view(b->written, "logits");
    const clh_tensor want = clh_cache_view(b->whole, "logits");
    const size_t width = got.shape[2];
    for (size_t round = 0; round < ROUNDS; round++) {
        draw_writes(b);
        const size_t begin = draw(b, b->tokens.pos);
        b->writes.logits_begin = begin;
        b->writes.logits_end = begin + 1 + draw(b, b->tokens.pos - begin);
        write_drawn(b);
        compute_whole(b);
        assert_memory_equal(got.data + begin * width, want.data + begin * width,
                            (b->writes.logits_end - begin) * width * sizeof *got.data);
        if (round % 3 == 0) {
            write_nothing(b); /* asks for the same, so that the others must not have moved */
            same_bits(b, b->plain, "than the plain pass, where some logits were asked for");
        }
    }
}

/* As many numbers as stand in the rows written, and none where the write comes behind another that
 * changes the same positions anyway. */
static void only_what_is_overwritten_is_kept(void **state)
{
    bench *b = *state;
    const size_t count = clh_cache_count(b->plain), pos = b->tokens.pos;
    for (size_t t = 0; t < count; t++) {
        const clh_tensor x = clh_cache_tensor(b->plain, t);
        b->writes.count = 0;
        add(b, (salted){.activation = t, .begin = pos - 1, .end = pos});
        add(b, (salted){.activation = t, .begin = pos - 1, .end = pos, .salt = 2});
        if (!strstr(x.name, "logits"))
            add(b, (salted){.activation = count - 1, .begin = pos - 1, .end = pos});
        write_drawn(b);
        /* hook_attn_in of split inputs is read by nobody, so the logits do not follow from it */
        const size_t more =
            strstr(x.name, "hook_attn_in") ? clh_cache_tensor(b->plain, count - 1).shape[2] : 0;
        assert_true(clh_cache_undo_count(b->written) <= clh_tensor_count(&x) / pos + more);
        assert_true(clh_cache_undo_count(b->written) >= clh_tensor_count(&x) / pos);
    }
    write_nothing(b);
    same_bits(b, b->plain, "than the plain pass");
}

static clh_status fail_here(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)point, (void)user;
    return clh_fail(err, CLH_ERANGE, "mine");
}

static void a_write_that_fails_leaves_nothing_to_go_on_from(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    draw_writes(b);
    write_drawn(b);
    const clh_write write = {.end = 1, .write = fail_here};
    const clh_writes one = {.items = &write, .count = 1}, none = {0};
    assert_int_equal(clh_forward_writes(b->model, &b->tokens, b->written, &one, &err), CLH_ERANGE);
    assert_string_equal(err.message, "mine");
    assert_int_equal(clh_forward_writes(b->model, &b->tokens, b->written, &none, &err), CLH_ESHAPE);
    must(clh_forward(b->model, &b->tokens, b->written, NULL, &err), &err);
    draw_writes(b);
    write_drawn(b);
    compute_whole(b);
    same_bits(b, b->whole, "than a whole pass");
}

static void what_cannot_be_written_is_refused(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    const size_t count = clh_cache_count(b->plain), pos = b->tokens.pos;
    salted e = {.b = b};
    const clh_write bad[] = {{.activation = count, .end = 1, .write = make_write, .user = &e},
                             {.end = 1},
                             {.end = pos + 1, .write = make_write, .user = &e},
                             {.end = 1, .head_end = 9, .write = make_write, .user = &e}};
    static const clh_status want[] = {CLH_EINPUT, CLH_EINPUT, CLH_ERANGE, CLH_ERANGE};
    for (size_t i = 0; i < CLH_COUNT(bad); i++)
        assert_int_equal(clh_forward_writes(b->model, &b->tokens, b->written,
                                            &(clh_writes){.items = &bad[i], .count = 1}, &err),
                         want[i]);
    b->writes.count = 0;
    add(b, (salted){.activation = 1, .end = pos});
    add(b, (salted){.activation = 0, .end = pos});
    assert_int_equal(clh_forward_writes(b->model, &b->tokens, b->written, &b->writes, &err),
                     CLH_EINPUT);
    assert_int_equal(clh_forward_writes(b->model, &b->tokens, NULL, &b->writes, &err), CLH_EUSAGE);
    compute_whole(b);
    b->writes.count = 1;
    assert_int_equal(clh_forward_writes(b->model, &b->tokens, b->whole, &b->writes, &err),
                     CLH_EINPUT);
    same_bits(b, b->plain, "than before");
    write_drawn(b);
    const clh_change first = {.begin = 0, .end = 1};
    assert_int_equal(clh_forward_from(b->model, &b->tokens, b->written, &first, &err), CLH_EINPUT);
    assert_int_equal(clh_forward_more(b->model, &b->tokens, pos - 1, b->written, &err), CLH_EINPUT);
}

/* ---- Memory ------------------------------------------------------------------------------------
 */

static clh_status compute_and_write(void *context)
{
    bench *b = context;
    clh_error err = {0};
    clh_cache *cache = NULL;
    clh_status status = clh_cache_open(&cache, clh_model_get_config(b->model), CLH_KEEP_ALL, &err);
    if (!status)
        status = clh_forward(b->model, &b->tokens, cache, NULL, &err);
    for (size_t i = 0; i < 3 && !status; i++) {
        b->writes.count = 0;
        for (size_t w = 0; w < WRITES; w++)
            add(b, (salted){.activation = i + w, .begin = i, .end = b->tokens.pos - w % 2});
        status = clh_forward_writes(b->model, &b->tokens, cache, &b->writes, &err);
    }
    clh_cache_close(cache);
    return status;
}

static void memory_that_is_not_there_is_an_error(void **state)
{
    bench *b = *state;
    if (b->tokens.pos > 3 && clh_model_get_config(b->model)->n_layers > 0) /* room to keep rows */
        assert_true(failing_alloc_each(compute_and_write, b) > 8);
}

static const each_truth truths[] = {
    {"writes give the bits of a whole pass", writes_give_the_bits_of_a_whole_pass},
    {"nothing stays of writes that are gone", nothing_stays_of_writes_that_are_gone},
    {"the logits asked for are those of a whole pass",
     the_logits_asked_for_are_those_of_a_whole_pass},
    {"only what is overwritten is kept", only_what_is_overwritten_is_kept},
    {"a write that fails leaves nothing to go on from",
     a_write_that_fails_leaves_nothing_to_go_on_from},
    {"what cannot be written is refused", what_cannot_be_written_is_refused},
    {"memory that is not there is an error", memory_that_is_not_there_is_an_error},
};

int main(void)
{
    return each_case_run("writes", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), open_bench, close_bench);
}
