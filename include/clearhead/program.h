/** A program: what a model writes at each scored position, as a text that a person reads and that runs.
 *
 *    clh_program *program = NULL;
 *    char *text = NULL;
 *    clh_program_sums sums = {0};
 *    if (clh_decompile(&program, model, task, NULL, &err) || clh_program_text(&text, program, &err) ||
 *        clh_program_count(&sums, program, &err)) ...
 *    printf("%zu rules\n%s", sums.rules, text);
 *    clh_free(text);
 *    clh_program_close(program);
 *
 *  A rule says of one position: always this token, or the letter at that earlier position, or of the
 *  letters at several positions the one that gathers most weight. docs/formats.md ("Programs") has the
 *  text's grammar. A program is of one task with choices of letters; where its text names none it is of
 *  the task it is read for.
 */
#ifndef CLEARHEAD_PROGRAM_H
#define CLEARHEAD_PROGRAM_H

#include "clearhead/alloc.h"
#include "clearhead/certify.h"

CLH_BEGIN_DECLS

typedef struct clh_program clh_program;

/** Read a text; `name` is what messages call it, "FILE:LINE:COLUMN: ...". `task`, borrowed for the call,
 *  may be NULL where the text names its own. CLH_EFORMAT with line and column, found and wanted; CLH_ESHAPE for a
 *  program of other sizes than `task`. */
CLH_API clh_status clh_program_parse(clh_program **out, const char *text, const char *name,
                                     const clh_task *task, clh_error *err);

/** Read a file. Errors of clh_program_parse(), CLH_EIO. */
CLH_API clh_status clh_program_read(clh_program **out, const char *path, const clh_task *task,
                                    clh_error *err);

/** As clh_program_read(), but `task` is only that of a text that names none: any other may be named. */
CLH_API clh_status clh_program_read_any(clh_program **out, const char *path, const clh_task *task,
                                        clh_error *err);

/** Whether a file begins as a program does, into *out: false also for one that cannot be read. CLH_ENOMEM. */
CLH_API clh_status clh_program_is_file(bool *out, const char *path, clh_error *err);

/** The text of a program, which read again is the same rules. The caller frees it with clh_free(). */
CLH_API clh_status clh_program_text(char **out, const clh_program *program, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_program_close(clh_program *program);

/** The program of a model of one layer and one head, attention only, found in its weights and its
 *  attention over all choices of letters; the task's answers are not looked at. CLH_ESUPPORT for other
 *  models and for a task without choices of letters. */
CLH_API clh_status clh_decompile(clh_program **out, const clh_model *model, const clh_task *task,
                                 const clh_how *how, clh_error *err);

/** The sequence a program writes to these letters ("psM1"): the prompt and then a token a rule, each
 *  from what it wrote before. The caller frees *text with clh_free(). CLH_EINPUT for other letters than
 *  the task has, CLH_EFORMAT for a scored position without a rule. */
CLH_API clh_status clh_program_run(char **text, const clh_program *program, const char *letters,
                                   clh_error *err);

/** Hold a program and a model together on every input of a domain: a certificate in which "right" is what the
 *  program says, of the letters as they stand in the sequence. Margins are not found. Errors of clh_certify(); CLH_ESHAPE for a
 *  task of other sizes, CLH_EFORMAT for a scored position without a rule. */
CLH_API clh_status clh_program_check(clh_certificate *out, const clh_program *program,
                                     const clh_model *model, const clh_task *task,
                                     const clh_certify_options *options, const clh_how *how,
                                     clh_error *err);

/** The pattern that a program is: `pattern` [length, length], row i the weights with which the query at
 *  position i copies, zeros where the rule of position i + 1 is a token; `given` [length]: whether the
 *  row is a rule's. */
CLH_API clh_status clh_program_pattern(const clh_program *program, clh_real *pattern, bool *given,
                                       size_t length, clh_error *err);

/** What a program is made of. */
typedef struct clh_program_sums {
    size_t length, letters; /**< tokens of a sequence; letters of an input */
    size_t scored;          /**< positions that are to have a rule */
    size_t rules, constant, copy, mixture;
    size_t sources;   /**< different positions that rules read */
    size_t hubs;      /**< of these, read by at least 5 % of the rules that copy */
    double hub_share; /**< rules that read a hub first / rules that copy */
    double explained; /**< mean over rules that copy of the attention on the letters they name;
                                            NaN: the program was not decompiled */
    double explained_least; /**< the least over all choices of letters of any rule */
    uint64_t number;        /**< of the algorithm: equal rules, equal numbers */
} clh_program_sums;

CLH_API clh_status clh_program_count(clh_program_sums *out, const clh_program *program,
                                     clh_error *err);

/** What one rule says, in the words of the text: "copy 1.3", "write \" \"", "none"; the name of its
 *  position, "2.3". Borrowed texts of the caller; *reads: the position read first, SIZE_MAX for none. */
typedef struct clh_program_rule_view {
    char position[24], rule[160];
    size_t reads;
    double attention, attention_least; /**< as `explained`, of this rule */
} clh_program_rule_view;

CLH_API clh_status clh_program_rule(clh_program_rule_view *out, const clh_program *program,
                                    size_t position, clh_error *err);

/** How many scored positions two programs have other rules for; `differs` [length] says which, or NULL. CLH_ESHAPE for
 *  programs of other sizes. */
CLH_API clh_status clh_program_diff(size_t *count, bool *differs, const clh_program *a,
                                    const clh_program *b, clh_error *err);

CLH_END_DECLS

#endif
