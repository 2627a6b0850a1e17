/* Text that grows, fails once and for all, and quotes itself for JSON. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static void empty_buffer_is_the_empty_text(void **state)
{
    (void)state;
    clh_strbuf text = {0};
    assert_string_equal(clh_strbuf_view(&text), "");
    clh_strbuf_add(&text, NULL, 0);
    clh_strbuf_adds(&text, "");
    assert_int_equal(clh_strbuf_check(&text, NULL), CLH_OK);
    char *taken = clh_strbuf_take(&text, NULL);
    assert_string_equal(taken, "");
    clh_free(taken);
    clh_strbuf_deinit(&text);
}

static void additions_follow_each_other_at_every_length(void **state)
{
    (void)state;
    clh_strbuf text = {0};
    char wanted[6000] = "";
    for (int i = 0; i < 1000; i++) {
        clh_strbuf_addf(&text, "%d", i);
        clh_strbuf_add(&text, ", and", 1);
        size_t end = strlen(wanted);
        (void)snprintf(wanted + end, sizeof wanted - end, "%d,", i);
        assert_int_equal(text.length, strlen(wanted));
        assert_int_equal(text.data[text.length], '\0');
    }
    assert_string_equal(clh_strbuf_view(&text), wanted);
    clh_strbuf_clear(&text);
    assert_string_equal(clh_strbuf_view(&text), "");
    clh_strbuf_adds(&text, "again");
    assert_string_equal(clh_strbuf_view(&text), "again");
    clh_strbuf_deinit(&text);
}

static void taking_leaves_an_empty_buffer(void **state)
{
    (void)state;
    clh_strbuf text = {0};
    clh_strbuf_adds(&text, "mine");
    char *taken = clh_strbuf_take(&text, NULL);
    assert_string_equal(taken, "mine");
    assert_null(text.data);
    assert_int_equal(text.length + text.capacity, 0);
    clh_free(taken);
}

static clh_status build_a_text(void *context)
{
    (void)context;
    clh_error err = {0};
    clh_strbuf text = {0};
    for (int i = 0; i < 300; i++)
        clh_strbuf_addf(&text, "%d ", i);
    char *taken = clh_strbuf_take(&text, &err);
    assert_true(taken != NULL || err.message[0] != '\0');
    assert_null(text.data);
    clh_free(taken);
    return err.status;
}

static void every_failed_allocation_is_found_at_the_end(void **state)
{
    (void)state;
    assert_true(failing_alloc_each(build_a_text, NULL) > 5);
}

static void after_a_failure_nothing_is_added(void **state)
{
    (void)state;
    failing_alloc alloc;
    clh_strbuf text = {0};
    failing_alloc_install(&alloc, 2);
    clh_strbuf_adds(&text, "kept");
    const size_t capacity = text.capacity;
    for (size_t i = 0; i < capacity; i++)
        clh_strbuf_adds(&text, "x");
    const size_t length = text.length;
    clh_strbuf_adds(&text, "y");
    const bool same = text.length == length && text.failed;
    clh_strbuf_clear(&text); /* it forgets the text, not that there was a failure */
    clh_strbuf_adds(&text, "z");
    const bool empty = text.length == 0;
    const clh_status status = clh_strbuf_check(&text, NULL);
    clh_strbuf_deinit(&text);
    assert_true(failing_alloc_remove(&alloc));
    assert_true(same && empty);
    assert_true(length < capacity);
    assert_int_equal(status, CLH_ENOMEM);
    assert_int_equal(alloc.live, 0);
}

static void json_text_reads_back_as_itself(void **state)
{
    (void)state;
    char all[0x80];
    for (int i = 1; i < 0x80; i++)
        all[i - 1] = (char)i;
    all[0x7f] = '\0';
    const char *const sample[] = {"", all, "\"quoted\\\"", "é ∑ 𝄞 \xf4\x8f\xbf\xbf",
                                  "\xed\x9f\xbf"};
    for (size_t i = 0; i < CLH_COUNT(sample); i++) {
        clh_strbuf text = {0};
        clh_strbuf_add_json(&text, sample[i]);
        json_t *value = json_loads(clh_strbuf_view(&text), JSON_DECODE_ANY, NULL);
        assert_string_equal(json_string_value(value), sample[i]);
        json_decref(value);
        clh_strbuf_deinit(&text);
    }
}

static void json_text_is_valid_for_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"a\xff"
         "b",
         "\"a\\ufffdb\""},
        {"\xc3", "\"\\ufffd\""},                                  /* cut */
        {"\xe2\x88", "\"\\ufffd\\ufffd\""},                       /* cut */
        {"\xc0\x80", "\"\\ufffd\\ufffd\""},                       /* overlong */
        {"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},            /* overlong */
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* surrogate */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* past U+10FFFF */
        {"\xf0\x9d\x84\"", "\"\\ufffd\\ufffd\\ufffd\\\"\""},      /* cut before a quote */
    };
    for (size_t i = 0; i < CLH_COUNT(pair); i++) {
        clh_strbuf text = {0};
        clh_strbuf_add_json(&text, pair[i][0]);
        assert_string_equal(clh_strbuf_view(&text), pair[i][1]);
        clh_strbuf_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_buffer_is_the_empty_text),
        cmocka_unit_test(additions_follow_each_other_at_every_length),
        cmocka_unit_test(taking_leaves_an_empty_buffer),
        cmocka_unit_test(every_failed_allocation_is_found_at_the_end),
        cmocka_unit_test(after_a_failure_nothing_is_added),
        cmocka_unit_test(json_text_reads_back_as_itself),
        cmocka_unit_test(json_text_is_valid_for_bytes_that_are_not_utf8),
    };
    return cmocka_run_group_tests_name("base strbuf", tests, NULL, NULL);
}
