/* Matrix products of the field's small models: ours beside those of libraries, one thread.
 *
 *    ninja -C build bench/products
 *    lib=/usr/lib/x86_64-linux-gnu
 *    OMP_NUM_THREADS=1 taskset -c 0 build/bench/products blis=$lib/blis-serial/libblis.so.4 \
 *        openblas=$lib/openblas-serial/libopenblas.so.0 onednn=libdnnl.so.2
 *
 *    build/bench/products --bits LIBRARY...        the last line alone, nothing is timed
 *
 * A library is any that has dnnl_sgemm, libxsmm_sgemm or cblas_sgemm; it is opened when the program
 * runs, so that nothing needs to be there when it is built. Shapes are those of a training step of
 * bench/peers/models.py: a forward pass, gradients of inputs and of weights, blocks of rows as the
 * general backend makes them. Libraries get transposed operands written out. We are there twice: with the same
 * operands, and `ready`, as in a step, where a matrix of weights is packed and rows for gradients of weights lie in
 * strips before the product, and a product of queries and keys is told that half of a square is masked. Of heads there
 * are so many products, one call for us.
 *
 * All in turn, many rounds: G operations a second in the least and in the median time; "over the fastest" is the
 * least time of the fastest library over ours, as given and ready. Whose result is not ours to 1e-5 of the largest
 * number is wrong and not timed. The last line is a checksum of all results of each, to be compared between numbers
 * of threads and instruction sets. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/checksum.h"
#include "base/platform/clock.h"
#include "base/random.h"
#include "clearhead/bench.h"
#include "math/kernels/kernels.h"

enum { ROUNDS = 41, OURS = 2, LIBRARIES_MOST = 6 };

static const double round_seconds = 5e-4;
static const double apart_most = 1e-5; /* beside the largest number of the result */

/* What a step has done with an operand before. */
typedef enum laid {
    PACKED_B,
    STRIPS_OF_A,
    LOWER_A, /* nothing, but says that A is 0 above the diagonal; or that C is not asked there */
    LOWER_C,
} laid;

typedef struct shape {
    const char *what;
    size_t heads, m, n,
        k; /* B [k, heads * n], C [heads, m, n] where there are more heads than one */
    laid ready;
    bool added;
} shape;

static const shape shapes[] = {
    /* modular addition: d_model 128, d_mlp 512, heads of 32 */
    {"mod: q, k, v; W_O", 1, 255, 128, 128, PACKED_B, false},
    {"mod: W_O of the last", 1, 85, 128, 128, PACKED_B, false},
    {"mod: W_in", 1, 85, 512, 128, PACKED_B, false},
    {"mod: W_out", 1, 85, 128, 512, PACKED_B, false},
    {"mod: W_U", 1, 85, 113, 128, PACKED_B, false},
    {"mod: g x of heads", 1, 255, 128, 128, PACKED_B, true},
    {"mod: g x of W_in", 1, 85, 128, 512, PACKED_B, true},
    {"mod: g x of W_U", 1, 85, 128, 113, PACKED_B, true},
    {"mod: g W_Q", 4, 128, 32, 255, STRIPS_OF_A, true},
    {"mod: g W_in", 1, 128, 512, 85, STRIPS_OF_A, true},
    {"mod: g W_out", 1, 512, 128, 85, STRIPS_OF_A, true},
    /* 2 layers of d_model 128, attention only */
    {"attn2: q, k, v; W_O", 1, 242, 128, 128, PACKED_B, false},
    {"attn2: scores", 1, 121, 121, 32, LOWER_C, false},
    {"attn2: z", 1, 121, 32, 121, LOWER_A, false},
    {"attn2: W_U", 1, 120, 64, 128, PACKED_B, false},
    {"attn2: g W_Q", 4, 128, 32, 242, STRIPS_OF_A, false},
    /* 2 layers of d_model 256, d_mlp 1,024 */
    {"mlp256: q, k, v; W_O", 1, 242, 256, 256, PACKED_B, false},
    {"mlp256: W_in", 1, 242, 1024, 256, PACKED_B, false},
    {"mlp256: W_out", 1, 242, 256, 1024, PACKED_B, false},
    {"mlp256: g x of heads", 1, 242, 256, 256, PACKED_B, true},
    {"mlp256: g W_Q", 8, 256, 32, 242, STRIPS_OF_A, false},
    {"mlp256: g W_in", 1, 256, 1024, 242, STRIPS_OF_A, false},
    {"mlp256: g W_out", 1, 1024, 256, 242, STRIPS_OF_A, false},
    /* 4 layers of d_model 512, d_mlp 2,048 */
    {"mlp512: q, k, v; W_O", 1, 255, 512, 512, PACKED_B, false},
    {"mlp512: W_in", 1, 255, 2048, 512, PACKED_B, false},
    {"mlp512: W_out", 1, 255, 512, 2048, PACKED_B, false},
    {"mlp512: g W_Q", 8, 512, 64, 255, STRIPS_OF_A, false},
    {"mlp512: g W_in", 1, 512, 2048, 255, STRIPS_OF_A, false},
    {"mlp512: g W_out", 1, 2048, 512, 255, STRIPS_OF_A, false},
    /* 1 layer of d_model 64, d_mlp 256, sequences of 8 */
    {"short: q, k, v; W_O", 1, 252, 64, 64, PACKED_B, false},
    {"short: W_in", 1, 108, 256, 64, PACKED_B, false},
    {"short: W_out", 1, 108, 64, 256, PACKED_B, false},
    {"short: g W_Q", 4, 64, 16, 252, STRIPS_OF_A, true},
    {"short: g W_in", 1, 64, 256, 108, STRIPS_OF_A, true},
    /* 3 layers of d_model 128, gated MLP of 512 */
    {"rotary: W_in, W_gate", 1, 242, 512, 128, PACKED_B, false},
    {"rotary: W_out", 1, 242, 128, 512, PACKED_B, false},
    {"rotary: g W_in", 1, 128, 512, 242, STRIPS_OF_A, false},
    {"rotary: g W_out", 1, 512, 128, 242, STRIPS_OF_A, false},
};

