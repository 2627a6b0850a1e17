/* patch: pieces of a clean run copied into a corrupted one, and what each brings back. */
#include <math.h>
#include <stdio.h>

#include "ask/given.h"
#include "clearhead/patch.h"
#include "lens/causal/patch_view.h"

typedef struct patch_settings {
    clh_given_pair pair;
    char sites[CLH_GIVEN_NAMES];
    unsigned index;
    bool attribution;
} patch_settings;

static const clh_key keys[] = {
    CLH_GIVEN_PAIR_KEYS(patch_settings, pair),
    CLH_ROW_AUTO(patch_settings, sites, TEXT, "resid_pre, attn_out, mlp_out, q, k, v, z, pattern",
                 "NAMES", "hook names, patterns or short names (resid_pre), commas between"),
    CLH_ROW(
        patch_settings, index, CHOICE, "by_pos", "by_pos|all_pos|dest_src_pos",
        "a piece is a position of a head, a head at all positions, or of a pattern one source of one destination"),
    CLH_ROW(patch_settings, attribution, BOOL, "false", NULL,
            "also estimate every patch by the gradient"),
};

static const clh_field numbers[] = {
    {"clean", NULL, "the metric of the clean run", .decimals = 6, .flags = CLH_HEADLINE},
    {"corrupted", NULL, "of the corrupted run", .decimals = 6, .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("patches", NULL, "pieces that were copied"),
    CLH_FIELD_COUNT("passes", NULL, "of them computed: the runs differ there"),
    {0}};
#define BEST(name, meaning, formula, decimals, flags_, member)                                     \
    CLH_FIELD(name, NULL, meaning, formula, decimals, .flags = flags_,                             \
              CLH_FROM(clh_patch_best, member))
static const clh_field columns[] = {
    BEST("head", "of the piece with the largest effect", NULL, 0, CLH_HEADLINE, head),
    BEST("pos", "its position; of scores and patterns the destination", NULL, 0, CLH_HEADLINE, pos),
    BEST("src", "by source: its source", NULL, 0, CLH_HEADLINE, src),
    CLH_FIELD_TEXT("place", "what stands there", CLH_HEADLINE),
    BEST("effect", "the metric with it patched, less the corrupted one", NULL, 6, CLH_HEADLINE,
         effect),
    BEST("share", "how much of the metric it brings back",
         "(patched - corrupted) / (clean - corrupted)", 4, CLH_HEADLINE, share),
    BEST("estimate", "of the effect, by the gradient of the corrupted run",
         "(clean - corrupted) . d metric / d activation; Nanda 2023, Attribution Patching", 6, 0,
         estimate),
    BEST("error", "largest |estimate - effect| of the site", NULL, 6, 0, error),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "sites", "the strongest patch of each", .keys = "site", .fields = columns},
    {CLH_PART_ARRAY, "share",
     "of the metric that each piece brings back, a row for a site or head; NaN: there is none to "
     "bring back",
     .draw = "strip", .flags = CLH_GAPS},
    {CLH_PART_ARRAY, "share_all_pos",
     "the same of heads at all positions: sites by heads; NaN: a site has fewer", .draw = "heat",
     .flags = CLH_GAPS},
    {CLH_PART_ARRAY, "share_dest_src_pos",
     "the same by source: of each head, destination by source", .draw = "heat", .flags = CLH_GAPS},
    {CLH_PART_ARRAY, "*", "the metric with each piece patched", .draw = "strip"},
    {CLH_PART_ARRAY, "attribution.*", "effect of each piece as estimated by the gradient",
     .draw = "strip"},
    {0}};

/* What arrays point into, as long as the result. */
typedef struct kept {
    clh_patch patch;
    clh_patch_shares shares;
} kept;

static void close_kept(void *owner)
{
    kept *k = owner;
    clh_patch_shares_deinit(&k->shares);
    clh_patch_deinit(&k->patch);
}

/* [head, pos], [head], or [head, query_pos, key_pos]; without the first where there are no heads. Numbers
 * of a file are single. */
