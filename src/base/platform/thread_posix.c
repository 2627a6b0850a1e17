/* Threads of POSIX, processors of Linux. */
#include "base/platform/thread.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

bool clh_thread_exists(void)
{
    return true;
}

int clh_thread_start(clh_thread *thread, void *(*work)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, work, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

void clh_thread_join(const clh_thread *thread)
{
    (void)pthread_join(*thread, NULL);
}

void clh_once_do(clh_once *once, void (*work)(void))
{
    (void)pthread_once(once, work);
}

/* ---- Waiting -----------------------------------------------------------------------------------
 */

void clh_mutex_init(clh_mutex *mutex)
{
    (void)pthread_mutex_init(mutex, NULL);
}

void clh_mutex_lock(clh_mutex *mutex)
{
    (void)pthread_mutex_lock(mutex);
}

void clh_mutex_unlock(clh_mutex *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}

void clh_mutex_deinit(clh_mutex *mutex)
{
    (void)pthread_mutex_destroy(mutex);
}

void clh_condition_init(clh_condition *condition)
{
    pthread_condattr_t steady;
    (void)pthread_condattr_init(&steady);
    (void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &steady);
    (void)pthread_condattr_destroy(&steady);
}

void clh_condition_wait(clh_condition *condition, clh_mutex *mutex)
{
    (void)pthread_cond_wait(condition, mutex);
}

void clh_condition_wait_for(clh_condition *condition, clh_mutex *mutex, long nanoseconds)
{
    enum { SECOND = 1000000000 };
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + nanoseconds) / SECOND;
    until.tv_nsec = (until.tv_nsec + nanoseconds) % SECOND;
    (void)pthread_cond_timedwait(condition, mutex, &until);
}

void clh_condition_signal(clh_condition *condition)
{
    (void)pthread_cond_signal(condition);
}

void clh_condition_broadcast(clh_condition *condition)
{
    (void)pthread_cond_broadcast(condition);
}

void clh_condition_deinit(clh_condition *condition)
{
    (void)pthread_cond_destroy(condition);
}

/* ---- Processors --------------------------------------------------------------------------------
 */

int clh_processor_here(void)
{
    return sched_getcpu();
}

size_t clh_processor_count(void)
{
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) ? 0 : (size_t)CPU_COUNT(&allowed);
}

int clh_processor_next(int processor)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) == 0)
        return processor;
    size_t next = (size_t)processor;
    do
        next = (next + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(next, &allowed));
    return (int)next;
}

bool clh_thread_pin(const clh_thread *thread, int processor)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)processor, &one);
    return pthread_setaffinity_np(*thread, sizeof one, &one) == 0;
}
