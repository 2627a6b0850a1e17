#include "measure/sequences/symbols.h"

#include <assert.h>

#include "base/base.h"

clh_status clh_symbols_make(clh_symbols *out, const clh_vocab *vocab, const uint32_t *ids,
                            size_t count, clh_error *err)
{
    assert(out);
    *out = (clh_symbols){0};
    out->text = clh_alloc_zeroed(count, sizeof *out->text, err);
    out->name = clh_alloc_array(count, sizeof *out->name, err);
    if (!out->text || !out->name) {
        clh_symbols_deinit(out);
        return CLH_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        out->name[i] = clh_vocab_symbol(vocab, ids ? ids[i] : (uint32_t)i, out->text[i]);
    }
    return CLH_OK;
}

void clh_symbols_deinit(clh_symbols *symbols)
{
    clh_free((void *)symbols->name);
    clh_free(symbols->text);
    *symbols = (clh_symbols){0};
}
