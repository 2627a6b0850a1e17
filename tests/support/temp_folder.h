/** A folder of its own for a test, gone afterwards with all that is in it.
 *
 *    static void a_test(void **state) { temp_folder_path(*state, "a.json", path); ... }
 *    const struct CMUnitTest tests[] = {FOLDER_TEST(a_test)};
 *
 *  The fixture owns the folder; *state is a temp_folder until the teardown.
 */
#ifndef CLH_TEMP_FOLDER_H
#define CLH_TEMP_FOLDER_H

#include <stddef.h>

/** A cmocka test with a folder of its own. */
#define FOLDER_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)

enum { TEMP_PATH_MAX = 512 };

typedef struct temp_folder {
    char path[256];
} temp_folder;

/** cmocka fixture: make a folder under TMPDIR (or /tmp) and put it into *state. */
int temp_folder_setup(void **state);

/** cmocka fixture: remove the folder of *state and everything in it. */
int temp_folder_teardown(void **state);

/** "folder/name" into `out`; returns `out`. */
const char *temp_folder_path(const temp_folder *folder, const char *name, char out[TEMP_PATH_MAX]);

/** How many entries the folder has: to see that no temporary file was left. */
size_t temp_folder_count(const temp_folder *folder);

/** Make or replace the file `name` by these bytes, without the library; its path into `out`. */
const char *temp_folder_put(const temp_folder *folder, const char *name, const void *bytes,
                            size_t length, char out[TEMP_PATH_MAX]);

/** Bytes of the file at `path`, read without the library, into `bytes`; how many there are, which
 *  may be more than `capacity`; SIZE_MAX when there is no such file. */
size_t temp_file_get(const char *path, void *bytes, size_t capacity);

#endif
