/** Programs that a setting names: a file, or the model of a run that is decompiled. */
#ifndef CLH_PROGRAM_GIVEN_H
#define CLH_PROGRAM_GIVEN_H

#include "ask/shared/question.h"
#include "prove/program/program_report.h"

/** The setting `file`, a word in front of the run. */
#define CLH_PROGRAM_FILE_KEY(type)                                                                 \
    CLH_ROW_AUTO(type, file, TEXT, NULL, "FILE", "the program (docs/formats.md); must be given")

/** What the numbers of a program are called, in every question that has them. */
#define CLH_PROGRAM_FIELDS                                                                         \
    {"rules", NULL, "scored positions that have one", .flags = CLH_HEADLINE,                       \
     CLH_FROM(clh_program_sums, rules)},                                                           \
        {"constant", "rules", "that write a token, always the same", .flags = CLH_HEADLINE,        \
         CLH_FROM(clh_program_sums, constant)},                                                    \
        {"copy", "rules", "that copy the letter at one position", .flags = CLH_HEADLINE,           \
         CLH_FROM(clh_program_sums, copy)},                                                        \
        {"mixture", "rules", "that copy of several letters the one with most weight",              \
         .flags = CLH_HEADLINE, CLH_FROM(clh_program_sums, mixture)},                              \
        {"sources", "positions", "that rules read", .flags = CLH_HEADLINE,                         \
         CLH_FROM(clh_program_sums, sources)},                                                     \
        {"hubs", "positions", "of these, read by at least 5 % of the rules that copy",             \
         .flags = CLH_HEADLINE, CLH_FROM(clh_program_sums, hubs)},                                 \
        CLH_FIELD_SHARE("hub_share", "of the rules that copy, those that read a hub first", 0,     \
                        CLH_FROM(clh_program_sums, hub_share)),                                    \
        CLH_FIELD_SHARE("explained",                                                               \
                        "of the attention, that on the letters that a rule names: mean over all "  \
                        "choices of letters, then over rules that copy",                           \
                        CLH_HEADLINE, CLH_FROM(clh_program_sums, explained)),                      \
        CLH_FIELD_SHARE("explained_least",                                                         \
                        "of the attention, the least there, of any rule and letters",              \
                        CLH_HEADLINE, CLH_FROM(clh_program_sums, explained_least))

/** Which program it is, in every question that says so. */
#define CLH_PROGRAM_VERDICT                                                                        \
    CLH_FIELD_VERDICT("algorithm", "Which algorithm is it?",                                       \
                      "a number made of every rule: equal programs have equal ones")
void clh_program_decide(clh_result *r, const clh_program_sums *sums);

/** Put these numbers of a program into the part `name`; `out` gets them too where it is not NULL. */
clh_status clh_program_put(clh_result *r, const char *name, const clh_program *program,
                           clh_program_sums *out, clh_error *err);

/** A row of the table "sources" for each position that is read, from a clh_program_source. */
clh_status clh_program_put_sources(clh_result *r, const clh_program *program, clh_error *err);

/** The permutation task of `n` letters: that of a file which names none, where no run does. */
clh_status clh_program_task(clh_task **out, size_t n, clh_error *err);

/** Of a file of a program, or of RUN[@STEP]. `task` as for clh_program_read_any(). */
clh_status clh_program_given(clh_program **out, const char *what, const clh_task *task,
                             const clh_how *how, clh_error *err);

#endif