/* ---- Who multiplies ----------------------------------------------------------------------------
 */

typedef struct operands {
    const shape *s;
    const clh_real *a, *b;
    const clh_real *packed, *strips; /* of them, where a step has them; else NULL */
    clh_real *c;
} operands;

typedef int onednn_fn(char a_turned, char b_turned, int64_t m, int64_t n, int64_t k, float alpha,
                      const float *a, int64_t a_row, const float *b, int64_t b_row, float beta,
                      float *c, int64_t c_row);
typedef void cblas_fn(int order, int a_turned, int b_turned, int m, int n, int k, float alpha,
                      const float *a, int a_row, const float *b, int b_row, float beta, float *c,
                      int c_row);
typedef void fortran_fn(const char *a_turned, const char *b_turned, const int *m, const int *n,
                        const int *k, const float *alpha, const float *a, const int *a_row,
                        const float *b, const int *b_row, const float *beta, float *c,
                        const int *c_row);

typedef struct library {
    const char *name;
    const clh_kernels *kernel; /* ours */
    bool ready;
    onednn_fn *onednn;
    cblas_fn *cblas;
    fortran_fn *fortran; /* columns first */
    bool wrong;          /* its last result was not ours: what it takes says nothing */
    double took[ROUNDS];
    clh_checksum bits; /* of all results */
} library;

static void multiply_ours(const library *by, const operands *o)
{
    const shape *s = o->s;
    clh_gemm g = clh_product(s->m, s->n, s->k, 1, clh_rows(o->a, s->k),
                             clh_rows(o->b, s->heads * s->n), o->c, s->n);
    g.packed = by->ready ? o->packed : NULL;
    g.strips = by->ready ? o->strips : NULL;
    if (by->ready && s->ready >= LOWER_A)
        g.part = s->ready == LOWER_A ? CLH_GEMM_A_LOWER : CLH_GEMM_C_LOWER;
    g.times = (clh_times){s->heads, 0, s->n, s->m * s->n, 0};
    if (s->added)
        clh_product_adds(&g);
    by->kernel->gemm(&g);
}

static void multiply(const library *by, const operands *o)
{
    const shape *s = o->s;
    const float beta = s->added ? 1 : 0, one = 1;
    const int m = (int)s->m, n = (int)s->n, k = (int)s->k, b_row = (int)(s->heads * s->n);
    if (by->kernel) {
        multiply_ours(by, o);
        return;
    }
    for (size_t h = 0; h < s->heads; h++) {
        const clh_real *b = o->b + h * s->n;
        clh_real *c = o->c + h * s->m * s->n;
        if (by->onednn) {
            by->onednn('N', 'N', m, n, k, 1, o->a, k, b, b_row, beta, c, n);
        } else if (by->cblas) {
            enum { ROWS_FIRST = 101, NOT_TURNED = 111 };
            by->cblas(ROWS_FIRST, NOT_TURNED, NOT_TURNED, m, n, k, 1, o->a, k, b, b_row, beta, c,
                      n);
        } else {
            by->fortran("N", "N", &n, &m, &k, &one, b, &b_row, o->a, &k, &beta, c, &n);
        }
    }
}

