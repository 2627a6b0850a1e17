/* The program of a model: at each scored position whichever the mean logits favour, a token or the letter of
 * a slot; of a slot the position that most attention is on. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "prove/program/decompile.h"
#include "prove/program/program_parts.h"

typedef struct job {
    clh_program *program;
    clh_tables tables;
    clh_shares *shares; /* [workers] */
    clh_stop stop;
} job;

/* Where a slot's letter is read most. */
static size_t strongest(const clh_shares *s, size_t slot)
{
    const clh_letters_asked *a = s->query.tables->asked;
    size_t best = SIZE_MAX;
    for (size_t j = 0; j <= s->query.position; j++)
        if (a->slot[j] == slot && (best == SIZE_MAX || s->attention[j] > s->attention[best]))
            best = j;
    return best;
}

/* Slots by how much more a letter gets for being in them, the most first. */
static void mix(const clh_shares *s, clh_target *out)
{
    const clh_letters_asked *a = s->query.tables->asked;
    unsigned done = 0;
    double sum = 0;
    for (size_t r = 0; r < a->n; r++)
        sum += fmax(s->copied[r] - s->letter, 0);
    for (size_t k = 0; k < a->n; k++) {
        size_t best = a->n;
        for (size_t r = 0; r < a->n; r++)
            if (!(done >> r & 1) && (best == a->n || s->copied[r] > s->copied[best]))
                best = r;
        done |= 1u << best;
        const double share = sum > 0 ? (s->copied[best] - s->letter) / sum : 1;
        const double rounded = nearbyint(1e4 * share) / 1e4; /* as the text has it */
        if (k == 0 || rounded > 0)
            clh_target_add(out, a, strongest(s, best), rounded);
    }
    clh_target_reduce(out, false);
}

static void write_rule(const clh_shares *s, clh_program_rule_row *rule)
{
    const clh_tables *t = s->query.tables;
    size_t token = 0, slot = 0;
    *rule = (clh_program_rule_row){.given = true, .attention = NAN, .least = NAN};
    for (size_t o = 1; o < t->outputs; o++)
        token = s->logit[o] > s->logit[token] ? o : token;
    for (size_t r = 1; r < t->asked->n; r++)
        slot = s->copied[r] > s->copied[slot] ? r : slot;
    if (s->logit[token] >= s->copied[slot]) {
        rule->target.token = (uint32_t)token;
        return;
    }
    mix(s, &rule->target);
    rule->attention = rule->least = 0;
    for (size_t i = 0; i < rule->target.count; i++) {
        rule->attention += s->of_slot[rule->target.slot[i]];
        rule->least += s->least[rule->target.slot[i]];
    }
}

/* Queries, the one that sees most first: it takes longest. */
static void work(void *context, size_t task, size_t worker)
{
    job *j = context;
    const size_t position = j->program->asked.length - 1 - task;
    clh_shares_place(&j->shares[worker], position - 1);
    write_rule(&j->shares[worker], &j->program->rule[position]);
    clh_stop_step(&j->stop);
}

static clh_status find_rules(job *j, const clh_model *model, const clh_how *how, clh_error *err)
{
    const clh_letters_asked *a = &j->program->asked;
    clh_pool *pool = NULL;
    clh_status status = clh_tables_open(&j->tables, model, a, clh_how_watch(how), err);
    if (!status)
        status = clh_pool_open(&pool, clh_how_threads(how), err);
    const size_t workers = clh_pool_size(pool), rules = a->length - a->first_scored;
    if (!status && !(j->shares = clh_alloc_zeroed(workers, sizeof *j->shares, err)))
        status = CLH_ENOMEM;
    for (size_t w = 0; w < workers && !status; w++)
        status = clh_shares_open(&j->shares[w], &j->tables, err);
    if (!status) {
        clh_stop_init(&j->stop, clh_how_watch(how), rules, "rules");
        clh_pool_run_watched(pool, rules, work, j, &j->stop);
        status = clh_stop_end(&j->stop, err);
    }
    for (size_t w = 0; w < workers && j->shares; w++)
        clh_shares_deinit(&j->shares[w]);
    clh_free(j->shares);
    clh_pool_close(pool);
    clh_tables_deinit(&j->tables);
    return status;
}

/* Why a model and the task's letters cannot be asked so. */
static clh_status check(const clh_model *model, const clh_letters_asked *a, clh_error *err)
{
    const char *why = clh_tables_objection(model);
    const clh_model_config *c = clh_model_get_config(model);
    if (why)
        return clh_fail(err, CLH_ESUPPORT, "decompile does not cover this model: it %s", why);
    if (a->length > c->n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "inputs have %zu tokens, the model takes at most %zu (n_ctx)", a->length,
                        c->n_ctx);
    return CLH_OK;
}

clh_status clh_decompile(clh_program **out, const clh_model *model, const clh_task *task,
                         const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && task, err, "a place for the program, a model and a task");
    char *header = NULL;
    clh_letters_asked asked = {0};
    job j = {0};
    clh_status status = clh_program_header_of(&header, task, err);
    if (!status)
        status = clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, err);
    if (!status)
        status = check(model, &asked, err);
    if (!status)
        status = clh_program_open(&j.program, header, err);
    if (!status)
        status = clh_program_fits(j.program, task, err);
    if (!status) {
        j.program->asked.first_scored = asked.first_scored; /* the run's may be another */
        status = find_rules(&j, model, how, err);
    }
    clh_letters_asked_deinit(&asked);
    clh_free(header);
    if (status)
        clh_program_close(j.program);
    else
        *out = j.program;
    return status;
}
