#include "report/both/scale.h"
#include "base/platform/decimal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* How much of a logarithmic axis stands between 0 and the least value above it. */
#define ZERO_PART 0.07

bool clh_scale_can_show(double value, bool log)
{
    return isfinite(value) && fabs(value) < 1e200 && (!log || value > 1e-200);
}

/* "1e-05" reads "1e-5"; "1e+06" reads "1e6". */
static void tidy_exponent(char *label)
{
    char *e = strchr(label, 'e');
    if (!e)
        return;
    char *digits = e + 1, *to = e + 1;
    if (*digits == '-')
        *to++ = *digits++;
    else if (*digits == '+')
        digits++;
    while (*digits == '0' && digits[1])
        digits++;
    memmove(to, digits, strlen(digits) + 1);
}

static void add_tick(clh_scale *axis, double value, double step)
{
    if (axis->count == CLH_TICKS_MAX || value < axis->low || value > axis->high)
        return;
    char *label = axis->label[axis->count];
    const double last =
        step > 0.0 ? floor(log10(step) + 1e-9) : 0.0; /* digit that ticks differ in */
    const int decimals = (int)fmax(0.0, -last);
    const double size = fmax(fabs(axis->low), fabs(axis->high));
    const int digits = step > 0.0 ? (int)fmax(4.0, floor(log10(size) + 1e-9) - last + 1.0) : 4;
    if (value == 0.0)
        (void)snprintf(label, CLH_TICK_BYTES, "0");
    else if (step > 0.0 && size < 1e7 && size >= 1e-3 && decimals <= 9)
        (void)clh_snprintf(label, CLH_TICK_BYTES, "%.*f", decimals, value);
    else
        (void)clh_snprintf(label, CLH_TICK_BYTES, "%.*g", digits, value);
    tidy_exponent(label);
    axis->value[axis->count++] = value;
}

/* Heckbert 1990, "Nice numbers for graph labels": 1, 2 or 5 times a power of ten. */
static double nice_step(double span, double ticks)
{
    double rough = span / fmax(ticks, 1.0), power = pow(10.0, floor(log10(rough)));
    double part = rough / power;
    return (part < 1.5 ? 1.0 : part < 3.0 ? 2.0 : part < 7.0 ? 5.0 : 10.0) * power;
}

static void ticks_linear(clh_scale *axis, clh_scale_want want)
{
    double step = nice_step(axis->high - axis->low, (double)want.ticks);
    if (want.whole)
        step = fmax(step, 1.0);
    double slack = 1e-9;
    double first = floor(axis->low / step + slack), last = ceil(axis->high / step - slack);
    if (want.grow && !(axis->log && first <= 0.0))
        axis->low = first * step;
    if (want.grow)
        axis->high = last * step;
    for (double k = first; k <= last && axis->count < CLH_TICKS_MAX; k += 1.0) {
        double value = k == 0.0 ? 0.0 : k * step; /* no minus zero */
        if (fabs(value - axis->low) < slack * step)
            value = axis->low;
        if (fabs(value - axis->high) < slack * step)
            value = axis->high;
        add_tick(axis, value, step);
    }
}

/* Next of 1, 2, 5 times a power of ten, at or below (direction < 0) or at or above. */
static double round_log(double value, int direction)
{
    static const double mantissas[4] = {1.0, 2.0, 5.0, 10.0};
    double power = pow(10.0, floor(log10(value) + 1e-9));
    double part = value / power;
    if (direction > 0) {
        for (size_t i = 0; i < 4; i++)
            if (mantissas[i] >= part * (1.0 - 1e-9))
                return mantissas[i] * power;
    }
    for (size_t i = 4; i-- > 0;)
        if (mantissas[i] <= part * (1.0 + 1e-9))
            return mantissas[i] * power;
    return power;
}

