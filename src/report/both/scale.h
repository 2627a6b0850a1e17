/** A scale from values to a page: linear or logarithmic, with ticks at round numbers.
 *
 *    clh_scale y = clh_scale_make(0.0011, 4.34, (clh_scale_want){.log = true, .ticks = 6,
 *                                                             .grow = true});
 *    double up = clh_scale_place(&y, loss);                     // 0 at y.low … 1 at y.high
 *    for (size_t i = 0; i < y.count; i++) tick(y.value[i], y.label[i]);
 *
 *  A plain struct, copied freely. Ticks always lie inside low … high, ascending.
 */
#ifndef CLH_SCALE_H
#define CLH_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum { CLH_TICKS_MAX = 32, CLH_TICK_BYTES = 24 };

typedef struct clh_scale {
    double low, high;
    double zero; /**< of a logarithmic one: the part before `low` at whose beginning 0 stands */
    bool log;
    size_t count;
    double value[CLH_TICKS_MAX];
    char label[CLH_TICKS_MAX][CLH_TICK_BYTES];
} clh_scale;

/** What is asked of an axis. */
typedef struct clh_scale_want {
    bool log;
    bool grow;    /**< widen low … high to round numbers; else they stay */
    bool zero;    /**< logarithmic: 0 has a place before `low` too */
    bool whole;   /**< ticks are whole numbers */
    size_t ticks; /**< about how many, 2 … 16 */
} clh_scale_want;

/** Whether an axis can show `value`: finite, of a size that leaves room to compute, above 0 on a
 *  logarithmic one. */
bool clh_scale_can_show(double value, bool log);

/** An axis over low <= high, both of which it can show; widened when they are equal: by a tenth, 0
 *  to 0 … 1, on a logarithmic one to half and twice. */
clh_scale clh_scale_make(double low, double high, clh_scale_want want);

/** The room that labels of ticks have. Each has its tick at its middle, but for those that would
 *  stand further than this beyond an end of the axis: they are moved inwards. */
typedef struct clh_scale_room {
    double length;    /**< of the axis */
    double character; /**< what a label takes along the axis for each of its characters, at most */
    double gap;       /**< between two labels, at least */
    double before, after; /**< how far labels may stand beyond low and high */
} clh_scale_room;

/** As clh_scale_make(), with as many ticks, at most want.ticks, as have labels that do not touch. */
clh_scale clh_scale_fit(double low, double high, clh_scale_want want, clh_scale_room room);

/** How far from low, along the axis, is the middle of a label `width` wide whose tick is at `value`. */
double clh_scale_label_place(const clh_scale *axis, double value, double width,
                             const clh_scale_room *room);

/** Where `value` lies: 0 at low (or at 0 where that has a place), 1 at high; beyond for values
 *  outside. */
double clh_scale_place(const clh_scale *axis, double value);

#endif
