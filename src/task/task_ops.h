/** What a task implements. clh_task_*() checks arguments and calls these; a new task is a folder
 *  src/task/<name>/ that defines one such table, and one row in src/task/tasks.def:
 *
 *    typedef struct settings { size_t p; } settings;
 *    static const clh_key keys[] = {
 *        {.name = "p", .kind = CLH_KEY_SIZE, CLH_SETTING(settings, p), .fallback = "113",
 *         .values = "[2, 1000]", .resets = "n_ctx d_vocab", .help = "the modulus"}};
 *    const clh_task_ops clh_name_ops = {.keys = keys, .key_count = CLH_COUNT(keys),
 *                                       .settings_size = sizeof(settings), .open = name_open,
 *                                       .close = name_close, .draw = name_draw, ...};
 *
 *  Nothing else knows the task: the command line, config files, help and man pages take its keys,
 *  the model its sizes, training its defaults, measures its kinds of token and of input.
 *
 *  `state` is the task's own memory, made by open and freed by close; between the two it is only
 *  read, so that every other function may run on many threads at once.
 */
#ifndef CLH_TASK_OPS_H
#define CLH_TASK_OPS_H

#include "base/keys.h"
#include "clearhead/task.h"
#include "task/vocab_parts.h"

/** What is known of a run beside its task's settings, to a task that reads files. */
typedef struct clh_task_of_run {
    size_t n_ctx, d_vocab, epoch_sequences; /**< sizes of the task that its files had */
    const char *kept; /**< the run's own copy of a file; NULL: there is none */
    bool away;        /**< its files need not be there: facts.away then says why not */
    bool changed;     /**< they may have other content than the settings' record says */
} clh_task_of_run;

/** What every task is told, beside its own settings. */
typedef struct clh_task_given {
    uint64_t seed;
    size_t first_scored;   /**< 0: nobody said */
    size_t test_sequences; /**< held-out sequences wanted; 0: nobody said */
    size_t n_ctx;          /**< tokens that the model reads at most; 0: nobody said */
    const clh_vocab
        *vocab; /**< what ids of its files stand for, where the task takes_vocab; NULL: what
                                     the task says */
    const clh_task_of_run *run; /**< NULL: the task is of no run there is */
} clh_task_given;

enum { CLH_TASK_EPOCH_MOST = 1000, CLH_TASK_TEST_MOST = 100 };

/** What does not change while a task is open, and what suits it; filled by open. Zero is "no wish":
 *  the general rule holds. */
typedef struct clh_task_facts {
    clh_vocab vocab;
    size_t length_max;      /**< tokens of the longest sequence */
    uint64_t domain_size;   /**< elements in all; 0: too many to be counted, with these settings */
    uint64_t split_size[2]; /**< elements of CLH_SPLIT_TRAIN and CLH_SPLIT_TEST; where they are too
                                 many to be counted, a number of draws that are surely different */
    size_t
        mixture; /**< kinds of sequences it mixes, each of another length and equally often drawn,
                         shorter ones first in the domain; 0 stands for 1 */

    /* Automatic values of a run's keys. */
    size_t d_vocab_out;     /**< ids that are predicted are below it; 0: as many as are read */
    size_t first_scored;    /**< of every sequence; 0: each sequence has its own */
    bool scores_itself;     /**< first_scored may be 0: each sequence's own */
    size_t epoch_sequences; /**< 0: the training split, at most CLH_TASK_EPOCH_MOST */
    size_t test_sequences;  /**< 0: the test split, at most CLH_TASK_TEST_MOST */
    /* Of a task that reads files: why there is no sequence to be had, and how what is there differs
     * from the record; NULL: nothing of the kind. Memory of the state. */
    const clh_error *away;
    const char *changed;

    /** Defaults of any other key of a run, "weight_decay" and "1", that the user may still set; ends
     *  with a NULL name. A constant, or memory of the state. A key that follows (`resets`) from one
     *  that the user set is left to follow. */
    const clh_task_setting *defaults;
} clh_task_facts;

/** What a task of sums modulo p is: of every sequence the token at `answer` is that at `a` plus, or in all of
 *  them less, that at `b`, modulo p. The number x is token x; the domain has each pair once. */
typedef struct clh_task_sum {
    size_t p;
    size_t a, b, answer; /**< positions; length_max tokens in all */
} clh_task_sum;

typedef struct clh_variant_row clh_variant_row;

/** Which sequence of a variant: number `index` of `count`. */
typedef struct clh_variant_ask {
    uint64_t seed;
    size_t count, index;
} clh_variant_ask;

/** A kind of input unlike those a model is trained on, as clearhead/variant.h has it. */
struct clh_variant_row {
    const char *name, *text;
    size_t skip; /**< tokens that the task's sequences have in front and these do not */
    /** CLH_ERANGE where this task, with its settings, has none of it; NULL: it always has. */
    clh_status (*check)(const void *state, const clh_variant_row *row, clh_error *err);
    /** Write one sequence, a function of (state, row, ask); NULL: the test split as it is drawn. */
    clh_status (*draw)(const void *state, const clh_variant_row *row, const clh_variant_ask *ask,
                       clh_sequence *out, clh_error *err);
    const void *how; /**< for the two of them */
};

/** The interface. Unless said otherwise the contract is that of the clh_task_*() of the same name
 *  in clearhead/task.h, and the caller has already checked: ranks below domain_size, a split that
 *  is not empty, length_max tokens of room. Ranks go in lexicographic order of tokens, shorter
 *  sequences of a mixture first, but where a task reads a file. What may be NULL says so. */
