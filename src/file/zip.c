#include "file/zip.h"

#include <assert.h>
#include <string.h>

/* Versions of the format a reader must know: 2.0, and 4.5 for zip64. Made by 3 is Unix, so that the
 * upper half of the attributes is a mode. */
enum { VERSION = 20, VERSION_64 = 45, UNIX = 3, UTF8 = 0x800, DAY_1980_01_01 = 0x21 };

static const uint64_t most_32 = 0xffffffff, most_16 = 0xffff, mode = 0100644;

/* ---- Fields ---- */

/* The low `bytes` bytes of a value, the lowest first. */
static void add(clh_strbuf *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        const char byte = (char)(unsigned char)(value >> 8 * i & 255);
        clh_strbuf_add(to, &byte, 1);
    }
}

/* In 32 bits, or all bits set: then it stands in a field of zip64. */
static void add_32(clh_strbuf *to, uint64_t value, const clh_zip *zip)
{
    add(to, value < zip->most ? value : most_32, 4);
}

static bool is_ascii(const char *name)
{
    while (*name && !((unsigned char)*name & 0x80))
        name++;
    return !*name;
}

typedef struct record {
    const char *name;
    uint64_t size, at;
    uint32_t crc;
} record;

/* What local header and directory have in common. */
static void add_common(clh_strbuf *to, const clh_zip *zip, const record *r, unsigned extra)
{
    add(to, extra ? VERSION_64 : VERSION, 2);
    add(to, is_ascii(r->name) ? 0 : UTF8, 2);
    add(to, 0, 2); /* stored */
    add(to, 0, 2); /* midnight */
    add(to, DAY_1980_01_01, 2);
    add(to, r->crc, 4);
    add_32(to, r->size, zip); /* as stored */
    add_32(to, r->size, zip);
    add(to, strlen(r->name), 2);
    add(to, extra, 2);
}

/* zip64's field: its number, how many bytes follow, then what does not fit elsewhere. */
static void add_extra(clh_strbuf *to, const clh_zip *zip, const record *r, unsigned extra,
                      bool place)
{
    if (extra == 0)
        return;
    add(to, 1, 2);
    add(to, extra - 4, 2);
    if (r->size >= zip->most) {
        add(to, r->size, 8);
        add(to, r->size, 8);
    }
    if (place && r->at >= zip->most)
        add(to, r->at, 8);
}

static void add_local(clh_strbuf *to, const clh_zip *zip, const record *r)
{
    const unsigned extra = r->size >= zip->most ? 20 : 0;
    clh_strbuf_add(to, "PK\3\4", 4);
    add_common(to, zip, r, extra);
    clh_strbuf_adds(to, r->name);
    add_extra(to, zip, r, extra, false);
}

static void add_to_directory(clh_zip *zip, const record *r)
{
    clh_strbuf *to = &zip->directory;
    unsigned extra = (r->size >= zip->most ? 16U : 0U) + (r->at >= zip->most ? 8U : 0U);
    extra += extra ? 4U : 0U;
    clh_strbuf_add(to, "PK\1\2", 4);
    add(to, UNIX << 8 | (extra ? VERSION_64 : VERSION), 2);
    add_common(to, zip, r, extra);
    add(to, 0, 2 + 2 + 2); /* no comment, on the first disk, not said whether text */
    add(to, mode << 16, 4);
    add_32(to, r->at, zip);
    clh_strbuf_adds(to, r->name);
    add_extra(to, zip, r, extra, true);
}

/* ---- Writing ---- */

static void put(clh_zip *zip, const void *bytes, size_t length)
{
    clh_file_write(zip->file, bytes, length);
    zip->at += length;
}

static void to_file(void *zip, const void *bytes, size_t length)
{
    put(zip, bytes, length);
}

typedef struct sum {
    const clh_crc32 *table;
    uint64_t size;
    uint32_t crc;
} sum;

static void to_sum(void *user, const void *bytes, size_t length)
{
    sum *s = user;
    s->crc = clh_crc32_add(s->table, s->crc, bytes, length);
    s->size += length;
}

clh_status clh_zip_begin(clh_zip **out, const char *path, clh_error *err)
{
    assert(out && path);
    clh_zip *zip = clh_alloc_zeroed(1, sizeof *zip, err);
    clh_status status = zip ? clh_file_begin(&zip->file, path, err) : CLH_ENOMEM;
    if (status) {
        clh_free(zip);
        return status;
    }
    zip->most = most_32;
    clh_crc32_init(&zip->crc);
    *out = zip;
    return CLH_OK;
}

void clh_zip_add(clh_zip *zip, const char *name, clh_zip_member *give, const void *member)
{
    assert(zip && name && give && strlen(name) <= CLH_ZIP_NAME_MAX);
    sum found = {.table = &zip->crc};
    clh_strbuf local = {0};
    if (zip->directory.failed) /* there will be no file */
        return;
    give(member, to_sum, &found);
    const record r = {name, .size = found.size, .at = zip->at, .crc = found.crc};
    add_local(&local, zip, &r);
    add_to_directory(zip, &r);
    zip->directory.failed = zip->directory.failed || local.failed;
    put(zip, clh_strbuf_view(&local), local.length);
    clh_strbuf_deinit(&local);
    const uint64_t begin = zip->at;
    give(member, to_file, zip);
    assert(zip->at - begin == r.size && "a member gives the same bytes twice");
    (void)begin;
    zip->members++;
}

/* Where the directory is, and how much; with zip64 that record too, and where it is. */
static void add_end(clh_strbuf *to, const clh_zip *zip, uint64_t size)
{
    const uint64_t members = zip->members;
    if (members >= most_16 || zip->at >= zip->most || size >= zip->most) {
        clh_strbuf_add(to, "PK\6\6", 4);
        add(to, 44, 8); /* bytes of this record from here on */
        add(to, UNIX << 8 | VERSION_64, 2);
        add(to, VERSION_64, 2);
        add(to, 0, 4 + 4); /* this disk, the directory's */
        add(to, members, 8);
        add(to, members, 8);
        add(to, size, 8);
        add(to, zip->at, 8);
        clh_strbuf_add(to, "PK\6\7", 4);
        add(to, 0, 4);
        add(to, zip->at + size, 8);
        add(to, 1, 4); /* disk in all */
    }
    clh_strbuf_add(to, "PK\5\6", 4);
    add(to, 0, 2 + 2);
    add(to, members < most_16 ? members : most_16, 2);
    add(to, members < most_16 ? members : most_16, 2);
    add_32(to, size, zip);
    add_32(to, zip->at, zip);
    add(to, 0, 2); /* no comment */
}

clh_status clh_zip_commit(clh_zip *zip, clh_error *err)
{
    assert(zip);
    clh_strbuf *directory = &zip->directory;
    add_end(directory, zip, directory->length);
    clh_status status = clh_strbuf_check(directory, err);
    if (status) {
        clh_zip_abandon(zip);
        return status;
    }
    put(zip, directory->data, directory->length);
    status = clh_file_commit(zip->file, err);
    clh_strbuf_deinit(directory);
    clh_free(zip);
    return status;
}

void clh_zip_abandon(clh_zip *zip)
{
    if (!zip)
        return;
    clh_file_abandon(zip->file);
    clh_strbuf_deinit(&zip->directory);
    clh_free(zip);
}
