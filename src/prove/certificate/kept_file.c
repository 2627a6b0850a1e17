/* What is done so far, written and read. Which inputs fail is one bit of each after passes, and after bounds the
 * sets that were said to (failures.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "file/safetensors_words.h"
#include "prove/certificate/kept.h"

/* Numbers of a class; of all, before those by depth. */
enum { ROW = 5, COUNTS = 7, DEPTHS = CLH_CERTIFY_LETTERS + 1, NAME = 16 };
/* Arrays of every certificate, and of one by bounds its proof and failures. */
enum { FIXED = 6, PROOF_COLUMNS = 5, ARRAYS = FIXED + 1 + CLH_MASKS };
_Static_assert(sizeof(clh_proof_row) == PROOF_COLUMNS * sizeof(int64_t),
               "rows are arrays of int64");

typedef struct state {
    uint64_t row[CLH_CERTIFY_CLASSES * ROW], count[COUNTS + DEPTHS];
    double margin[CLH_CERTIFY_CLASSES];
    uint64_t masks; /* of sets of slots with which failures were said */
    clh_array array[ARRAYS];
    char name[CLH_MASKS][NAME];
    size_t arrays;
} state;

static void add(state *s, const char *name, clh_dtype dtype, const void *data, size_t count)
{
    s->array[s->arrays++] = clh_array_vector(name, dtype, data, count);
}

/* Those of a size that is known. */
static void add_fixed(state *s, const clh_kept *k)
{
    add(s, "done", CLH_I64, (const void *)k->done, clh_kept_words(k->tasks));
    add(s, "failed_at", CLH_I64, k->out->failed_at, k->out->length);
    add(s, "classes", CLH_I64, s->row, CLH_COUNT(s->row));
    add(s, "margins", CLH_F64, s->margin, CLH_COUNT(s->margin));
    add(s, "counts", CLH_I64, s->count, CLH_COUNT(s->count));
    if (k->out->histogram)
        add(s, "histogram", CLH_I64, k->out->histogram, CLH_MARGIN_BINS);
    if (k->failed)
        add(s, "failed", CLH_I64, (const void *)k->failed, clh_kept_words(k->of.inputs));
    else
        add(s, "masks", CLH_I64, &s->masks, 1);
}

/* Those of which others say how many there are. */
static void add_others(state *s, const clh_kept *k)
{
    if (k->out->proof)
        add(s, "proof", CLH_I64, k->out->proof, k->out->proof_count * PROOF_COLUMNS);
    for (unsigned mask = 0; mask < CLH_MASKS; mask++) {
        if (!(s->masks >> mask & 1))
            continue;
        (void)snprintf(s->name[mask], NAME, "failed.%u", mask);
        add(s, s->name[mask], CLH_I64, (const void *)k->failures->bits[mask],
            clh_failures_words(k->failures, mask));
    }
}

/* ---- Written -----------------------------------------------------------------------------------
 */

clh_status clh_kept_write(const clh_kept *k, clh_error *err)
{
    const clh_certificate *out = k->out;
    state s = {.count = {out->forward, out->exact, out->undecided, out->ties, out->rounded,
                         out->enclosed, out->proof_count}};
    clh_pair pairs[CLH_KEPT_FACTS];
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const clh_certify_row *r = &out->classes[c];
        const bool ranked = k->failures && !isnan(r->margin);
        const uint64_t row[ROW] = {r->inputs, r->failures, r->tokens,
                                   ranked ? clh_letters_rank(k->of.asked, r->margin_input.letters)
                                          : r->margin_input.rank,
                                   r->margin_position};
        memcpy(s.row + c * ROW, row, sizeof row);
        s.margin[c] = r->margin;
    }
    memcpy(s.count + COUNTS, out->by_depth, sizeof out->by_depth);
    for (unsigned mask = 0; k->failures && mask < CLH_MASKS; mask++)
        s.masks |= (uint64_t)atomic_load_explicit(&k->failures->any[mask], memory_order_relaxed)
                   << mask;
    clh_kept_pairs(k, pairs);
    add_fixed(&s, k);
    add_others(&s, k);
    return clh_safetensors_write_arrays(k->of.options->keep, s.array, s.arrays, pairs,
                                        CLH_KEPT_FACTS, err);
}

