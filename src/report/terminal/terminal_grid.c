#include "report/terminal/terminal_grid.h"

#include <assert.h>
#include <stdlib.h>

clh_status clh_grid_init(clh_grid *grid, size_t columns, size_t lines, clh_error *err)
{
    assert(grid && columns > 0 && lines > 0);
    *grid = (clh_grid){.columns = columns, .lines = lines};
    grid->cells = clh_alloc_zeroed(columns * lines, sizeof *grid->cells, err);
    return grid->cells ? CLH_OK : CLH_ENOMEM;
}

void clh_grid_deinit(clh_grid *grid)
{
    clh_free(grid->cells);
    *grid = (clh_grid){0};
}

static clh_grid_cell *cell_at(clh_grid *grid, long x, long y)
{
    assert(x >= 0 && y >= 0);
    size_t column = (size_t)x / CLH_GRID_DOTS_X, line = (size_t)y / CLH_GRID_DOTS_Y;
    assert(column < grid->columns && line < grid->lines);
    return &grid->cells[line * grid->columns + column];
}

/* Braille patterns number their dots down the columns, with the fourth row added later. */
static void dot(clh_grid *grid, long x, long y, size_t series)
{
    static const unsigned char bit[CLH_GRID_DOTS_Y][CLH_GRID_DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    clh_grid_cell *cell = cell_at(grid, x, y);
    cell->dots = (unsigned char)(cell->dots | bit[y % CLH_GRID_DOTS_Y][x % CLH_GRID_DOTS_X]);
    cell->series = (unsigned char)series;
}

void clh_grid_line(clh_grid *grid, long x0, long y0, long x1, long y1, size_t series)
{
    assert(grid);
    long across = labs(x1 - x0), down = labs(y1 - y0), steps = across > down ? across : down;
    for (long i = 0; i <= steps; i++) {
        double part = steps > 0 ? (double)i / (double)steps : 0.0;
        double x = (double)x0 + part * (double)(x1 - x0), y = (double)y0 + part * (double)(y1 - y0);
        dot(grid, (long)(x + 0.5), (long)(y + 0.5), series);
    }
}

void clh_grid_mark(clh_grid *grid, long x, long y, char mark, size_t series)
{
    assert(grid);
    clh_grid_cell *cell = cell_at(grid, x, y);
    cell->mark = (unsigned char)mark;
    cell->series = (unsigned char)series;
}

static void glyph(clh_grid_cell cell, bool ascii, char out[4])
{
    if (cell.mark || cell.dots == 0 || ascii) {
        out[0] = cell.mark ? (char)cell.mark : cell.dots ? '.' : ' ';
        out[1] = '\0';
        return;
    }
    unsigned code = 0x2800U + cell.dots;
    out[0] = (char)(0xe0U | code >> 12);
    out[1] = (char)(0x80U | (code >> 6 & 0x3fU));
    out[2] = (char)(0x80U | (code & 0x3fU));
    out[3] = '\0';
}

void clh_grid_paint(const clh_grid *grid, clh_painter *painter, size_t line)
{
    assert(line < grid->lines);
    for (size_t c = 0; c < grid->columns; c++) {
        clh_grid_cell cell = grid->cells[line * grid->columns + c];
        char out[4];
        glyph(cell, painter->style.ascii, out);
        bool ink = cell.mark || cell.dots;
        clh_painter_fore(painter, ink ? &painter->theme->series[cell.series] : NULL);
        clh_painter_add(painter, out);
    }
    clh_painter_fore(painter, NULL);
}