static void put_array(clh_result *out, const char *prefix, const clh_patch *p,
                      const clh_patch_site *site, const double *data)
{
    static const clh_axis by_pos[] = {{.name = "head"}, {.name = "pos"}};
    static const clh_axis by_source[] = {
        {.name = "head"}, {.name = "query_pos"}, {.name = "key_pos"}};
    const bool source = p->index == CLH_PATCH_DEST_SRC_POS;
    const size_t heads = site->heads ? site->heads : 1, after = source ? p->pos : p->each;
    char whole[96];
    (void)snprintf(whole, sizeof whole, "%s%s", prefix, site->name);
    clh_array view = {whole, data, CLH_F64, CLH_F32, .rank = source ? 3 : 2};
    view.shape[0] = view.extent[0] = heads;
    view.shape[1] = view.extent[1] = after;
    view.shape[2] = view.extent[2] = source ? p->pos : 0;
    if (p->index == CLH_PATCH_ALL_POS)
        view = clh_array_vector(whole, CLH_F64, data, heads);
    else if (!site->heads && !source)
        view = clh_array_vector(whole, CLH_F64, data, after);
    view.dtype = CLH_F32;
    const bool headless = !site->heads && p->index == CLH_PATCH_BY_POS;
    clh_result_array(out, &view, source ? by_source : headless ? by_pos + 1 : by_pos, NULL, NULL);
}

static void put_sites(clh_result *out, const clh_patch *p, const clh_task *task)
{
    for (size_t s = 0; s < p->count; s++) {
        const clh_patch_site *site = &p->site[s];
        const clh_patch_best best = clh_patch_strongest(p, site);
        char place[48] = "";
        if (task && best.pos < p->pos)
            clh_task_label(task, p->pos, best.pos, place);
        clh_result_row(out, "sites", site->name);
        clh_row_read(out, &best);
        clh_row_text(out, "place", place);
        put_array(out, "", p, site, site->value);
    }
    for (size_t s = 0; s < p->count; s++)
        if (p->site[s].estimate)
            put_array(out, "attribution.", p, &p->site[s], p->site[s].estimate);
}

/* Sites by heads, NaN where a site has fewer. */
static clh_status put_heads(clh_result *out, const kept *k, clh_error *err)
{
    const clh_patch *p = &k->patch;
    size_t most = 1, row = 0;
    for (size_t s = 0; s < p->count; s++)
        most = p->site[s].heads > most ? p->site[s].heads : most;
    const char **label = clh_alloc_array(p->count, sizeof *label, err);
    double *table = clh_alloc_array(p->count * most, sizeof *table, err);
    if (label && table) {
        for (size_t s = 0; s < p->count; s++) {
            const size_t heads = p->site[s].heads ? p->site[s].heads : 1;
            label[s] = p->site[s].name;
            for (size_t h = 0; h < most; h++)
                table[s * most + h] = h < heads ? k->shares.value[row + h] : NAN;
            row += heads;
        }
        const clh_axis axes[] = {{"site", label}, {.name = "head"}};
        const double *kept_numbers = clh_result_numbers(out, table, p->count * most);
        const clh_array share =
            clh_array_matrix("share_all_pos", CLH_F64, kept_numbers, p->count, most);
        clh_result_array(out, &share, axes, NULL, NULL);
    }
    const bool made = label && table;
    clh_free(table);
    clh_free((void *)label);
    return made ? CLH_OK : CLH_ENOMEM;
}

