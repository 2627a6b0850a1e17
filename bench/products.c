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
 * general backend makes them, transposed operands written out as it has them. All in turn, many
 * rounds: G operations a second in the least and in the median time; "over the fastest" is the least time of
 * the fastest library over ours. Whose result is not ours to 1e-5 of the largest number is wrong and
 * not timed. The last line is a checksum of all results of each, to be compared between numbers of
 * threads and instruction sets. */
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
#include "math/kernels.h"

enum { ROUNDS = 41, LIBRARIES_MOST = 7 };

static const double round_seconds = 5e-4;
static const double apart_most = 1e-5; /* beside the largest number of the result */

typedef struct shape {
    const char *what;
    size_t m, n, k, a_row, b_row, c_row;
    bool added;
} shape;

static const shape shapes[] = {
    /* modular addition: d_model 128, d_mlp 512, heads of 32 */
    {"mod: q, k, v of a head", 255, 32, 128, 128, 32, 128, false},
    {"mod: W_O", 85, 128, 128, 128, 128, 128, false},
    {"mod: W_in", 85, 512, 128, 128, 512, 512, false},
    {"mod: W_out", 85, 128, 512, 512, 128, 128, false},
    {"mod: W_U", 85, 113, 128, 128, 113, 113, false},
    {"mod: g x of heads", 255, 128, 128, 128, 128, 128, true},
    {"mod: g x of W_in", 85, 128, 512, 512, 128, 128, true},
    {"mod: g x of W_U", 85, 128, 113, 113, 128, 128, true},
    {"mod: g W_Q of a head", 128, 32, 255, 272, 128, 32, true},
    {"mod: g W_in", 128, 512, 85, 112, 512, 512, true},
    {"mod: g W_out", 512, 128, 85, 112, 128, 128, true},
    /* 2 layers of d_model 128, attention only */
    {"attn2: q, k, v of a head", 242, 32, 128, 128, 32, 128, false},
    {"attn2: W_O", 242, 128, 128, 128, 128, 128, false},
    {"attn2: scores of 24", 24, 120, 32, 128, 128, 121, false},
    {"attn2: z of 24", 24, 32, 120, 121, 128, 128, false},
    {"attn2: W_U", 120, 64, 128, 128, 64, 64, false},
    {"attn2: g W_Q of a head", 128, 32, 242, 272, 128, 32, false},
    /* 2 layers of d_model 256, d_mlp 1,024 */
    {"mlp256: q, k, v of a head", 242, 32, 256, 256, 32, 256, false},
    {"mlp256: W_in", 242, 1024, 256, 256, 1024, 1024, false},
    {"mlp256: W_out", 242, 256, 1024, 1024, 256, 256, false},
    {"mlp256: g x of heads", 242, 256, 256, 256, 256, 256, true},
    {"mlp256: g W_Q of a head", 256, 32, 242, 272, 256, 32, false},
    {"mlp256: g W_in", 256, 1024, 242, 272, 1024, 1024, false},
    {"mlp256: g W_out", 1024, 256, 242, 272, 256, 256, false},
    /* 4 layers of d_model 512, d_mlp 2,048 */
    {"mlp512: q, k, v of a head", 255, 64, 512, 512, 64, 512, false},
    {"mlp512: W_O", 255, 512, 512, 512, 512, 512, false},
    {"mlp512: W_in", 255, 2048, 512, 512, 2048, 2048, false},
    {"mlp512: W_out", 255, 512, 2048, 2048, 512, 512, false},
    {"mlp512: g W_in", 512, 2048, 255, 272, 2048, 2048, false},
    {"mlp512: g W_out", 2048, 512, 255, 272, 512, 512, false},
    /* 1 layer of d_model 64, d_mlp 256, sequences of 8 */
    {"short: q, k, v of a head", 252, 16, 64, 64, 16, 64, false},
    {"short: W_in", 108, 256, 64, 64, 256, 256, false},
    {"short: W_out", 108, 64, 256, 256, 64, 64, false},
    {"short: g W_Q of a head", 64, 16, 252, 272, 64, 16, true},
    {"short: g W_in", 64, 256, 108, 112, 256, 256, true},
    /* 3 layers of d_model 128, gated MLP of 512 */
    {"rotary: W_in, W_gate", 242, 512, 128, 128, 512, 512, false},
    {"rotary: W_out", 242, 128, 512, 512, 128, 128, false},
    {"rotary: g W_in", 128, 512, 242, 272, 512, 512, false},
    {"rotary: g W_out", 512, 128, 242, 272, 128, 128, false},
};

/* ---- Who multiplies ----------------------------------------------------------------------------
 */

