/** Fuzz targets: each hands bytes to one parser of ours and holds what must be true of any answer.
 *
 *    #include "fuzz/fuzz.h"
 *
 *    FUZZ_TARGET(metric)
 *    {
 *        clh_metric metric;
 *        clh_error err = {0};
 *        clh_status status = clh_metric_parse(&metric, fuzz_text(bytes, size), NULL, 9, 1, &err);
 *        if (status)
 *            return fuzz_refused(status, &err);
 *        FUZZ_MUST(metric.position < 9);
 *        return true;                                   // taken
 *    }
 *
 *  One file a target, its name in meson.build, its seeds in seeds/NAME. `make test` replays them all
 *  with any compiler (fuzz_replay.c), `make fuzz` searches with libFuzzer. docs/fuzzing.md lists them.
 *
 *  Fixtures are made when first asked for and stay. Texts and paths are borrowed until the same
 *  function is called again.
 */
#ifndef CLH_FUZZ_H
#define CLH_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"

#ifdef CLH_LIBFUZZER
#define FUZZ_TARGET(name)                                                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);                                 \
    static bool fuzz_##name(const uint8_t *bytes, size_t size);                                    \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)                                  \
    {                                                                                              \
        (void)fuzz_##name(bytes, size);                                                            \
        return 0;                                                                                  \
    }                                                                                              \
    static bool fuzz_##name(const uint8_t *bytes, size_t size)
#else
#define FUZZ_TARGET(name)                                                                          \
    bool fuzz_##name(const uint8_t *bytes, size_t size);                                           \
    bool fuzz_##name(const uint8_t *bytes, size_t size)
#endif

/** Not assert: it must hold in every build. */
#define FUZZ_MUST(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** That `status`, which is no success, came with its line: of `err`, one line, UTF-8, not empty. Always
 *  false: what a target returns then. */
bool fuzz_refused(clh_status status, const clh_error *err);

/** The last status that was refused since it was set; CLH_OK: none. */
extern clh_status fuzz_last;

/** The bytes up to the first zero as a text, in memory that ends with it. */
const char *fuzz_text(const uint8_t *bytes, size_t size);

/** The part of such a text up to the next newline, which is replaced by its end; moves *at past it, NULL
 *  behind the last line. */
char *fuzz_line(char **at);

/** A file of these bytes: its path, "…" and `ending`. */
const char *fuzz_file(const uint8_t *bytes, size_t size, const char *ending);

/** A folder for one target's files, gone when the process ends: "/tmp/clearhead-x/NAME" into `out`. */
const char *fuzz_path(const char *name, char out[512]);

/** A run of permutations of two letters with weights of seed 0, of step 0. Borrowed. */
const clh_run *fuzz_run(void);

#endif
