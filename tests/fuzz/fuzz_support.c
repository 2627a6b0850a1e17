#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clearhead/run_config.h"

clh_status fuzz_last;

/* ---- Answers ---------------------------------------------------------------------------------*/

/* How many bytes the UTF-8 character at `at` has; 0: it is none. */
static size_t character(const unsigned char *at)
{
    const size_t length = *at < 0x80             ? 1
                          : (*at & 0xe0) == 0xc0 ? 2
                          : (*at & 0xf0) == 0xe0 ? 3
                          : (*at & 0xf8) == 0xf0 ? 4
                                                 : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool fuzz_refused(clh_status status, const clh_error *err)
{
    const unsigned char *at = (const unsigned char *)err->message;
    FUZZ_MUST(status != CLH_OK && err->status == status && *at);
    for (size_t length; *at; at += length) {
        length = character(at);
        FUZZ_MUST(length > 0 && *at >= 0x20 && *at != 0x7f);
    }
    fuzz_last = status;
    return false;
}

/* ---- Texts and files -------------------------------------------------------------------------*/

const char *fuzz_text(const uint8_t *bytes, size_t size)
{
    static char *text;
    const size_t length = size ? strnlen((const char *)bytes, size) : 0;
    free(text);
    text = malloc(length + 1); /* no longer: a sanitizer sees who reads past its end */
    FUZZ_MUST(text);
    if (length)
        memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}

char *fuzz_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (end)
        *end = '\0';
    *at = end ? end + 1 : NULL;
    return line;
}

static char folder[256];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_path(const char *name, char out[512])
{
    if (!*folder) {
        const char *parent = getenv("TMPDIR");
        (void)snprintf(folder, sizeof folder, "%s/clearhead-fuzz-XXXXXX",
                       parent && *parent ? parent : "/tmp");
        FUZZ_MUST(mkdtemp(folder));
        FUZZ_MUST(atexit(remove_folder) == 0);
    }
    FUZZ_MUST(snprintf(out, 512, "%s/%s", folder, name) < 512);
    return out;
}

const char *fuzz_file(const uint8_t *bytes, size_t size, const char *ending)
{
    static char path[512];
    char name[64];
    (void)snprintf(name, sizeof name, "input%s", ending);
    const int file = open(fuzz_path(name, path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FUZZ_MUST(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    (void)close(file);
    return path;
}

/* ---- Fixtures --------------------------------------------------------------------------------*/

const clh_run *fuzz_run(void)
{
    static clh_run *run;
    static const char *const words[][2] = {{"n", "2"}, {"d_model", "8"}, {"d_head", "4"}};
    char path[512];
    clh_run_layer all;
    clh_run_config config;
    clh_model *model = NULL;
    if (run)
        return run;
    clh_run_layer_default(&all);
    for (size_t i = 0; i < CLH_COUNT(words); i++)
        FUZZ_MUST(!clh_run_layer_set(&all, words[i][0], words[i][1], NULL));
    FUZZ_MUST(!clh_run_config_resolve(&config, &all, NULL, NULL) &&
              !clh_model_open(&model, &config.model, NULL));
    clh_model_init(model, 0);
    FUZZ_MUST(!clh_run_create(fuzz_path("run", path), &config, model, NULL) &&
              !clh_run_open(&run, path, NULL));
    clh_model_close(model);
    return run;
}
