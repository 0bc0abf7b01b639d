/* Banned functions: unbounded, silent about errors, or not thread-safe. The build includes this
 * before every file (CMakeLists.txt), so that a call does not compile. */
#ifndef LANDWAITER_BASE_POISON_H
#define LANDWAITER_BASE_POISON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef strtok
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gmtime localtime asctime   \
    ctime system popen gets
/* The tests compare our calendar (base/date.h) with the C library's. */
#ifndef TEST_DATA
#pragma GCC poison gmtime_r localtime_r timegm mktime difftime
#endif

#endif
