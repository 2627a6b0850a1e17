/* Memory that is aligned, checked, and refused with a line that says how much was wanted. */
#include <string.h>
#include <sys/resource.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static void memory_is_aligned_to_64_and_zeroed_on_request(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *memory = clh_alloc_zeroed(size, 1, NULL);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        clh_free(memory);
    }
    clh_free(NULL);
}

static void product_that_overflows_is_refused(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_null(clh_alloc_array(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.status, CLH_ENOMEM);
    assert_non_null(strstr(err.message, "3 bytes"));
    assert_null(clh_alloc_array(SIZE_MAX, 1, &err));
    assert_null(clh_alloc_zeroed(SIZE_MAX / 2, 3, NULL));
}

static void failed_allocation_names_the_bytes(void **state)
{
    (void)state;
    failing_alloc alloc;
    clh_error err = {0};
    failing_alloc_install(&alloc, 1);
    void *memory = clh_alloc_array(1500, 1000, &err);
    assert_true(failing_alloc_remove(&alloc));
    assert_null(memory);
    assert_int_equal(err.status, CLH_ENOMEM);
    assert_string_equal(err.message, "out of memory: wanted 1.5 MB");
}

static void allocator_is_asked_for_at_least_one_byte(void **state)
{
    (void)state;
    failing_alloc alloc;
    failing_alloc_install(&alloc, 0);
    void *memory = clh_alloc_array(0, 8, NULL);
    clh_free(memory);
    assert_false(failing_alloc_remove(&alloc));
    assert_non_null(memory);
    assert_int_equal(alloc.largest, 1);
    assert_int_equal(alloc.live, 0);
}

static clh_status copy_a_text(void *context)
{
    clh_error err = {0};
    char *copy = clh_text_copy(context, &err);
    if (copy)
        assert_string_equal(copy, context);
    clh_free(copy);
    return err.status;
}

static void text_copy_is_equal_or_out_of_memory(void **state)
{
    (void)state;
    char text[] = "blocks.0.attn.W_Q";
    assert_int_equal(failing_alloc_each(copy_a_text, text), 1);
}

static void bytes_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        const char *text;
    } row[] = {
        {0, "0 bytes"},         {999, "999 bytes"},    {1000, "1.0 kB"},   {12040, "12.0 kB"},
        {99949, "99.9 kB"},     {99960, "100 kB"},     {999499, "999 kB"}, {999500, "1.0 MB"},
        {1500000000, "1.5 GB"}, {SIZE_MAX, "18.4 EB"},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        char out[24];
        assert_string_equal(clh_bytes_text(row[i].bytes, out), row[i].text);
    }
}

static void memory_check_refuses_what_no_machine_has(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_int_equal(clh_memory_check(1 << 20, "the model", &err), CLH_OK);
    assert_int_equal(err.status, CLH_OK);
    assert_int_equal(clh_memory_check((size_t)1 << 60, "the model", &err), CLH_ENOMEM);
    assert_non_null(strstr(err.message, "the model needs 1.2 EB of memory"));
}

static void memory_check_knows_the_limit_of_the_process(void **state)
{
    (void)state;
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)3 << 40; /* the sanitizers reserve much and keep it */
    if (low.rlim_cur > before.rlim_max || setrlimit(RLIMIT_AS, &low)) {
        say_skipped("memory is limited here already");
        return;
    }
    const clh_status above = clh_memory_check(((size_t)3 << 40) + 1, "it", NULL);
    low.rlim_cur = 100000000;
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    clh_error err = {0};
    const clh_status under = clh_memory_check(100000000, "it", &err);
    const clh_status over = clh_memory_check(100000001, "it", &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(above, CLH_ENOMEM);
    assert_int_equal(under, CLH_OK);
    assert_int_equal(over, CLH_ENOMEM);
    assert_non_null(strstr(err.message, "this process may have 100 MB"));
}

static void checked_arithmetic_sees_the_last_number_that_fits(void **state)
{
    (void)state;
    size_t out = 0;
    assert_true(clh_mul_ok(SIZE_MAX / 3, 3, &out));
    assert_true(out == SIZE_MAX / 3 * 3);
    assert_false(clh_mul_ok(SIZE_MAX / 3 + 1, 3, &out));
    assert_true(clh_add_ok(SIZE_MAX - 1, 1, &out));
    assert_false(clh_add_ok(SIZE_MAX, 1, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_to_64_and_zeroed_on_request),
        cmocka_unit_test(product_that_overflows_is_refused),
        cmocka_unit_test(failed_allocation_names_the_bytes),
        cmocka_unit_test(allocator_is_asked_for_at_least_one_byte),
        cmocka_unit_test(text_copy_is_equal_or_out_of_memory),
        cmocka_unit_test(bytes_are_written_for_people),
        cmocka_unit_test(memory_check_refuses_what_no_machine_has),
        cmocka_unit_test(memory_check_knows_the_limit_of_the_process),
        cmocka_unit_test(checked_arithmetic_sees_the_last_number_that_fits),
    };
    return cmocka_run_group_tests_name("base alloc", tests, NULL, NULL);
}
