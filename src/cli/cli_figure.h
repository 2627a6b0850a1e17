/** Figures of a run: what `figure` draws and `run` writes.
 *
 *    clh_error err = {0};
 *    if (clh_figures_write(run, &err)) ...                 // RUN/figures/loss.png, .svg, .pdf, …
 *
 *    clh_sitter subject = clh_sitter_make(run);          // one picture, as a file or as text
 *    clh_figure_ask ask = clh_figure_ask_default(CLH_FIGURE_ATTENTION);
 *    if (clh_figure_draw(&subject, &ask, &(clh_figure_to){.path = "attention.png"}, &err)) ...
 *    clh_sitter_deinit(&subject);
 *
 *  The caller owns the subject; it borrows the run.
 */
#ifndef CLH_CLI_FIGURE_H
#define CLH_CLI_FIGURE_H

#include "clearhead/figure.h"
#include "clearhead/threshold.h"
#include "cli/cli_batch.h"
#include "run/metrics.h"

/** Every head side by side (attention), else the first. */
#define CLH_ALL_HEADS ((size_t)-1)

/** The kinds, in the order of --kind. */
typedef enum clh_figure_kind {
    CLH_FIGURE_LOSS,
    CLH_FIGURE_POSITIONS,
    CLH_FIGURE_ATTENTION,
    CLH_FIGURE_THRESHOLDS,
    CLH_FIGURE_TOKENS,
    CLH_FIGURE_KINDS
} clh_figure_kind;

/** What to draw. */
typedef struct clh_figure_ask {
    clh_figure_kind kind;
    size_t layer;
    size_t head;        /**< or CLH_ALL_HEADS */
    size_t limit;       /**< attention: at most so many positions */
    double threshold;   /**< thresholds: what counts as strongly attended */
    size_t destination; /**< tokens; CLH_NO_DESTINATION: the last that predicts a letter */
} clh_figure_ask;

/** What pictures of a run are made of. */
typedef struct clh_sitter {
    const clh_run *run;
    clh_cli_batch batch; /**< its first sequence is looked at; owned. Without one, the first
                              held-out sequence */
    clh_metrics_log log;
    clh_cache *cache; /**< of that sequence */
    char (*symbols)[16];
    const char **tokens; /**< [pos]: the symbols */
    char **labels;       /**< [pos]: "symbol,position" */
} clh_sitter;

/** Where a picture goes. */
typedef struct clh_figure_to {
    const char *path;         /**< a file; NULL: text */
    clh_terminal_style style; /**< of the text; its title is chosen here */
    char **text;              /**< owned by the caller, clh_free() */
} clh_figure_to;

/** "loss", "positions", "attention", "thresholds", "tokens". */
const char *clh_figure_kind_name(clh_figure_kind kind);

/** The ask that `kind` stands for without further options. */
clh_figure_ask clh_figure_ask_default(clh_figure_kind kind);

/** A subject that has loaded nothing yet; its batch may be set. */
clh_sitter clh_sitter_make(const clh_run *run);

/** Load what `ask` needs and is not there yet: the metrics file, or a forward pass. CLH_EIO,
 *  CLH_EFORMAT; CLH_EINPUT when the run has no such numbers; CLH_ERANGE for a layer, head or
 *  destination that there is not. */
clh_status clh_sitter_load(clh_sitter *subject, const clh_figure_ask *ask, clh_error *err);

/** The pattern of one head of the loaded sequence, [pos, pos]; borrowed. */
const clh_real *clh_sitter_pattern(const clh_sitter *subject, size_t layer, size_t head);

/** Free what it holds. All zero is fine. */
void clh_sitter_deinit(clh_sitter *subject);

/** The threshold table of a loaded subject; the caller owns it (clh_threshold_table_deinit()). */
clh_status clh_figure_thresholds(const clh_sitter *subject, const clh_figure_ask *ask,
                                 clh_threshold_table *table, clh_error *err);

/** The destination whose attention colours the tokens of a loaded subject. */
size_t clh_figure_destination(const clh_sitter *subject, const clh_figure_ask *ask);

/** Load what it needs and draw. Errors of clh_sitter_load() and of clearhead/figure.h. */
clh_status clh_figure_draw(clh_sitter *subject, const clh_figure_ask *ask, const clh_figure_to *to,
                           clh_error *err);

/** Write the standard set of a run folder: loss, positions, attention, thresholds and tokens, each
 *  as .png, .svg and .pdf, into its figures/. What the run has no numbers for is left out.
 *  CLH_ESUPPORT at once when this build cannot write figures; CLH_EINPUT when it is no folder. */
clh_status clh_figures_write(const clh_run *run, clh_error *err);

#endif
