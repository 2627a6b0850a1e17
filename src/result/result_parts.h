/** What a result is made of, for report, which shows it. Read only. */
#ifndef CLH_RESULT_PARTS_H
#define CLH_RESULT_PARTS_H

#include "result/build.h"

typedef struct clh_cell {
    clh_value value;  /**< NaN: none */
    const char *text; /**< of a text column; NULL: none */
} clh_cell;

typedef struct clh_table_row {
    const char **key; /**< [keys of the table] */
    const char *label, *heading, *absent;
    clh_cell *cell;      /**< [fields of the table] */
    const clh_field *of; /**< what the row is about, for columns with CLH_OF_ROW; NULL: nothing */
} clh_table_row;

/** A column as it is in a row. */
clh_field clh_row_field(const clh_table_row *row, const clh_field *column);

/** A part, beside its row of the schema. */
typedef struct clh_part {
    const clh_schema *schema;
    clh_cell *cell;     /**< numbers: [fields]; verdicts: [fields], text is the answer */
    const char **note;  /**< [fields]: why a number is absent, what decided a verdict */
    clh_table_row *row; /**< of a table */
    size_t rows, room, keys, fields;
    size_t brief;       /**< how many of the rows a report of the whole result has */
    size_t all;         /**< how many there are, while such a report is made; 0: `rows` */
    const char *absent; /**< why there is no such part */
} clh_part;

typedef struct clh_result_axis {
    const char *name;
    const char **label; /**< NULL: numbers */
} clh_result_axis;

typedef struct clh_result_item {
    const clh_schema *schema;
    clh_array view;
    clh_result_axis axis[CLH_RANK_MAX];
    clh_fill *fill;
    void *user;
    const char *title;
    size_t destination;
} clh_result_item;

typedef struct clh_stamp {
    const char *name, *text;
} clh_stamp;

struct clh_result {
    const char *question;
    const clh_schema *schema;
    clh_part *part;
    size_t parts;
    clh_result_item *item; /**< arrays */
    size_t items, item_room;
    clh_stamp stamp[16];
    size_t stamps;
    const char **notes;
    size_t note_count, note_room;
    uint64_t wanted;    /**< parts of the schema that are going to be read, bit by bit */
    bool arrays_wanted; /**< and every array that there is */
    clh_status outcome;
    const char *took;        /**< NULL: nobody says how long it took */
    bool finite_noted;       /**< clh_finite_note() was here */
    clh_part *at;            /**< table of the row begun last */
    struct clh_owned *owned; /**< everything to be freed, newest first */
    char *block; /**< what is left of the memory for what is small, and how much; how large */
    size_t block_room, block_size; /**< the last one was */
    char **path;                   /**< made when first asked for */
    size_t paths;
    clh_error failure; /**< the first addition that failed */
};

/** The part called so; NULL: none. */
clh_part *clh_result_part(const clh_result *r, const char *name);

/** The cell at `path` and its field; NULL: none. */
const clh_cell *clh_result_cell(const clh_result *r, const char *path, const clh_field **field,
                                const char **absent);

/** Memory that lives as long as the result; NULL when it is not to be had, remembered. */
void *clh_result_memory(clh_result *r, size_t count, size_t size);
const char *clh_result_copy(clh_result *r, const char *text);

/** Room for one more of `count` in a list that doubles; what it was stays the result's until it is
 *  closed. NULL when there is none. */
void *clh_result_grown(clh_result *r, const void *list, size_t count, size_t *room, size_t size);

#endif
