/* A program as text: the rules of one source are one line, ranges where positions follow each other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "prove/program/program_parts.h"

void clh_program_rule_text(const clh_program *p, const clh_target *t, clh_strbuf *out)
{
    char name[24], symbol[16];
    if (t->count == 0) {
        clh_task_symbol(p->task, t->token, symbol);
        clh_strbuf_addf(out, "write \"%s\"", symbol);
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        clh_place_name(p, t->position[i], name);
        clh_strbuf_addf(out, "%s%s", i ? ", " : "copy ", name);
        if (t->count > 1)
            clh_strbuf_addf(out, " %.4g", t->weight[i]);
    }
}

/* The last of the positions of `in` that one range from `from` takes: term by term the same slot. */
static size_t range_end(const clh_program *p, const bool *in, size_t from)
{
    const clh_place at = clh_place_of(p, from);
    size_t last = from;
    for (size_t term = at.term + 1; at.term; term++) {
        const size_t next = clh_place_find(p, term, at.slot);
        if (next == SIZE_MAX || !in[next])
            break;
        last = next;
    }
    return last;
}

/* Leave out what the range from … to takes. */
static void take(const clh_program *p, bool *in, size_t from, size_t to)
{
    const clh_place at = clh_place_of(p, from), end = clh_place_of(p, to);
    in[from] = false;
    for (size_t term = at.term + 1; at.term && term <= end.term; term++)
        in[clh_place_find(p, term, at.slot)] = false;
}

/* Destinations behind `rule`, which begins each line; `more` ends the first. */
static void add_places(const clh_program *p, const char *rule, const char *more, bool *in,
                       clh_strbuf *out)
{
    size_t width = 0;
    for (size_t i = 0; i < p->asked.length; i++) {
        char name[24], end[24], word[56];
        if (!in[i])
            continue;
        const size_t last = range_end(p, in, i);
        clh_place_name(p, i, name);
        clh_place_name(p, last, end);
        (void)snprintf(word, sizeof word, last > i ? " %s..%s" : " %s", name, end);
        take(p, in, i, last);
        if (width == 0 || width + strlen(word) > CLH_PROGRAM_WIDTH) {
            clh_strbuf_addf(out, "%s%s ->", width ? "\n" : "", rule);
            width = strlen(rule) + 3;
        }
        clh_strbuf_adds(out, word);
        width += strlen(word);
    }
    clh_strbuf_addf(out, "%s\n", more);
}

/* "  # 17 rules, attention 0.98, at least 0.41" of rules that were found in a model. */
static void describe(const clh_program *p, const bool *in, clh_strbuf *out)
{
    double mean = 0, least = INFINITY;
    size_t count = 0;
    for (size_t i = 0; i < p->asked.length; i++) {
        if (!in[i] || isnan(p->rule[i].attention))
            continue;
        count++;
        mean += p->rule[i].attention;
        least = fmin(least, p->rule[i].least);
    }
    if (count)
        clh_strbuf_addf(out, "  # %zu, attention %.2f, least %.2f", count, mean / (double)count,
                        least);
}

/* Whether a rule comes before another in the text: tokens, then by the position that is read first. */
static size_t order_of(const clh_program *p, size_t position)
{
    const clh_target *t = &p->rule[position].target;
    return t->count == 0 ? t->token : p->asked.token[63] + 1000 + t->position[0];
}

static clh_status add_rules(const clh_program *p, bool *done, bool *in, clh_strbuf *out,
                            clh_error *err)
{
    const size_t length = p->asked.length;
    for (;;) {
        size_t first = SIZE_MAX;
        for (size_t i = 0; i < length; i++)
            if (!done[i] && p->rule[i].given &&
                (first == SIZE_MAX || order_of(p, i) < order_of(p, first)))
                first = i;
        if (first == SIZE_MAX)
            return clh_strbuf_check(out, err);
        clh_strbuf rule = {0}, more = {0};
        for (size_t i = 0; i < length; i++) {
            in[i] = !done[i] && p->rule[i].given &&
                    clh_target_equal(&p->rule[i].target, &p->rule[first].target);
            done[i] = done[i] || in[i];
        }
        describe(p, in, &more);
        clh_program_rule_text(p, &p->rule[first].target, &rule);
        add_places(p, clh_strbuf_view(&rule), clh_strbuf_view(&more), in, out);
        clh_status status = clh_strbuf_check(&rule, err);
        if (!status)
            status = clh_strbuf_check(&more, err);
        clh_strbuf_deinit(&more);
        clh_strbuf_deinit(&rule);
        if (status)
            return status;
    }
}

/* What a reader wants to know first, and what the program leaves out. */
static void add_head(const clh_program *p, const clh_program_sums *sums, clh_strbuf *out)
{
    clh_strbuf_addf(out, "%s\ntask %s\n", CLH_PROGRAM_FORMAT, p->header);
    clh_strbuf_addf(
        out, "# %zu rules: %zu write a token, %zu copy from one position, %zu from several\n",
        sums->rules, sums->constant, sums->copy, sums->mixture);
    if (sums->sources)
        clh_strbuf_addf(
            out,
            "# %zu positions are read; %zu hubs (each by 5 %% of rules that copy) serve %.0f %%\n",
            sums->sources, sums->hubs, 100 * sums->hub_share);
    if (isnan(sums->explained))
        return;
    clh_strbuf_addf(
        out,
        "# attention on the letters named: mean %.4f over all choices, least %.4f; the rest "
        "is not explained\n",
        sums->explained, sums->explained_least);
}

clh_status clh_program_text(char **out, const clh_program *p, clh_error *err)
{
    CLH_REQUIRE(out && p, err, "a place for the text and a program");
    clh_program_sums sums = {0};
    clh_strbuf text = {0};
    const size_t length = p->asked.length;
    bool *done = clh_alloc_zeroed(2 * length, sizeof *done, err);
    clh_status status = done ? clh_program_count(&sums, p, err) : CLH_ENOMEM;
    if (!status) {
        add_head(p, &sums, &text);
        status = add_rules(p, done, done + length, &text, err);
    }
    clh_free(done);
    *out = status ? NULL : clh_strbuf_take(&text, err);
    clh_strbuf_deinit(&text);
    return !status && !*out ? CLH_ENOMEM : status;
}

clh_status clh_program_rule(clh_program_rule_view *out, const clh_program *p, size_t position,
                            clh_error *err)
{
    CLH_REQUIRE(out && p, err, "a place for the rule and a program");
    if (position >= p->asked.length)
        return clh_fail(err, CLH_ERANGE, "position is %zu, want less than %zu", position,
                        p->asked.length);
    clh_strbuf text = {0};
    const clh_program_rule_row *r = &p->rule[position];
    *out = (clh_program_rule_view){.rule = "none",
                                   .reads = r->given && r->target.count ? r->target.position[0]
                                                                        : SIZE_MAX,
                                   .attention = r->attention,
                                   .attention_least = r->least};
    clh_place_name(p, position, out->position);
    if (r->given) {
        clh_program_rule_text(p, &r->target, &text);
        (void)snprintf(out->rule, sizeof out->rule, "%s", clh_strbuf_view(&text));
    }
    const clh_status status = clh_strbuf_check(&text, err);
    clh_strbuf_deinit(&text);
    return status;
}
