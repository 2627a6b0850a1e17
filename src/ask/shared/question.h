/** A question: a row of the table src/ask/questions/questions.def, a file beside it that exports one constant.
 *
 *    typedef struct heads_settings { size_t count; } heads_settings;
 *    static const clh_key keys[] = {
 *        CLH_ROW(heads_settings, count, SIZE, "500", "[1, 1000000]", "how many sequences")};
 *    const clh_question clh_question_heads = {
 *        .name = "heads", .summary = "…", CLH_SETTINGS(keys, heads_settings),
 *        .needs = CLH_NEEDS_TASK, .schema = schema, .ask = ask_heads};
 *
 *  `ask` computes with the floors below and fills the result; it prints, draws and writes nothing.
 *  Help, man page, completion, JSON schema and the command line are loops over these constants.
 */
#ifndef CLH_QUESTION_H
#define CLH_QUESTION_H

#include "base/keys.h"
#include "base/stop.h"
#include "clearhead/ask.h"
#include "result/build.h"

/** What a question wants of its subject: a row each in needs.c. */
enum clh_needs {
    CLH_NEEDS_NOTHING = 1,      /**< no subject at all */
    CLH_NEEDS_TASK = 2,         /**< sequences */
    CLH_NEEDS_HELD_OUT = 4,     /**< sequences it was not trained on */
    CLH_NEEDS_LETTERS = 8,      /**< a task of letters */
    CLH_NEEDS_ONE_N = 16,       /**< no mixture of lengths */
    CLH_NEEDS_ONE_HEAD = 32,    /**< one layer, one head */
    CLH_NEEDS_ATTENTION = 64,   /**< at least one layer */
    CLH_NEEDS_RUN = 128,        /**< the folder of a run that was trained: metrics, checkpoints */
    CLH_ABOUT_WHOLE_RUN = 256,  /**< of all checkpoints at once: refuses one of them */
    CLH_NEEDS_CAUSAL = 512,     /**< queries that see no key behind them */
    CLH_NEEDS_POSITIONS = 1024, /**< embeddings of positions in the residual stream */
    CLH_NEEDS_NO_N = 2048,      /**< looks at no sequences, so n of a mixture chooses nothing */
    CLH_NEEDS_SUMS = 4096,      /**< a task of sums or differences modulo p */
};

/** A file that a question can print in place of its result, which another command reads: nothing is
 *  computed for it. *out is the caller's, freed with clh_free(). */
typedef struct clh_question_file {
    const char *name, *help; /**< "edits": the command calls it --as-edits */
    clh_status (*text)(char **out, const clh_subject *s, const void *settings, clh_error *err);
} clh_question_file;

typedef struct clh_question clh_question;
struct clh_question {
    const char *name, *summary;
    const char *description; /**< paragraphs, an empty line between them */
    const char *examples;    /**< lines "clearhead … # what it does" */
    const clh_key *keys;
    size_t key_count, settings_size;
    /** Settings that a command takes as words in front of the run, in this order: "file"; each a text
     *  that must be given. NULL: none. */
    const char *words;
    unsigned needs;
    const clh_schema *schema;
    const char
        *over; /**< paths of the numbers shown over checkpoints, over seeds and against another
                           run, commas between; NULL: the headline numbers */
    clh_status (*ask)(clh_result *out, clh_subject *s, const void *settings, const clh_how *how,
                      clh_error *err);
    /** All its keys where they are made from another table, *count of them; NULL: `keys`. */
    const clh_key *(*make_keys)(size_t *count);
    /** Sets one of its settings in a way of its own; NULL: as keys are set. */
    clh_status (*set)(void *settings, const clh_key *key, const char *text, clh_error *err);
    /** Refuses settings that cannot be, before anything is computed; NULL: nothing to refuse. */
    clh_status (*check)(const clh_subject *s, const void *settings, clh_error *err);
    const clh_question_file *as; /**< NULL: none */
    /** Its setting that names a file which one asking goes on from: none over checkpoints, seeds or against another run.
     *  NULL: it has none. */
    const char *goes_on;
    /** A model that it makes, the caller's: the command's --out writes it as a run where its path has no
     *  ending. NULL: none. */
    clh_status (*make)(clh_model **out, clh_subject *s, const void *settings, const clh_how *how,
                       clh_error *err);
};

/** How many sequences a question is asked of: its setting `count`. */
#define CLH_ROW_COUNT(type, fallback, values)                                                      \
    CLH_ROW(type, count, SIZE, fallback, values, "how many held-out sequences")

/** The settings of a question, *count of them. */
const clh_key *clh_question_keys(const clh_question *question, size_t *count);

/** How many settings are words in front of the run, and the key of the one at `index`. */
size_t clh_question_words(const clh_question *question);
const clh_key *clh_question_word(const clh_question *question, size_t index);

/** CLH_OK when the subject, which may be NULL, has what the question needs; else what is missing. */
clh_status clh_needs_check(const clh_question *question, const clh_subject *subject,
                           clh_error *err);

/** The needs as JSON: ["task", "one_n"]. */
void clh_needs_json(unsigned needs, clh_strbuf *out);

/** The tasks that can have what is needed, each between two texts, commas between: made from the table
 *  of tasks. */
void clh_needs_tasks(unsigned needs, const char *before, const char *after, clh_strbuf *out);

/** Which tasks and models are taken, in words: "permutations; with letters", "any; with at least one
 *  layer". */
void clh_needs_text(unsigned needs, clh_strbuf *tasks, clh_strbuf *models);

/* ---- Settings ---- */

/** A setting of no value: a size that was not given. */
#define CLH_UNSET ((size_t)-1)

/** CLH_EUSAGE with the text of the first that is so, of settings that do not go together:
 *  clh_refuse(err, {a && b, "a and b are both given, want one of them"}, {...}). */
typedef struct clh_refusal {
    bool so;
    const char *text;
} clh_refusal;
clh_status clh_refuse_first(const clh_refusal *rows, clh_error *err);
#define clh_refuse(err, ...)                                                                       \
    clh_refuse_first((const clh_refusal[]){__VA_ARGS__, {false, NULL}}, err)

/* ---- What questions share ---- */

/** A run that is open, the subject's from here on, also where this fails. CLH_ENOMEM. */
clh_status clh_subject_of_run(clh_subject **out, clh_run *run, clh_error *err);

/** The first `count` held-out sequences; those of training where none is held out. Borrowed from
 *  the subject, which draws them once. */
clh_status clh_subject_sample(const clh_sample **out, clh_subject *s, size_t count, clh_error *err);

/** What the model as it is does on a sample of the subject; measured once, borrowed. */
clh_status clh_subject_plain(const clh_measure **out, clh_subject *s, const clh_sample *sample,
                             const clh_how *how, clh_error *err);

/** A model that the question made of the subject with these settings, which is the subject's from here on: clh_ask_run()
 *  writes it, and does not make it a second time. What was made before is forgotten. */
void clh_subject_made(clh_subject *s, const clh_question *question, const void *settings,
                      clh_model *model);

/** That model; NULL: none was made with these settings. Borrowed. */
const clh_model *clh_subject_made_by(const clh_subject *s, const clh_question *question,
                                     const void *settings);

/** SHA-256 of the parameters in the order of the layout, as hexadecimal digits; borrowed. */
const char *clh_subject_hash(clh_subject *s);

#endif
