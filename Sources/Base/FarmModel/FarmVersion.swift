/// The version that both programs print.
package enum FarmVersion {
  package static let current = "0.1.0"
}
