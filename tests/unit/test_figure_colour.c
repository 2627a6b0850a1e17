/** Colours of values are plotly's, centred on zero; ink is readable on each of them. */
#include <math.h>

#include "report/both/colormap.h"
#include "support/cmocka_all.h"

static void assert_colour(clh_rgb found, int r, int g, int b)
{
    assert_int_equal(found.r, r);
    assert_int_equal(found.g, g);
    assert_int_equal(found.b, b);
}

static void anchors_are_plotlys(void **state)
{
    (void)state;
    assert_colour(clh_colormap_at(-1.0, false), 103, 0, 31);
    assert_colour(clh_colormap_at(0.0, false), 247, 247, 247);
    assert_colour(clh_colormap_at(1.0, false), 5, 48, 97);
    assert_colour(clh_colormap_at(-0.2, false), 253, 219, 199);
    assert_colour(clh_colormap_at(0.6, false), 67, 147, 195);
    assert_colour(clh_colormap_at(0.1, false), 228, 238, 244); /* half way to (209,229,240) */
}

static void beyond_the_limit_is_the_limit(void **state)
{
    (void)state;
    assert_colour(clh_colormap_at(7.0, false), 5, 48, 97);
    assert_colour(clh_colormap_at(-INFINITY, false), 103, 0, 31);
}

static void nan_is_the_neutral_grey(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++) {
        clh_rgb grey = clh_colormap_at(NAN, dark), theme = clh_theme_get(dark)->missing;
        assert_colour(grey, theme.r, theme.g, theme.b);
    }
}

static double contrast_part(unsigned char channel)
{
    double c = channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(clh_rgb c)
{
    return 0.2126 * contrast_part(c.r) + 0.7152 * contrast_part(c.g) + 0.0722 * contrast_part(c.b);
}

/* On a light page a larger magnitude is darker, on a dark page lighter: no two magnitudes of one
 * sign look alike, also in print without colour. */
static void luminance_follows_magnitude(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++)
        for (int sign = -1; sign <= 1; sign += 2)
            for (int i = 1; i <= 20; i++) {
                double nearer = luminance(clh_colormap_at(sign * (i - 1) / 20.0, dark));
                double farther = luminance(clh_colormap_at(sign * i / 20.0, dark));
                assert_true(dark ? farther > nearer : farther < nearer);
            }
}

static void ink_reads_on_every_colour(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++)
        for (int i = -50; i <= 50; i++) {
            clh_rgb back = clh_colormap_at(i / 50.0, dark), ink = clh_colormap_ink(back);
            double a = luminance(back) + 0.05, b = luminance(ink) + 0.05;
            assert_true(fmax(a, b) / fmin(a, b) >= 4.0);
        }
}

static void xterm_colours_are_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(clh_colormap_xterm((clh_rgb){0, 0, 0}), 16);
    assert_int_equal(clh_colormap_xterm((clh_rgb){255, 255, 255}), 231);
    assert_int_equal(clh_colormap_xterm((clh_rgb){255, 0, 0}), 196);
    assert_int_equal(clh_colormap_xterm((clh_rgb){95, 135, 175}), 67);
    assert_int_equal(clh_colormap_xterm((clh_rgb){128, 128, 128}), 244);
}

/* xterm's palette: a cube of six levels from 16 on, greys from 232 on. */
static clh_rgb xterm_colour(unsigned number)
{
    static const unsigned char level[6] = {0, 95, 135, 175, 215, 255};
    const unsigned cube = number - 16;
    const unsigned char grey = (unsigned char)(8 + 10 * (number - 232));
    return number >= 232 ? (clh_rgb){grey, grey, grey}
                         : (clh_rgb){level[cube / 36], level[cube / 6 % 6], level[cube % 6]};
}

static int apart(clh_rgb a, clh_rgb b)
{
    return (a.r - b.r) * (a.r - b.r) + (a.g - b.g) * (a.g - b.g) + (a.b - b.b) * (a.b - b.b);
}

/* Each colour of the palette is itself, and no colour of a map has a nearer one. */
static void no_xterm_colour_is_nearer(void **state)
{
    (void)state;
    for (unsigned number = 16; number < 256; number++) {
        unsigned found = clh_colormap_xterm(xterm_colour(number));
        assert_int_equal(apart(xterm_colour(found), xterm_colour(number)), 0);
    }
    for (int dark = 0; dark < 2; dark++)
        for (int i = -100; i <= 100; i++) {
            clh_rgb colour = clh_colormap_at(i / 100.0, dark);
            int found = apart(xterm_colour(clh_colormap_xterm(colour)), colour);
            for (unsigned number = 16; number < 256; number++)
                assert_true(apart(xterm_colour(number), colour) >= found);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_are_plotlys),
        cmocka_unit_test(beyond_the_limit_is_the_limit),
        cmocka_unit_test(nan_is_the_neutral_grey),
        cmocka_unit_test(luminance_follows_magnitude),
        cmocka_unit_test(ink_reads_on_every_colour),
        cmocka_unit_test(xterm_colours_are_the_nearest),
        cmocka_unit_test(no_xterm_colour_is_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
