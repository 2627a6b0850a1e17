#include "run/folder/train_summary.h"

#include <math.h>

void clh_train_summary_take(clh_train_summary *s, const clh_progress *p)
{
    s->last = *p;
    if (!p->evaluated)
        return;
    s->evaluated = true;
    s->token_accuracy = p->evaluation->token_accuracy;
    s->sequence_accuracy = p->evaluation->sequence_accuracy;
    s->held_out_loss = p->evaluation->loss;
}

void clh_train_summary_line(clh_strbuf *out, const clh_train_summary *s, bool wide)
{
    const clh_progress *p = &s->last;
    const double left =
        p->steps_per_second > 0 ? (double)(p->steps - p->step) / p->steps_per_second : 0;
    clh_strbuf_addf(out, "step %zu/%zu  loss %.4f", p->step, p->steps, p->loss);
    if (s->evaluated)
        clh_strbuf_addf(out, "  %saccuracy %.4f", wide ? "held-out " : "", s->token_accuracy);
    clh_strbuf_addf(out, "  %.0f steps/s  %.0f s left", p->steps_per_second, left);
}

void clh_train_summary_text(clh_strbuf *out, const clh_train_summary *s)
{
    const clh_progress *p = &s->last;
    if (p->steps_per_second > 0)
        clh_strbuf_addf(out, "trained %zu steps in %.2f s (%.0f steps/s), loss %.6f", p->step,
                        p->seconds, p->steps_per_second, p->loss);
    else
        clh_strbuf_addf(out, "nothing left to train: step %zu of %zu", p->step, p->steps);
    if (s->evaluated)
        clh_strbuf_addf(out, ", held-out accuracy %.4f (%.4f of whole sequences)",
                        s->token_accuracy, s->sequence_accuracy);
}

/* As `, "loss": 0.1`; what is not finite is null, and its name stands in `none`. */
static void add_number(clh_strbuf *text, clh_strbuf *none, const char *name, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    clh_strbuf_add_number(text, value, 9);
    if (!isfinite(value))
        clh_strbuf_addf(none, "%s\"%s\"", none->length ? ", " : "", name);
}

void clh_train_summary_json(clh_strbuf *out, const clh_train_summary *s, const char *folder)
{
    const clh_progress *p = &s->last;
    clh_strbuf none = {0};
    clh_strbuf_adds(out, "{\"run\": ");
    clh_strbuf_add_json(out, folder);
    clh_strbuf_addf(out, ", \"step\": %zu", p->step);
    if (p->steps_per_second > 0) { /* there was a step */
        add_number(out, &none, "loss", p->loss);
        add_number(out, &none, "grad_norm", p->grad_norm);
    }
    if (s->evaluated) {
        add_number(out, &none, "token_accuracy", s->token_accuracy);
        add_number(out, &none, "sequence_accuracy", s->sequence_accuracy);
        add_number(out, &none, "held_out_loss", s->held_out_loss);
    }
    if (none.length > 0)
        clh_strbuf_addf(out, ", \"not_finite\": [%s]", clh_strbuf_view(&none));
    clh_strbuf_addf(out, ", \"seconds\": %.6f}", p->seconds);
    clh_strbuf_deinit(&none);
}
