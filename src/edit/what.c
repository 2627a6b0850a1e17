#include "edit/what.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

/* ---- The table ---------------------------------------------------------------------------------
 */

static const clh_what *const whats[] = {
#define WHAT(name) &clh_what_##name,
#include "edit/whats.def"
#ifdef CLH_MORE_WHATS /* the tests add rows */
#include CLH_MORE_WHATS
#endif
#undef WHAT
};

size_t clh_what_count(void)
{
    return CLH_COUNT(whats);
}

const clh_what *clh_what_at(clh_edit_kind kind)
{
    assert((size_t)kind < CLH_COUNT(whats));
    return whats[kind];
}

bool clh_what_copies(const clh_what *what)
{
    return what->from == CLH_FROM_MEAN || what->from == CLH_FROM_OTHER ||
           what->from == CLH_FROM_SEQUENCE || what->from == CLH_FROM_MODEL;
}

const char *clh_edit_kind_name(clh_edit_kind kind)
{
    return (size_t)kind < CLH_COUNT(whats) ? whats[kind]->name : NULL;
}

const char *clh_edit_sources_name(clh_edit_sources sources)
{
    static const char *const sets[CLH_SOURCES_KINDS] = {"answer", "first_term", "strongest",
                                                        "self",   "all",        "positions"};
    return sources < CLH_SOURCES_KINDS ? sets[sources] : NULL;
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

clh_real *clh_at_row(const clh_at *at, size_t h, size_t p)
{
    const clh_edit_layout *l = &at->layout;
    return at->to.data + (l->pattern ? h * at->tokens.pos + p : p * l->heads + h) * l->width;
}

void clh_at_each(const clh_at *at, clh_at_row_fn *fn, void *user)
{
    for (size_t h = at->head_begin; h < at->head_end; h++)
        for (size_t p = at->begin; p < at->end; p++)
            fn(at, h, p, clh_at_row(at, h, p), user);
}

/* As many numbers as lie one behind the other in both. */
static void copy_run(const clh_at *at, size_t h, size_t p, const clh_real *from,
                     clh_edit_spread spread, size_t rows)
{
    memcpy(clh_at_row(at, h, p), from + h * spread.head + p * spread.position,
           rows * at->layout.width * sizeof *from);
}

void clh_at_copy(const clh_at *at, const clh_real *from, clh_edit_spread spread)
{
    const clh_edit_layout *l = &at->layout;
    const clh_edit_spread to = clh_edit_spread_in(l, at->tokens.pos);
    const size_t positions = at->end - at->begin;
    if (spread.item != 1 && l->width > 1) {
        for (size_t h = at->head_begin; h < at->head_end; h++)
            for (size_t p = at->begin; p < at->end; p++)
                for (size_t i = 0; i < l->width; i++)
                    clh_at_row(at, h, p)[i] =
                        from[h * spread.head + p * spread.position + i * spread.item];
        return;
    }
    const bool all_heads = at->head_begin == 0 && at->head_end == l->heads;
    const bool alike = spread.position == to.position;
    if (!l->pattern && all_heads && alike && (l->heads == 1 || spread.head == to.head)) {
        copy_run(at, 0, at->begin, from, spread, positions * l->heads);
        return;
    }
    for (size_t h = at->head_begin; h < at->head_end; h++)
        for (size_t p = at->begin; p < at->end; p += l->pattern && alike ? positions : 1)
            copy_run(at, h, p, from, spread, l->pattern && alike ? positions : 1);
}