typedef struct clh_task_ops {
    /** The task's settings: keys over a struct of its own of `settings_size` bytes, which is all
     *  zero where no key lies. A key has a name that no other key of a run and no key of another
     *  task has, and a default unless it is a record; its section is the task's name. */
    const clh_key *keys;
    size_t key_count, settings_size;
    /** How many of its keys, from the first on, stand in the config.json of runs of other tasks too,
     *  as they did when there were no others. For new tasks 0. */
    size_t in_every_config;
    /** What ids stand for may be given: facts.vocab then is it. */
    bool takes_vocab;
    /** open reads files, which need not be there any more when a config is read. */
    bool reads_file;
    /** Write into the settings' keys that are a `record` what open found in the files; `step`: how many
     *  steps were trained on what the record said before. NULL: there are none. */
    void (*record)(const void *state, void *settings, size_t step);
    /** What the file that `key` is the path of holds, for a run to keep a copy; false: it is not to.
     *  NULL: never. */
    bool (*content)(const void *state, const clh_key *key, const char **bytes, size_t *length);

    /** Make the state and fill the facts, which are zero; on failure nothing is left behind. Every
     *  key of `settings` has a value that its row allows. */
    clh_status (*open)(void **state, clh_task_facts *facts, const void *settings,
                       const clh_task_given *given, clh_error *err);
    void (*close)(void *state);
    /** Write the k-th sequence of a split: tokens, length, first_scored. */
    void (*draw)(const void *state, clh_split split, uint64_t k, clh_sequence *out);
    /** All three NULL for a task whose domain is too large to be counted whatever its settings;
     *  none is called where domain_size is 0. */
    void (*unrank)(const void *state, uint64_t rank, clh_sequence *out);
    clh_status (*rank)(const void *state, const uint32_t *tokens, size_t length, uint64_t *rank,
                       clh_error *err);
    clh_split (*split_of)(const void *state, uint64_t rank);

    /** The kinds of token, at most CLH_TOKEN_KINDS - 1: kinds[k - 1] is kind k. NULL: every token is
     *  of kind CLH_TOKEN_OTHER. */
    const clh_token_row *kinds;
    size_t kind_count;
    clh_token_kind (*kind)(const void *state, size_t length, size_t position);
    /** NULL: "position 17". */
    void (*label)(const void *state, size_t length, size_t position, char out[48]);
    /** Kinds of input, at most CLH_VARIANTS_MAX; the first is the held-out sequences as they are
     *  drawn. NULL: no other than these. */
    const clh_variant_row *variants;
    size_t variant_count;

    /** NULL for a task without letters. The room in `out` is for expand itself to check. */
    clh_status (*expand)(const void *state, const char *letters, clh_sequence *out, clh_error *err);
    clh_token_kind letter; /**< the kind of what expand takes; 0 where there is no expand */
    /** A sequence that stands for all of the longest; NULL: there is none that would. */
    void (*example)(const void *state, clh_sequence *out);
    /** Settings, instead of the defaults in `settings`, of the longest sequences that a model of
     *  these sizes reads and predicts; false: there are none. NULL: false. */
    bool (*fit)(void *settings, size_t n_ctx, size_t d_vocab, size_t d_vocab_out);
    /** What is summed; CLH_ESUPPORT naming the setting with which it is no sum. NULL: it never is. */
    clh_status (*sum)(const void *state, clh_task_sum *out, clh_error *err);
    /** Of the settings of a mixture make those of its sequences of one n, each of which stays on its side of
     *  the split. CLH_EUSAGE naming those there are. NULL: the task's sequences have no n. */
    clh_status (*narrow)(void *settings, size_t n, clh_error *err);
    /** Name of a run's folder, "n5-seed3", at most 47 characters; NULL: "<task>-seed3". */
    void (*run_name)(const void *settings, uint64_t seed, char out[48]);
} clh_task_ops;

/** An open task. */
struct clh_task {
    const char *name;
    const clh_task_ops *ops;
    clh_task_facts facts;
    void *state;
    clh_vocab *vocab; /**< given to it, which facts.vocab is a copy of; NULL: none was */
};

/** What a task of sums modulo p is; CLH_ESUPPORT, saying what the task is instead, for any other. */
clh_status clh_task_get_sum(const clh_task *task, clh_task_sum *out, clh_error *err);

/** A row of tasks.def. */
typedef struct clh_task_row {
    const char *name;
    const clh_task_ops *ops;
} clh_task_row;

/** The table of tasks, *count of them. */
const clh_task_row *clh_task_rows(size_t *count);

/** The place of the task called `name` into *row; CLH_ECONFIG naming those there are. */
clh_status clh_task_row_find(size_t *row, const char *name, clh_error *err);

/** As clh_task_open(), with the settings as the task's own struct, whose keys are checked. */
clh_status clh_task_open_row(clh_task **out, const clh_task_row *row, const void *settings,
                             const clh_task_given *given, clh_error *err);

/* ---- Settings ---- */

/** Where those of the task at `row` begin in clh_task_settings. */
size_t clh_task_settings_place(size_t row);

/** Every key of a task at its default. */
void clh_task_settings_default(const clh_task_ops *ops, void *settings);

/** The defaults, and on them what is `given` (NULL: nothing). CLH_ECONFIG or CLH_ERANGE naming key,
 *  found and wanted. */
clh_status clh_task_settings_take(const clh_task_ops *ops, void *settings,
                                  const clh_task_setting *given, clh_error *err);

/** Whether every key has a value that its row allows. */
clh_status clh_task_settings_check(const clh_task_ops *ops, const void *settings, clh_error *err);

#endif
