/* Zip files for readers that are not ours: small.zip; large.zip, the same with the fields that members
 * past 4 GB need; many.zip, more members than 16 bits count.
 *
 *    write_zip FOLDER
 */
#include <stdio.h>
#include <string.h>

#include "file/zip.h"

enum { MANY = 65536 };

/* A member that comes in pieces of three bytes. */
static void give(const void *member, clh_bytes_fn *sink, void *user)
{
    const char *text = member;
    for (size_t left = strlen(text), piece; left > 0; left -= piece, text += piece) {
        piece = left < 3 ? left : 3;
        sink(user, text, piece);
    }
}

static clh_status write_few(const char *path, uint64_t most, clh_error *err)
{
    clh_zip *zip = NULL;
    clh_status status = clh_zip_begin(&zip, path, err);
    if (status)
        return status;
    zip->most = most ? most : zip->most;
    clh_zip_add(zip, "empty", give, "");
    clh_zip_add(zip, "first", give, "123456789");
    clh_zip_add(zip, "\xc3\xa9t\xc3\xa9", give, "summer, and the name says so");
    return clh_zip_commit(zip, err);
}

static clh_status write_many(const char *path, clh_error *err)
{
    clh_zip *zip = NULL;
    clh_status status = clh_zip_begin(&zip, path, err);
    for (int i = 0; i < MANY && !status; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", i);
        clh_zip_add(zip, name, give, name);
    }
    return status ? status : clh_zip_commit(zip, err);
}

int main(int argc, char **argv)
{
    clh_error err = {0};
    char path[3][512];
    static const char *const name[] = {"small.zip", "large.zip", "many.zip"};
    if (argc != 2)
        return 2;
    for (int i = 0; i < 3; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", argv[1], name[i]);
    clh_status status = write_few(path[0], 0, &err);
    if (!status)
        status = write_few(path[1], 5, &err);
    if (!status)
        status = write_many(path[2], &err);
    if (status)
        (void)fprintf(stderr, "%s\n", err.message);
    return status ? 1 : 0;
}
