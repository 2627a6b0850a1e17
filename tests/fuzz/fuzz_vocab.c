/* A vocabulary: the first byte says whether it is JSON or a symbol a line. */
#include "clearhead/vocab.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(vocab)
{
    enum { LOOKED_AT = 300 };
    clh_vocab *vocab = NULL;
    clh_error err = {0};
    if (size == 0)
        return false;
    const char *ending = bytes[0] == 'j' ? ".json" : ".txt";
    const clh_status status = clh_vocab_open(&vocab, fuzz_file(bytes + 1, size - 1, ending), &err);
    if (status) {
        FUZZ_MUST(!vocab);
        return fuzz_refused(status, &err);
    }
    const size_t count = clh_vocab_size(vocab);
    FUZZ_MUST(count > 0);
    for (uint32_t id = 0; id < count && id < LOOKED_AT; id++) {
        char symbol[CLH_SYMBOL_MAX];
        uint32_t found = 0;
        FUZZ_MUST(strlen(clh_vocab_symbol(vocab, id, symbol)) < sizeof symbol);
        FUZZ_MUST(!strpbrk(symbol, "\n\r\t"));
        FUZZ_MUST(!clh_vocab_find(vocab, symbol, &found) || found < count);
    }
    uint32_t tokens[8];
    size_t length = 0;
    const clh_status encoded = clh_vocab_encode(vocab, "a b <0>", tokens, 8, &length, &err);
    FUZZ_MUST(encoded || length <= 8);
    for (size_t i = 0; !encoded && i < length; i++)
        FUZZ_MUST(tokens[i] < count);
    clh_vocab_close(vocab);
    return true;
}
