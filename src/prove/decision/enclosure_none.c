/* Built without MPFI: nothing is enclosed. */
#include "base/base.h"
#include "prove/decision/enclosure.h"

static clh_status missing(clh_error *err)
{
    return clh_fail(err, CLH_ESUPPORT, "built without interval arithmetic (MPFI)");
}

clh_status clh_encloser_open(clh_encloser **out, const clh_model *model, clh_error *err)
{
    (void)model;
    *out = NULL;
    return missing(err);
}

void clh_encloser_close(clh_encloser *encloser)
{
    (void)encloser;
}

clh_status clh_enclose_margin(clh_enclosure *out, clh_encloser *encloser, const uint32_t *tokens,
                              size_t position, uint32_t target, size_t bits, clh_error *err)
{
    (void)out;
    (void)encloser;
    (void)tokens;
    (void)position;
    (void)target;
    (void)bits;
    return missing(err);
}

clh_status clh_enclose_sign(clh_sign *out, clh_encloser *encloser, const uint32_t *tokens,
                            size_t position, uint32_t target, clh_error *err)
{
    (void)out;
    (void)encloser;
    (void)tokens;
    (void)position;
    (void)target;
    return missing(err);
}
