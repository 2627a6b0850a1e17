/** Questions: one subject, one question by name, one result.
 *
 *    clh_subject *subject = NULL;
 *    clh_settings *settings = NULL;
 *    clh_result *result = NULL;
 *    if (clh_subject_open(&subject, "runs/notebook@100", &err) ||
 *        clh_settings_open(&settings, "causal", &err) ||
 *        clh_settings_set(settings, "count", "500", &err) ||
 *        clh_ask(&result, subject, "causal", settings, NULL, &err)) ...
 *    printf("%g\n", clh_result_number(result, "pattern_mean.recovered"));
 *    clh_result_close(result);
 *    clh_settings_close(settings);
 *    clh_subject_close(subject);
 *
 *  clh_question_name(i) walks the questions there are; clh_questions_json() tells all about them:
 *  settings, what they need, what their results hold.
 *
 *  A subject serves one thread at a time: it keeps the samples it has drawn and what the plain model
 *  does on them, for the next question. Every function refuses NULL where it needs something.
 */
#ifndef CLEARHEAD_ASK_H
#define CLEARHEAD_ASK_H

#include "clearhead/measure.h"
#include "clearhead/result.h"
#include "clearhead/run.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

typedef struct clh_subject clh_subject;
typedef struct clh_settings clh_settings;

/* ---- What is asked about ---- */

/** Open "RUN" (its last weights), "RUN@STEP" (a checkpoint) or a .safetensors file that carries its
 *  config. A path that exists wins over RUN@STEP. Errors of clh_run_open(); CLH_EINPUT when RUN has
 *  no checkpoint of that step (names the nearest). */
CLH_API clh_status clh_subject_open(clh_subject **out, const char *where, clh_error *err);

/** The same, with the data of its run elsewhere; `data` as clh_run_open_data() takes it. */
CLH_API clh_status clh_subject_open_data(clh_subject **out, const char *where,
                                         const clh_run_data *data, clh_error *err);

