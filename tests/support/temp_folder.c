#include "support/temp_folder.h"

#include <assert.h>
#include <dirent.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int temp_folder_setup(void **state)
{
    const char *parent = getenv("TMPDIR");
    temp_folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return -1;
    int length = snprintf(folder->path, sizeof folder->path, "%s/clearhead-XXXXXX",
                          parent && *parent ? parent : "/tmp");
    if (length < 0 || (size_t)length >= sizeof folder->path || !mkdtemp(folder->path)) {
        free(folder);
        return -1;
    }
    *state = folder;
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

int temp_folder_teardown(void **state)
{
    temp_folder *folder = *state;
    int failed = nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
    return failed;
}

const char *temp_folder_path(const temp_folder *folder, const char *name, char out[TEMP_PATH_MAX])
{
    int length = snprintf(out, TEMP_PATH_MAX, "%s/%s", folder->path, name);
    assert(length > 0 && length < TEMP_PATH_MAX);
    (void)length;
    return out;
}

size_t temp_folder_count(const temp_folder *folder)
{
    DIR *stream = opendir(folder->path);
    size_t count = 0;
    assert(stream);
    for (const struct dirent *entry; (entry = readdir(stream));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(stream);
    return count;
}

const char *temp_folder_put(const temp_folder *folder, const char *name, const void *bytes,
                            size_t length, char out[TEMP_PATH_MAX])
{
    FILE *stream = fopen(temp_folder_path(folder, name, out), "wb");
    assert(stream);
    size_t written = fwrite(bytes, 1, length, stream);
    int failed = fclose(stream);
    assert(written == length && !failed);
    (void)written, (void)failed;
    return out;
}

size_t temp_file_get(const char *path, void *bytes, size_t capacity)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return SIZE_MAX;
    size_t used = fread(bytes, 1, capacity, stream);
    while (fgetc(stream) != EOF)
        used++;
    (void)fclose(stream);
    return used;
}
