#include "support/both_ways.h"

#include <math.h>
#include <string.h>

#include "clearhead/certify.h"
#include "support/cmocka_all.h"
#include "support/must.h"

static void same_rows(const clh_certificate *a, const clh_certificate *b)
{
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const clh_certify_row *x = &a->classes[c], *y = &b->classes[c];
        assert_int_equal(x->inputs, y->inputs);
        assert_int_equal(x->failures, y->failures);
        assert_int_equal(x->tokens, y->tokens);
        assert_true(isnan(x->margin) == isnan(y->margin));
        if (!isnan(x->margin))
            assert_true(fabs(x->margin - y->margin) < 1e-3 * (1 + fabs(y->margin)));
    }
    for (size_t p = 0; p < a->length; p++)
        assert_int_equal(a->failed_at[p], b->failed_at[p]);
    assert_int_equal(a->counterexample_count, b->counterexample_count);
    for (size_t i = 0; i < a->counterexample_count; i++) {
        assert_memory_equal(a->counterexamples[i].letters, b->counterexamples[i].letters, a->n);
        assert_int_equal(a->counterexamples[i].position, b->counterexamples[i].position);
        assert_int_equal(a->counterexamples[i].rank, b->counterexamples[i].rank);
    }
}

/* Every prediction once; margins below 0 are those that fail; floats and doubles differ at edges alone. */
static void same_histograms(const clh_certificate *a, const clh_certificate *b)
{
    uint64_t all = 0, below = 0, apart = 0;
    for (size_t k = 0; k < CLH_MARGIN_BINS; k++) {
        all += a->histogram[k];
        below += clh_margin_edge(k) < 0 ? a->histogram[k] : 0;
        apart += a->histogram[k] > b->histogram[k] ? a->histogram[k] - b->histogram[k] : 0;
    }
    assert_int_equal(all, a->all.inputs * (a->length - a->first_scored));
    if (a->rounded == 0)
        assert_int_equal(below, a->all.tokens);
    assert_true(apart <= 2 + all / 500);
}

/* Both ways of one model over one domain; how many inputs fail. */
uint64_t both_ways(const clh_model *model, const clh_task *task, clh_domain_kind domain,
                   bool histogram)
{
    clh_certificate bounds, forward, two;
    clh_error err = {0};
    const clh_how how = {.threads = 2};
    clh_certify_options options = {.domain = domain,
                                   .way = CLH_CERTIFY_BOUNDS,
                                   .margins = true,
                                   .counterexamples = 1000000,
                                   .proof = true,
                                   .histogram = histogram};
    must(clh_certify(&bounds, model, task, &options, NULL, &err), &err);
    must(clh_certify(&two, model, task, &options, &how, &err), &err);
    assert_true(bounds.proof_count > 0 && bounds.proof_count == two.proof_count);
    assert_memory_equal(bounds.proof, two.proof, two.proof_count * sizeof *two.proof);
    options.way = CLH_CERTIFY_FORWARD;
    options.proof = false;
    must(clh_certify(&forward, model, task, &options, &how, &err), &err);
    assert_true(bounds.by_bounds && !forward.by_bounds);
    assert_int_equal(bounds.undecided, 0);
    if (bounds.rounded == 0) /* else the claims differ there, and only one of them was run */
        same_rows(&bounds, &forward);
    same_rows(&bounds, &two);
    if (histogram) {
        same_histograms(&bounds, &forward);
        assert_memory_equal(bounds.histogram, two.histogram, CLH_MARGIN_BINS * sizeof(uint64_t));
    }
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        assert_true(isnan(bounds.classes[c].margin) ||
                    (bounds.classes[c].margin >= two.classes[c].margin &&
                     bounds.classes[c].margin <= two.classes[c].margin));
    const uint64_t failures = bounds.all.failures;
    clh_certificate_deinit(&bounds);
    clh_certificate_deinit(&two);
    clh_certificate_deinit(&forward);
    return failures;
}
