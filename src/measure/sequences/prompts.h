/** Prompts of a file, one a line.
 *
 *    > psM
 *    "> abcd"
 *    [0, 1, 3, 4]
 *
 *    clh_prompts prompts = {0};
 *    if (clh_prompts_read(&prompts, "prompts.txt", vocab, config, &err)) ...
 *    clh_tokens tokens = clh_prompts_tokens(&prompts, k);        // [1, length], borrowed
 *    clh_prompts_deinit(&prompts);
 *
 *  The caller owns the struct.
 */
#ifndef CLH_PROMPTS_H
#define CLH_PROMPTS_H

#include "clearhead/config.h"
#include "clearhead/model.h"
#include "clearhead/vocab.h"

typedef struct clh_prompts {
    uint32_t *ids; /**< all prompts, one after another */
    size_t *start; /**< [count + 1] */
    size_t count;
} clh_prompts;

/** Read them. A line is a text of the vocabulary (NULL: of numbers), or as in a file of
 *  sequences a JSON text or array of token ids, which begin with '"' and '['. CLH_EFORMAT, CLH_EINPUT or
 *  CLH_ESHAPE names the line, what was found and wanted; of 1 to n_ctx tokens below d_vocab. */
clh_status clh_prompts_read(clh_prompts *out, const char *path, const clh_vocab *vocab,
                            const clh_model_config *model, clh_error *err);

/** Prompt `index` < count. */
clh_tokens clh_prompts_tokens(const clh_prompts *prompts, size_t index);

/** Free what it holds. All zero is fine. */
void clh_prompts_deinit(clh_prompts *prompts);

#endif
