#include "base/base.h"

#include <assert.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 128 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/** Levenshtein distance, row by row (Wagner & Fischer 1974); names past 128 bytes count as far. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LENGTH + 1], la = strlen(a), lb = strlen(b);
    if (la > NAME_MAX_LENGTH || lb > NAME_MAX_LENGTH)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

const char *clh_nearest_name(const char *name, const char *const *names, size_t count)
{
    assert(name && (names || count == 0));
    const char *best = NULL;
    size_t length = strlen(name), limit = length / 3 + 1;
    size_t least = limit < length ? limit + 1 : length; /* at least one byte must be kept */
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}
