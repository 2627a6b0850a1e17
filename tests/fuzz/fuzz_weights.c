/* A file of weights with a config and a step in its metadata, as a run opens it: the bytes are the
 * header, behind which come as many zeros as it says. */
#include "clearhead/run.h"
#include "fuzz/fuzz.h"

enum { DATA_MOST = 1 << 18, SIZE_MOST = 64 };

/* The largest number that ends a pair of data_offsets. */
static size_t data_wanted(const char *text)
{
    size_t most = 0;
    for (const char *at = text; (at = strstr(at, "\"data_offsets\""));) {
        const char *comma = strchr(at, ',');
        const size_t end = comma ? strtoul(comma + 1, NULL, 10) : 0;
        most = end > most && end <= DATA_MOST ? end : most;
        at++;
    }
    return most;
}

FUZZ_TARGET(weights)
{
    clh_run_config config;
    clh_run *run = NULL;
    clh_error err = {0};
    const size_t data = data_wanted(fuzz_text(bytes, size));
    uint8_t *whole = calloc(1, 8 + size + data);
    FUZZ_MUST(whole);
    for (size_t i = 0; i < 8; i++)
        whole[i] = (uint8_t)(size >> 8 * i);
    if (size)
        memcpy(whole + 8, bytes, size);
    const char *path = fuzz_file(whole, 8 + size + data, ".safetensors");
    free(whole);
    clh_status status = clh_run_config_peek(&config, path, &err);
    if (status)
        return fuzz_refused(status, &err);
    const clh_model_config *m = &config.model;
    if (m->d_model > SIZE_MOST || m->d_head > SIZE_MOST || m->n_heads > SIZE_MOST ||
        m->n_layers > SIZE_MOST || m->d_mlp > SIZE_MOST || m->n_ctx > SIZE_MOST ||
        m->d_vocab > SIZE_MOST || m->d_vocab_out > SIZE_MOST)
        return true; /* well read; a model of that size says nothing more about reading */
    status = clh_run_open(&run, path, &err);
    FUZZ_MUST(!status == (run != NULL));
    if (status)
        return fuzz_refused(status, &err);
    size_t count;
    FUZZ_MUST(clh_model_data(clh_run_model(run), &count) && count > 0);
    clh_run_close(run);
    return true;
}
