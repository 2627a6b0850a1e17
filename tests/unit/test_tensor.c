/* Views of numbers: counted, indexed and written as their shape says. */
#include <stdint.h>

#include "clearhead/tensor.h"
#include "support/cmocka_all.h"

static void shape_is_written_as_python_writes_a_list(void **state)
{
    (void)state;
    char out[96];
    const clh_tensor scalar = {.rank = 0}, row = {.rank = 1, .shape = {7}},
                     cube = {.rank = 3, .shape = {4, 122, 128}};
    assert_string_equal(clh_tensor_shape_text(&scalar, out), "[]");
    assert_string_equal(clh_tensor_shape_text(&row, out), "[7]");
    assert_ptr_equal(clh_tensor_shape_text(&cube, out), out);
    assert_string_equal(out, "[4, 122, 128]");
}

static void longest_shape_fits(void **state)
{
    (void)state;
    char out[96];
    const clh_tensor most = {.rank = 4, .shape = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}};
    assert_string_equal(clh_tensor_shape_text(&most, out),
                        "[18446744073709551615, 18446744073709551615, 18446744073709551615, "
                        "18446744073709551615]");
}

static void elements_follow_each_other_last_dimension_first(void **state)
{
    (void)state;
    const clh_tensor tensor = {.rank = 4, .shape = {2, 3, 4, 5}};
    size_t next = 0;
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 0; b < 3; b++)
            for (size_t c = 0; c < 4; c++)
                for (size_t d = 0; d < 5; d++)
                    assert_int_equal(clh_tensor_at(&tensor, a, b, c, d), next++);
    assert_int_equal(clh_tensor_count(&tensor), next);
    assert_int_equal(clh_tensor_count(&(clh_tensor){.rank = 0}), 1);
    assert_int_equal(clh_tensor_count(&(clh_tensor){.rank = 2, .shape = {3, 0}}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_is_written_as_python_writes_a_list),
        cmocka_unit_test(longest_shape_fits),
        cmocka_unit_test(elements_follow_each_other_last_dimension_first),
    };
    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
