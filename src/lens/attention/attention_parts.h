/** How a head is looked at: sums that grow with every sequence, row by row of the pattern, and what
 *  is read off them. The algebra is in attention_shares.c.
 *
 *  Whatever is added up belongs to a row (a destination), and a row takes sequences in their
 *  order: so rows may be dealt to threads, and the bytes are those of one. The struct is
 *  attention_look.c's.
 */
#ifndef CLH_ATTENTION_PARTS_H
#define CLH_ATTENTION_PARTS_H

#include "base/platform/pool.h"
#include "lens/attention/cue.h"
#include "measure/sequences/place.h"

enum {
    CLH_LOOK_SCORES,
    CLH_LOOK_PATTERN,
    CLH_LOOK_KINDS,
    CLH_LOOK_VERSIONS = CLH_CUE_SHUFFLES + 1, /**< 0 is the truth, the others shuffles */
};

/** Sums are kept by token and by rank; a level of the other features is a set of tokens. */
enum { CLH_BY_TOKEN, CLH_BY_RANK, CLH_BYS };

/** What the rows of a pattern say of sources, added up. */
typedef struct clh_look_row {
    double effective, mass, prompt;
    size_t prompt_tops, possible, tops, earliest, latest, agree;
} clh_look_row;

/** A sequence being added. Sources whose tokens are the same in every version form a class: their
 *  scores are added up first. */
typedef struct clh_look_sequence {
    size_t index;
    clh_cache *cache;
    uint32_t *at;       /**< [CLH_BYS, CLH_LOOK_VERSIONS, T] level of each source */
    uint32_t *class_of; /**< [T]; room for d_vocab */
    uint32_t *one;      /**< [classes] a source of each */
    size_t classes;
} clh_look_sequence;

/** Whether a source of a row holds the answer; the strongest does, and is the first, or the last, that does. */
enum { CLH_LOOK_HELD = 1, CLH_LOOK_FOUND = 2, CLH_LOOK_EARLIEST = 4, CLH_LOOK_LATEST = 8 };

typedef struct clh_look {
    const clh_model *model;
    const clh_sample *sample;
    clh_attention_report *out;
    clh_cue_levels levels;
    size_t T, threads, batch; /**< batch: sequences in hand */
    uint64_t seed;
    clh_look_sequence *sequence; /**< [threads] */
    clh_look_row *row;           /**< [rows] */
    uint32_t *strongest;         /**< [sequences, rows] */
    unsigned char *answer;       /**< [sequences, rows]: CLH_LOOK_HELD and the like */
    uint32_t *slot_of;           /**< [T] kind of the destination that predicts a position */
    uint32_t *key_slot;          /**< [T] level of a source's slot */
    size_t *counts;              /**< [2, T] zeros; room */
    uint32_t *words;             /**< what the sequences' levels and classes lie in */
    double *memory, *work;       /**< work [threads, work_each]: room for a row, or for levels */
    size_t work_each, most_levels;
    double *mean[CLH_LOOK_KINDS];              /**< [rows, T]: sum over sequences of x, then xbar */
    double *total[CLH_LOOK_KINDS];             /**< [rows] sum of x^2 */
    double *level[CLH_BYS][CLH_LOOK_VERSIONS]; /**< [rows, levels]: sums of x */
    double *number[CLH_BYS][CLH_LOOK_VERSIONS]; /**< [T, levels]: sequences with that level there */
    double *part;                               /**< [rows, CLH_CUES, CLH_LOOK_VERSIONS] */
} clh_look;

/** Intervals of the report's shares, once it has these. CLH_ENOMEM. */
clh_status clh_look_bands(const clh_look *look, clh_error *err);

/** Levels of a row's sums kept `by` token or rank. */
size_t clh_look_levels(const clh_look *look, int by);

/** Levels of a sequence and of its shuffles, their counts, its classes. */
void clh_look_read(clh_look *look, clh_look_sequence *sequence);

/** Add row `r` of the sequences in hand, in order; a task of clh_pool_run(), context the look. */
void clh_look_add_row(void *context, size_t r, size_t worker);

/** Everything in the report, from the sums; less of it once `stop` says so. */
void clh_look_finish(clh_look *look, clh_pool *pool, clh_stop *stop);

#endif
