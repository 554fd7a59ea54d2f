// Remembers in memory which files are being taken in, and writes them to a file when a signal of a crash ends the
// process. Nothing is written while all goes well; SIGKILL and a power cut leave no mark.
#pragma once
#include <stdint.h>

// Files that are remembered at a time; more are not.
#define CRASH_MARK_SLOTS 256
// Bytes of a path; a file with a longer one is not remembered.
#define CRASH_MARK_PATH 1024
// Numbers that tell one version of a file from the next.
#define CRASH_MARK_STAMPS 4

// The head of a mark in the file; `count` entries follow.
struct crash_mark_head {
  char magic[8];
  int64_t at_ns;
  int32_t signal;
  // Whether the first entry was being read by the thread that crashed.
  int32_t is_sure;
  int32_t count;
  int32_t unused;
};

// The head of an entry; `length` bytes of the path follow.
struct crash_mark_entry {
  int64_t stamp[CRASH_MARK_STAMPS];
  int32_t length;
  int32_t unused;
};

// Keeps room on the disk behind the end of an open file, whose size stays as it is. 0, or -1 and errno.
int crash_mark_reserve(int file, int64_t bytes);

// Writes marks into this open file from now on, and takes over the signals of a crash. Handlers that were there, as
// Swift's backtracer, run afterwards. 0, or -1 and errno.
int crash_mark_install(int file);

// A file is being taken in.
// isBound: by this thread alone, until the end; else by tasks that change threads.
// Returns its slot; -1 when it is not remembered.
int crash_mark_begin(const char *path, int32_t length, const int64_t stamp[CRASH_MARK_STAMPS], int is_bound);

// It was taken in.
void crash_mark_end(int slot);
