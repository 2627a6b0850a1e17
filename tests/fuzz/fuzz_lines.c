/* Sequences of one's own: lines of text or JSON. */
#include "task/lines/lines_read.h"

#include "fuzz/fuzz.h"

FUZZ_TARGET(lines)
{
    clh_lines lines = {0};
    clh_content content = {0};
    clh_error err = {0};
    const char *path = fuzz_file(bytes, size, ".jsonl");
    clh_status status = clh_content_read(&content, path, CLH_LINES_BYTES_MAX, &err);
    if (!status)
        status = clh_lines_read(&lines, &content, path, 1, NULL, &err);
    FUZZ_MUST(status || lines.count == content.lines);
    clh_content_deinit(&content);
    if (status) {
        FUZZ_MUST(lines.count == 0 && !lines.tokens && !lines.start);
        return fuzz_refused(status, &err);
    }
    FUZZ_MUST(lines.count > 0);
    for (size_t i = 0; i < lines.count; i++) {
        const size_t length = lines.start[i + 1] - lines.start[i];
        FUZZ_MUST(length > 1 && length <= lines.length_max);
    }
    for (size_t i = 0; i < lines.start[lines.count]; i++)
        FUZZ_MUST(lines.tokens[i] < lines.d_vocab);
    clh_lines_deinit(&lines);
    return true;
}
