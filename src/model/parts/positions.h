/** Positions that come in elsewhere than in the residual stream: shortformer and rotary. The formulas
 *  are in positions.c. */
#ifndef CLH_POSITIONS_H
#define CLH_POSITIONS_H

#include "model/parts/pass.h"

/** What queries and keys read, behind the norms of attention's inputs. */
void clh_shortformer_forward(clh_pass *pass, size_t layer);

/** Their gradients made 0, before attention's backward adds to them; then taken back and ADDED to
 *  those of the norms' outputs and of hook_pos_embed. */
void clh_shortformer_clear(clh_pass *pass, size_t layer);
void clh_shortformer_backward(clh_pass *pass, size_t layer);

/** Queries and keys turned; their gradients turned back. */
void clh_rotary_forward(clh_pass *pass, size_t layer);
void clh_rotary_backward(clh_pass *pass, size_t layer);

#endif
