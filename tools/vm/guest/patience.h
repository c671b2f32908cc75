/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kselftest_harness.h gives each test 30 seconds, or what its TEST_F_TIMEOUT()
 * says. An emulated machine with KASAN and lockdep takes half of them for some of
 * iommufd's tests, on a fast host that does nothing else.
 *
 * With DEBUG=1 included before everything else when the selftests are built:
 * their sources stay as they are.
 */
#include <poll.h>

#define poll(fds, nr, ms)	poll(fds, nr, (ms) < 30000 ? (ms) : 4 * (ms))
