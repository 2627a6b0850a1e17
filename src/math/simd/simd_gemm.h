/** Matrix product for one instruction set: the half of kernels_simd.c that is about
 *  matrices. Included there only. The contract is kernels.h. */
#ifndef CLH_SIMD_GEMM_H
#define CLH_SIMD_GEMM_H

#include <assert.h>

#include "math/kernels/blocking.h"
#include "math/simd/simd_tile.h"
#include "math/simd/simd_transpose.h"

/* Rows of B, or of its transpose, that the panel after this one reads: far away where they are weights,
 * so they are asked for while this one is computed, `share` of them with each tile's rows. */
typedef struct gemm_ahead {
    const clh_real *at;
    size_t rows, row, columns, share;
} gemm_ahead;

/* The next panel, and what is read soon after. */
enum { AHEAD = 1 + CLH_SOON };

/* What of a block is run: k from l0 to l0 + depth, columns from j0 on, `columns` of them. */
typedef struct gemm_block {
    size_t l0, depth, j0, columns;
    const clh_real *a, *b;
    size_t b_row;
    clh_real *copy; /* [depth, PANEL] for B, which lies there after the first tile; or NULL */
    const clh_real *start;
    size_t start_row;
    clh_real *c;
    gemm_ahead *ahead; /* [AHEAD], or NULL */
} gemm_block;

/* Where rows from i on start, or NULL. */
static const clh_real *start_at(const gemm_block *b, size_t i)
{
    return b->start ? b->start + i * b->start_row : NULL;
}

