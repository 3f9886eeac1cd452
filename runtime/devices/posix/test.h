/* What the test program's files share. */
#ifndef POSIX_TEST_H
#define POSIX_TEST_H

#include "../drive.h"

void test_cores(void);

#endif
