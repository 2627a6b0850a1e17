/* The permutation task through the public interface: its text is the notebook's, its positions are
 * named and scored, and whatever it cannot do is said. */
#include "clearhead/permutations.h"
#include "task_checks.h"

#define NOTEBOOK_FOUR                                                                              \
    "> abcd abdc acbd acdb adbc adcb bacd badc bcad bcda bdac bdca "                               \
    "cabd cadb cbad cbda cdab cdba dabc dacb dbac dbca dcab dcba."

static const char *const notebook_text[] = {
    "> a.",
    "> ab ba.",
    "> abc acb bac bca cab cba.",
    NOTEBOOK_FOUR,
};

static clh_task *open_n(unsigned n, const char *letters, uint64_t seed)
{
    return task_of("n=%u letters=%s seed=%llu", n, letters, (unsigned long long)seed);
}

static void the_first_element_is_the_notebooks_text(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        uint32_t room[ROOM];
        char text[ROOM + 1];
        clh_task *task = open_n(n, "sorted", 0);
        clh_sequence sequence = sequence_in(room);
        assert_int_equal(clh_task_unrank(task, 0, &sequence, NULL), CLH_OK);
        assert_string_equal(sequence_text(task, &sequence, text), notebook_text[n - 1]);
        clh_task_close(task);
    }
}

static void lengths_and_scored_predictions_are_those_of_n(void **state)
{
    (void)state;
    static const size_t length[] = {4, 8, 26, 122, 722, 5042};
    for (unsigned n = 1; n <= 6; n++) {
        uint32_t room[ROOM];
        clh_task *task = open_n(n, "sorted", 0);
        clh_sequence sequence = sequence_in(room);
        assert_int_equal(clh_task_length_max(task), length[n - 1]);
        assert_int_equal(clh_task_d_vocab(task), 65);
        assert_string_equal(clh_task_name(task), "permutations");
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, 7, &sequence, NULL), CLH_OK);
        assert_int_equal(sequence.length, length[n - 1]);
        assert_int_equal(sequence.first_scored, n + 2);
        clh_task_close(task);
    }
}

static void domains_have_their_known_sizes(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        const char *letters;
        uint64_t size;
    } known[] = {
        {4, "sorted", 557845},      {5, "sorted", 6471002},  {4, "ordered", 13388280},
        {4, "tuples", 14776336},    {6, "sorted", 61474519}, {6, "ordered", 44261653680},
        {6, "tuples", 56800235584}, {1, "sorted", 62},       {1, "ordered", 62},
        {1, "tuples", 62},
    };
    for (size_t i = 0; i < CLH_COUNT(known); i++) {
        clh_task *task = open_n(known[i].n, known[i].letters, 0);
        assert_int_equal(clh_task_domain_size(task), known[i].size);
        assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TRAIN) +
                             clh_task_split_size(task, CLH_SPLIT_TEST),
                         known[i].size);
        clh_task_close(task);
    }
    clh_task *task = open_n(4, "sorted", 0);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TEST), 111569);
    clh_task_close(task);
}

static void the_default_is_the_notebooks_task(void **state)
{
    (void)state;
    clh_task_config config = {0};
    clh_task *task = open_task(&config);
    assert_int_equal(clh_task_domain_size(task), 557845);
    assert_int_equal(clh_task_length_max(task), 122);
    clh_task_close(task);
}

static void letters_expand_in_any_order_and_with_repeats(void **state)
{
    (void)state;
    static const struct {
        const char *letters, *text;
    } cases[] = {
        {"a", "> a."},
        {"abcd", NOTEBOOK_FOUR},
        {"ba", "> ba ab."},
        {"c9A", "> c9A cA9 9cA 9Ac Ac9 A9c."},
        {"aa", "> aa aa."},
        {"aab", "> aab aba aab aba baa baa."},
        {"0a0", "> 0a0 00a a00 a00 00a 0a0."},
    };
    clh_task *task = open_n(4, "sorted", 0);
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        uint32_t room[ROOM];
        char text[ROOM + 1];
        clh_sequence sequence = sequence_in(room);
        assert_int_equal(clh_task_expand(task, cases[i].letters, &sequence, NULL), CLH_OK);
        assert_string_equal(sequence_text(task, &sequence, text), cases[i].text);
        assert_int_equal(sequence.first_scored, strlen(cases[i].letters) + 2);
    }
    clh_task_close(task);
}

