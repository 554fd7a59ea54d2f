import CLinux

/// How the C library keeps memory for us.
enum Memory {
  /// Gives large pieces back as soon as they are free, and keeps small ones in two heaps instead of one a thread: with
  /// glibc's own rules a job of 100,000 frames leaves three times the memory behind that it needs.
  static func stayLean() {
    let largePiece: Int32 = 16 << 20
    _ = mallopt(M_MMAP_THRESHOLD, largePiece)
    _ = mallopt(M_TRIM_THRESHOLD, largePiece)
    _ = mallopt(M_ARENA_MAX, 2)
  }
}
