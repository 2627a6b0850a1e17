/** The module tree as nodes: what clh_model_tree() writes, for who shows it another way.
 *
 *    static void show(const clh_tree_node *node, void *user) { puts(node->label); }
 *    clh_model_walk(config, show, NULL);
 */
#ifndef CLH_MODEL_TREE_H
#define CLH_MODEL_TREE_H

#include "model/description/layout.h"

typedef enum clh_tree_kind {
    CLH_TREE_MODULE, /**< begins */
    CLH_TREE_END,    /**< of the module begun last that has not ended */
    CLH_TREE_PARAMETER,
    CLH_TREE_HOOK,
} clh_tree_kind;

enum { CLH_TREE_TEXT = 96 };

typedef struct clh_tree_node {
    clh_tree_kind kind;
    size_t depth;              /**< 0: the model itself */
    char path[CLH_TREE_TEXT];  /**< "blocks.0.attn.W_Q", of several layers "blocks.*.attn.W_Q";
                                         "" of the model */
    char label[CLH_TREE_TEXT]; /**< "(attn): Attention", "W_Q", "(hook_q): HookPoint()" */
    char class_name[32];       /**< "Attention", "HookPoint"; "" of a parameter */
    char shape[CLH_TREE_TEXT]; /**< "[batch, pos, 1, 64]"; "" of a module or where it is off */
    char off[CLH_TREE_TEXT];   /**< why a hook point never fires: "use_attn_in is false"; "" */
} clh_tree_node;

typedef void clh_tree_visit(const clh_tree_node *node, void *user);

/** Every node of the tree of models of this config, in the order in which print(HookedTransformer)
 *  shows them. */
void clh_model_walk(const clh_model_config *config, clh_tree_visit *visit, void *user);

#endif
