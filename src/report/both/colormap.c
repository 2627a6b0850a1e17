#include "report/both/colormap.h"

#include <math.h>

static const clh_theme themes[2] = {
    {.page = {255, 255, 255},
     .ink = {33, 37, 41},
     .muted = {101, 109, 118},
     .grid = {229, 232, 236},
     .frame = {140, 147, 155},
     .missing = {186, 190, 195},
     .outline = {213, 94, 0},
     .series = {{0, 114, 178},
                {213, 94, 0},
                {0, 158, 115},
                {204, 121, 167},
                {230, 159, 0},
                {86, 180, 233}}},
    {.page = {22, 24, 29},
     .ink = {230, 233, 238},
     .muted = {154, 162, 173},
     .grid = {46, 50, 58},
     .frame = {98, 105, 117},
     .missing = {96, 100, 107},
     .outline = {230, 159, 0},
     .series = {{86, 180, 233},
                {230, 159, 0},
                {46, 190, 150},
                {204, 121, 167},
                {240, 228, 66},
                {213, 110, 30}}},
};

enum { ANCHORS = 11 };

/* Light: plotly.colors.diverging.RdBu, which the notebook's px.imshow uses. Dark: its hues with
 * lightness turned round, so that zero recedes into the page. */
static const clh_rgb anchors[2][ANCHORS] = {
    {{103, 0, 31},
     {178, 24, 43},
     {214, 96, 77},
     {244, 165, 130},
     {253, 219, 199},
     {247, 247, 247},
     {209, 229, 240},
     {146, 197, 222},
     {67, 147, 195},
     {33, 102, 172},
     {5, 48, 97}},
    {{255, 217, 200},
     {250, 170, 138},
     {222, 108, 86},
     {168, 54, 52},
     {97, 34, 38},
     {36, 39, 46},
     {28, 60, 98},
     {34, 98, 160},
     {67, 147, 205},
     {140, 196, 230},
     {211, 234, 247}},
};

const clh_theme *clh_theme_get(bool dark)
{
    return &themes[dark ? 1 : 0];
}

static unsigned char blend(unsigned char a, unsigned char b, double part)
{
    return (unsigned char)lround((double)a + ((double)b - (double)a) * part);
}

clh_rgb clh_colormap_at(double t, bool dark)
{
    if (isnan(t))
        return clh_theme_get(dark)->missing;
    const clh_rgb *map = anchors[dark ? 1 : 0];
    double place = (fmin(fmax(t, -1.0), 1.0) + 1.0) / 2.0 * (ANCHORS - 1);
    size_t left = place >= ANCHORS - 1 ? ANCHORS - 2 : (size_t)place;
    double part = place - (double)left;
    clh_rgb a = map[left], b = map[left + 1];
    return (clh_rgb){blend(a.r, b.r, part), blend(a.g, b.g, part), blend(a.b, b.b, part)};
}

static double linear_light(unsigned char channel)
{
    double c = (double)channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

clh_rgb clh_colormap_ink(clh_rgb back)
{
    double luminance = 0.2126 * linear_light(back.r) + 0.7152 * linear_light(back.g) +
                       0.0722 * linear_light(back.b);
    /* Contrast with the dark ink, (L + .05) / .058, passes that with white, 1.05 / (L + .05), at
     * L = .197; both are 4.2 there. */
    return luminance > 0.197 ? (clh_rgb){20, 22, 26} : (clh_rgb){255, 255, 255};
}

static unsigned cube_step(unsigned char channel)
{
    return channel < 48 ? 0 : channel < 115 ? 1 : ((unsigned)channel - 35) / 40;
}

static int distance(clh_rgb a, int r, int g, int b)
{
    return (a.r - r) * (a.r - r) + (a.g - g) * (a.g - g) + (a.b - b) * (a.b - b);
}

unsigned clh_colormap_xterm(clh_rgb colour)
{
    static const int level[6] = {0, 95, 135, 175, 215, 255};
    unsigned r = cube_step(colour.r), g = cube_step(colour.g), b = cube_step(colour.b);
    int mean = (colour.r + colour.g + colour.b) / 3;
    int step = mean < 8 ? 0 : mean > 233 ? 23 : (mean - 3) / 10;
    int grey = 8 + 10 * step;
    if (distance(colour, grey, grey, grey) < distance(colour, level[r], level[g], level[b]))
        return 232U + (unsigned)step;
    return 16 + 36 * r + 6 * g + b;
}