/* The last permutation is the reverse, each term has every letter, no term comes twice. */
static void six_letters_make_720_different_terms(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    char text[ROOM + 1];
    clh_task *task = open_n(6, "sorted", 0);
    clh_sequence sequence = sequence_in(room);
    assert_int_equal(clh_task_expand(task, "abcdef", &sequence, NULL), CLH_OK);
    (void)sequence_text(task, &sequence, text);
    assert_memory_equal(text, "> abcdef abcdfe abcedf ", 23);
    assert_string_equal(text + ROOM - 8, " fedcba.");
    for (size_t t = 1; t < 720; t++) {
        const char *term = text + 2 + 7 * t;
        assert_int_equal(strspn(term, "abcdef"), 6);
        assert_true(memcmp(term - 7, term, 6) < 0);
        for (const char *letter = "abcdef"; *letter; letter++)
            assert_non_null(memchr(term, *letter, 6));
    }
    clh_task_close(task);
}

static void what_cannot_be_expanded_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *letters, *message;
    } cases[] = {
        {"", "\"\" has 0 letters, want 1 to 6"},
        {"abcdefg", "\"abcdefg\" has 7 letters, want 1 to 6"},
        {"ab c", "letter 3 of \"ab c\" is ' ', want a-z, A-Z or 0-9"},
        {">", "is '>', want a-z"},
        {"ab.", "is '.', want a-z"},
        {"a\xc3\xa9", "letter 2 of \"a\xc3\xa9\" is '\xc3\xa9', want"},
    };
    clh_task *task = open_n(4, "sorted", 0);
    uint32_t room[ROOM];
    clh_error err = {0};
    clh_sequence sequence = sequence_in(room);
    for (size_t i = 0; i < CLH_COUNT(cases); i++)
        assert_fails(clh_task_expand(task, cases[i].letters, &sequence, &err), CLH_EINPUT, &err,
                     cases[i].message);
    sequence.capacity = 122;
    assert_int_equal(clh_task_expand(task, "abcd", &sequence, &err), CLH_OK);
    assert_fails(clh_task_expand(task, "abcde", &sequence, &err), CLH_ESHAPE, &err,
                 "5 letters make 722 tokens, want at most 122");
    clh_task_close(task);
}

static void every_position_has_its_name_and_kind(void **state)
{
    (void)state;
    static const struct {
        size_t position;
        const char *label;
        clh_token_kind kind;
    } cases[] = {
        {0, "start", CLH_TOKEN_START},           {1, "space 1", CLH_TOKEN_SPACE},
        {2, "term 1 slot 1", CLH_TOKEN_LETTER},  {4, "term 1 slot 3", CLH_TOKEN_LETTER},
        {5, "space 2", CLH_TOKEN_SPACE},         {10, "term 3 slot 1", CLH_TOKEN_LETTER},
        {24, "term 6 slot 3", CLH_TOKEN_LETTER}, {25, "period", CLH_TOKEN_PERIOD},
    };
    clh_task *task = open_n(3, "sorted", 0);
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        char label[48];
        clh_task_label(task, 26, cases[i].position, label);
        assert_string_equal(label, cases[i].label);
        assert_int_equal(clh_task_kind(task, 26, cases[i].position), cases[i].kind);
    }
    clh_task_close(task);
}

