/** A locale whose decimal point is none, made here: no package of locales is needed.
 *
 *    comma_set(folder, ",");                       // setlocale(LC_NUMERIC, …): of the process
 *    ... printf("%g", 0.5) writes 0,5 ...
 *    comma_unset();
 *
 *  The folder must stay while it is set. What goes wrong fails the cmocka test.
 */
#ifndef CLH_COMMA_H
#define CLH_COMMA_H

#include "support/temp_folder.h"

/** Make the locale in `folder` and set it; `point` may have more than one byte. */
void comma_set(const temp_folder *folder, const char *point);

/** The locale "C" again. */
void comma_unset(void);

#endif
