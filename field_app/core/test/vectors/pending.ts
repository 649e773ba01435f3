/**
 * Codecs and operations that the vectors name and nobody has registered yet, one a line. Empty when the core is whole.
 */
export const PENDING: readonly string[] = [];
