#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <stdatomic.h>
/* Preloaded: counts the calls that change files below a folder, and kills the process or fails at the n-th (see crash_sweep.py). */
static char prefix[PATH_MAX]; static size_t plen = 0;
static atomic_long counter = 0; static long kill_at = -1, err_at = -1; static int err_no = 0, err_sticky = 0, tear = 0, logfd = -1;
void syscalls_arm(const char *p, long k, long e, int no, int sticky, int torn, const char *log) {
  strncpy(prefix, p, sizeof prefix - 1); plen = strlen(prefix); counter = 0; kill_at = k; err_at = e; err_no = no; err_sticky = sticky; tear = torn;
  if (log && *log) logfd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644); else logfd = -1;
}
long syscalls_count(void) { return counter; }
static void die(void) { syscall(SYS_kill, syscall(SYS_getpid), SIGKILL); for (;;) pause(); }
static int under(const char *p) { if (!plen || !p) return 0; if (p[0] != '/') { char cwd[PATH_MAX]; if (!getcwd(cwd, sizeof cwd)) return 0; char b[2*PATH_MAX]; snprintf(b, sizeof b, "%s/%s", cwd, p); return !strncmp(b, prefix, plen); } return !strncmp(p, prefix, plen); }
static int fdunder(int fd, char *out) { if (!plen) return 0; char l[64]; snprintf(l, sizeof l, "/proc/self/fd/%d", fd); ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, l, out, PATH_MAX - 1); if (n < 0) return 0; out[n] = 0; return !strncmp(out, prefix, plen); }
/* returns 1: fail with errno; 2: torn write then die */
static int event(const char *what, const char *path) {
  long n = ++counter;
  if (logfd >= 0) { char b[PATH_MAX + 64]; int m = snprintf(b, sizeof b, "%ld %s %s\n", n, what, path); syscall(SYS_write, logfd, b, m); }
  if (n == kill_at) { if (tear) return 2; die(); }
  if (err_at > 0 && (n == err_at || (err_sticky && n > err_at))) { errno = err_no; return 1; }
  return 0;
}
#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name);
ssize_t write(int fd, const void *b, size_t n) { REAL(write) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("write", p); if (e == 1) return -1; if (e == 2) { real(fd, b, n / 2); die(); } } return real(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { REAL(pwrite) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("pwrite", p); if (e == 1) return -1; if (e == 2) { real(fd, b, n / 2, o); die(); } } return real(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { REAL(pwrite64) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("pwrite", p); if (e == 1) return -1; if (e == 2) { real(fd, b, n / 2, o); die(); } } return real(fd, b, n, o); }
ssize_t writev(int fd, const struct iovec *v, int c) { REAL(writev) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("writev", p); if (e == 1) return -1; if (e == 2) die(); } return real(fd, v, c); }
int fsync(int fd) { REAL(fsync) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("fsync", p); if (e == 1) return -1; if (e == 2) die(); if (getenv("SYSCALLS_NOSYNC")) return 0; } return real(fd); }
int fdatasync(int fd) { REAL(fdatasync) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("fdatasync", p); if (e == 1) return -1; if (e == 2) die(); if (getenv("SYSCALLS_NOSYNC")) return 0; } return real(fd); }
int ftruncate(int fd, off_t n) { REAL(ftruncate) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("ftruncate", p); if (e == 1) return -1; if (e == 2) die(); } return real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64) char p[PATH_MAX]; if (fdunder(fd, p)) { int e = event("ftruncate", p); if (e == 1) return -1; if (e == 2) die(); } return real(fd, n); }
int truncate(const char *q, off_t n) { REAL(truncate) if (under(q)) { int e = event("truncate", q); if (e == 1) return -1; if (e == 2) die(); } return real(q, n); }
int truncate64(const char *q, off64_t n) { REAL(truncate64) if (under(q)) { int e = event("truncate", q); if (e == 1) return -1; if (e == 2) die(); } return real(q, n); }
int rename(const char *a, const char *b) { REAL(rename) if (under(b)) { int e = event("rename", b); if (e == 1) return -1; if (e == 2) { real(a, b); die(); } } return real(a, b); }
int renameat(int x, const char *a, int y, const char *b) { REAL(renameat) if (under(b)) { int e = event("rename", b); if (e == 1) return -1; if (e == 2) { real(x, a, y, b); die(); } } return real(x, a, y, b); }
int renameat2(int x, const char *a, int y, const char *b, unsigned f) { REAL(renameat2) if (under(b)) { int e = event("rename", b); if (e == 1) return -1; if (e == 2) { real(x, a, y, b, f); die(); } } return real(x, a, y, b, f); }
int unlink(const char *q) { REAL(unlink) if (under(q)) { int e = event("unlink", q); if (e == 1) return -1; if (e == 2) { real(q); die(); } } return real(q); }
int unlinkat(int d, const char *q, int f) { REAL(unlinkat) char p[PATH_MAX]; int u = q[0] == '/' ? under(q) : (d >= 0 ? fdunder(d, p) : under(q)); if (u) { int e = event("unlink", q); if (e == 1) return -1; if (e == 2) { real(d, q, f); die(); } } return real(d, q, f); }
int mkdir(const char *q, mode_t m) { REAL(mkdir) if (under(q)) { int e = event("mkdir", q); if (e == 1) return -1; if (e == 2) { real(q, m); die(); } } return real(q, m); }
static int o_creat(int fl) { return (fl & O_CREAT) || (fl & O_TRUNC); }
int open(const char *q, int fl, ...) { static int (*real)(const char*, int, ...); if (!real) real = dlsym(RTLD_NEXT, "open"); mode_t m = 0; if (fl & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, fl); m = va_arg(a, mode_t); va_end(a); } if (o_creat(fl) && under(q)) { int e = event("create", q); if (e == 1) return -1; if (e == 2) { real(q, fl, m); die(); } } return real(q, fl, m); }
int open64(const char *q, int fl, ...) { static int (*real)(const char*, int, ...); if (!real) real = dlsym(RTLD_NEXT, "open64"); mode_t m = 0; if (fl & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, fl); m = va_arg(a, mode_t); va_end(a); } if (o_creat(fl) && under(q)) { int e = event("create", q); if (e == 1) return -1; if (e == 2) { real(q, fl, m); die(); } } return real(q, fl, m); }
int openat(int d, const char *q, int fl, ...) { static int (*real)(int, const char*, int, ...); if (!real) real = dlsym(RTLD_NEXT, "openat"); mode_t m = 0; if (fl & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, fl); m = va_arg(a, mode_t); va_end(a); } if (o_creat(fl) && under(q)) { int e = event("create", q); if (e == 1) return -1; if (e == 2) { real(d, q, fl, m); die(); } } return real(d, q, fl, m); }
int openat64(int d, const char *q, int fl, ...) { static int (*real)(int, const char*, int, ...); if (!real) real = dlsym(RTLD_NEXT, "openat64"); mode_t m = 0; if (fl & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, fl); m = va_arg(a, mode_t); va_end(a); } if (o_creat(fl) && under(q)) { int e = event("create", q); if (e == 1) return -1; if (e == 2) { real(d, q, fl, m); die(); } } return real(d, q, fl, m); }
