#include "support/golden_pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "support/must.h"

static const double tolerance = 1e-5;

const char *golden_pair_metadata(const golden_pair *pair, const char *key)
{
    const char *text = clh_safetensors_metadata(pair->file, key);
    assert_non_null(text);
    return text;
}

static size_t number(const golden_pair *pair, const char *key)
{
    return (size_t)strtoul(golden_pair_metadata(pair, key), NULL, 10);
}

void golden_pair_open(golden_pair *pair, const char *folder, const char *name)
{
    char path[512];
    clh_error err = {0};
    *pair = (golden_pair){0};
    golden_open(&pair->golden, name);
    (void)snprintf(path, sizeof path, "%s/%s/%s.safetensors", CLH_GOLDEN_DIR, folder, name);
    must(clh_safetensors_open(&pair->file, path, &err), &err);
    const size_t pos = pair->golden.tokens.pos;
    pair->clean = (clh_tokens){pair->golden.ids, 1, pos};
    pair->corrupted = (clh_tokens){pair->golden.ids + pos, 1, pos};
    pair->metric = (clh_metric){.kind = CLH_METRIC_LOGIT_DIFF,
                                .position = number(pair, "position"),
                                .token = (uint32_t)number(pair, "token"),
                                .against = (uint32_t)number(pair, "against")};
}

void golden_pair_close(golden_pair *pair)
{
    clh_safetensors_close(pair->file);
    golden_close(&pair->golden);
}

void golden_pair_check(const golden_pair *pair, const char *name, const double *got, size_t count,
                       double floor)
{
    clh_error err = {0};
    clh_tensor want;
    must(clh_safetensors_describe(pair->file, name, &want, NULL, &err), &err);
    assert_int_equal(clh_tensor_count(&want), count);
    want.name = name;
    want.data = clh_alloc_array(count, sizeof *want.data, &err);
    assert_non_null(want.data);
    must(clh_safetensors_read(pair->file, &want, &err), &err);
    const double scale = fmax(golden_largest(&want), floor);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - (double)want.data[i]) <= tolerance * scale))
            fail_msg("%s[%zu] is %.9g, TransformerLens says %.9g", name, i, got[i],
                     (double)want.data[i]);
    clh_free(want.data);
}
