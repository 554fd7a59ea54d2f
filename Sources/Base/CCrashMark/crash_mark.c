#define _GNU_SOURCE 1
#include "crash_mark.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { slot_free, slot_taken, slot_ready };

struct slot {
  atomic_int state;
  // 0 when it is not bound to a thread.
  atomic_int thread;
  atomic_long turn;
  struct crash_mark_entry entry;
  char path[CRASH_MARK_PATH];
};

static struct slot slots[CRASH_MARK_SLOTS];
static atomic_long turns;
// Above this no slot was ever used.
static atomic_int used;

static const int numbers[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGABRT, SIGFPE};
enum { number_count = sizeof numbers / sizeof numbers[0] };
static struct sigaction before[number_count];
static atomic_int mark_file = -1;
// 0: no crash; 1: the mark is being written; 2: it is written.
static atomic_int crashing;

// The handler may not allocate. What does not fit is left out.
static char text[64 << 10];

static int this_thread(void) { return (int)syscall(SYS_gettid); }

static size_t put(size_t at, const struct slot *slot) {
  size_t length = (size_t)slot->entry.length;
  size_t size = sizeof slot->entry + length;
  if (length > CRASH_MARK_PATH || at + size > sizeof text) return at;
  memcpy(text + at, &slot->entry, sizeof slot->entry);
  memcpy(text + at + sizeof slot->entry, slot->path, length);
  return at + size;
}

static void write_mark(int number) {
  struct crash_mark_head head;
  memset(&head, 0, sizeof head);
  memcpy(head.magic, "FARMMARK", sizeof head.magic);
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) == 0) head.at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  head.signal = number;
  // What this thread began last is what it reads.
  int own = -1, thread = this_thread(), count = atomic_load(&used);
  for (int i = 0; i < count; i++) {
    if (atomic_load(&slots[i].state) != slot_ready || atomic_load(&slots[i].thread) != thread) continue;
    if (own < 0 || atomic_load(&slots[i].turn) > atomic_load(&slots[own].turn)) own = i;
  }
  head.is_sure = own >= 0;
  size_t at = sizeof head;
  if (own >= 0) {
    at = put(at, &slots[own]);
    head.count++;
  }
  for (int i = 0; i < count; i++) {
    if (i == own || atomic_load(&slots[i].state) != slot_ready) continue;
    size_t next = put(at, &slots[i]);
    if (next == at) continue;
    at = next;
    head.count++;
  }
  memcpy(text, &head, sizeof head);
  int file = atomic_load(&mark_file);
  // A full disk: the next crash tries again.
  if (head.count > 0 && file >= 0 && write(file, text, at) < 0) return;
}

// Runs what handled the signal before. Swift's backtracer returns from that: it relies on the instruction that failed to
// fail again, which one that was sent by kill() or raise() does not.
static void run_before(int number, siginfo_t *info, void *context) {
  for (int i = 0; i < number_count; i++) {
    if (numbers[i] != number) continue;
    if (before[i].sa_flags & SA_SIGINFO) {
      before[i].sa_sigaction(number, info, context);
    } else if (before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN) {
      before[i].sa_handler(number);
    }
  }
}

static void crashed(int number, siginfo_t *info, void *context) {
  int none = 0;
  if (atomic_compare_exchange_strong(&crashing, &none, 1)) {
    write_mark(number);
    atomic_store(&crashing, 2);
  }
  // Another thread crashed at the same moment: its mark is written first.
  for (int i = 0; i < 1000000 && atomic_load(&crashing) == 1; i++) sched_yield();
  run_before(number, info, context);
  struct sigaction usual;
  memset(&usual, 0, sizeof usual);
  usual.sa_handler = SIG_DFL;
  sigaction(number, &usual, NULL);
  // Comes when this handler returns, since the signal is blocked in it: the exit status stays the signal.
  syscall(SYS_tgkill, getpid(), this_thread(), number);
}

// A thread whose stack is full needs another one for the handler.
enum { stack_bytes = 128 << 10 };
static pthread_key_t stack_key;
static atomic_int has_key;
static __thread int has_stack;

static void drop_stack(void *stack) {
  stack_t none;
  memset(&none, 0, sizeof none);
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, NULL);
  munmap(stack, stack_bytes);
}

static void make_stack(void) {
  if (has_stack || !atomic_load(&has_key)) return;
  has_stack = 1;
  stack_t old;
  if (sigaltstack(NULL, &old) != 0 || !(old.ss_flags & SS_DISABLE)) return;
  void *stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return;
  stack_t own;
  memset(&own, 0, sizeof own);
  own.ss_sp = stack;
  own.ss_size = stack_bytes;
  if (sigaltstack(&own, NULL) != 0 || pthread_setspecific(stack_key, stack) != 0) munmap(stack, stack_bytes);
}

int crash_mark_reserve(int file, int64_t bytes) {
  struct stat status;
  if (fstat(file, &status) != 0) return -1;
  return fallocate(file, FALLOC_FL_KEEP_SIZE, status.st_size, bytes);
}

int crash_mark_install(int file) {
  if (atomic_exchange(&mark_file, file) >= 0) return 0;
  if (pthread_key_create(&stack_key, drop_stack) == 0) atomic_store(&has_key, 1);
  make_stack();
  for (int i = 0; i < number_count; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crashed;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(numbers[i], &action, &before[i]) != 0) return -1;
  }
  return 0;
}

int crash_mark_begin(const char *path, int32_t length, const int64_t stamp[CRASH_MARK_STAMPS], int is_bound) {
  if (length <= 0 || length > CRASH_MARK_PATH || atomic_load(&mark_file) < 0) return -1;
  if (is_bound) make_stack();
  for (int i = 0; i < CRASH_MARK_SLOTS; i++) {
    int is_free = slot_free;
    if (!atomic_compare_exchange_strong(&slots[i].state, &is_free, slot_taken)) continue;
    int top = atomic_load(&used);
    while (top < i + 1 && !atomic_compare_exchange_weak(&used, &top, i + 1)) {}
    memset(&slots[i].entry, 0, sizeof slots[i].entry);
    memcpy(slots[i].entry.stamp, stamp, sizeof slots[i].entry.stamp);
    slots[i].entry.length = length;
    memcpy(slots[i].path, path, (size_t)length);
    atomic_store(&slots[i].thread, is_bound ? this_thread() : 0);
    atomic_store(&slots[i].turn, atomic_fetch_add(&turns, 1));
    atomic_store(&slots[i].state, slot_ready);
    return i;
  }
  return -1;
}

void crash_mark_end(int slot) {
  if (slot >= 0 && slot < CRASH_MARK_SLOTS) atomic_store(&slots[slot].state, slot_free);
}
