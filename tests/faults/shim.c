/* Makes the n-th durable call below one folder fail, end the process, or cut the power.

   Preloaded into the driver; `fault_arm` starts counting. A power cut undoes every write,
   truncation and rename that no fsync has made durable, as a disk may, and ends the process. With a
   seed it undoes some of them and keeps others: a disk may write in any order.

   Counting alone (COUNT), it adds up the bytes handed to the kernel and the blocks that these make
   dirty between two syncs of their file: what goes to a card is whole blocks. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONE, FAIL, KILL, CUT, COUNT };
enum { PENDING = 4096, BLOCK = 4096 };

static int mode = NONE, error_number, struck;
static long target, counted;
static char folder[PATH_MAX];

struct undo {
  char path[PATH_MAX]; /* of the file; empty: done with */
  char moved[PATH_MAX]; /* of a rename: a second name of what lay there, "" for nothing */
  char from[PATH_MAX]; /* of a rename: the name of before, which comes back too */
  off_t offset, size;
  size_t length;
  char *before;
  int rename;
};
static struct undo pending[PENDING];
static int pendings;

static struct { dev_t device; ino_t file; off_t number; } dirty[PENDING];
static int dirties;
static long bytes_written, blocks_written;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void fault_arm(int how, int number, long at, const char *below) {
  mode = how; error_number = number; target = at; counted = 0; struck = 0; pendings = 0;
  snprintf(folder, sizeof folder, "%s/", below);
}
long fault_counted(void) { return counted; }
long fault_bytes(void) { return bytes_written; }
long fault_blocks(void) { return blocks_written; }
int fault_struck(void) { return struck; }

static int below(const char *path) { return strncmp(path, folder, strlen(folder)) == 0; }

static int named(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  char *gone = strstr(path, " (deleted)");
  return !gone && below(path);
}

static int later_kept(int from, const char *path, int all) {
  for (int i = from + 1; i < all; i++)
    if (pending[i].length == (size_t)-1 && !strcmp(pending[i].path, path)) return 1;
  return 0;
}

static void undo_all(void) {
  int all = pendings;
  unsigned seed = (unsigned)error_number;
  while (pendings--) {
    struct undo *u = &pending[pendings];
    if (!u->path[0]) continue;
    if (error_number && rand_r(&seed) & 1) { u->length = (size_t)-1; continue; } /* it stays */
    if (u->rename) {
      REAL(rename)(u->path, u->from);
      if (u->moved[0]) REAL(rename)(u->moved, u->path);
      continue;
    }
    int fd = open(u->path, O_WRONLY);
    if (fd < 0) continue;
    if (u->length) { if (REAL(pwrite64)(fd, u->before, u->length, u->offset) < 0) _exit(3); }
    if (!later_kept(pendings, u->path, all) && REAL(ftruncate64)(fd, u->size)) _exit(3);
    close(fd);
  }
}

static void count(int fd, off_t offset, size_t size) {
  struct stat status;
  if (mode != COUNT || !size || fstat(fd, &status)) return;
  bytes_written += size;
  for (off_t block = offset / BLOCK; block <= (off_t)(offset + size - 1) / BLOCK; block++) {
    int i = 0;
    while (i < dirties && (dirty[i].number != block || dirty[i].file != status.st_ino ||
                           dirty[i].device != status.st_dev)) i++;
    if (i < dirties || dirties == PENDING) continue;
    dirty[dirties].device = status.st_dev; dirty[dirties].file = status.st_ino;
    dirty[dirties++].number = block;
    blocks_written++;
  }
}

static void counted_until_here(int fd) {
  struct stat status;
  if (mode != COUNT || fstat(fd, &status)) return;
  for (int i = dirties; i--;)
    if (dirty[i].file == status.st_ino && dirty[i].device == status.st_dev) dirty[i] = dirty[--dirties];
}

/* Whether this call is the one that fails. Does not return from a kill or a cut. */
static int strikes(void) {
  if (mode == NONE || ++counted != target) return 0;
  struck = 1;
  if (mode == KILL) _exit(137);
  if (mode == CUT) { undo_all(); _exit(138); }
  errno = error_number;
  return 1;
}

