/** All of Clearhead's public headers. */
#ifndef CLEARHEAD_CLEARHEAD_H
#define CLEARHEAD_CLEARHEAD_H

#include "clearhead/alloc.h"
#include "clearhead/answers.h"
#include "clearhead/attention.h"
#include "clearhead/bench.h"
#include "clearhead/circuit.h"
#include "clearhead/config.h"
#include "clearhead/edit.h"
#include "clearhead/emergence.h"
#include "clearhead/error.h"
#include "clearhead/figure.h"
#include "clearhead/fold.h"
#include "clearhead/heads.h"
#include "clearhead/linalg.h"
#include "clearhead/measure.h"
#include "clearhead/metric.h"
#include "clearhead/model.h"
#include "clearhead/patch.h"
#include "clearhead/path.h"
#include "clearhead/residual.h"
#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "clearhead/sample.h"
#include "clearhead/scrub.h"
#include "clearhead/task.h"
#include "clearhead/tensor.h"
#include "clearhead/threshold.h"
#include "clearhead/train.h"

#endif
