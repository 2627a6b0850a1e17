/* Predictions of which double precision cannot tell what the real function says: by interval arithmetic with
 * more digits. */
#include "base/base.h"
#include "prove/decision/enclosure.h"
#include "prove/decision/pending.h"

/* Of one query. More than that are logits that are equal for a reason, and would take hours. */
enum { ENCLOSED_MOST = 100 };

static size_t left_open(const clh_decided *decided)
{
    size_t count = 0;
    for (size_t i = 0; i < decided->pending_count; i++)
        count += !decided->pending[i].decided;
    return count;
}

static clh_status decide(clh_descent *d, clh_encloser *encloser, clh_pending *p, uint32_t *ids,
                         clh_error *err)
{
    const size_t next = p->position + 1;
    clh_sign sign;
    clh_letters_write(d->query.tables->asked, p->letters, ids);
    const uint32_t target = d->targets ? clh_target_read(&d->targets[next], ids) : ids[next];
    const clh_status status = clh_enclose_sign(&sign, encloser, ids, p->position, target, err);
    if (status)
        return status;
    p->decided = sign != CLH_SIGN_UNKNOWN;
    p->right = sign == CLH_SIGN_ABOVE;
    d->decided.enclosed += p->decided;
    d->decided.ties += sign == CLH_SIGN_TIE;
    return CLH_OK;
}

clh_status clh_pending_enclose(clh_descent *d, uint32_t *ids, clh_error *err)
{
    clh_decided *decided = &d->decided;
    const size_t open = left_open(decided);
    clh_encloser *encloser = NULL;
    if (open == 0 || open > ENCLOSED_MOST)
        return CLH_OK;
    clh_error none = {0}; /* without MPFI they stay open */
    clh_status status = clh_encloser_open(&encloser, d->query.tables->model, &none);
    if (status)
        return status == CLH_ESUPPORT ? CLH_OK : clh_fail(err, status, "%s", none.message);
    for (size_t i = 0; i < decided->pending_count && !status && !d->stopped; i++) {
        d->stopped = clh_stop_now(d->stop, d->worker);
        if (!d->stopped && !decided->pending[i].decided)
            status = decide(d, encloser, &decided->pending[i], ids, err);
    }
    clh_encloser_close(encloser);
    return status;
}
