/* JSON when memory runs out: jansson blames the text for that, or drops a byte and goes on. Whatever
 * it does, what comes back is the value, or CLH_ENOMEM. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"

/* Tokens longer than the buffers that grow, objects larger than their first table. */
static const char *const texts[] = {
    "[]",
    "{\"a\": 1}",
    "\"a text that is longer than the sixteen bytes it begins with, and than the next size too\"",
    "[\"a\", \"a text that is longer than sixteen\", \"a\", \"a text that is twice as long as the"
    " one before it, and then some, so that its buffer has to grow again\", [], [[\"a\"], {}]]",
    "[1234567890123456, 0.12345678901234567890123456789012345678901234567890, true, null]",
    "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, \"g\": 7, \"h\": 8, \"i\": [[[]]],"
    " \"a key that is longer than its buffer\": {\"x\": \"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\"}}",
};

static json_t *wanted;

static clh_status parse(void *text)
{
    json_t *value = NULL;
    clh_error err = {0};
    const clh_status status =
        clh_json_parse(&value, text, strlen(text), JSON_DECODE_ANY, "here", NULL, &err);
    assert_int_equal(status, err.status);
    if (status)
        assert_null(value);
    else
        assert_true(json_equal(value, wanted));
    json_decref(value);
    return status;
}

static void no_allocation_of_a_parse_fails_unseen(void **state)
{
    (void)state;
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(texts); i++) {
        const char *text = texts[i];
        must(clh_json_parse(&wanted, text, strlen(text), JSON_DECODE_ANY, "here", NULL, &err),
             &err);
        assert_true(failing_alloc_each(parse, (void *)text) >= 3);
        assert_true(failing_alloc_each_on(parse, (void *)text) >= 3);
        json_decref(wanted);
    }
}

static clh_status write(void *context)
{
    char *text = NULL;
    const clh_status status = clh_json_text(&text, context, JSON_ENCODE_ANY | JSON_COMPACT, NULL);
    assert_true(!status == !!text);
    if (!status)
        assert_string_equal(text, "{\"a\":[1,2.5,\"x\"]}");
    free(text);
    return status;
}

static void no_allocation_of_a_text_fails_unseen(void **state)
{
    (void)state;
    clh_error err = {0};
    json_t *value = NULL;
    static const char text[] = "{\"a\": [1, 2.5, \"x\"]}";
    must(clh_json_parse(&value, text, strlen(text), 0, "here", NULL, &err), &err);
    assert_true(failing_alloc_each(write, value) >= 2);
    json_decref(value);
}

static void what_is_no_json_is_said_with_its_line(void **state)
{
    (void)state;
    clh_error err = {0};
    json_error_t where;
    json_t *value = NULL;
    static const char text[] = "[1,\n2,\n}]";
    assert_int_equal(clh_json_parse(&value, text, strlen(text), 0, "a.json", &where, &err),
                     CLH_EFORMAT);
    assert_null(value);
    assert_int_equal(where.line, 3);
    assert_non_null(strstr(err.message, "a.json line 3 is not JSON: unexpected token near '}'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_allocation_of_a_parse_fails_unseen),
        cmocka_unit_test(no_allocation_of_a_text_fails_unseen),
        cmocka_unit_test(what_is_no_json_is_said_with_its_line),
    };
    return cmocka_run_group_tests_name("json text", tests, NULL, NULL);
}
