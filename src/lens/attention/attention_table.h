/** What a look at attention and the tries of its cues say, as flat rows.
 *
 *    clh_attention_table table;
 *    clh_attention_table_make(&table, &report, test);
 *    printf("%s %g\n", table.cue[0].cue, table.cue[0].effect);
 *
 *  Texts are borrowed from the report and the program.
 */
#ifndef CLH_ATTENTION_TABLE_H
#define CLH_ATTENTION_TABLE_H

#include "clearhead/attention.h"

/** A cue, over all destinations or those of a slot; NaN for what was not tried. */
typedef struct clh_cue_row {
    const char *slot, *cue; /**< slot NULL: all destinations */
    double effect;
    clh_interval shuffled; /**< with one standard deviation to each side */
    double loss_only, loss_without, accuracy_only, accuracy_without;
} clh_cue_row;

typedef struct clh_slot_row {
    const char *name;
    size_t destinations;
    double scores_position, loss, accuracy;
} clh_slot_row;

typedef struct clh_attention_table {
    size_t slots;
    clh_cue_row cue[CLH_CUES];
    clh_slot_row slot[CLH_SLOTS_MAX];               /**< [slots] */
    clh_cue_row slot_cue[CLH_SLOTS_MAX * CLH_CUES]; /**< [slots, CLH_CUES] */
} clh_attention_table;

/** `test` [CLH_CUES] is of heads of layer 0; NULL: no cue was tried. */
void clh_attention_table_make(clh_attention_table *out, const clh_attention_report *report,
                              const clh_cue_test *test);

#endif
