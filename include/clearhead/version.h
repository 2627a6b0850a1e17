/** Which version of the library this is.
 *
 *    printf("%s\n", clh_version());                    // of the library that is linked: "0.1.0"
 *    #if CLH_VERSION_MAJOR == 0 && CLH_VERSION_MINOR < 1    // of these headers
 *    #error "want Clearhead 0.1 or later"
 *    #endif
 *
 *  The shared library's soname is libclearhead.so.<major>. While major is 0 a new minor version may
 *  change any function.
 */
#ifndef CLEARHEAD_VERSION_H
#define CLEARHEAD_VERSION_H

#include "clearhead/api.h"

#define CLH_VERSION_MAJOR 0
#define CLH_VERSION_MINOR 1
#define CLH_VERSION_PATCH 0

CLH_BEGIN_DECLS

/** "0.1.0": major, minor and patch of the library that is linked; static. */
CLH_API const char *clh_version(void);

/** The same as one number that grows: major * 1000000 + minor * 1000 + patch. */
CLH_API unsigned clh_version_number(void);

CLH_END_DECLS

#endif
