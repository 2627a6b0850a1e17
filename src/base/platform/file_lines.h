/** A text file line by line, from its beginning or back from its end. No more of it is in memory than
 *  a block and its longest line, however large it is.
 *
 *    clh_lines *lines = NULL;
 *    const char *line;
 *    size_t length;
 *    clh_status status = clh_lines_open(&lines, path, err);
 *    while (!status && !(status = clh_lines_next(lines, &line, &length, err)))
 *        ...                                                  // line[length] is where it ends
 *    clh_lines_close(lines);                                  // CLH_NO: it was read to its end
 *
 *  A line ends with a newline, which does not belong to it. What follows the last newline is half a
 *  line, which a writer that was killed may have left: it is passed over, and clh_lines_rest() has it.
 */
#ifndef CLH_FILE_LINES_H
#define CLH_FILE_LINES_H

#include "base/base.h"

typedef struct clh_lines clh_lines;

/** Open `path`, a regular file, for reading. CLH_EIO with path and reason. */
clh_status clh_lines_open(clh_lines **out, const char *path, clh_error *err);

/** Free. NULL is fine. */
void clh_lines_close(clh_lines *lines);

/** The next line, borrowed until the next call. CLH_NO when there is none; CLH_EFORMAT for a line of
 *  more than 256 MB, CLH_EIO, CLH_ENOMEM. */
clh_status clh_lines_next(clh_lines *lines, const char **line, size_t *length, clh_error *err);

/** What stands behind the last newline, borrowed likewise; *length 0: nothing. To be asked once
 *  clh_lines_next() gave CLH_NO, or before clh_lines_last(). Likewise. */
clh_status clh_lines_rest(clh_lines *lines, const char **rest, size_t *length, clh_error *err);

/** The line before the one that clh_lines_last() gave, at first the last whole one; *end gets where
 *  it ends in the file, its newline counted. Likewise. Of one clh_lines only one of the two. */
clh_status clh_lines_last(clh_lines *lines, const char **line, size_t *length, uint64_t *end,
                          clh_error *err);

#endif
