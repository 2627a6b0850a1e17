#include "support/golden_optimizer.h"

#include <math.h>
#include <string.h>

#include "support/cmocka_all.h"

double golden_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : 0;
}

clh_train_config golden_optimizer(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "optimizer"));
    const json_t *betas = json_object_get(object, "betas");
    assert_non_null(name);
    return (clh_train_config){
        .optimizer = strcmp(name, "AdamW") == 0  ? CLH_ADAMW
                     : strcmp(name, "Adam") == 0 ? CLH_ADAM
                                                 : CLH_SGD,
        .beta1 = json_number_value(json_array_get(betas, 0)),
        .beta2 = json_number_value(json_array_get(betas, 1)),
        .eps = golden_number(object, "eps"),
        .weight_decay = golden_number(object, "weight_decay"),
        .momentum = golden_number(object, "momentum"),
        .max_grad_norm = golden_number(object, "max_grad_norm"),
    };
}

double golden_norm(const clh_real *g, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)g[i] * (double)g[i];
    return sqrt(square);
}