typedef struct operands {
    const shape *s;
    const clh_real *a, *b;
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
    onednn_fn *onednn;
    cblas_fn *cblas;
    fortran_fn *fortran; /* columns first */
    bool wrong;          /* its last result was not ours: what it takes says nothing */
    double took[ROUNDS];
    clh_checksum bits; /* of all results */
} library;

static void multiply(const library *by, const operands *o)
{
    const shape *s = o->s;
    const float beta = s->added ? 1 : 0, one = 1;
    const int m = (int)s->m, n = (int)s->n, k = (int)s->k;
    const int a_row = (int)s->a_row, b_row = (int)s->b_row, c_row = (int)s->c_row;
    if (by->kernel) {
        clh_gemm g = {.m = s->m,
                      .n = s->n,
                      .k = s->k,
                      .a = o->a,
                      .a_row = s->a_row,
                      .a_col = 1,
                      .b = o->b,
                      .b_row = s->b_row,
                      .b_col = 1,
                      .c = o->c,
                      .c_row = s->c_row,
                      .alpha = 1,
                      .start = s->added ? o->c : NULL,
                      .start_row = s->added ? s->c_row : 0};
        by->kernel->gemm(&g);
    } else if (by->onednn) {
        by->onednn('N', 'N', m, n, k, 1, o->a, a_row, o->b, b_row, beta, o->c, c_row);
    } else if (by->cblas) {
        enum { ROWS_FIRST = 101, AS_IT_IS = 111 };
        by->cblas(ROWS_FIRST, AS_IT_IS, AS_IT_IS, m, n, k, 1, o->a, a_row, o->b, b_row, beta, o->c,
                  c_row);
    } else {
        by->fortran("N", "N", &n, &m, &k, &one, o->b, &b_row, o->a, &a_row, &beta, o->c, &c_row);
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

/* Each result once, from an empty C: its bits, and how far from ours at most. */
static double results(library *by, size_t count, const operands *o, clh_real *ours)
{
    const shape *s = o->s;
    const size_t size = (s->m - 1) * s->c_row + s->n;
    double apart = 0;
    for (size_t l = 0; l < count; l++) {
        memset(o->c, 0, size * sizeof *o->c);
        multiply(&by[l], o);
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

/* All in turn, many rounds of many calls. */
static void time_all(library *by, size_t count, const operands *o, double peak)
{
    const double operations = 2.0 * (double)o->s->m * (double)o->s->n * (double)o->s->k;
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
    const double operations = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    double fastest = INFINITY;
    bool well = true;
    printf("| %s | %zu x %zu x %zu |", s->what, s->m, s->n, s->k);
    for (size_t l = 0; l < count; l++) {
        if (by[l].wrong) {
            printf(" wrong |");
            well = false;
            continue;
        }
        qsort(by[l].took, ROUNDS, sizeof *by[l].took, compare);
        printf(" %.1f, %.1f |", operations / by[l].took[0] / 1e9,
               operations / by[l].took[ROUNDS / 2] / 1e9);
        if (l > 0)
            fastest = fmin(fastest, by[l].took[0]);
    }
    printf(" %.2f | %.2f | %.0e |\n", operations / by[0].took[0] / peak, fastest / by[0].took[0],
           apart);
    fflush(stdout);
    return well;
}

/* One product by everybody. False when there is no memory. */
static bool measure(library *by, size_t count, const shape *s, double peak, bool bits_only,
                    bool *well)
{
    clh_real *a = numbers(s->m * s->a_row, 1), *b = numbers(s->k * s->b_row, 2);
    clh_real *c = numbers(s->m * s->c_row, 3), *ours = numbers(s->m * s->c_row, 4);
    const bool had = a && b && c && ours;
    if (had) {
        const operands o = {s, a, b, c};
        const double apart = results(by, count, &o, ours);
        if (!bits_only)
            time_all(by, count, &o, peak);
        *well = (bits_only || row_print(by, count, s, peak, apart)) && *well;
    }
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
    printf(" ours of the peak | over the fastest | apart |\n|---|---|");
    for (size_t l = 0; l < count + 3; l++)
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
    static library by[1 + LIBRARIES_MOST];
    const bool bits_only = argc > 1 && strcmp(argv[1], "--bits") == 0;
    argv += bits_only;
    const size_t count = (size_t)argc - bits_only;
    if (count > CLH_COUNT(by)) {
        fprintf(stderr, "products: %zu libraries, want at most %d\n", count - 1, LIBRARIES_MOST);
        return 2;
    }
    for (size_t l = 0; l < count; l++)
        clh_checksum_begin(&by[l].bits);
    by[0].kernel = clh_kernels_best();
    by[0].name = by[0].kernel->name;
    for (size_t l = 1; l < count; l++)
        if (!library_open(&by[l], argv[l]))
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
