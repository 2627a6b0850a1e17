/** Numbers as text, with a decimal point whatever locale the caller has set: what is written and read
 *  goes through here and nowhere else.
 *
 *    clh_snprintf(label, sizeof label, "%.3f", value);            // "0.500", never "0,500"
 *    double value = clh_read_double(text, &end);
 *
 *    void *before = clh_decimal_begin();                        // what others write and read
 *    json_t *root = json_loads(text, 0, &where);
 *    clh_decimal_end(before);
 *
 *  The locale of this thread is changed for so long and put back; that of the process is not
 *  touched. Some tens of nanoseconds; allocates nothing.
 */
#ifndef CLH_DECIMAL_H
#define CLH_DECIMAL_H

#include <stdarg.h>
#include <stddef.h>

/** As snprintf() and vsnprintf(). */
int clh_snprintf(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int clh_vsnprintf(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/** As strtod(). */
double clh_read_double(const char *text, char **end);

/** As strtoull() of a number in tens; what is larger than any size is SIZE_MAX. */
size_t clh_read_size(const char *text, char **end);

/** From here to the end this thread writes and reads numbers with a point; ends in the reverse order
 *  of the beginnings. */
void *clh_decimal_begin(void);
void clh_decimal_end(void *before);

#endif