static void remember(const char *path, int fd, off_t offset, size_t length) {
  if (mode != CUT || pendings >= PENDING) return;
  struct stat status;
  int own = open(path, O_RDONLY);
  if (own < 0 || fstat(own, &status)) { if (own >= 0) close(own); return; }
  struct undo *u = &pending[pendings++];
  memset(u, 0, sizeof *u);
  strcpy(u->path, path);
  u->offset = offset; u->size = status.st_size;
  if (offset < status.st_size) {
    u->length = (off_t)(offset + length) > status.st_size ? (size_t)(status.st_size - offset) : length;
    u->before = malloc(u->length + 1);
    if (pread64(own, u->before, u->length, offset) != (ssize_t)u->length) u->length = 0;
  }
  close(own);
  (void)fd;
}

static void durable(const char *path) {
  for (int i = 0; i < pendings; i++) {
    struct undo *u = &pending[i];
    if (!u->path[0]) continue;
    char holder[PATH_MAX];
    strcpy(holder, u->path);
    char *slash = strrchr(holder, '/');
    if (slash) *slash = 0;
    if (u->rename ? strcmp(holder, path) == 0 : strcmp(u->path, path) == 0) {
      if (u->rename && u->moved[0]) REAL(unlink)(u->moved);
      free(u->before); u->before = 0; u->path[0] = 0;
    }
  }
}

ssize_t write(int fd, const void *data, size_t size) {
  char path[PATH_MAX];
  if (mode != NONE && named(fd, path)) {
    if (strikes()) return -1;
    remember(path, fd, lseek(fd, 0, SEEK_CUR), size);
    count(fd, lseek(fd, 0, SEEK_CUR), size);
  }
  return REAL(write)(fd, data, size);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  char path[PATH_MAX];
  if (mode != NONE && named(fd, path)) {
    if (strikes()) return -1;
    remember(path, fd, offset, size);
    count(fd, offset, size);
  }
  return REAL(pwrite64)(fd, data, size, offset);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return pwrite64(fd, data, size, offset);
}
static int sync_with(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  int ours = mode != NONE && named(fd, path);
  if (!ours && mode != NONE) { /* the folder itself */
    char link[64]; snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 2);
    if (n > 0) { path[n] = '/'; path[n + 1] = 0; ours = below(path); path[n] = 0; }
  }
  if (ours && strikes()) return -1;
  int result = real(fd);
  if (ours && !result) { durable(path); counted_until_here(fd); }
  return result;
}
int fsync(int fd) { return sync_with(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_with(fd, REAL(fdatasync)); }
int ftruncate64(int fd, off64_t size) {
  char path[PATH_MAX];
  if (mode != NONE && named(fd, path)) {
    if (strikes()) return -1;
    struct stat status;
    if (!fstat(fd, &status) && status.st_size > size) remember(path, fd, size, status.st_size - size);
    else remember(path, fd, size, 0);
  }
  return REAL(ftruncate64)(fd, size);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int rename(const char *from, const char *to) {
  if (mode != NONE && below(to)) {
    if (strikes()) return -1;
    if (mode == CUT && pendings < PENDING) {
      struct undo *u = &pending[pendings++];
      memset(u, 0, sizeof *u);
      u->rename = 1;
      strcpy(u->path, to);
      strcpy(u->from, from);
      snprintf(u->moved, sizeof u->moved, "%s.before-cut-%d", to, pendings);
      if (REAL(link)(to, u->moved)) u->moved[0] = 0;
    }
  }
  return REAL(rename)(from, to);
}
int link(const char *from, const char *to) {
  if (mode != NONE && below(to) && strikes()) return -1;
  return REAL(link)(from, to);
}
int unlink(const char *path) {
  if (mode != NONE && below(path) && strikes()) return -1;
  return REAL(unlink)(path);
}
int symlink(const char *target, const char *path) {
  if (mode != NONE && below(path) && strikes()) return -1;
  return REAL(symlink)(target, path);
}
int mkdir(const char *path, mode_t rights) {
  if (mode != NONE && below(path) && strikes()) return -1;
  return REAL(mkdir)(path, rights);
}
