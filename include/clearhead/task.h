/** A task: a vocabulary, sequences that are computed when asked for, which predictions count, the
 *  exact domain of inputs, and a split into training and test that never overlap.
 *
 *    clh_task *task = NULL;
 *    const clh_task_setting settings[] = {{"n", "4"}, {"letters", "ordered"}, {NULL, NULL}};
 *    clh_task_config config = {.name = "permutations", .settings = settings, .seed = 0};
 *    if (clh_task_open(&task, &config, &err)) ...
 *    uint32_t room[clh_task_length_max(task)];
 *    clh_sequence sequence = {.tokens = room, .capacity = clh_task_length_max(task)};
 *    if (clh_task_draw(task, CLH_SPLIT_TRAIN, k, &sequence, &err)) ...      // the k-th of the split
 *    clh_task_close(task);
 *
 *  All of it is a function of (config, k): nothing is remembered, so any worker, shard or resumed
 *  run sees the same data, and every function but open and close may be called from any thread.
 *  Tasks live in src/task/<name>/ behind clh_task_ops and are listed in src/task/tasks.def.
 */
#ifndef CLEARHEAD_TASK_H
#define CLEARHEAD_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"
#include "clearhead/error.h"
#include "clearhead/vocab.h"

CLH_BEGIN_DECLS

typedef struct clh_task clh_task;

typedef enum clh_split { CLH_SPLIT_TRAIN = 0, CLH_SPLIT_TEST = 1 } clh_split;

/** A setting of a task by name and text, as on the command line: "n", "2,3". */
typedef struct clh_task_setting {
    const char *name, *text;
} clh_task_setting;

/** What makes a task; zero means the default. Borrowed texts must outlive clh_task_open() only. */
typedef struct clh_task_config {
    const char *name;                 /**< "permutations" (default), "lines", … */
    const clh_task_setting *settings; /**< the task's own, ends with a NULL name; those it does not
                                           name, and NULL, have their defaults */
    uint64_t seed;                    /**< decides split and order */
    size_t first_scored;              /**< index of the first token whose prediction is scored; 0
                                           means the task's own: n + 2 for permutations, 1 for lines */
    size_t test_sequences; /**< lines: how many lines at the end are held out; permutations
                                           hold out a fifth of the sets of letters whatever it is */
} clh_task_config;

/** The settings of every task side by side, as a run keeps them. They are set and read by name:
 *  clh_run_layer_set(), clh_run_config_text(). */
enum { CLH_TASK_SETTINGS_MAX = 4096 };
typedef union clh_task_settings {
    uint64_t align;
    unsigned char bytes[CLH_TASK_SETTINGS_MAX];
} clh_task_settings;

/** One sequence in memory of the caller. */
typedef struct clh_sequence {
    uint32_t *tokens;    /**< written; `capacity` entries of room */
    size_t capacity;     /**< at least clh_task_length_max() */
    size_t length;       /**< tokens written */
    size_t first_scored; /**< predictions of tokens first_scored … length-1 count */
} clh_sequence;

/** Make a task. CLH_ECONFIG, CLH_ERANGE, CLH_EIO or CLH_EFORMAT, naming what was found and wanted;
 *  CLH_EINPUT for a line that is held out and also trained on. */
CLH_API clh_status clh_task_open(clh_task **out, const clh_task_config *config, clh_error *err);

/** Free a task. NULL is fine. */
CLH_API void clh_task_close(clh_task *task);

/** Name it was opened under; borrowed. */
CLH_API const char *clh_task_name(const clh_task *task);

/** Number of token ids; and the number below which those are that are predicted. */
CLH_API size_t clh_task_d_vocab(const clh_task *task);
CLH_API size_t clh_task_d_vocab_out(const clh_task *task);

/** Length in tokens of the longest sequence. */
CLH_API size_t clh_task_length_max(const clh_task *task);

/** How many kinds of sequences it mixes, of different lengths: the values of n; mostly 1. */
CLH_API size_t clh_task_mixture(const clh_task *task);

/** How many elements of the domain a split holds; of a domain that is not counted, how many draws are
 *  surely different. No set of letters is in both splits: the sets of
 *  m letters are shuffled by (seed, m) and a fifth of them, rounded down, is held out, whatever n
 *  and the order or repeats of the letters. Of lines, no two equal ones are in different splits. */
CLH_API uint64_t clh_task_split_size(const clh_task *task, clh_split split);

/** The k-th sequence of a split: any k; each round of clh_task_split_size() visits every element
 *  once in a new order, but for lines with the setting order "file". In a mixture every n comes once in
 *  each n_count draws, in shuffled order, and goes its own rounds. CLH_ERANGE when the split is
 *  empty, CLH_ESHAPE when `out` has too little room; `out` is then untouched. */
