/* Head detection. With p the pattern and e what is expected, over what is not excluded:
 *
 *    mul   sum p e / sum p
 *    abs   1 - sum |p - e| / pos
 *
 * TransformerLens: head_detector.py. */
#include "clearhead/heads.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "lens/attention/detection.h"

/* Whether key j is expected of query i. `at` holds the places, one past the end too. */
typedef bool expects(const uint32_t *id, const clh_place *at, size_t i, size_t j);

static bool previous_token(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)id, (void)at;
    return j + 1 == i;
}

static bool duplicate_token(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)at;
    return j < i && id[j] == id[i];
}

/* The duplicates, each shifted one to the right; the position itself when it follows its like. */
static bool induction(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)at;
    return j > 0 && j <= i && id[j - 1] == id[i];
}

static bool slot_before(const clh_place *of, const clh_place *key)
{
    return of->term > 1 && key->term + 1 == of->term && key->slot == of->slot;
}

static bool same_slot(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)id;
    return slot_before(&at[i], &at[j]);
}

static bool next_slot(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)id;
    return slot_before(&at[i + 1], &at[j]);
}

static bool first_term(const uint32_t *id, const clh_place *at, size_t i, size_t j)
{
    (void)id;
    return i > j && at[j].term == 1 && at[i].term != 1;
}

static const struct {
    const char *name;
    expects *expects;
    bool terms;
} detects[CLH_DETECTS] = {
    [CLH_DETECT_PREVIOUS_TOKEN] = {"previous_token", previous_token, false},
    [CLH_DETECT_DUPLICATE_TOKEN] = {"duplicate_token", duplicate_token, false},
    [CLH_DETECT_INDUCTION] = {"induction", induction, false},
    [CLH_DETECT_SAME_SLOT] = {"same_slot", same_slot, true},
    [CLH_DETECT_NEXT_SLOT] = {"next_slot", next_slot, true},
    [CLH_DETECT_FIRST_TERM] = {"first_term", first_term, true},
};

const char *clh_detect_name(clh_detect detect)
{
    return detect < CLH_DETECTS ? detects[detect].name : NULL;
}

bool clh_detect_needs_terms(clh_detect detect)
{
    return detect < CLH_DETECTS && detects[detect].terms;
}

void clh_detection_fill(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                        const clh_place *at)
{
    const size_t pos = tokens->pos;
    assert(out && detect < CLH_DETECTS && tokens->batch == 1 && at);
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++)
            out[i * pos + j] = j <= i && detects[detect].expects(tokens->ids, at, i, j);
}

clh_status clh_detection_pattern(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                                 const clh_task *task, clh_error *err)
{
    CLH_REQUIRE(out && tokens && tokens->ids, err, "tokens, and room for the pattern");
    clh_status status = clh_check_enum((unsigned)detect, CLH_DETECTS, "detect", err);
    if (!status && (tokens->batch != 1 || tokens->pos == 0))
        status = clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], want one sequence",
                          tokens->batch, tokens->pos);
    if (status)
        return status;
    clh_place *at = clh_alloc_zeroed(tokens->pos + 1, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    const size_t found = clh_places_find(at, task, tokens->pos);
    const bool known = found > 0 || !detects[detect].terms;
    if (known)
        clh_detection_fill(out, detect, tokens, at);
    clh_free(at);
    return known ? CLH_OK
                 : clh_fail(err, CLH_ESUPPORT,
                            "%s needs a task with terms and slots, as permutations",
                            detects[detect].name);
}

double clh_head_score(const clh_real *pattern, const clh_real *expected, size_t pos,
                      const clh_detect_options *options)
{
    const clh_detect_options usual = {0}, *o = options ? options : &usual;
    if (!pattern || !expected || o->measure >= CLH_DETECT_MEASURES)
        return NAN;
    double attention = 0, product = 0, distance = 0;
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j <= i; j++) {
            const double p = (double)pattern[i * pos + j], e = (double)expected[i * pos + j];
            if ((o->exclude_bos && j == 0) || (o->exclude_current_token && j == i))
                continue;
            attention += p;
            product += p * e;
            distance += fabs(p - e);
        }
    return o->measure == CLH_DETECT_MUL ? product / attention : 1 - distance / (double)pos;
}
