#include "math/algebra/decompose.h"

const clh_decompose clh_decompose_own = {"own", clh_svd_jacobi, clh_qr_householder,
                                         clh_eigenvalues_hessenberg};
