/** A scale from values to a page: linear or logarithmic, with ticks at round numbers.
 *
 *    clh_axis y = clh_axis_make(0.0011, 4.34, (clh_axis_want){.log = true, .ticks = 6,
 *                                                             .grow = true});
 *    double up = clh_axis_place(&y, loss);                     // 0 at y.low … 1 at y.high
 *    for (size_t i = 0; i < y.count; i++) tick(y.value[i], y.label[i]);
 *
 *  A plain struct, copied freely. Ticks always lie inside low … high, ascending.
 */
#ifndef CLH_AXIS_H
#define CLH_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { CLH_TICKS_MAX = 32, CLH_TICK_BYTES = 24 };

typedef struct clh_axis {
    double low, high;
    bool log;
    size_t count;
    double value[CLH_TICKS_MAX];
    char label[CLH_TICKS_MAX][CLH_TICK_BYTES];
} clh_axis;

/** What is asked of an axis. */
typedef struct clh_axis_want {
    bool log;
    bool grow;    /**< widen low … high to round numbers; else they stay */
    size_t ticks; /**< about how many, 2 … 16 */
} clh_axis_want;

/** Whether an axis can show `value`: finite, of a size that leaves room to compute, above 0 on a
 *  logarithmic one. */
bool clh_axis_can_show(double value, bool log);

/** An axis over low <= high, both of which it can show; widened when they are equal. */
clh_axis clh_axis_make(double low, double high, clh_axis_want want);

/** As clh_axis_make(), with as many ticks, at most want.ticks, as fit `length` without labels
 *  touching: each takes `per_character` times its characters plus `gap` along the axis. */
clh_axis clh_axis_fit(double low, double high, clh_axis_want want, double length,
                      double per_character, double gap);

/** Where `value` lies: 0 at low, 1 at high; beyond for values outside. */
double clh_axis_place(const clh_axis *axis, double value);

#endif
