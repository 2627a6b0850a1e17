/* Causal scrubbing: the three losses and what is recovered. */
#include "clearhead/scrub.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "lens/paths/scrub_parts.h"
#include "measure/numbers/interval.h"
#include "measure/sequences/sample_make.h"

struct clh_scrub {
    clh_graph_twin twin;
    clh_scrub_levels levels;
    const clh_sample *sample;
    const clh_scrub_plan *plan; /* of the hypothesis being tried */
    clh_measure plain, random;
    clh_scrub_worker *worker; /* [threads] */
    size_t threads;
    uint64_t seed;
};

static clh_status random_forward(void *user, size_t index, size_t worker, const clh_tokens *tokens,
                                 clh_cache *cache, clh_error *err)
{
    const clh_scrub *s = user;
    const clh_scrub_rule anything = {"*", "*", CLH_AGREE_NOTHING, {0}, 0};
    clh_scrub_dice dice = {.chain = s->sample->count + index}; /* those of scrubbing come before */
    (void)worker;
    (void)tokens;
    const clh_tokens other =
        clh_sample_tokens(s->sample, clh_scrub_draw(&s->levels, &anything, index, 0, &dice));
    assert(other.pos == tokens->pos);
    return clh_forward(s->twin.model, &other, cache, NULL, err);
}

static clh_status scrubbed_forward(void *user, size_t index, size_t worker,
                                   const clh_tokens *tokens, clh_cache *cache, clh_error *err)
{
    clh_scrub *s = user;
    assert(worker < s->threads);
    clh_status status = clh_forward(s->twin.model, tokens, cache, NULL, err);
    return status ? status : clh_scrub_sequence(&s->worker[worker], s->plan, index, cache, err);
}

static clh_status run_way(clh_scrub *s, clh_measure_forward *forward, const clh_watch *watch,
                          clh_measure *out, clh_error *err)
{
    const clh_measure_way way = {.forward = forward, .user = s, .keep = CLH_KEEP_ALL};
    return clh_measure_run(out, s->twin.model, s->sample, &way, &(clh_how){s->threads, watch}, err);
}

static clh_status check_memory(const clh_graph_twin *twin, const clh_sample *sample, size_t threads,
                               clh_error *err)
{
    size_t bytes = clh_scrub_worker_bytes(twin, sample->stride);
    char what[64];
    (void)snprintf(what, sizeof what, "scrubbing sequences of %zu tokens", sample->stride);
    if (!clh_mul_ok(bytes, threads, &bytes))
        bytes = SIZE_MAX;
    return clh_memory_check(bytes, what, err);
}

clh_status clh_scrub_open(clh_scrub **out, const clh_model *model, const clh_sample *sample,
                          uint64_t seed, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for the scrub");
    clh_status status = clh_sample_some(sample, err);
    if (status)
        return status;
    const size_t threads = clh_how_threads(how);
    const clh_watch *watch = clh_how_watch(how);
    const size_t n = sample->count;
    clh_watch_part first, second;
    clh_scrub *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (!s)
        return CLH_ENOMEM;
    s->sample = sample;
    s->seed = seed;
    status = clh_graph_twin_open(&s->twin, model, err);
    if (!status)
        status = check_memory(&s->twin, sample, threads, err);
    if (!status)
        status = clh_scrub_levels_make(&s->levels, sample, s->twin.config.d_vocab, seed, err);
    if (!status)
        s->worker = clh_alloc_zeroed(threads, sizeof *s->worker, err);
    if (!status && !s->worker)
        status = CLH_ENOMEM;
    for (; s->threads < threads && !status; s->threads++)
        status = clh_scrub_worker_make(&s->worker[s->threads], &s->twin, &s->levels, err);
    const clh_measure_way plain = {.keep = CLH_KEEP_ALL}; /* the bits of a cache that keeps all */
    if (!status)
        status = clh_measure_run(&s->plain, s->twin.model, sample, &plain,
                                 &(clh_how){threads, clh_watch_part_of(&first, watch, 0, n, 2 * n)},
                                 err);
    if (!status)
        status = run_way(s, random_forward, clh_watch_part_of(&second, watch, n, n, 2 * n),
                         &s->random, err);
    if (status)
        clh_scrub_close(s);
    else
        *out = s;
    return status;
}

void clh_scrub_close(clh_scrub *scrub)
{
    if (!scrub)
        return;
    clh_measure_deinit(&scrub->random);
    clh_measure_deinit(&scrub->plain);
    for (size_t t = 0; t < scrub->threads; t++)
        clh_scrub_worker_deinit(&scrub->worker[t]);
    clh_free(scrub->worker);
    clh_scrub_levels_deinit(&scrub->levels);
    clh_graph_twin_close(&scrub->twin);
    clh_free(scrub);
}

const clh_measure *clh_scrub_plain(const clh_scrub *scrub)
{
    return scrub ? &scrub->plain : NULL;
}

const clh_measure *clh_scrub_random(const clh_scrub *scrub)
{
    return scrub ? &scrub->random : NULL;
}

/* ---- One hypothesis -----------------------------------------------------------------------------
 */

static double recovered_of(const clh_tally *random, const clh_tally *scrubbed,
                           const clh_tally *plain)
{
    const double worst = clh_tally_ratio(random, CLH_RATIO_LOSS);
    const double way = worst - clh_tally_ratio(plain, CLH_RATIO_LOSS);
    return way > 0 ? (worst - clh_tally_ratio(scrubbed, CLH_RATIO_LOSS)) / way : NAN;
}

