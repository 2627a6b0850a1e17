#include "base/base.h"
#include "prove/tables.h"

clh_status clh_domain_asked(clh_letters_asked *out, const char *what, const clh_model *model,
                            const clh_task *task, clh_domain_kind domain, clh_error *err)
{
    const char *why = clh_tables_objection(model);
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    clh_status status = clh_check_enum(domain, CLH_DOMAIN_TASK, "domain", err);
    if (!status && why)
        status = clh_fail(err, CLH_ESUPPORT, "%s does not cover this model: it %s", what, why);
    if (!status)
        status = clh_letters_asked_open(out, task, domain, err);
    if (!status && out->length > n_ctx)
        status =
            clh_fail(err, CLH_ESHAPE, "inputs have %zu tokens, the model takes at most %zu (n_ctx)",
                     out->length, n_ctx);
    return status;
}
