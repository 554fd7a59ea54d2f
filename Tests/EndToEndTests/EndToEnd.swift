import Testing

/// The real `farmd`, `farm` and Blender, as a user has them; one after the other, so that each has the machine's cores
/// for itself and for what runs beside it.
@Suite("End to end", .serialized)
enum EndToEnd {}
