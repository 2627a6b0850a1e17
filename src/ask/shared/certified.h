/** What questions about every input of a domain show alike. */
#ifndef CLH_CERTIFIED_H
#define CLH_CERTIFIED_H

#include "ask/shared/question.h"
#include "clearhead/certify.h"
#include "prove/certificate/certificate_rows.h"

/** The setting for a domain of choices of letters. */
#define CLH_DOMAIN_CHOICES "sorted|ordered|tuples|own"
#define CLH_DOMAIN_TEXT                                                                            \
    "which inputs: different letters in the order of the vocabulary, in any order, any letters; "  \
    "own: those of the run's task"

/** Settings that questions about a whole domain share. */
#define CLH_CERTIFIED_WAY_KEY(type)                                                                \
    CLH_ROW(type, way, CHOICE, "auto", "auto|bounds|forward",                                      \
            "by bounds over many inputs at once, or by a forward pass of each; auto: by bounds "   \
            "where the model allows it")
#define CLH_CERTIFIED_COUNT_KEY(type)                                                              \
    CLH_ROW_AUTO(type, count, SIZE, "10; 1000000 in a file of them alone", "[0, 10000000]",        \
                 "how many counterexamples to list: the first of the domain, the worst of them "   \
                 "first")

/** What questions need that bounds are asked of: one layer, one head, attention only, letters. */
enum {
    CLH_NEEDS_BOUNDS = CLH_NEEDS_TASK | CLH_NEEDS_ONE_N | CLH_NEEDS_ONE_HEAD | CLH_NEEDS_LETTERS |
                       CLH_NEEDS_CAUSAL | CLH_NEEDS_POSITIONS
};

/** What that setting comes to. */
clh_status clh_certified_domain(clh_domain_kind *out, unsigned setting, const clh_task *task,
                                clh_error *err);

/** A row of the table "classes" for each class that has inputs, read from a clh_shown_class. */
void clh_certified_classes(clh_result *out, const clh_certificate *certificate,
                           const clh_task *task);

/** How many counterexamples a result is to have, of the setting `count`: where that is left open and the part is going
 *  to be read alone, as many as a file has; else as many as a report. */
size_t clh_certified_count(const clh_result *out, size_t count);

/** A row of "counterexamples" for each, read from a clh_shown_input; a report has the first of them, as `count` says.
 *  A note says of how many they are the first. */
void clh_certified_examples(clh_result *out, const clh_certificate *certificate,
                            const clh_task *task, size_t count);

/** The verdict "proved"; the answer of the whole is no where an input fails. */
void clh_certified_proved(clh_result *out, const clh_certificate *certificate);

/** The array "proof": the rows of clh_proof_row, which are taken from the certificate; where it has none, they
 *  are made when they are asked for, by certifying again; model and task live as long as the result. */
clh_status clh_certified_proof(clh_result *out, clh_certificate *certificate,
                               const clh_model *model, const clh_task *task,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err);

#endif