CLH_API clh_status clh_task_draw(const clh_task *task, clh_split split, uint64_t k,
                                 clh_sequence *out, clh_error *err);

/** Number of elements of the domain; 0 when there are too many to be counted: they have no ranks then
 *  (CLH_ESUPPORT). */
CLH_API uint64_t clh_task_domain_size(const clh_task *task);

/** The element of the domain at `rank` < clh_task_domain_size(), in lexicographic order of
 *  vocabulary positions (smaller n first in a mixture; file order for lines). */
CLH_API clh_status clh_task_unrank(const clh_task *task, uint64_t rank, clh_sequence *out,
                                   clh_error *err);

/** Rank of a sequence in the domain, the first of equal lines; CLH_NO when it is not an element
 *  (the message says why). */
CLH_API clh_status clh_task_rank(const clh_task *task, const uint32_t *tokens, size_t length,
                                 uint64_t *rank, clh_error *err);

/** Which split the element at `rank` belongs to. */
CLH_API clh_status clh_task_split_of(const clh_task *task, uint64_t rank, clh_split *split,
                                     clh_error *err);

/** Tokens of a text; CLH_EINPUT names the unknown symbol and its place, CLH_ESHAPE when longer than
 *  `capacity`. */
CLH_API clh_status clh_task_encode(const clh_task *task, const char *text, uint32_t *tokens,
                                   size_t capacity, size_t *length, clh_error *err);

/** Text of tokens, owned by the caller (clh_free()), into *text; CLH_EINPUT names an id that is not
 *  in the vocabulary. Tokens without a symbol are written as <id>. */
CLH_API clh_status clh_task_decode(const clh_task *task, const uint32_t *tokens, size_t length,
                                   char **text, clh_error *err);

/** What its token ids stand for; borrowed. NULL of NULL. */
CLH_API const clh_vocab *clh_task_vocab(const clh_task *task);

/** The symbol of one token, terminated, into `out`: "a", " ", or "<17>" where there is none; "17" of a task
 *  whose ids stand for nothing. A longer one is cut, never inside a character: clh_vocab_symbol() has all of it. */
CLH_API void clh_task_symbol(const clh_task *task, uint32_t token, char out[16]);

/** The whole sequence that a choice of letters asks for ("psM1" -> "> psM1 ps1M …"), also for
 *  letters out of order or repeated and for any n of 1 … 6. CLH_EINPUT names a symbol that is no
 *  letter, or how many letters there are; CLH_ESHAPE when it is longer than `out` has room for;
 *  CLH_ESUPPORT for tasks without letters. */
CLH_API clh_status clh_task_expand(const clh_task *task, const char *letters, clh_sequence *out,
                                   clh_error *err);

/** A sequence that stands for all of the longest, as "abcd" for any four letters. CLH_ESHAPE when
 *  `out` has too little room, CLH_ESUPPORT for tasks that have none. */
CLH_API clh_status clh_task_example(const clh_task *task, clh_sequence *out, clh_error *err);

/** What stands at `position` < `length` of a sequence of `length` tokens: "start", "term 3 slot 2",
 *  "space 2" (the one before term 2), "period"; "position 17" of a task without names; into `out`. Terms, slots
 *  and spaces count from 1, positions from 0. A length that the task's n does not have is taken for
 *  the beginning of its least n that is longer. */
CLH_API void clh_task_label(const clh_task *task, size_t length, size_t position, char out[48]);

/** What kind of token a position asks for, for accuracy by kind: 1 and more are the task's own,
 *  CLH_TOKEN_OTHER is whatever it has no name for. */
typedef unsigned clh_token_kind;

enum { CLH_TOKEN_OTHER = 0, CLH_TOKEN_KINDS = 5 /**< at most, with the other */ };

/** A kind of token of a task. */
typedef struct clh_token_row {
    const char *name;     /**< "letter" */
    const char *heading;  /**< over a column: "letters" */
    const char *accuracy; /**< name of the ratio of those predicted right: "letter_accuracy"; NULL
                               for a kind that is never predicted */
    bool closes;          /**< only ever the last of a sequence */
} clh_token_row;

/** Kind of `position` in a sequence of `length` tokens. */
CLH_API clh_token_kind clh_task_kind(const clh_task *task, size_t length, size_t position);

/** The kinds a task names, *count < CLH_TOKEN_KINDS of them: the row of kind k is [k - 1].
 *  Borrowed from the task; none for a task of NULL. */
CLH_API const clh_token_row *clh_task_kinds(const clh_task *task, size_t *count);

/** The kind of the letters that clh_task_expand() takes; CLH_TOKEN_OTHER for a task without. */
CLH_API clh_token_kind clh_task_letter_kind(const clh_task *task);

CLH_END_DECLS

#endif
