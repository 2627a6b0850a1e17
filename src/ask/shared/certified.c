#include "ask/shared/certified.h"

#include <stdio.h>

clh_status clh_certified_domain(clh_domain_kind *out, unsigned setting, const clh_task *task,
                                clh_error *err)
{
    *out = (clh_domain_kind)setting;
    return *out == CLH_DOMAIN_TASK ? clh_certify_domain(out, task, err) : CLH_OK;
}

void clh_certified_classes(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    clh_shown_class row;
    for (clh_certify_class k = 0; k <= CLH_CLASS_OTHER; k++) {
        if (!clh_shown_class_of(&row, c, task, k))
            continue;
        clh_result_row(out, "classes", clh_certify_class_name(k));
        clh_row_label(out, clh_certify_class_text(k), NULL);
        clh_row_read(out, &row);
    }
}

/* Of a report, and of a file: some 0.5 GB while it is written. */
enum { SHOWN = 10, WRITTEN = 1000000 };

static const char examples[] = "counterexamples";

size_t clh_certified_count(const clh_result *out, size_t count)
{
    return count != CLH_UNSET ? count : clh_result_wants(out, examples) ? WRITTEN : SHOWN;
}

void clh_certified_examples(clh_result *out, const clh_certificate *c, const clh_task *task,
                            size_t count)
{
    clh_shown_input row;
    char key[24], note[240];
    clh_result_brief(out, examples, count == CLH_UNSET ? SHOWN : count);
    if (c->counterexample_count < c->all.failures) {
        (void)snprintf(note, sizeof note,
                       "counterexamples are the first %zu of %llu, in the order of the domain; a "
                       "file of them alone (--counterexamples) has all, at most %d, or as many as "
                       "--count says",
                       c->counterexample_count, (unsigned long long)c->all.failures, WRITTEN);
        clh_result_note(out, note);
    }
    for (size_t i = 0; i < c->counterexample_count; i++) {
        clh_shown_input_of(&row, c->token, c->n, task, &c->counterexamples[i]);
        clh_result_row(out, examples, clh_key_text(key, i));
        clh_row_read(out, &row);
    }
}

void clh_certified_proved(clh_result *out, const clh_certificate *c)
{
    const char *by;
    const char *answer = clh_shown_proved(c, &by);
    clh_result_decide(out, "proved", answer, by);
    if (c->all.failures)
        clh_result_no(out);
}

/* Rows are five numbers one after the other. */
enum { PROOF_COLUMNS = 5 };
_Static_assert(sizeof(clh_proof_row) == PROOF_COLUMNS * sizeof(int64_t),
               "rows are arrays of int64");

typedef struct proof_asked {
    const clh_model *model;
    const clh_task *task;
    clh_certify_options options;
    size_t threads;
    clh_certificate certificate;
} proof_asked;

static void close_proof(void *user)
{
    proof_asked *asked = user;
    clh_certificate_deinit(&asked->certificate);
}

static clh_status make_proof(clh_array *view, void *user, clh_error *err)
{
    proof_asked *asked = user;
    clh_status status = clh_certify(&asked->certificate, asked->model, asked->task, &asked->options,
                                    &(clh_how){.threads = asked->threads}, err);
    view->data = asked->certificate.proof;
    return status;
}

clh_status clh_certified_proof(clh_result *out, clh_certificate *c, const clh_model *model,
                               const clh_task *task, const clh_certify_options *options,
                               const clh_how *how, clh_error *err)
{
    static const char *const column[] = {"position", "slots", "letters", "holds", "fails"};
    static const clh_axis axes[] = {{"row", NULL}, {"column", column}};
    if (!c->by_bounds) {
        clh_result_absent(out, "proof", "every input was run, none was decided by a bound");
        return CLH_OK;
    }
    proof_asked *asked = clh_result_make(out, sizeof *asked, close_proof, err);
    if (!asked)
        return CLH_ENOMEM;
    *asked = (proof_asked){
        model, task, {.domain = options->domain, .proof = true}, how ? how->threads : 0, {0}};
    asked->certificate.proof = c->proof;
    c->proof = NULL;
    const clh_array view =
        clh_array_matrix("proof", CLH_I64, asked->certificate.proof, c->proof_count, PROOF_COLUMNS);
    clh_result_array(out, &view, axes, view.data ? NULL : make_proof, asked);
    return CLH_OK;
}
