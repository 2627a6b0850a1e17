/** The batch of token ids a command looks at: --tokens FILE (JSON), --letters, --text, or a
 *  held-out sequence.
 *
 *    clh_cli_batch batch;
 *    if (clh_cli_batch_init(&batch, inv, run, &err)) ...
 *    clh_forward(clh_run_model(run), &batch.tokens, cache, NULL, &err);
 *    clh_cli_batch_deinit(&batch);
 *
 *  The caller owns the struct; the ids belong to it.
 */
#ifndef CLH_CLI_BATCH_H
#define CLH_CLI_BATCH_H

#include "cli/cli_run.h"

typedef struct clh_cli_batch {
    clh_tokens tokens;   /**< [batch, pos], every id below d_vocab, pos at most n_ctx */
    uint32_t *ids;       /**< what tokens.ids points to; owned */
    size_t first_scored; /**< of every sequence: the task's, 1 without one; 0: not known */
} clh_cli_batch;

/** What the command line asks about. CLH_EUSAGE when it names more than one thing; else as
 *  clh_cli_batch_read() and clh_cli_sequence(). The command must have the options tokens, letters
 *  and text. */
clh_status clh_cli_batch_init(clh_cli_batch *out, const clh_invocation *inv, const clh_run *run,
                              clh_error *err);

/** The first `count` held-out sequences. CLH_ESHAPE when they are not equally long: a mixture of n
 *  has no batch. */
clh_status clh_cli_batch_held_out(clh_cli_batch *out, const clh_run *run, size_t count,
                                  clh_error *err);

/** A JSON array of equally long arrays of token ids, from the file `path` or, for "-", from stdin.
 *  CLH_EFORMAT when it is not JSON, CLH_EINPUT for anything else in it or an id that is not below
 *  d_vocab, CLH_ESHAPE for unequal rows or rows longer than n_ctx, naming row and place. */
clh_status clh_cli_batch_read(clh_cli_batch *out, const char *path, const clh_run *run,
                              clh_error *err);

/** Free what a batch holds. All zero is fine. */
void clh_cli_batch_deinit(clh_cli_batch *batch);

#endif