static size_t no_more_than(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* The fewest parts of n, none over `most`, that are as even as can be: five vectors are three and
 * two, since a tile of four, and then one of one, would wait for its sums. The first `longer` parts
 * have `size`, the others one less. */
typedef struct even_parts {
    size_t size, longer;
} even_parts;

static even_parts even_parts_of(size_t n, size_t most)
{
    const size_t parts = (n + most - 1) / most, size = parts ? (n + parts - 1) / parts : 0;
    return (even_parts){size, n + parts - size * parts};
}

static size_t part_size(const even_parts *p, size_t number)
{
    return p->size - (number >= p->longer);
}

/* Where row i of A begins. */
INLINE const clh_real *a_at(const gemm_block *b, const clh_gemm *g, size_t i)
{
    return b->a + (g->strips ? clh_strips_at(i, g->k) : i * g->a_row);
}

/* Rows [i, i + rows) of a block. */
INLINE void tile_all(const gemm_block *b, const clh_gemm *g, size_t i, size_t rows)
{
    const size_t vectors = (b->columns + LANE - 1) / LANE, tail = b->columns - (vectors - 1) * LANE;
    tile_table[vectors - 1][tail < LANE][rows - 1](g, b->depth, a_at(b, g, i), b->b, b->b_row, tail,
                                                   start_at(b, i), b->start_row,
                                                   b->c + i * g->c_row);
}

/* The same less what `part` leaves out for all of these rows. */
static void tile_part(const clh_gemm *g, const gemm_block *b, size_t i, size_t rows)
{
    size_t begin = 0, end = b->depth, columns = b->columns;
    const size_t last = i + rows + g->diagonal; /* one past the last row's diagonal */
    if (g->part == CLH_GEMM_A_LOWER)
        end = last > b->l0 ? no_more_than(last - b->l0, end) : 0;
    if (g->part == CLH_GEMM_A_UPPER && i > g->diagonal + b->l0)
        begin = no_more_than(i - g->diagonal - b->l0, end);
    if (g->part == CLH_GEMM_C_LOWER)
        columns = last > b->j0 ? no_more_than((last - b->j0 + LANE - 1) / LANE * LANE, columns) : 0;
    if (columns == 0 || (begin == end && b->start == b->c))
        return;
    const size_t vectors = (columns + LANE - 1) / LANE, tail = columns - (vectors - 1) * LANE;
    tile_fn *const run = tile_table[vectors - 1][tail < LANE][rows - 1];
    run(g, end - begin, a_at(b, g, i) + begin * g->a_col, b->b + begin * b->b_row, b->b_row, tail,
        start_at(b, i), b->start_row, b->c + i * g->c_row);
}

/* `rows` more of the next panel's. */
static void ask_ahead(gemm_ahead *next, size_t rows)
{
    enum { LINE = 64 / sizeof(clh_real), SECOND_CACHE = 2 };
    for (; rows > 0 && next->rows > 0; rows--, next->rows--, next->at += next->row)
        for (size_t j = 0; j < next->columns; j += LINE)
            __builtin_prefetch(next->at + j, 0, SECOND_CACHE);
}

/* What belongs to a tile, or to `times` of them. */
static void ask_for_tile(gemm_ahead *ahead, size_t times)
{
    for (size_t i = 0; ahead && i < AHEAD; i++)
        ask_ahead(&ahead[i], times * ahead[i].share);
}

/* One panel of columns, all rows, one block of k. `wide` are the rows of its tiles unless it is
 * narrow. */
static void panel_run(const clh_gemm *g, gemm_block *b, const even_parts *wide)
{
    even_parts parts = *wide;
    size_t i = 0, number = 0;
    if (b->copy) {
        ask_for_tile(b->ahead, 1);
        tile_and_copy(g, b->depth, b->a, b->b, b->b_row, b->copy, b->start, b->start_row, b->c);
        b->b = b->copy;
        b->b_row = PANEL;
        i = part_size(&parts, number++);
        assert(i == ROWS);
    }
    if (b->columns <= NARROW) {
        for (; g->m - i >= ROWS_NARROW; i += ROWS_NARROW) {
            ask_for_tile(b->ahead, 2);
            tile_part(g, b, i, ROWS_NARROW);
        }
        parts = even_parts_of(g->m - i, ROWS);
    }
    for (size_t rows; i < g->m; number++, i += rows) {
        rows = no_more_than(part_size(&parts, number), g->m - i);
        ask_for_tile(b->ahead, 1);
        if (g->part == CLH_GEMM_ALL)
            tile_all(b, g, i, rows);
        else
            tile_part(g, b, i, rows);
    }
}

/* A panel of B whose rows lie far apart is read from a copy where so many rows of A read it: each of
 * its rows is another page, and powers of two fall on one another in a cache. */
enum { PACK_ROWS = 36, PACK_APART = 384, PACK_AHEAD = 16, LINE = 64 / sizeof(clh_real) };

static bool packs(const clh_gemm *g)
{
    return !g->packed && (g->b_col != 1 || (g->m >= PACK_ROWS && g->b_row >= PACK_APART));
}

/* to[l][j] = from[l, j], the rows of `to` `width` apart */
static void pack(clh_matrix from, size_t rows, size_t columns, clh_real *to, size_t width)
{
    if (from.col != 1)
        simd_transpose(columns, rows, from.at, from.col, to, width);
    else
        for (size_t l = 0; l < rows; l++) {
            const size_t ahead = no_more_than(l + PACK_AHEAD, rows - 1);
            for (size_t j = 0; j < columns; j += LINE)
                __builtin_prefetch(from.at + ahead * from.row + j, 0);
            memcpy(to + l * width, from.at + l * from.row, columns * sizeof *to);
        }
}

/* The panels of n columns: whole vectors dealt evenly; only the last may end within one. */
static even_parts panels_of(size_t n)
{
    return even_parts_of((n + LANE - 1) / LANE, VECTORS);
}

/* A whole matrix packed: panel after panel, each [k, its columns]. */
static void simd_pack(const clh_packing *p)
{
    const even_parts panels = panels_of(p->n);
    const size_t end = p->j0 + p->columns;
    for (size_t j = 0, number = 0, width; j < end; j += width, number++) {
        width = no_more_than(LANE * part_size(&panels, number), p->n - j);
        const size_t first = p->j0 > j ? p->j0 : j, last = no_more_than(j + width, end);
        if (first >= last)
            continue;
        clh_matrix from = p->from;
        from.at += (first - p->j0) * from.col;
        pack(from, p->rows, last - first, p->to + p->k * j + p->l0 * width + (first - j), width);
    }
}

/* A row of C where there is nothing to add up. */
static void no_product(const clh_gemm *g, clh_real *c, const clh_real *start)
{
    for (size_t j = 0; j < g->n; j++)
        c[j] = start ? start[j] : 0;
}

/* How a product goes through B: blocks of `chain` rows, panels of columns. */
typedef struct walk {
    size_t chain;
    even_parts panels;
    bool down; /* a panel's blocks one after the other, else a block's panels */
} walk;

/* A block of k in a panel: rows [l, l + depth) of B, columns [j, j + columns). At the end depth is 0. */
typedef struct spot {
    size_t l, depth, j, columns, number;
} spot;

static spot spot_at(const clh_gemm *g, const walk *w, size_t l, size_t j, size_t number)
{
    return (spot){.l = l,
                  .depth = no_more_than(g->k - l, w->chain),
                  .j = j,
                  .columns = no_more_than(LANE * part_size(&w->panels, number), g->n - j),
                  .number = number};
}

static spot spot_after(const clh_gemm *g, const walk *w, const spot *s)
{
    const size_t l = s->l + s->depth, j = s->j + s->columns;
    if (w->down && l < g->k)
        return spot_at(g, w, l, s->j, s->number);
    if (j < g->n)
        return spot_at(g, w, w->down ? 0 : s->l, j, s->number + 1);
    if (!w->down && l < g->k)
        return spot_at(g, w, l, 0, 0);
    return (spot){0};
}

/* Where B begins there, and how far its rows lie apart. */
static clh_matrix b_at(const clh_gemm *g, const spot *s)
{
    if (g->packed)
        return clh_rows(g->packed + g->k * s->j + s->l * s->columns, s->columns);
    return (clh_matrix){g->b + s->l * g->b_row + s->j * g->b_col, g->b_row, g->b_col};
}

static gemm_ahead ahead_of(const clh_gemm *g, const spot *next)
{
    if (next->depth == 0)
        return (gemm_ahead){0};
    const clh_matrix b = b_at(g, next);
    const bool rows = b.col == 1;
    const size_t count = rows ? next->depth : next->columns;
    return (gemm_ahead){.at = b.at,
                        .rows = count,
                        .row = rows ? b.row : b.col,
                        .columns = rows ? next->columns : next->depth,
                        .share = count * ROWS / g->m + 1};
}

/* Whether B is so large that it lies far away, and A long enough to wait for it. Packed panels lie in order, so that
 * the processor asks for them itself, and sooner. */
static bool asks_ahead(const clh_gemm *g)
{
    enum { NEAR = 48 << 10 };
    return !g->packed && g->m >= PACK_ROWS && g->k * g->n > NEAR;
}

/* The rows of tiles: even, but in strips as many as lie in one. */
static even_parts rows_of(const clh_gemm *g)
{
    return g->strips ? (even_parts){ROWS, g->m} : even_parts_of(g->m, ROWS);
}

/* What is asked for in the first panel. */
static gemm_ahead soon_of(const clh_gemm *g, const clh_soon *soon)
{
    if (!soon || soon->rows == 0 || g->m == 0)
        return (gemm_ahead){0};
    return (gemm_ahead){.at = soon->at,
                        .rows = soon->rows,
                        .row = soon->row,
                        .columns = soon->columns,
                        .share = soon->rows * ROWS / g->m + 1};
}

/* All rows of A by the spots of B in turn. */
static void product(const clh_gemm *g, bool down)
{
    _Alignas(64) clh_real room[CLH_GEMM_BLOCK * PANEL];
    assert(g->chain <= CLH_GEMM_BLOCK);
    assert(g->packed || g->b_row == 1 || g->b_col == 1);
    assert(g->m <= 1 || g->c_row >= g->n); /* rows of C do not overlap */
    const bool copies = packs(g), next_too = asks_ahead(g), asks = next_too || g->soon;
    gemm_ahead more[AHEAD];
    for (size_t i = 0; asks && i < CLH_SOON; i++)
        more[1 + i] = soon_of(g, g->soon ? &g->soon[i] : NULL);
    const walk w = {g->chain ? g->chain : CLH_GEMM_BLOCK, panels_of(g->n), down};
    const even_parts rows = rows_of(g);
    for (size_t i = 0; g->k == 0 && i < g->m; i++)
        no_product(g, g->c + i * g->c_row, g->start ? g->start + i * g->start_row : NULL);
    spot s = {0}, next;
    if (g->k > 0 && g->n > 0)
        s = spot_at(g, &w, 0, 0, 0);
    for (; s.depth > 0; s = next) {
        next = spot_after(g, &w, &s);
        const clh_matrix b = b_at(g, &s);
        const bool at_once = copies && b.col == 1 && s.columns == PANEL && g->part == CLH_GEMM_ALL;
        const bool before = copies && !at_once;
        if (before)
            pack(b, s.depth, s.columns, room, PANEL);
        if (asks)
            more[0] = next_too ? ahead_of(g, &next) : (gemm_ahead){0};
        gemm_block of = {.l0 = s.l,
                         .depth = s.depth,
                         .j0 = s.j,
                         .columns = s.columns,
                         .a = (g->strips ? g->strips : g->a) + s.l * g->a_col,
                         .b = before ? room : b.at,
                         .b_row = before ? PANEL : b.row,
                         .copy = at_once ? room : NULL,
                         .start = s.l > 0    ? g->c + s.j
                                  : g->start ? g->start + s.j
                                             : NULL,
                         .start_row = s.l > 0 ? g->c_row : g->start_row,
                         .c = g->c + s.j,
                         .ahead = asks ? more : NULL};
        panel_run(g, &of, &rows);
    }
}

/* While a block of rows of A stays in the second cache, C is added to panel by panel where they are no more than
 * this long, so that a panel of C stays there too. */
enum { COLUMNS_DEEP = 2 * CLH_GEMM_BLOCK };

/* Few rows of one chain, as a head of a short sequence has: tiles, and nothing to prepare. */
static bool is_small(const clh_gemm *g)
{
    enum { COLUMNS = 64 };
    const size_t chain = g->chain ? g->chain : CLH_GEMM_BLOCK;
    return g->m < ROWS_NARROW && g->n <= COLUMNS && g->k <= chain && g->b_col == 1 && !g->packed &&
           !g->strips && g->m && g->k;
}

static void small_product(const clh_gemm *g)
{
    const size_t first = g->m <= ROWS ? g->m : (g->m + 1) / 2;
    for (size_t j = 0; j < g->n; j += PANEL) {
        const gemm_block of = {.depth = g->k,
                               .j0 = j,
                               .columns = no_more_than(g->n - j, PANEL),
                               .a = g->a,
                               .b = g->b + j,
                               .b_row = g->b_row,
                               .start = g->start ? g->start + j : NULL,
                               .start_row = g->start_row,
                               .c = g->c + j};
        tile_part(g, &of, 0, first);
        if (first < g->m)
            tile_part(g, &of, first, g->m - first);
    }
}

static void large_product(const clh_gemm *g)
{
    const size_t block =
        g->m <= CLH_BLOCKING_LEAST ? CLH_BLOCKING_LEAST : clh_blocking_here()->rows;
    const bool down = g->k > CLH_GEMM_BLOCK && g->k <= COLUMNS_DEEP && g->n >= (size_t)4 * PANEL &&
                      g->m >= PACK_ROWS;
    clh_gemm of = *g;
    if (g->strips) {
        assert(g->part == CLH_GEMM_ALL && block % CLH_STRIP == 0 && CLH_STRIP % ROWS == 0);
        of.a_row = 1;
        of.a_col = CLH_STRIP;
    }
    if (g->part != CLH_GEMM_ALL || g->m <= block) {
        product(&of, down && g->part == CLH_GEMM_ALL);
        return;
    }
    const even_parts parts = g->strips ? (even_parts){block, g->m} : even_parts_of(g->m, block);
    for (size_t i = 0, number = 0, rows; i < g->m; i += rows, number++) {
        rows = no_more_than(part_size(&parts, number), g->m - i);
        of.m = rows;
        of.a = g->strips ? NULL : g->a + i * g->a_row;
        of.strips = g->strips ? g->strips + clh_strips_at(i, g->k) : NULL;
        of.c = g->c + i * g->c_row;
        if (g->start)
            of.start = g->start + i * g->start_row;
        product(&of, down);
    }
}

/* Rows of x as they lie in memory, `by` further on: what the next of its times reads of A or B. */
static clh_soon next_of(clh_matrix x, size_t rows, size_t columns, size_t by)
{
    if (by == 0)
        return (clh_soon){0};
    return x.col == 1 ? (clh_soon){x.at + by, rows, x.row, columns}
                      : (clh_soon){x.at + by, columns, x.col, rows};
}

/* While one is computed, what the next reads is asked for; with the last, what the caller asks for. */
static void large_products(const clh_gemm *g)
{
    clh_gemm of = *g;
    clh_soon next[CLH_SOON];
    of.soon = next;
    for (size_t left = g->times.count; left > 1; left--) {
        next[0] = next_of((clh_matrix){of.a, g->a_row, g->a_col}, g->m, g->k, g->times.a);
        next[1] = next_of((clh_matrix){of.b, g->b_row, g->b_col}, g->k, g->n, g->times.b);
        large_product(&of);
        clh_product_steps(&of);
    }
    of.soon = g->soon;
    large_product(&of);
}

static void small_products(const clh_gemm *g)
{
    clh_gemm of = *g;
    for (size_t left = g->times.count; left > 1; left--) {
        small_product(&of);
        clh_product_steps(&of);
    }
    small_product(&of);
}

static void simd_gemm(const clh_gemm *g)
{
    const bool once = g->times.count <= 1;
    assert(once || ((!g->packed || g->times.b == 0) && (!g->strips || g->times.a == 0)));
    if (is_small(g))
        (once ? small_product : small_products)(g);
    else
        (once ? large_product : large_products)(g);
}

#endif