/* ---- Read --------------------------------------------------------------------------------------
 */

static clh_status read_arrays(const state *s, size_t begin, const clh_safetensors *file,
                              clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = begin; i < s->arrays && !status; i++) {
        const clh_array *a = &s->array[i];
        status =
            clh_safetensors_read_words(file, a->name, a->dtype, (void *)a->data, a->shape[0], err);
    }
    return status;
}

/* Room for a proof is taken once the file is seen to have it. */
static clh_status make_room(const clh_kept *k, const state *s, const clh_safetensors *file,
                            clh_error *err)
{
    clh_certificate *out = k->out;
    const char *path = k->of.options->keep;
    const uint64_t masks = k->of.asked && k->failures ? (uint64_t)1 << k->of.asked->n : 0;
    if (masks && masks < CLH_MASKS && s->masks >> masks)
        return clh_fail(err, CLH_EFORMAT, "%s: masks are %#jx, want %ju bits", path,
                        (uintmax_t)s->masks, (uintmax_t)masks);
    for (unsigned mask = 0; mask < CLH_MASKS; mask++)
        if (s->masks >> mask & 1)
            atomic_store_explicit(&k->failures->any[mask], true, memory_order_relaxed);
    if (!k->of.options->proof || out->proof_count == 0)
        return CLH_OK;
    clh_tensor found;
    const clh_status status = clh_safetensors_describe(file, "proof", &found, NULL, err);
    if (status)
        return status;
    if (found.rank != 1 || found.shape[0] / PROOF_COLUMNS != out->proof_count)
        return clh_fail(err, CLH_EFORMAT, "%s: the proof has %zu numbers, want %zu rows", path,
                        found.rank == 1 ? found.shape[0] : 0, out->proof_count);
    out->proof = clh_alloc_array(out->proof_count, sizeof *out->proof, err);
    return out->proof ? CLH_OK : CLH_ENOMEM;
}

static clh_status take_state(const clh_kept *k, const state *s, clh_error *err)
{
    clh_certificate *out = k->out;
    out->forward = s->count[0];
    out->exact = s->count[1];
    out->undecided = s->count[2];
    out->ties = s->count[3];
    out->rounded = s->count[4];
    out->enclosed = s->count[5];
    out->proof_count = (size_t)s->count[6];
    memcpy(out->by_depth, s->count + COUNTS, sizeof out->by_depth);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const uint64_t *row = s->row + c * ROW;
        clh_certify_row *r = &out->classes[c];
        if (row[3] >= k->of.inputs || row[4] >= out->length)
            return clh_fail(err, CLH_EFORMAT,
                            "%s: the smallest margin is of input %ju at position %ju, want one of "
                            "%ju inputs of %zu tokens",
                            k->of.options->keep, (uintmax_t)row[3], (uintmax_t)row[4],
                            (uintmax_t)k->of.inputs, out->length);
        *r = (clh_certify_row){.inputs = row[0],
                               .failures = row[1],
                               .tokens = row[2],
                               .margin = s->margin[c],
                               .margin_position = (size_t)row[4],
                               .margin_input.rank = row[3]};
        if (k->of.asked && !isnan(r->margin))
            clh_letters_unrank(k->of.asked, row[3], r->margin_input.letters);
    }
    return CLH_OK;
}

clh_status clh_kept_read(const clh_kept *k, clh_error *err)
{
    state s = {0};
    clh_safetensors *file = NULL;
    clh_status status = clh_safetensors_open(&file, k->of.options->keep, err);
    if (!status)
        status = clh_kept_check(k, file, err);
    add_fixed(&s, k);
    const size_t fixed = s.arrays;
    if (!status)
        status = read_arrays(&s, 0, file, err);
    if (!status)
        status = take_state(k, &s, err);
    if (!status)
        status = make_room(k, &s, file, err);
    if (!status) {
        add_others(&s, k);
        status = read_arrays(&s, fixed, file, err);
    }
    clh_safetensors_close(file);
    return status;
}
