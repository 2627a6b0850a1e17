#include "lens/attention/attention_table.h"

#include <math.h>

static clh_cue_row row_of(const char *slot, clh_cue_feature feature, const clh_cue_effect *e,
                          const clh_cue_outcome *o)
{
    const clh_interval shuffled = {e->shuffled, e->shuffled - e->deviation,
                                   e->shuffled + e->deviation};
    const char *name = clh_cue_name(feature);
    return o ? (clh_cue_row){slot,
                             name,
                             e->effect,
                             shuffled,
                             o->loss_only,
                             o->loss_without,
                             o->accuracy_only,
                             o->accuracy_without}
             : (clh_cue_row){slot, name, e->effect, shuffled, NAN, NAN, NAN, NAN};
}

void clh_attention_table_make(clh_attention_table *out, const clh_attention_report *r,
                              const clh_cue_test *test)
{
    out->slots = r->slots.count;
    for (clh_cue_feature f = 0; f < CLH_CUES; f++) {
        const clh_cue *cue = &r->cue[f];
        const clh_cue_effect effect = {cue->effect, cue->shuffled, cue->deviation};
        const clh_cue_test *t = test && clh_cue_can_try(f) ? &test[f] : NULL;
        const clh_cue_outcome whole =
            t ? (clh_cue_outcome){t->loss,     t->loss_only,     t->loss_without,
                                  t->accuracy, t->accuracy_only, t->accuracy_without}
              : (clh_cue_outcome){0};
        out->cue[f] = row_of(NULL, f, &effect, t ? &whole : NULL);
        for (size_t s = 0; s < r->slots.count; s++)
            out->slot_cue[s * CLH_CUES + f] =
                row_of(r->slots.name[s], f, &r->slot[s].cue[f], t ? &t->slot[s] : NULL);
    }
    for (size_t s = 0; s < r->slots.count; s++)
        out->slot[s] = (clh_slot_row){r->slots.name[s], r->slots.rows[s], r->slot[s].position,
                                      test ? test[0].slot[s].loss : NAN,
                                      test ? test[0].slot[s].accuracy : NAN};
}
