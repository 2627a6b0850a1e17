/** Where the lines of a task come from, and whether they are those it was told of: data is named by its
 *  content, and a path is a hint where it may be.
 *
 *    clh_lines_data data = {0};
 *    if (clh_lines_data_read(&data, settings, given, err)) ...
 *    clh_lines_data_record(&data, settings, 0);       // what was read, into the settings
 *    clh_lines_data_deinit(&data);
 *
 *  The caller owns the struct; all zero is an empty one.
 */
#ifndef CLH_LINES_DATA_H
#define CLH_LINES_DATA_H

#include "file/content.h"
#include "task/lines/lines_read.h"
#include "task/task_ops.h"

/** Bytes of data that a run keeps a copy of. What a pipe gave is kept however much it is. */
enum { CLH_LINES_KEPT_MAX = 1 << 20 };

typedef struct clh_lines_settings {
    char data[CLH_LINES_PATH_MAX];
    unsigned order;
    char data_sha256[CLH_SHA256_TEXT]; /**< "": nothing is known of the content */
    size_t data_lines, data_bytes;
    bool data_text;        /**< some of it is text: ids stand for its symbols */
    char data_before[512]; /**< what was trained on before the data was changed on purpose */
} clh_lines_settings;

typedef struct clh_lines_data {
    clh_content content;
    bool kept; /**< a run is to have a copy */
    char changed
        [768]; /**< how the content differs from the record, which was allowed; "": it does not */
} clh_lines_data;

/** Read the file of the settings into an empty `data`. CLH_EIO where it cannot be read; CLH_EINPUT, with
 *  both hashes and numbers of lines, where it is not what the settings' record says and need be. */
clh_status clh_lines_data_read(clh_lines_data *data, const clh_lines_settings *set,
                               const clh_task_given *given, clh_error *err);

/** The lines are read: forget the bytes, but for those that are kept. */
void clh_lines_data_done(clh_lines_data *data);

/** Write what was read into the record, after `step` steps on what it said before. */
void clh_lines_data_record(const clh_lines_data *data, clh_lines_settings *set, size_t step);

/** Free what it holds. */
void clh_lines_data_deinit(clh_lines_data *data);

#endif
