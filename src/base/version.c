#include "clearhead/version.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *clh_version(void)
{
    return TEXT(CLH_VERSION_MAJOR) "." TEXT(CLH_VERSION_MINOR) "." TEXT(CLH_VERSION_PATCH);
}

unsigned clh_version_number(void)
{
    return CLH_VERSION_MAJOR * 1000000u + CLH_VERSION_MINOR * 1000u + CLH_VERSION_PATCH;
}