static void kinds_agree_with_the_tokens(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    for (unsigned n = 1; n <= 6; n++) {
        clh_task *task = open_n(n, "sorted", 0);
        clh_sequence s = sequence_in(room);
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TEST, n, &s, NULL), CLH_OK);
        for (size_t i = 0; i < s.length; i++) {
            static const clh_token_kind of_special[] = {CLH_TOKEN_START, CLH_TOKEN_SPACE,
                                                        CLH_TOKEN_PERIOD};
            clh_token_kind kind = s.tokens[i] < 3 ? of_special[s.tokens[i]] : CLH_TOKEN_LETTER;
            assert_int_equal(clh_task_kind(task, s.length, i), kind);
        }
        clh_task_close(task);
    }
}

/* A prompt is the beginning of the task's own sequence, not a whole one of another n. */
static void a_shorter_length_is_a_beginning(void **state)
{
    (void)state;
    char label[48];
    clh_task *task = open_n(4, "sorted", 0);
    assert_int_equal(clh_task_kind(task, 4, 3), CLH_TOKEN_LETTER);
    assert_int_equal(clh_task_kind(task, 8, 7), CLH_TOKEN_LETTER);
    assert_int_equal(clh_task_kind(task, 7, 6), CLH_TOKEN_SPACE);
    assert_int_equal(clh_task_kind(task, 722, 721), CLH_TOKEN_PERIOD);
    assert_int_equal(clh_task_kind(task, 723, 2), CLH_TOKEN_OTHER);
    clh_task_label(task, 723, 2, label);
    assert_string_equal(label, "position 2");
    clh_task_close(task);
}

static void a_config_that_cannot_be_is_named(void **state)
{
    (void)state;
    const struct {
        clh_task_config config;
        clh_status status;
        const char *message;
    } cases[] = {
        {{.name = "permutation"},
         CLH_ECONFIG,
         "task is \"permutation\", want one of: permutations, lines"},
        {{.name = "permutation"}, CLH_ECONFIG, " (did you mean permutations?)"},
        {{.name = "zzz"}, CLH_ECONFIG, "want one of: permutations, lines"},
        {{.settings = SETTINGS({"n", "0"})}, CLH_ERANGE, "n is 0, want whole numbers in [1, 6]"},
        {{.settings = SETTINGS({"n", "3,7"})}, CLH_ERANGE, "n is 7, want whole numbers in [1, 6]"},
        {{.settings = SETTINGS({"n", "3,2,3"})},
         CLH_ECONFIG,
         "n is 3,2,3, want at most 6 different numbers"},
        {{.settings = SETTINGS({"n", "1,2,3,4,5,6,1"})},
         CLH_ECONFIG,
         "want at most 6 different numbers"},
        {{.settings = SETTINGS({"letters", "pairs"})},
         CLH_ECONFIG,
         "letters is pairs, want one of sorted|ordered|tuples"},
        {{.settings = SETTINGS({"letters_unseen", "51"})}, CLH_ERANGE, "letters_unseen is 51"},
        {{.settings = SETTINGS({"data", "x.jsonl"})}, CLH_ECONFIG, "unknown key data"},
        {{.settings = SETTINGS({"n", NULL})}, CLH_ECONFIG, "setting n has no text"},
        {{.first_scored = 122},
         CLH_ERANGE,
         "first_scored is 122, but a sequence of n = 4 has 122 tokens: want 1 to 121"},
    };
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_task *task = NULL;
        clh_error err = {0};
        assert_fails(clh_task_open(&task, &cases[i].config, &err), cases[i].status, &err,
                     cases[i].message);
        assert_null(task);
        assert_int_equal(clh_task_open(&task, &cases[i].config, NULL), cases[i].status);
    }
}

static void first_scored_can_be_chosen(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    clh_task_config config = {.first_scored = 1};
    clh_task *task = open_task(&config);
    clh_sequence sequence = sequence_in(room);
    assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, 0, &sequence, NULL), CLH_OK);
    assert_int_equal(sequence.first_scored, 1);
    clh_task_close(task);
}

