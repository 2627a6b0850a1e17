#include "ask/certified.h"

clh_status clh_certified_domain(clh_domain_kind *out, unsigned setting, const clh_task *task,
                                clh_error *err)
{
    *out = (clh_domain_kind)setting;
    return *out == CLH_DOMAIN_TASK ? clh_certify_domain(out, task, err) : CLH_OK;
}

static void letters_of(clh_strbuf *text, const clh_certificate *c, const clh_task *task,
                       const clh_counterexample *one)
{
    char symbol[16];
    for (size_t s = 0; s < c->n; s++) {
        clh_task_symbol(task, c->token[one->letters[s]], symbol);
        clh_strbuf_adds(text, symbol);
    }
    if (c->n == 0)
        clh_strbuf_addf(text, "%llu", (unsigned long long)one->rank);
}

void clh_certified_input(clh_result *out, const clh_certificate *c, const clh_task *task,
                         const clh_counterexample *one)
{
    clh_strbuf text = {0};
    letters_of(&text, c, task, one);
    clh_row_text(out, "input", clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

void clh_certified_letters(clh_result *out, const char *name, const clh_certificate *c,
                           const clh_task *task, const clh_counterexample *one)
{
    clh_strbuf text = {0};
    letters_of(&text, c, task, one);
    clh_result_put_text(out, name, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
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

clh_status clh_certified_proof(clh_result *out, const clh_certificate *c, const clh_model *model,
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
    const clh_array view = clh_array_matrix("proof", CLH_I64, NULL, c->proof_count, PROOF_COLUMNS);
    clh_result_array(out, &view, axes, make_proof, asked);
    return CLH_OK;
}