static clh_status put_shares(clh_result *out, const kept *k, clh_error *err)
{
    const clh_patch *p = &k->patch;
    const clh_patch_shares *s = &k->shares;
    const clh_axis axes[] = {{"piece", s->label}, {.name = "pos"}};
    const clh_axis by_source[] = {{"piece", s->label}, {.name = "query_pos"}, {.name = "key_pos"}};
    const clh_array strip = clh_array_matrix("share", CLH_F64, s->value, s->rows, p->each);
    const clh_array sources = {"share_dest_src_pos",
                               s->value,
                               CLH_F64,
                               CLH_F64,
                               .rank = 3,
                               .shape = {s->rows, p->pos, p->pos},
                               .extent = {s->rows, p->pos, p->pos}};
    if (p->index == CLH_PATCH_ALL_POS) {
        clh_status status = put_heads(out, k, err);
        if (status)
            return status;
    } else if (p->index == CLH_PATCH_BY_POS) {
        clh_result_array(out, &strip, axes, NULL, NULL);
    } else {
        clh_result_array(out, &sources, by_source, NULL, NULL);
    }
    clh_result_array_title(out, "Activation patching: share of the metric brought back", SIZE_MAX);
    return CLH_OK;
}

static clh_status put(clh_result *out, const kept *k, const clh_task *task, clh_error *err)
{
    const clh_patch *p = &k->patch;
    clh_result_put_numbers(out, {"clean", p->clean}, {"corrupted", p->corrupted},
                           {"patches", (double)p->patches}, {"passes", (double)p->passes});
    clh_status status = put_shares(out, k, err);
    if (status)
        return status;
    put_sites(out, p, task);
    if (!(p->clean < p->corrupted) && !(p->clean > p->corrupted))
        clh_result_note(out,
                        "both runs have the same metric: there is no way from one to the other "
                        "to share");
    return CLH_OK;
}

static clh_status ask_patch(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const patch_settings *set = settings;
    clh_two two = {0};
    kept *k = clh_result_make(out, sizeof *k, close_kept, err);
    clh_status status = k ? clh_given_pair_open(&two, s, &set->pair, err) : CLH_ENOMEM;
    const clh_patch_ask ask = {two.clean.tokens,
                               two.corrupted.tokens,
                               two.metric,
                               .sites = *set->sites ? set->sites : NULL,
                               .attribution = set->attribution,
                               .index = (clh_patch_index)set->index};
    if (!status)
        status = clh_patch_run(&k->patch, clh_subject_model(s), &ask, how->watch, err);
    if (!status)
        status = clh_patch_shares_make(&k->shares, &k->patch, err);
    if (!status) {
        clh_given_pair_stamp(out, &set->pair);
        status = put(out, k, clh_subject_task(s), err);
        if (set->attribution)
            clh_given_note_saturated(out, s, &two, "corrupted", k->patch.corrupted, "");
    }
    clh_two_deinit(&two);
    return status;
}

const clh_question clh_question_patch = {
    .name = "patch",
    .summary = "copy pieces of a clean run into a corrupted one",
    .description =
        "Activation patching: every position (and head) of every site is copied from the run on "
        "the clean sequence into the run on the corrupted one, one at a time, and the metric is "
        "computed again; what a patch cannot have changed is not. A metric is loss (of the clean "
        "sequence's tokens), logit:POSITION:TOKEN, logit_diff:POSITION:TOKEN:AGAINST, "
        "log_prob:POSITION:TOKEN or prob:POSITION:TOKEN; negative positions count from the end, "
        "tokens are symbols or ids such as #17.\n\n"
        "Shows the strongest patch of each site; every one stands in an array under its site's "
        "name. With --attribution the estimate by the gradient stands beside each. With --index "
        "all_pos a patch is a head at all positions at once, with dest_src_pos one source of one "
        "destination of a pattern: names and numbers are those of TransformerLens' patching module.",
    .examples =
        "clearhead patch runs/notebook --clean abcd --corrupt abce # the loss\n"
        "clearhead patch RUN --clean abcd --corrupt abce --metric logit_diff:8:d:e # two logits\n"
        "clearhead patch RUN --clean abcd --corrupt abce --attribution # and the estimates\n"
        "clearhead patch RUN --clean abcd --corrupt abce --index all_pos # whole heads\n"
        "clearhead patch RUN --clean abcd --corrupt abce --figure patch.png # a picture",
    CLH_SETTINGS(keys, patch_settings),
    .needs = CLH_NEEDS_TASK,
    .schema = schema,
    .over = "clean, corrupted",
    .check = clh_given_pair_check,
    .ask = ask_patch};
