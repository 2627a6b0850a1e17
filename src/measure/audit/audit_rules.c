/* Shortcuts: rules that predict without a model. Those that learn go by one feature of what stands
 * before, and predict the token that was most frequent with it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "measure/audit/audit_parts.h"

/* The scored prediction of ids[i]. */
typedef struct prediction {
    const uint32_t *ids;
    size_t i;
} prediction;

/* What a feature was seen with: (feature, token), and later the best token of each feature. */
typedef struct seen {
    uint64_t feature;
    uint32_t token;
} seen;

typedef struct learned {
    seen *best; /* ascending in feature */
    size_t count;
    uint32_t otherwise; /* of a feature not seen: the most frequent token of all */
    size_t distance;
} learned;

typedef struct rule {
    const char *name, *text;
    uint64_t (*feature)(const prediction *p);                       /* of a rule that learns */
    uint32_t (*predict)(const learned *known, const prediction *p); /* of one that does not */
} rule;

static uint64_t no_feature(const prediction *p)
{
    (void)p;
    return 0;
}

static uint64_t position(const prediction *p)
{
    return p->i;
}

static uint64_t last_token(const prediction *p)
{
    return p->ids[p->i - 1];
}

static uint32_t copy_last(const learned *known, const prediction *p)
{
    (void)known;
    return p->ids[p->i - 1];
}

static uint32_t copy_distance(const learned *known, const prediction *p)
{
    return p->i >= known->distance ? p->ids[p->i - known->distance] : known->otherwise;
}

static uint32_t as_before(const learned *known, const prediction *p)
{
    for (size_t j = p->i - 1; j-- > 0;)
        if (p->ids[j] == p->ids[p->i - 1])
            return p->ids[j + 1];
    return known->otherwise;
}

static const rule rules[CLH_AUDIT_RULES] = {
    {"copy last", "the token before", .predict = copy_last},
    {"most frequent", "the token that is right most often (unigram)", .feature = no_feature},
    {"by position", "the token that is right most often at this position", .feature = position},
    {"after token", "the token that is right most often after the token before (bigram)",
     .feature = last_token},
    {"fixed distance", "the token a fixed distance back, the distance that is right most often",
     .predict = copy_distance},
    {"as before", "what followed the token before where it last stood (induction)",
     .predict = as_before},
};

const char *clh_audit_rule_name(size_t index)
{
    return index < CLH_AUDIT_RULES ? rules[index].name : NULL;
}

const char *clh_audit_rule_text(size_t index)
{
    return index < CLH_AUDIT_RULES ? rules[index].text : NULL;
}

/* ---- Learning ----------------------------------------------------------------------------------
 */

/* The scored predictions of a sample, one after the other; the first token of a sequence has nothing
 * before it and is left out. */
#define EACH_PREDICTION(s, k, p)                                                                   \
    for (size_t k = 0; k < (s)->count; k++)                                                        \
        for (prediction p = {(s)->ids + k * (s)->stride,                                           \
                             (s)->first_scored[k] ? (s)->first_scored[k] : 1};                     \
             p.i < (s)->length[k]; p.i++)

static int ascending(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

/* Keeps of each feature the token it was seen with most, of several the lowest. */
static void keep_best(learned *out, size_t count)
{
    size_t most = 0;
    for (size_t i = 0, run; i < count; i += run) {
        const seen one = out->best[i];
        for (run = 1; i + run < count && ascending(&out->best[i + run], &one) == 0;)
            run++;
        if (out->count == 0 || out->best[out->count - 1].feature != one.feature) {
            out->best[out->count++] = one;
            most = run;
        } else if (run > most) {
            out->best[out->count - 1] = one;
            most = run;
        }
    }
}

static clh_status learn(learned *out, const rule *r, const clh_sample *train, clh_error *err)
{
    size_t count = 0;
    EACH_PREDICTION(train, k, p)
    count++;
    out->count = 0;
    clh_free(out->best);
    out->best = clh_alloc_array(count ? count : 1, sizeof *out->best, err);
    if (!out->best)
        return CLH_ENOMEM;
    count = 0;
    EACH_PREDICTION(train, k, p)
    out->best[count++] = (seen){r->feature(&p), p.ids[p.i]};
    qsort(out->best, count, sizeof *out->best, ascending);
    keep_best(out, count);
    return CLH_OK;
}

static uint32_t recall(const learned *known, uint64_t feature)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (known->best[middle].feature < feature)
            low = middle + 1;
        else
            high = middle;
    }
    return low < known->count && known->best[low].feature == feature ? known->best[low].token
                                                                     : known->otherwise;
}

/* The distance back at which the right token stands most often, of several the shortest. */
static size_t best_distance(const clh_sample *train)
{
    size_t right[CLH_AUDIT_DISTANCE_MOST + 1] = {0}, best = 1;
    EACH_PREDICTION(train, k, p)
    for (size_t d = 1; d <= p.i && d <= CLH_AUDIT_DISTANCE_MOST; d++)
        right[d] += p.ids[p.i - d] == p.ids[p.i];
    for (size_t d = 2; d <= CLH_AUDIT_DISTANCE_MOST; d++)
        best = right[d] > right[best] ? d : best;
    return best;
}

/* ---- Counting ----------------------------------------------------------------------------------
 */

static void add(clh_tally *tally, clh_token_kind kind, bool right)
{
    tally->count++;
    tally->correct += right;
    tally->kind_count[kind]++;
    tally->kind_correct[kind] += right;
}

static clh_status try_rule(clh_measure *out, const rule *r, const learned *known,
                           const clh_sample *test, clh_error *err)
{
    out->sequence = clh_alloc_zeroed(test->count, sizeof *out->sequence, err);
    if (!out->sequence)
        return CLH_ENOMEM;
    EACH_PREDICTION(test, k, p)
    add(&out->sequence[k], clh_sample_kind(test, k, p.i),
        (r->predict ? r->predict(known, &p) : recall(known, r->feature(&p))) == p.ids[p.i]);
    for (size_t k = 0; k < test->count; k++) {
        clh_tally *t = &out->sequence[k];
        t->sequences = 1;
        t->sequences_correct = t->correct == t->count;
        clh_tally_add(&out->total, t);
    }
    return CLH_OK;
}

clh_status clh_audit_rules(clh_audit *out, const clh_task *task, const clh_sample *train,
                           const clh_sample *test, const clh_watch *watch, clh_error *err)
{
    static const rule frequent = {.feature = no_feature};
    learned known = {.distance = best_distance(train)};
    (void)task;
    clh_status status = learn(&known, &frequent, train, err);
    if (!status)
        known.otherwise = known.count ? known.best[0].token : 0;
    out->distance = known.distance;
    for (size_t r = 0; r < CLH_AUDIT_RULES && !status; r++) {
        status = clh_watch_check(watch, r, CLH_AUDIT_RULES, "shortcuts", err);
        if (!status && rules[r].feature)
            status = learn(&known, &rules[r], train, err);
        if (!status)
            status = try_rule(&out->rule[r], &rules[r], &known, test, err);
    }
    clh_free(known.best);
    return status;
}
