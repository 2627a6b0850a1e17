/* SHA-256: the examples of FIPS 180-4, however the bytes are cut, and what is a sum. */
#include <string.h>

#include "base/sha256.h"
#include "support/cmocka_all.h"

typedef struct example {
    const char *text;
    size_t times;
    const char *sum;
} example;

static const example examples[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void published_examples(void **state)
{
    (void)state;
    for (size_t e = 0; e < CLH_COUNT(examples); e++) {
        clh_sha256 sum;
        char hex[CLH_SHA256_TEXT];
        clh_sha256_begin(&sum);
        for (size_t i = 0; i < examples[e].times; i++)
            clh_sha256_add(&sum, examples[e].text, strlen(examples[e].text));
        clh_sha256_end(&sum, hex);
        assert_string_equal(hex, examples[e].sum);
        assert_true(clh_sha256_is(hex));
    }
}

static void the_cut_does_not_matter(void **state)
{
    (void)state;
    char bytes[200], whole[CLH_SHA256_TEXT], cut[CLH_SHA256_TEXT];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37);
    clh_sha256_of(bytes, sizeof bytes, whole);
    for (size_t at = 0; at <= sizeof bytes; at++) {
        clh_sha256 sum;
        clh_sha256_begin(&sum);
        clh_sha256_add(&sum, bytes, at);
        clh_sha256_add(&sum, bytes + at, sizeof bytes - at);
        clh_sha256_end(&sum, cut);
        assert_string_equal(cut, whole);
    }
}

static void what_is_a_sum(void **state)
{
    (void)state;
    char text[CLH_SHA256_TEXT + 1];
    clh_sha256_of("abc", 3, text);
    assert_true(clh_sha256_is(text));
    assert_false(clh_sha256_is(""));
    text[5] = 'A';
    assert_false(clh_sha256_is(text));
    text[5] = '0';
    assert_true(clh_sha256_is(text));
    memcpy(text + CLH_SHA256_TEXT - 1, "0", 2);
    assert_false(clh_sha256_is(text));
    text[CLH_SHA256_TEXT - 2] = '\0';
    assert_false(clh_sha256_is(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(the_cut_does_not_matter),
        cmocka_unit_test(what_is_a_sum),
    };
    return cmocka_run_group_tests_name("base sha256", tests, NULL, NULL);
}
