/** Positions [begin, end) of a sequence; none where begin >= end. */
#ifndef CLH_WINDOW_H
#define CLH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clh_window {
    size_t begin, end;
} clh_window;

static inline bool clh_window_empty(clh_window w)
{
    return w.begin >= w.end;
}

/** The least window that holds both. */
static inline clh_window clh_window_hull(clh_window a, clh_window b)
{
    if (clh_window_empty(a) || clh_window_empty(b))
        return clh_window_empty(b) ? a : b;
    return (clh_window){a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

/** What is in both. */
static inline clh_window clh_window_both(clh_window a, clh_window b)
{
    return (clh_window){a.begin > b.begin ? a.begin : b.begin, a.end < b.end ? a.end : b.end};
}

/** What of `a` lies before `b`, and behind it; all of it before, when `b` is empty. */
static inline clh_window clh_window_before(clh_window a, clh_window b)
{
    return clh_window_empty(b) ? a : (clh_window){a.begin, a.end < b.begin ? a.end : b.begin};
}

static inline clh_window clh_window_behind(clh_window a, clh_window b)
{
    return clh_window_empty(b) ? (clh_window){0, 0}
                               : (clh_window){a.begin > b.end ? a.begin : b.end, a.end};
}

#endif