/* The three measures share their resamples, so what is recovered is paired. */
static clh_status take_interval(const clh_scrub *s, clh_scrub_result *result, size_t rounds,
                                double level, const clh_watch *watch, clh_error *err)
{
    const size_t count = s->sample->count;
    clh_status status = clh_interval_check(count, rounds, level, err);
    if (status)
        return status;
    uint32_t *drawn = clh_alloc_array(count, sizeof *drawn, err);
    double *values = clh_alloc_array(rounds, sizeof *values, err);
    status = drawn && values ? CLH_OK : CLH_ENOMEM;
    for (size_t round = 0; round < rounds && !status; round++) {
        clh_tally random = {0}, scrubbed = {0}, plain = {0};
        status = clh_watch_check(watch, round, rounds, "resamples", err);
        clh_resample(drawn, count, round, s->seed);
        for (size_t i = 0; i < count; i++) {
            clh_tally_add(&random, &s->random.sequence[drawn[i]]);
            clh_tally_add(&scrubbed, &result->measure.sequence[drawn[i]]);
            clh_tally_add(&plain, &s->plain.sequence[drawn[i]]);
        }
        values[round] = recovered_of(&random, &scrubbed, &plain);
    }
    const double all = recovered_of(&s->random.total, &result->measure.total, &s->plain.total);
    if (!status)
        result->recovered = clh_interval_of(all, values, rounds, level);
    clh_free(values);
    clh_free(drawn);
    return status;
}

static clh_status check_positions(const clh_hypothesis *hypothesis, const clh_sample *sample,
                                  clh_error *err)
{
    for (size_t r = 0; r < hypothesis->count; r++)
        for (size_t p = 0; p < hypothesis->rule[r].position_count; p++)
            for (size_t i = 0; i < sample->count; i++) {
                const long at = hypothesis->rule[r].positions[p], length = (long)sample->length[i];
                if (at < -length || at >= length)
                    return clh_fail(err, CLH_ERANGE,
                                    "rule %zu: position %ld, sequence %zu has them in [%ld, %ld]",
                                    r, at, i, -length, length - 1);
            }
    return CLH_OK;
}

/* Whether a hypothesis that did not come from a file can be one. */
static clh_status check_hypothesis(const clh_hypothesis *h, clh_error *err)
{
    if (h->otherwise != CLH_AGREE_NOTHING && h->otherwise != CLH_AGREE_ALL)
        return clh_fail(err, CLH_ERANGE, "otherwise is %d, want nothing (%d) or all (%d)",
                        (int)h->otherwise, (int)CLH_AGREE_NOTHING, (int)CLH_AGREE_ALL);
    if (h->count > CLH_SCRUB_RULES_MAX)
        return clh_fail(err, CLH_ERANGE, "a hypothesis of %zu rules, want at most %d", h->count,
                        CLH_SCRUB_RULES_MAX);
    for (size_t i = 0; i < h->count; i++) {
        const clh_scrub_rule *rule = &h->rule[i];
        if (!memchr(rule->from, '\0', sizeof rule->from) ||
            !memchr(rule->to, '\0', sizeof rule->to))
            return clh_fail(err, CLH_EINPUT, "rule %zu has a name without an end", i);
        if (rule->position_count > CLH_SCRUB_POSITIONS_MAX)
            return clh_fail(err, CLH_ERANGE, "rule %zu has %zu positions, want at most %d", i,
                            rule->position_count, CLH_SCRUB_POSITIONS_MAX);
        clh_status status = clh_check_enum((unsigned)rule->agree, CLH_AGREES, "agree", err);
        if (status)
            return clh_fail_context(err, status, "rule %zu", i);
    }
    return CLH_OK;
}

clh_status clh_scrub_try(clh_scrub *scrub, const clh_hypothesis *hypothesis, size_t rounds,
                         double level, const clh_watch *watch, clh_scrub_result *out,
                         clh_error *err)
{
    CLH_REQUIRE(scrub && hypothesis && out, err, "a scrub, a hypothesis, and room for the result");
    clh_scrub_plan plan = {0};
    clh_scrub_result result = {0};
    const size_t n = scrub->sample->count;
    clh_watch_part rest;
    clh_status status = check_hypothesis(hypothesis, err);
    if (!status)
        status = check_positions(hypothesis, scrub->sample, err);
    if (!status)
        status = clh_scrub_plan_make(&plan, &scrub->twin.graph, hypothesis, err);
    if (status)
        return status;
    scrub->plan = &plan;
    result.nodes = plan.nodes;
    for (size_t t = 0; t < scrub->threads; t++)
        scrub->worker[t].other_index = SIZE_MAX;
    status = run_way(scrub, scrubbed_forward, watch, &result.measure, err);
    if (!status)
        status = take_interval(scrub, &result, rounds, level,
                               clh_watch_part_of(&rest, watch, n, 0, n), err);
    scrub->plan = NULL;
    clh_scrub_plan_deinit(&plan);
    if (status)
        clh_scrub_result_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_scrub_result_deinit(clh_scrub_result *result)
{
    if (!result)
        return;
    clh_measure_deinit(&result->measure);
    *result = (clh_scrub_result){0};
}
