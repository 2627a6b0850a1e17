/* A certificate by bounds stops in the middle of a query: what is counted is how often it looks. */
#include <stdlib.h>

#include "clearhead/certify.h"
#include "prove/tables/letters.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/stopping.h"
#include "support/task_of.h"

typedef struct certified {
    clh_task *task;
    clh_model *model;
    clh_certify_options options;
    clh_certificate last; /* its numbers alone */
} certified;

static clh_status work(void *context, stopping *s, clh_error *err)
{
    certified *c = context;
    clh_certificate made;
    const clh_status status = clh_certify(&made, c->model, c->task, &c->options, s->how, err);
    if (status)
        return status;
    stopping_note(s, made.failed_at, made.length * sizeof *made.failed_at);
    stopping_note(s, &made.exact, sizeof made.exact);
    stopping_note(s, &made.all.margin, sizeof made.all.margin);
    stopping_note(s, made.by_depth, sizeof made.by_depth);
    c->last = made;
    clh_certificate_deinit(&made);
    return CLH_OK;
}

/* Of random weights, of which nearly every input fails. */
static certified certified_of(const char *task, clh_domain_kind domain)
{
    certified c = {.task = task_of("%s", task)};
    clh_error err = {0};
    clh_model_config config = {.n_layers = 1, .n_heads = 1, .d_model = 24, .d_head = 12};
    config.n_ctx = clh_task_length_max(c.task);
    config.d_vocab = clh_task_d_vocab(c.task);
    config.d_vocab_out = clh_task_d_vocab_out(c.task);
    config.attn_only = true;
    config.normalization_type = CLH_NORM_LN;
    config.eps = 1e-5;
    must(clh_model_open(&c.model, &config, &err), &err);
    clh_model_init(c.model, 3);
    c.options = (clh_certify_options){
        .domain = domain, .way = CLH_CERTIFY_BOUNDS, .margins = true, .counterexamples = 3};
    return c;
}

static void certified_close(certified *c)
{
    clh_model_close(c->model);
    clh_task_close(c->task);
}

static void it_stops(void **state)
{
    (void)state;
    certified c = certified_of("n=2 letters=tuples", CLH_DOMAIN_TUPLES);
    stopping_check(work, &c, true);
    certified_close(&c);
}

/* Every so many steps of a walk, whichever it is; before and behind the rows of a query, at every pass. */
static void it_looks_within_a_query(void **state)
{
    (void)state;
    enum { STEPS = 64 };
    certified c = certified_of("n=2 letters=tuples", CLH_DOMAIN_TUPLES);
    c.options.margins = false;
    const size_t plain = stopping_looks(work, &c);
    c.options.histogram = true;
    const size_t histogram = stopping_looks(work, &c);
    const size_t predictions = (size_t)(c.last.all.inputs * (c.last.length - c.last.first_scored));
    assert_true(histogram - plain >= predictions / STEPS);
    certified_close(&c);
    c = certified_of("n=3 letters=tuples", CLH_DOMAIN_TUPLES);
    c.options.margins = false;
    const size_t looks = stopping_looks(work, &c);
    clh_letters_asked asked = {0};
    clh_error err = {0};
    must(clh_letters_asked_open(&asked, c.task, CLH_DOMAIN_TUPLES, &err), &err);
    size_t queries = 0, letters = 0; /* each with a token; those of the slot that is written */
    for (size_t i = asked.first_scored - 1; i + 1 < asked.length; i++) {
        const size_t tokens = asked.slot[i] < asked.n ? asked.letters : 1;
        const bool other = asked.slot[i + 1] < asked.n && asked.slot[i + 1] != asked.slot[i];
        queries += tokens;
        letters += other ? tokens * asked.letters : 0;
    }
    clh_letters_asked_deinit(&asked);
    enum { REST = 200, LAST = 1000 }; /* tables, and some of what bounds leave open */
    print_message("# %zu looks, %zu queries, %zu passes, %zu letters\n", looks, queries,
                  (size_t)c.last.forward, letters);
    assert_true(looks >= 2 * queries + c.last.forward + letters / STEPS + REST);
    c.options.margins = true;
    assert_true(stopping_looks(work, &c) >= looks + letters / STEPS + LAST);
    certified_close(&c);
}

/* For bench/stopping.sh: of longer sequences, so that a step, a table, a query take longer. */
static void longer_ones(void **state)
{
    (void)state;
    if (!getenv("CLEARHEAD_STOPPING_TIMES"))
        return;
    certified c = certified_of("n=5 letters=sorted", CLH_DOMAIN_SORTED);
    c.options.margins = false;
    assert_true(stopping_looks(work, &c) > 0);
    certified_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stops),
        cmocka_unit_test(it_looks_within_a_query),
        cmocka_unit_test(longer_ones),
    };
    return cmocka_run_group_tests_name("stopped certify", tests, NULL, NULL);
}
