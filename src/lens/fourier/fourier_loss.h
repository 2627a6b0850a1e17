/** The losses of one kind of logits, over all inputs of each split. */
#ifndef CLH_FOURIER_LOSS_H
#define CLH_FOURIER_LOSS_H

#include "clearhead/fourier.h"

typedef struct clh_fourier_loss {
    double train_loss, test_loss; /**< nats */
    double train_accuracy, test_accuracy;
} clh_fourier_loss;

clh_fourier_loss clh_fourier_loss_of(const clh_fourier *found, clh_fourier_logits logits);

#endif
