/** Expected and predicted sequences beside each other, mistakes marked. */
#ifndef CLH_CLI_SAMPLE_H
#define CLH_CLI_SAMPLE_H

#include "clearhead/run.h"
#include "cli/cli.h"

/** One sample; its memory is owned. */
typedef struct clh_cli_sample {
    clh_sequence sequence; /**< expected */
    uint32_t *predicted;   /**< [length]; before first_scored the prompt itself */
    size_t length;         /**< tokens predicted: as many as expected, or as were written */
    bool free;             /**< each from the model's own output before it */
    bool answered;         /**< there is an expected sequence to hold it against */
} clh_cli_sample;

/** Predict `sequence` (taken over; its tokens are freed with the sample). Teacher-forced: each
 *  scored token from the right ones before it. Free: from first_scored on the model's own are fed
 *  back; where nothing is expected (`answered` false) the whole sequence is the prompt and the model
 *  writes until its period or n_ctx. */
clh_status clh_cli_sample_make(clh_cli_sample *out, const clh_model *model, const clh_task *task,
                               clh_sequence *sequence, bool free, bool answered, clh_error *err);

/** Print expected, predicted and marks under mistakes, in lines of `width` columns. */
void clh_cli_sample_print(const clh_cli_sample *sample, const clh_task *task, bool colour,
                          size_t width);

/** Print as a JSON object on one line. */
clh_status clh_cli_sample_print_json(const clh_cli_sample *sample, const clh_task *task,
                                     clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_cli_sample_deinit(clh_cli_sample *sample);

#endif
