/** metrics.jsonl: what a run measured, one JSON object a line, appended as it goes.
 *
 *    {"type": "step", "step": 1, "epoch": 1, "samples": 4, "loss": 4.6, "grad_norm": 4.7, "lr":
 *  0.001, "seconds": 0.003, "sum": "1f00ba42"}
 *    {"type": "eval", "step": 0, "token_accuracy": 0.01, "sequence_accuracy": 0, "loss": 4.6,
 *  "loss_per_position": [null, …], "sum": "1f00ba42"}
 *
 *  Lines are written whole, each with its checksum (base/checksum.h). A resumed run drops those past its checkpoint, and a half line that a
 *  killed process may have left.
 */
#ifndef CLH_METRICS_H
#define CLH_METRICS_H

#include "base/base.h"
#include "clearhead/progress.h"

typedef struct clh_metrics clh_metrics;

/** What the lines that were kept say. */
typedef struct clh_metrics_before {
    double seconds; /**< the last of their times; 0 when there is none */
    bool evaluated; /**< the last step before `next` has its evaluation */
} clh_metrics_before;

/** Append to `path`, keeping the lines of steps before `next`, the step that is to come (0: not
 *  even the evaluation before the first; SIZE_MAX: all); *before is of these. CLH_EFORMAT when one that is
 *  looked at is damaged, or when there is no line of the step before `next`: the file is then as it was. */
clh_status clh_metrics_open(clh_metrics **out, const char *path, size_t next,
                            clh_metrics_before *before, clh_error *err);

/** Note a step. */
void clh_metrics_step(clh_metrics *metrics, const clh_progress *progress);

/** Note an evaluation. */
void clh_metrics_evaluation(clh_metrics *metrics, size_t step, const clh_evaluation *evaluation);

/** Hand what was noted to the system. CLH_EIO with path and reason. */
clh_status clh_metrics_flush(clh_metrics *metrics, clh_error *err);

/** The file's descriptor and path, for who brings it down to the disk: a checkpoint that outlives a
 *  power cut must find the lines before it. Borrowed. */
int clh_metrics_file(const clh_metrics *metrics);
const char *clh_metrics_path(const clh_metrics *metrics);

/** Close without flushing. NULL is fine. */
void clh_metrics_close(clh_metrics *metrics);

/** What a metrics file says, for curves; the caller owns the struct. Numbers that were not finite
 *  are NaN. */
typedef struct clh_metrics_log {
    size_t steps, evaluations;
    double *step, *loss;           /**< [steps] */
    double *eval_step, *eval_loss; /**< [evaluations] */
    double *token_accuracy;        /**< [evaluations] */
    double *loss_per_position;     /**< [positions] of the last evaluation */
    size_t positions;
} clh_metrics_log;

/** Read a metrics file; a last line without an end, which a killed run may leave, is passed over.
 *  CLH_EIO; CLH_EFORMAT naming a line that is damaged or not of the step that is to come. All zero after a
 *  failure. */
clh_status clh_metrics_read(clh_metrics_log *out, const char *path, clh_error *err);

/** A step, or the evaluation before the first; NaN for what there is not. */
typedef struct clh_metrics_row {
    size_t step;
    double loss, eval_loss, token_accuracy;
} clh_metrics_row;

/** Steps and evaluations, both ascending, as one list: *rows [*count] is freed with clh_free(). CLH_ENOMEM. */
clh_status clh_metrics_rows(clh_metrics_row **rows, size_t *count, const clh_metrics_log *log,
                            clh_error *err);

/** That the lines of `path` reach to `step`, and with `evaluated` that step's evaluation is there. */
clh_status clh_metrics_check_end(const clh_metrics_log *log, size_t step, bool evaluated,
                                 const char *path, clh_error *err);

/** Of what stands behind the last newline: CLH_EFORMAT for a line whose newline is another byte. */
clh_status clh_metrics_check_rest(const char *rest, size_t length, const char *path,
                                  clh_error *err);

/** Free what the log holds. All zero is fine. */
void clh_metrics_log_deinit(clh_metrics_log *log);

#endif
