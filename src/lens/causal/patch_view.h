/** What the patches of a site say at a glance, and all of them beside each other.
 *
 *    clh_patch_best best = clh_patch_strongest(&patch, &patch.site[s]);
 *    clh_patch_shares shares = {0};
 *    if (clh_patch_shares_make(&shares, &patch, &err)) ...       // shares.value [rows, patch.each]
 *    clh_patch_shares_deinit(&shares);
 */
#ifndef CLH_PATCH_VIEW_H
#define CLH_PATCH_VIEW_H

#include "clearhead/patch.h"
#include "result/build.h"

/** The piece of a site with the largest effect. */
typedef struct clh_patch_best {
    size_t head, pos; /**< head SIZE_MAX: the site has none; pos of a whole head SIZE_MAX */
    size_t src;       /**< by source; else SIZE_MAX */
    double effect;    /**< its metric less the corrupted one */
    double share;     /**< clh_patch_share() */
    double estimate;  /**< of its effect; NaN where it was not asked for */
    double error;     /**< largest |estimate - effect| of the site's pieces; NaN likewise */
} clh_patch_best;

/** How much of the way from the corrupted to the clean metric `value` is; NaN where there is none. */
double clh_patch_share(const clh_patch *patch, double value);

clh_patch_best clh_patch_strongest(const clh_patch *patch, const clh_patch_site *site);

/** A row for every site, and for every head of one that has heads; of heads at all positions a row for
 *  every site and a column for every head, NaN where a site has fewer. The caller owns the struct. */
typedef struct clh_patch_shares {
    size_t rows;
    double *value; /**< clh_patch_share() of every piece */
    const char *
        *label; /**< [rows]: "0 q 1", layer, short name of the site, head; or the site's name */
    char (*text)[64];
    clh_array array;  /**< "share", "share_all_pos" or "share_dest_src_pos", of `value` */
    clh_axis axes[3]; /**< of it */
} clh_patch_shares;

clh_status clh_patch_shares_make(clh_patch_shares *out, const clh_patch *patch, clh_error *err);

/** What a site's pieces are as an array called `name`, of its values or estimates: [head, pos], [head], or
 *  [head, query_pos, key_pos], without the first where there are no heads; single in a file. *axes are those
 *  along it. */
clh_array clh_patch_array(const clh_axis **axes, const char *name, const clh_patch *patch,
                          const clh_patch_site *site, const double *data);

/** Free what it holds. All zero is fine. */
void clh_patch_shares_deinit(clh_patch_shares *shares);

#endif