static void ticks_log(clh_scale *axis, clh_scale_want want)
{
    if (want.grow) {
        axis->low = round_log(axis->low, -1);
        axis->high = round_log(axis->high, 1);
    }
    double bottom = floor(log10(axis->low) + 1e-9), top = ceil(log10(axis->high) - 1e-9);
    double stride = fmax(1.0, ceil((top - bottom) / (double)want.ticks));
    bool between = stride == 1.0 && (top - bottom) * 3.0 <= (double)want.ticks + 1.0;
    for (int e = want.whole ? (int)fmax(bottom, 0.0) : (int)bottom; e <= (int)top; e++) {
        if (fmod((double)e, stride) == 0.0)
            add_tick(axis, pow(10.0, (double)e), 0.0);
        if (between) {
            add_tick(axis, 2.0 * pow(10.0, (double)e), 0.0);
            add_tick(axis, 5.0 * pow(10.0, (double)e), 0.0);
        }
    }
}

/* 0 stands before all others. */
static void tick_zero(clh_scale *axis)
{
    if (axis->count == CLH_TICKS_MAX)
        axis->count--;
    memmove(axis->value + 1, axis->value, axis->count * sizeof *axis->value);
    memmove(axis->label + 1, axis->label, axis->count * sizeof *axis->label);
    axis->value[0] = 0.0;
    (void)snprintf(axis->label[0], CLH_TICK_BYTES, "0");
    axis->count++;
}

static void widen(clh_scale *axis)
{
    double size = fmax(fabs(axis->low), fabs(axis->high));
    if (axis->high - axis->low > 1e-6 * size)
        return;
    if (axis->log) {
        axis->low /= 2.0;
        axis->high *= 2.0;
        return;
    }
    if (size == 0.0) { /* most of what can be 0 is never less */
        axis->high = 1.0;
        return;
    }
    axis->low -= size * 0.1;
    axis->high += size * 0.1;
}

clh_scale clh_scale_make(double low, double high, clh_scale_want want)
{
    assert(low <= high && clh_scale_can_show(low, want.log) && clh_scale_can_show(high, want.log));
    assert(want.ticks >= 2 && want.ticks <= 16);
    clh_scale axis = {.low = low, .high = high, .log = want.log};
    widen(&axis);
    if (want.log)
        ticks_log(&axis, want);
    /* Less than a decade: linear ticks say more, still placed by logarithm. */
    if (axis.count < 2) {
        axis.count = 0;
        ticks_linear(&axis, want);
    }
    if (want.log && want.zero) {
        axis.zero = ZERO_PART;
        tick_zero(&axis);
    }
    return axis;
}

double clh_scale_place(const clh_scale *axis, double value)
{
    assert(axis);
    if (axis->zero > 0.0)
        return value <= 0.0 ? 0.0
                            : axis->zero + (1.0 - axis->zero) * log(value / axis->low) /
                                               log(axis->high / axis->low);
    if (axis->log)
        return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

double clh_scale_label_place(const clh_scale *axis, double value, double width,
                             const clh_scale_room *room)
{
    assert(axis && room && width >= 0.0);
    const double tick = clh_scale_place(axis, value) * room->length;
    const double last = room->length + room->after - width / 2.0;
    return fmax(fmin(tick, last), width / 2.0 - room->before);
}

static bool labels_touch(const clh_scale *axis, const clh_scale_room *room)
{
    double end = -INFINITY;
    for (size_t i = 0; i < axis->count; i++) {
        const double width = room->character * (double)strlen(axis->label[i]);
        const double middle = clh_scale_label_place(axis, axis->value[i], width, room);
        if (middle - width / 2.0 < end + room->gap)
            return true;
        end = middle + width / 2.0;
    }
    return false;
}

clh_scale clh_scale_fit(double low, double high, clh_scale_want want, clh_scale_room room)
{
    clh_scale axis = clh_scale_make(low, high, want);
    while (want.ticks > 2 && labels_touch(&axis, &room)) {
        want.ticks--;
        axis = clh_scale_make(low, high, want);
    }
    if (labels_touch(&axis, &room))
        axis.count = 1;
    return axis;
}
