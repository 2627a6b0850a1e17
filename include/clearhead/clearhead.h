/** All of Clearhead's public headers. */
#ifndef CLEARHEAD_CLEARHEAD_H
#define CLEARHEAD_CLEARHEAD_H

#include "clearhead/alloc.h"
#include "clearhead/bench.h"
#include "clearhead/config.h"
#include "clearhead/error.h"
#include "clearhead/figure.h"
#include "clearhead/heads.h"
#include "clearhead/measure.h"
#include "clearhead/metric.h"
#include "clearhead/model.h"
#include "clearhead/residual.h"
#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "clearhead/sample.h"
#include "clearhead/task.h"
#include "clearhead/tensor.h"
#include "clearhead/threshold.h"
#include "clearhead/train.h"

#endif
