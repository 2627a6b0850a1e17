/** One sequence under edits, again and again: the plain pass is computed once, and each list of edits
 *  in one pass that undoes the last one and computes only what either can have changed.
 *
 *    const clh_edit no_values = {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_v"};
 *    const clh_edit_list lists[] = {{.name = "plain"}, {.name = "edited", .edit = &no_values, .count = 1}};
 *    const clh_edits_setting setting = {.model = model, .sample = &sample, .seed = seed};
 *    clh_edits *edits = NULL;
 *    clh_editor *editor = NULL;
 *    if (clh_edits_open(&edits, lists, 2, &setting, &err) ||
 *        clh_editor_open(&editor, edits, &err) ||              // one for each thread
 *        clh_editor_begin(editor, &sample, k, &err) ||
 *        clh_editor_apply(editor, 1, &err)) ...                // the second list
 *    clh_tensor logits = clh_cache_view(clh_editor_cache(editor), "logits");
 *    clh_editor_close(editor);
 *    clh_edits_close(edits);
 *
 *  An editor borrows its edits and the sample at hand; it belongs to one thread at a time. Bits are
 *  those of a whole pass whose hooks make the edits (clh_forward_writes()); every model that this
 *  library computes is causal, so there is none for which that would not hold. After a failure the
 *  next call computes the plain pass again.
 */
#ifndef CLEARHEAD_EDITOR_H
#define CLEARHEAD_EDITOR_H

#include "clearhead/api.h"
#include "clearhead/edit.h"

CLH_BEGIN_DECLS

typedef struct clh_editor clh_editor;

/** An editor for compiled edits. CLH_ENOMEM says what it takes. */
CLH_API clh_status clh_editor_open(clh_editor **out, const clh_edits *edits, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_editor_close(clh_editor *editor);

/** Go to sequence `index` of a sample, of which all logits are asked for. CLH_ERANGE when it has no
 *  such sequence. */
CLH_API clh_status clh_editor_begin(clh_editor *editor, const clh_sample *sample, size_t index,
                                    clh_error *err);

/** Ask for the logits of positions begin … end-1 only: behind the last layer's keys and values other
 *  positions are then left as they are in the plain pass. */
CLH_API void clh_editor_want(clh_editor *editor, size_t begin, size_t end);

/** The sequence under list `list`, and nothing of any before it. Errors of clh_forward(), and of
 *  clh_edits_open() where the edits do not fit its length. */
CLH_API clh_status clh_editor_apply(clh_editor *editor, size_t list, clh_error *err);

/** The same with every edit made at this head (where the site has heads) and position alone,
 *  whatever heads and positions it says: what sweeps over an activation are made of. CLH_ERANGE. */
CLH_API clh_status clh_editor_apply_at(clh_editor *editor, size_t list, size_t head,
                                       size_t position, clh_error *err);

/** The sequence as it is. */
CLH_API clh_status clh_editor_undo(clh_editor *editor, clh_error *err);

/** Its activations as the last call left them; borrowed. */
CLH_API const clh_cache *clh_editor_cache(const clh_editor *editor);

CLH_END_DECLS

#endif
