/** A certificate that goes on where it was interrupted: what is done so far, in a file.
 *
 *    clh_kept kept = {.of = {model, task, asked, targets, inputs, together, options}, .out = out, .failed = failed,
 *                     .what = "batches of inputs"};
 *    status = clh_kept_open(&kept, tasks, clh_how_watch(how), err);      // goes on from the file, or begins
 *    if (!status)
 *        status = clh_kept_run(&kept, pool, work, gather, context, &stop, err);
 *    clh_kept_deinit(&kept);
 *
 *  Where options->keep names no file, it only runs. The file is written when the work is stopped and every
 *  options->keep_seconds: the workers end the tasks that they are at, then what they counted is written. By
 *  bounds tasks are queries and `failures` takes the place of `failed`.
 */
#ifndef CLH_PROVE_KEPT_H
#define CLH_PROVE_KEPT_H

#include <stdatomic.h>

#include "base/platform/pool.h"
#include "base/sha256.h"
#include "clearhead/safetensors.h"
#include "prove/certificate/certify_parts.h"
#include "prove/decision/failures.h"

/** What is certified: a file is of just this. */
typedef struct clh_kept_of {
    const clh_model *model;
    const clh_task *task;
    const clh_letters_asked *asked; /**< NULL: the task's own domain */
    const clh_target *targets;      /**< [length] of such choices; NULL: the task's own tokens */
    uint64_t inputs;
    size_t together; /**< inputs of a task of the pool */
    const clh_certify_options *options;
} clh_kept_of;

/** What a file says of itself, in this order. */
typedef enum clh_kept_fact {
    CLH_KEPT_KIND,
    CLH_KEPT_VERSION,
    CLH_KEPT_DOMAIN,
    CLH_KEPT_WAY,
    CLH_KEPT_INPUTS,
    CLH_KEPT_COUNT,
    CLH_KEPT_WEIGHTS,
    CLH_KEPT_CONFIG,
    CLH_KEPT_TOGETHER,
    CLH_KEPT_MARGINS,
    CLH_KEPT_HISTOGRAM,
    CLH_KEPT_PROOF,
    CLH_KEPT_FACTS
} clh_kept_fact;

enum { CLH_KEPT_TEXT = CLH_SHA256_TEXT };

/** One task; whether it is done. False where it was stopped in the middle, of which it counts nothing. */
typedef bool clh_kept_work(void *context, size_t task, size_t worker);

typedef struct clh_kept {
    clh_kept_of of;
    clh_certificate *out;      /**< gathered so far */
    _Atomic(uint64_t) *failed; /**< [inputs / 64 + 1]: which inputs fail; NULL: */
    clh_failures *failures;    /**< by bounds */
    const char *what;          /**< tasks are called so */
    _Atomic(uint64_t) *done;   /**< bits [tasks]; NULL: nothing is kept */
    size_t tasks;
    /* Its own. */
    const clh_watch *asks;
    clh_watch watch;
    double next, every; /**< seconds of the clock: of the next writing, between two */
    atomic_bool pausing;
    bool fresh; /**< the file is of nothing done */
    clh_stop *stop;
    clh_kept_work *work;
    void *context;
    char fact[CLH_KEPT_FACTS][CLH_KEPT_TEXT];
} clh_kept;

/** What the workers counted into `out`, after which they begin from 0; fails as one of them did. */
typedef clh_status clh_kept_gather(void *context, clh_error *err);

/** Read the file, or where there is none, write one of nothing done. CLH_EFORMAT for a file that is damaged
 *  or of another kind, CLH_EINPUT for one of another certificate, naming found and wanted; CLH_EIO. */
clh_status clh_kept_open(clh_kept *kept, size_t tasks, const clh_watch *watch, clh_error *err);
/** Where nothing was done the file goes too. */
void clh_kept_deinit(clh_kept *kept);

/** Do the tasks that are not done, gather and write. CLH_STOPPED once the file is written. */
clh_status clh_kept_run(clh_kept *kept, clh_pool *pool, clh_kept_work *work,
                        clh_kept_gather *gather, void *context, clh_stop *stop, clh_error *err);

/* ---- Parts ------------------------------------------------------------------------------------- */

/** Words for so many bits. */
size_t clh_kept_words(uint64_t bits);

/** Make the facts, give them to be written, compare them with those of a file (kept_facts.c). */
clh_status clh_kept_facts(clh_kept *kept, clh_error *err);
void clh_kept_pairs(const clh_kept *kept, clh_pair pairs[CLH_KEPT_FACTS]);
clh_status clh_kept_check(const clh_kept *kept, const clh_safetensors *file, clh_error *err);

/** What is done so far, to the file and from it (kept_file.c). */
clh_status clh_kept_write(const clh_kept *kept, clh_error *err);
clh_status clh_kept_read(const clh_kept *kept, clh_error *err);

#endif
