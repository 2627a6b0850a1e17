/* patch: pieces of a clean run copied into a corrupted one, and what each brings back. */
#include <stdio.h>

#include "ask/shared/given.h"
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
    {"clean", NULL, "the metric of the clean run", .decimals = 6, .flags = CLH_HEADLINE,
     CLH_FROM(clh_patch, clean)},
    {"corrupted", NULL, "of the corrupted run", .decimals = 6, .flags = CLH_HEADLINE,
     CLH_FROM(clh_patch, corrupted)},
    CLH_FIELD_COUNT("patches", NULL, "pieces that were copied", CLH_FROM(clh_patch, patches)),
    CLH_FIELD_COUNT("passes", NULL, "of them computed: the runs differ there",
                    CLH_FROM(clh_patch, passes)),
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

static void put_array(clh_result *out, const char *prefix, const clh_patch *p,
                      const clh_patch_site *site, const double *data)
{
    const clh_axis *axes;
    char name[96];
    (void)snprintf(name, sizeof name, "%s%s", prefix, site->name);
    const clh_array view = clh_patch_array(&axes, name, p, site, data);
    clh_result_array(out, &view, axes, NULL, NULL);
}

static void put(clh_result *out, const kept *k, const clh_task *task)
{
    const clh_patch *p = &k->patch;
    clh_result_read(out, "numbers", p);
    clh_result_array(out, &k->shares.array, k->shares.axes, NULL, NULL);
    clh_result_array_title(out, "Activation patching: share of the metric brought back", SIZE_MAX);
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
    if (!(p->clean < p->corrupted) && !(p->clean > p->corrupted))
        clh_result_note(out,
                        "both runs have the same metric: there is no way from one to the other "
                        "to share");
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
        put(out, k, clh_subject_task(s));
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