/** A model in memory with its task, which may be NULL; both borrowed. */
CLH_API clh_status clh_subject_of(clh_subject **out, const clh_model *model, const clh_task *task,
                                  clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_subject_close(clh_subject *subject);

/** Its model, and its task and run, which may be NULL; borrowed. */
CLH_API const clh_model *clh_subject_model(const clh_subject *subject);
CLH_API const clh_task *clh_subject_task(const clh_subject *subject);
CLH_API const clh_run *clh_subject_run(const clh_subject *subject);

/** What its token ids stand for: what its task says, or nothing but themselves; borrowed. */
CLH_API const clh_vocab *clh_subject_vocab(const clh_subject *subject);

/** Where it was opened from, without the step: "runs/notebook"; "" for a model in memory. */
CLH_API const char *clh_subject_path(const clh_subject *subject);

/** Optimizer steps its weights have seen, and the seed of its run; 0 for a model in memory. */
CLH_API size_t clh_subject_step(const clh_subject *subject);
CLH_API uint64_t clh_subject_seed(const clh_subject *subject);

/* ---- What can be asked ---- */

/** Name of the question at `index`: "causal"; NULL past the last. */
CLH_API const char *clh_question_name(size_t index);

/** Every question as JSON: name, summary, settings with types, ranges and defaults, needs, and the
 *  schema of its result. The caller frees it with clh_free(); NULL when out of memory. */
CLH_API char *clh_questions_json(clh_error *err);

/** The settings of a question at their defaults. CLH_EUSAGE when there is no such question (names
 *  the nearest). */
CLH_API clh_status clh_settings_open(clh_settings **out, const char *question, clh_error *err);

/** Set one by name and text. CLH_ECONFIG or CLH_ERANGE naming key, found and wanted. */
CLH_API clh_status clh_settings_set(clh_settings *settings, const char *name, const char *text,
                                    clh_error *err);

/** That a part of the result is going to be read: an array that takes as long as the rest ("proof" of
 *  certify) is then computed with it, under its watch, and not a second time when it is first read.
 *  CLH_EUSAGE when the question's result has no such part (names the nearest). */
CLH_API clh_status clh_settings_want(clh_settings *settings, const char *part, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_settings_close(clh_settings *settings);

/* ---- Asking ---- */

/** Ask. `settings` NULL: the defaults. `subject` may be NULL for a question that needs none. The
 *  result carries run, step, seed, hash of the weights, settings and version. Arrays are computed when
 *  they are first read, from the subject's model: keep it open until then. CLH_ESUPPORT or
 *  CLH_EINPUT, naming what is missing, when the question does not fit the subject; CLH_STOPPED when
 *  the watch said so; errors of what is computed. */
CLH_API clh_status clh_ask(clh_result **out, clh_subject *subject, const char *question,
                           const clh_settings *settings, const clh_how *how, clh_error *err);

/** What clh_ask() would refuse, found out before anything is computed. */
CLH_API clh_status clh_ask_check(const clh_subject *subject, const char *question,
                                 const clh_settings *settings, clh_error *err);

/** Write the model that a question can make ("repair") as a run at `path`, which holds none yet: with the
 *  config of the subject's run, `init` naming that and no training. Where the question was asked last with
 *  these settings, that model is there already. CLH_EUSAGE for a question that makes
 *  none; errors of clh_ask_check() and clh_run_create(). */
CLH_API clh_status clh_ask_run(const char *path, clh_subject *subject, const char *question,
                               const clh_settings *settings, const clh_how *how, clh_error *err);

/** The file that a question can print in place of its result: that of "causal" is its interventions as
 *  edits (docs/formats.md), which the question "edit" measures to the same bits. The caller frees *out
 *  with clh_free(). CLH_EUSAGE for a question that has none; errors of clh_ask_check(). */
CLH_API clh_status clh_ask_file(char **out, const clh_subject *subject, const char *question,
                                const clh_settings *settings, clh_error *err);

/** Told each checkpoint's own result as soon as it is there, and the table as far as it is, whose last
 *  row is that checkpoint's. What is returned other than CLH_OK ends the asking. */
typedef clh_status clh_each(clh_result *one, const clh_result *so_far, void *user, clh_error *err);

/** Ask every checkpoint of the subject's run, in order. The result has a table "steps": a row for
 *  each, a column for each of `numbers` (paths, commas between; NULL: the headline numbers).
 *  `each`, which may be NULL, is told every checkpoint's own result. CLH_EUSAGE for a question about
 *  a whole run, or a number it has not. */
CLH_API clh_status clh_ask_steps(clh_result **out, clh_subject *subject, const char *question,
                                 const clh_settings *settings, const char *numbers, clh_each *each,
                                 void *user, const clh_how *how, clh_error *err);

/** Ask the subject's run as it comes out with seeds 0 … `count` - 1, each trained in a folder of its
 *  own below `folder` (NULL: "RUN/seeds") where it is not yet, `how->threads` of them at a time. With the
 *  folder "" they are trained in memory and nothing is kept of them; CLH_EUSAGE for a question that needs the
 *  folder of a run, or where data is elsewhere or `ask_n` chosen. The
 *  result has tables "numbers" (least, median, most of each), "votes" (how many seeds gave which
 *  answer to a verdict) and "seeds" (a row for each). */
CLH_API clh_status clh_ask_seeds(clh_result **out, clh_subject *subject, const char *question,
                                 const clh_settings *settings, const char *numbers,
                                 const char *folder, size_t count, const clh_how *how,
                                 clh_error *err);

/** Ask two subjects. The result has a table "numbers": both values and their difference, and a table
 *  "answers": both answers to each verdict. */
CLH_API clh_status clh_ask_against(clh_result **out, clh_subject *subject, clh_subject *other,
                                   const char *question, const clh_settings *settings,
                                   const char *numbers, const clh_how *how, clh_error *err);

CLH_END_DECLS

#endif
