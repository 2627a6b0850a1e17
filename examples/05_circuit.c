/* Read a head's OV circuit from the weights: which tokens it copies, and how many directions it
 * has.
 *
 *    05_circuit RUN        e.g. runs/notebook
 */
#include <stdio.h>

#include <clearhead/clearhead.h>

/* Whether the largest entry of a row is its own token's. */
static int copies(const clh_dense *ov, size_t token)
{
    const double *row = ov->data + token * ov->cols;
    for (size_t c = 0; c < ov->cols; c++)
        if (row[c] > row[token])
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_circuit ov = {0};
    clh_dense matrix = {0};
    clh_spectrum spectrum = {0};
    size_t copied = 0;

    if (argc != 2)
        return fprintf(stderr, "usage: 05_circuit RUN\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_circuit_open(&ov, clh_run_model(run), CLH_CIRCUIT_OV, 0, 0, false, &err) ||
        clh_factored_spectrum(&spectrum, &ov.matrix, &err) ||
        clh_factored_product(&matrix, &ov.matrix, &err))
        goto done;
    for (size_t token = 0; token < matrix.rows && token < matrix.cols; token++)
        copied += (size_t)copies(&matrix, token);
    printf("%s: %zu of %zu tokens raise their own logit most\n", ov.product, copied, matrix.rows);
    printf("copying %.3f, effective rank %.1f of %zu\n", spectrum.copying, spectrum.participation,
           spectrum.svd.count);
done:
    if (err.status)
        fprintf(stderr, "05_circuit: %s\n", err.message);
    clh_spectrum_deinit(&spectrum);
    clh_dense_deinit(&matrix);
    clh_circuit_deinit(&ov);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
