/** Whether what is read back is checked: clh_verify_set() of clearhead/safetensors.h. */
#ifndef CLH_VERIFY_H
#define CLH_VERIFY_H

#include <stdbool.h>

bool clh_verifies(void);

#endif