static void arguments_outside_are_named(void **state)
{
    (void)state;
    uint32_t room[ROOM] = {9};
    clh_error err = {0};
    clh_split split;
    clh_task *task = open_n(4, "sorted", 0);
    clh_sequence sequence = sequence_in(room);
    assert_fails(clh_task_unrank(task, 557845, &sequence, &err), CLH_ERANGE, &err,
                 "rank is 557845, want less than 557845");
    assert_fails(clh_task_split_of(task, UINT64_MAX, &split, &err), CLH_ERANGE, &err,
                 "rank is 18446744073709551615");
    sequence.capacity = 121;
    assert_fails(clh_task_draw(task, CLH_SPLIT_TRAIN, 0, &sequence, &err), CLH_ESHAPE, &err,
                 "room for 121 tokens, want 122");
    assert_fails(clh_task_unrank(task, 0, &sequence, &err), CLH_ESHAPE, &err, "want 122");
    assert_int_equal(room[0], 9);
    clh_task_close(task);
}

static void what_is_not_an_element_is_said_to_be_none(void **state)
{
    (void)state;
    static const struct {
        const char *letters;
        const char *text, *message;
    } cases[] = {
        {"sorted", "> ba ab.", "not in the order of the vocabulary"},
        {"sorted", "> aa aa.", "a letter is repeated"},
        {"ordered", "> aa aa.", "a letter is repeated, which the domain of ordered"},
        {"tuples", "> ab ab.", "token 6 is 3, want 4 after these letters"},
        {"tuples", "> ab ba ", "token 8 is 1, want 2 after these letters"},
        {"tuples", ".  ab ba.", "the sequence has 9 tokens, want 8"},
        {"tuples", ". ab ba.", "token 1 is 2, want 0 after these letters"},
        {"tuples", "> a  a .", "token 4 is 1, want a letter, 3 to 64"},
        {"tuples", "", "the sequence has 0 tokens, want 8"},
        {"tuples", "> ab ba.", NULL},
        {"tuples", "> aa aa.", NULL},
        {"ordered", "> ba ab.", NULL},
    };
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        uint32_t tokens[16];
        size_t length;
        uint64_t rank = 5;
        clh_error err = {0};
        clh_task *task = open_n(2, cases[i].letters, 0);
        assert_int_equal(clh_task_encode(task, cases[i].text, tokens, 16, &length, NULL), CLH_OK);
        clh_status status = clh_task_rank(task, tokens, length, &rank, &err);
        if (cases[i].message)
            assert_fails(status, CLH_NO, &err, cases[i].message);
        else
            assert_int_equal(status, CLH_OK);
        clh_task_close(task);
    }
}

static void opening_survives_want_of_memory(void **state)
{
    (void)state;
    const clh_task_config config = {.settings = SETTINGS({"n", "1,2,3"})};
    assert_true(assert_survives_want(&config) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_element_is_the_notebooks_text),
        cmocka_unit_test(lengths_and_scored_predictions_are_those_of_n),
        cmocka_unit_test(domains_have_their_known_sizes),
        cmocka_unit_test(the_default_is_the_notebooks_task),
        cmocka_unit_test(letters_expand_in_any_order_and_with_repeats),
        cmocka_unit_test(six_letters_make_720_different_terms),
        cmocka_unit_test(what_cannot_be_expanded_is_named),
        cmocka_unit_test(every_position_has_its_name_and_kind),
        cmocka_unit_test(kinds_agree_with_the_tokens),
        cmocka_unit_test(a_shorter_length_is_a_beginning),
        cmocka_unit_test(a_config_that_cannot_be_is_named),
        cmocka_unit_test(first_scored_can_be_chosen),
        cmocka_unit_test(arguments_outside_are_named),
        cmocka_unit_test(what_is_not_an_element_is_said_to_be_none),
        cmocka_unit_test(opening_survives_want_of_memory),
    };
    return cmocka_run_group_tests_name("permutation task", tests, NULL, NULL);
}
