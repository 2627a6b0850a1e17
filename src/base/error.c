#include "base/base.h"
#include "base/platform/decimal.h"
#include "base/utf8.h"
