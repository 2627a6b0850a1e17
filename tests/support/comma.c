/* The file LC_NUMERIC of the C library (glibc, locale/locale-internals.h): a magic number, how many
 * entries, where each begins; then the entries, in the order of locale/categories.def: decimal point,
 * thousands' separator and grouping as text, both separators as wide characters, the codeset. */
#include "support/comma.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/cmocka_all.h"

enum { ENTRIES = 6, MAGIC = 0x20031115 ^ LC_NUMERIC, WIDE_POINT = 3, WIDE_SEPARATOR = 4 };

static size_t lay_out(unsigned char *file, const char *point)
{
    const char *const text[ENTRIES] = {point, "", "", NULL, NULL, "UTF-8"};
    uint32_t head[2 + ENTRIES] = {MAGIC, ENTRIES};
    size_t at = sizeof head;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (!text[i])
            at = (at + 3) / 4 * 4; /* words are aligned */
        head[2 + i] = (uint32_t)at;
        if (text[i]) {
            memcpy(file + at, text[i], strlen(text[i]) + 1);
            at += strlen(text[i]) + 1;
        } else {
            const uint32_t wide = i == WIDE_POINT ? ',' : 0;
            memcpy(file + at, &wide, sizeof wide);
            at += sizeof wide;
        }
    }
    memcpy(file, head, sizeof head);
    return at;
}

void comma_set(const temp_folder *folder, const char *point)
{
    unsigned char bytes[128] = {0};
    char path[TEMP_PATH_MAX], text[32];
    const size_t length = lay_out(bytes, point);
    assert_true(length < sizeof bytes);
    (void)mkdir(temp_folder_path(folder, "locales", path), 0777);
    (void)mkdir(temp_folder_path(folder, "locales/comma", path), 0777);
    (void)temp_folder_put(folder, "locales/comma/LC_NUMERIC", bytes, length, path);
    assert_int_equal(setenv("LOCPATH", temp_folder_path(folder, "locales", path), 1), 0);
    assert_non_null(setlocale(LC_NUMERIC, "comma"));
    assert_string_equal(localeconv()->decimal_point, point);
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_memory_equal(text + 1, point, strlen(point)); /* it is in use */
}

void comma_unset(void)
{
    assert_non_null(setlocale(LC_NUMERIC, "C"));
    assert_int_equal(unsetenv("LOCPATH"), 0);
}
