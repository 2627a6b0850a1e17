/* CRC-32 is the remainder of a division of polynomials, however the bytes are cut. */
#include "file/crc32.h"
#include "support/cmocka_all.h"

enum { LENGTH = 100 };

/* The division, bit by bit. */
static uint32_t by_bits(const unsigned char *bytes, size_t length)
{
    uint32_t sum = 0xffffffff;
    for (size_t i = 0; i < 8 * length; i++) {
        const uint32_t bit = bytes[i / 8] >> i % 8 & 1;
        const uint32_t out = (sum ^ bit) & 1;
        sum = sum >> 1 ^ (out ? 0xEDB88320U : 0);
    }
    return sum ^ 0xffffffff;
}

static void the_published_check_value(void **state)
{
    clh_crc32 table;
    (void)state;
    clh_crc32_init(&table);
    assert_int_equal(clh_crc32_add(&table, 0, "123456789", 9), 0xCBF43926);
    assert_int_equal(clh_crc32_add(&table, 0, "", 0), 0);
}

static void any_length_in_any_two_pieces(void **state)
{
    unsigned char bytes[LENGTH];
    clh_crc32 table;
    (void)state;
    clh_crc32_init(&table);
    for (unsigned i = 0; i < LENGTH; i++)
        bytes[i] = (unsigned char)(i * i * 37 + 11);
    for (size_t length = 0; length <= LENGTH; length++) {
        const uint32_t want = by_bits(bytes, length);
        for (size_t cut = 0; cut <= length; cut++) {
            const uint32_t first = clh_crc32_add(&table, 0, bytes, cut);
            assert_int_equal(clh_crc32_add(&table, first, bytes + cut, length - cut), want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_check_value),
        cmocka_unit_test(any_length_in_any_two_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
