// Calls of the Linux kernel that Swift's Glibc module cannot express: variadic syscalls and ioctls.
#pragma once
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/select.h> beside _GNU_SOURCE gives fd_set other member names than Swift's own modules know. Only a clean build
// shows it, and not each one, so it is refused here: <sys/types.h>, <sys/xattr.h> and <spawn.h> bring it in.
#ifdef _SYS_SELECT_H
#error "a header above brings in <sys/select.h>: call the kernel or declare the symbol instead"
#endif

// Opens a path below a directory; no link of any kind on the way leads anywhere else. -1 and errno on failure.
static inline int linux_open_beneath(int directory, const char *path, int flags, unsigned int mode) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = (unsigned long long)flags;
  how.mode = (flags & O_CREAT) ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// Makes a new file in an open folder, for writing. -1 and errno on failure.
static inline int linux_open_new_at(int folder, const char *name, unsigned int mode) {
  return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

// Has the kernel begin to write an open file to its disk, and does not wait for it (SYNC_FILE_RANGE_WRITE).
static inline int linux_begin_writing(int file) { return (int)syscall(SYS_sync_file_range, file, 0L, 0L, 2U); }

// Waits until everything that was written to the file system of an open file is on its disk.
static inline int linux_sync_file_system(int file) { return (int)syscall(SYS_syncfs, file); }

// Makes `to` share the blocks of `from` (Btrfs, XFS). -1 and errno where the file system cannot.
static inline int linux_clone_file(int to, int from) { return ioctl(to, FICLONE, from); }

// Renames, failing with EEXIST when the new name is taken.
static inline int linux_rename_new(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

// Exchanges two names in one step.
static inline int linux_rename_exchange(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
}

// Takes a read lease: fails with EAGAIN while any process of this host has the file open for writing.
static inline int linux_take_read_lease(int file) { return fcntl(file, F_SETLEASE, F_RDLCK); }
static inline int linux_drop_lease(int file) { return fcntl(file, F_SETLEASE, F_UNLCK); }

// Gives a file or folder the access list that the folder around it has for new ones. 0 when that has none.
static inline int linux_inherit_acl(const char *folder, const char *path) {
  char list[8192];
  long size = syscall(SYS_getxattr, folder, "system.posix_acl_default", list, sizeof list);
  return size > 0 && syscall(SYS_setxattr, path, "system.posix_acl_access", list, (size_t)size, 0) == 0;
}

// Makes a child that is spawned keep none of our open files but the first ones, whatever their flags.
int linux_spawn_close_from(void *actions, int first) __asm__("posix_spawn_file_actions_addclosefrom_np");
