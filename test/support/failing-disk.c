/* Loaded with LD_PRELOAD: stands in for a disk with bad sectors. A call named in VIGIE_TEST_EIO (fsync, write, read or several)
   on a file whose path contains VIGIE_TEST_EIO_PATH fails with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_bad(const char *call, int fd) {
  const char *calls = getenv("VIGIE_TEST_EIO"), *part = getenv("VIGIE_TEST_EIO_PATH");
  char name[64], path[4096];
  ssize_t length;
  if (!calls || !part || !strstr(calls, call)) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!strstr(path, part)) return 0;
  errno = EIO;
  return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) { REAL(fsync); return is_bad("fsync", fd) ? -1 : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return is_bad("fsync", fd) ? -1 : real(fd); }
ssize_t write(int fd, const void *b, size_t n) { REAL(write); return is_bad("write", fd) ? -1 : real(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { REAL(pwrite); return is_bad("write", fd) ? -1 : real(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { REAL(pwrite64); return is_bad("write", fd) ? -1 : real(fd, b, n, o); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(writev); return is_bad("write", fd) ? -1 : real(fd, v, n); }
ssize_t read(int fd, void *b, size_t n) { REAL(read); return is_bad("read", fd) ? -1 : real(fd, b, n); }
ssize_t pread(int fd, void *b, size_t n, off_t o) { REAL(pread); return is_bad("read", fd) ? -1 : real(fd, b, n, o); }
ssize_t pread64(int fd, void *b, size_t n, off64_t o) { REAL(pread64); return is_bad("read", fd) ? -1 : real(fd, b, n, o); }