/* "name=path"; false, and it is said why, where it cannot be had. */
static bool library_open(library *out, const char *word)
{
    const char *path = strchr(word, '=');
    void *handle = path ? dlopen(path + 1, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!handle) {
        fprintf(stderr, "products: %s: %s\n", word, path ? dlerror() : "want NAME=LIBRARY");
        return false;
    }
    const struct {
        const char *name;
        void *to;
    } known[] = {{"dnnl_sgemm", &out->onednn},
                 {"libxsmm_sgemm", &out->fortran},
                 {"cblas_sgemm", &out->cblas}};
    out->name = word;
    for (size_t i = 0; i < CLH_COUNT(known); i++) {
        void *found = dlsym(handle, known[i].name);
        memcpy(known[i].to, &found,
               sizeof found); /* no function lies in a void * by C's own rules */
        if (found)
            return true;
    }
    fprintf(stderr, "products: %s has no cblas_sgemm, dnnl_sgemm or libxsmm_sgemm\n", path + 1);
    return false;
}

/* ---- Measuring ---------------------------------------------------------------------------------
 */

static clh_real *numbers(size_t count, uint64_t seed)
{
    clh_real *x = clh_alloc_array(count, sizeof *x, NULL);
    for (size_t i = 0; x && i < count; i++)
        x[i] = (clh_real)clh_random_normal(seed, CLH_STREAM_INIT, i);
    return x;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Zeros above the diagonal of x [m, n]. */
static void clear_upper(clh_real *x, size_t m, size_t n)
{
    for (size_t i = 0; i < m && i + 1 < n; i++)
        memset(x + i * n + i + 1, 0, (n - i - 1) * sizeof *x);
}

/* Each result once, from an empty C: its bits, and how far from ours at most. */
static double results(library *by, size_t count, const operands *o, clh_real *ours)
{
    const shape *s = o->s;
    const size_t size = s->heads * s->m * s->n;
    double apart = 0;
    for (size_t l = 0; l < count; l++) {
        memset(o->c, 0, size * sizeof *o->c);
        multiply(&by[l], o);
        if (s->ready == LOWER_C)
            clear_upper(o->c, s->m, s->n);
        clh_checksum_add(&by[l].bits, o->c, size * sizeof *o->c);
        if (l == 0)
            memcpy(ours, o->c, size * sizeof *ours);
        double most = 0, difference = 0;
        for (size_t i = 0; i < size; i++) {
            most = fmax(most, fabs((double)ours[i]));
            difference = fmax(difference, fabs((double)o->c[i] - (double)ours[i]));
        }
        by[l].wrong = !(difference / most <= apart_most);
        if (!by[l].wrong)
            apart = fmax(apart, difference / most);
    }
    return apart;
}

static double operations_of(const shape *s)
{
    return 2.0 * (double)s->heads * (double)s->m * (double)s->n * (double)s->k;
}

/* All in turn, many rounds of many calls. */
static void time_all(library *by, size_t count, const operands *o, double peak)
{
    const double operations = operations_of(o->s);
    const size_t times = (size_t)(round_seconds * peak / operations) + 1;
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t l = 0; l < count; l++) {
            const double began = clh_clock_seconds();
            for (size_t i = 0; i < times && !by[l].wrong; i++)
                multiply(&by[l], o);
            by[l].took[round] = (clh_clock_seconds() - began) / (double)times;
        }
}

/* A row of the table. False where somebody's result is not ours. */
static bool row_print(library *by, size_t count, const shape *s, double peak, double apart)
{
    const double operations = operations_of(s);
    double fastest = INFINITY;
    bool well = true;
    printf("| %s | ", s->what);
    if (s->heads > 1)
        printf("%zu of ", s->heads);
    printf("%zu x %zu x %zu |", s->m, s->n, s->k);
    for (size_t l = 0; l < count; l++) {
        if (by[l].wrong) {
            printf(" wrong |");
            well = false;
            continue;
        }
        qsort(by[l].took, ROUNDS, sizeof *by[l].took, compare);
        printf(" %.1f, %.1f |", operations / by[l].took[0] / 1e9,
               operations / by[l].took[ROUNDS / 2] / 1e9);
        if (!by[l].kernel)
            fastest = fmin(fastest, by[l].took[0]);
    }
    printf(" %.2f | %.2f | %.2f | %.0e |\n", operations / by[OURS - 1].took[0] / peak,
           fastest / by[0].took[0], fastest / by[OURS - 1].took[0], apart);
    fflush(stdout);
    return well;
}

/* B packed, or A in strips, where a step has them so. */
static clh_real *made_ready(const shape *s, const clh_real *a, const clh_real *b,
                            const clh_kernels *kernel)
{
    const size_t room = s->ready == PACKED_B ? s->k * s->n : s->k * (s->m + clh_strips_rows(s->m));
    clh_real *ready = numbers(room, 5);
    if (ready && s->ready == PACKED_B) {
        kernel->pack(&(clh_packing){.k = s->k,
                                    .n = s->n,
                                    .rows = s->k,
                                    .columns = s->n,
                                    .from = clh_rows(b, s->n),
                                    .to = ready});
    } else if (ready && s->ready == STRIPS_OF_A) {
        clh_real *turned = ready + s->k * clh_strips_rows(s->m);
        kernel->transpose(s->m, s->k, a, s->k, turned, s->m);
        clh_strip(s->m, s->k, turned, s->m, ready);
    }
    return ready;
}

/* One product by everybody. False when there is no memory. */
static bool measure(library *by, size_t count, const shape *s, double peak, bool bits_only,
                    bool *well)
{
    clh_real *a = numbers(s->m * s->k, 1), *b = numbers(s->k * s->heads * s->n, 2);
    clh_real *c = numbers(s->heads * s->m * s->n, 3), *ours = numbers(s->heads * s->m * s->n, 4);
    if (a && s->ready == LOWER_A)
        clear_upper(a, s->m, s->k);
    clh_real *ready = a && b ? made_ready(s, a, b, by->kernel) : NULL;
    const bool had = c && ours && ready;
    if (had) {
        const operands o = {.s = s,
                            .a = a,
                            .b = b,
                            .packed = s->ready == PACKED_B ? ready : NULL,
                            .strips = s->ready == STRIPS_OF_A ? ready : NULL,
                            .c = c};
        const double apart = results(by, count, &o, ours);
        if (!bits_only)
            time_all(by, count, &o, peak);
        *well = (bits_only || row_print(by, count, s, peak, apart)) && *well;
    }
    clh_free(ready);
    clh_free(a);
    clh_free(b);
    clh_free(c);
    clh_free(ours);
    return had;
}

static void heading_print(const library *by, size_t count, double peak)
{
    printf("G operations/s, least and median time of %d; peak %.1f\n\n| product | m x n x k |",
           ROUNDS, peak / 1e9);
    for (size_t l = 0; l < count; l++)
        printf(" %.*s |", (int)strcspn(by[l].name, "="), by[l].name);
    printf(" ready of the peak | over the fastest | ready over it | apart |\n|---|---|");
    for (size_t l = 0; l < count + 4; l++)
        printf("--:|");
    printf("\n");
}

static void bits_print(const library *by, size_t count)
{
    printf("checksums of all results:");
    for (size_t l = 0; l < count; l++) {
        char digits[CLH_CHECKSUM_TEXT];
        clh_checksum_end(&by[l].bits, digits);
        printf(" %.*s %s", (int)strcspn(by[l].name, "="), by[l].name, digits);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    static library by[OURS + LIBRARIES_MOST];
    const bool bits_only = argc > 1 && strcmp(argv[1], "--bits") == 0;
    argv += 1 + bits_only;
    const size_t libraries = (size_t)argc - 1 - bits_only, count = OURS + libraries;
    if (count > CLH_COUNT(by)) {
        fprintf(stderr, "products: %zu libraries, want at most %d\n", libraries, LIBRARIES_MOST);
        return 2;
    }
    for (size_t l = 0; l < count; l++)
        clh_checksum_begin(&by[l].bits);
    for (size_t l = 0; l < OURS; l++)
        by[l].kernel = clh_kernels_best();
    by[0].name = by[0].kernel->name;
    by[1].name = "ready";
    by[1].ready = true;
    for (size_t l = 0; l < libraries; l++)
        if (!library_open(&by[OURS + l], argv[l]))
            return 2;
    double peak = 0;
    if (!bits_only && clh_bench_peak(&peak, NULL, NULL))
        return 3;
    if (!bits_only)
        heading_print(by, count, peak);
    bool well = true;
    for (size_t i = 0; i < CLH_COUNT(shapes); i++)
        if (!measure(by, count, &shapes[i], peak, bits_only, &well))
            return 3;
    bits_print(by, count);
    return well ? 0 : 1;
}
