/** Owns the form of a sparse vector as Qdrant takes it. */

export interface SparseVector {
  /** Ascending, each once; unsigned, 32 bits: hashes of tokens. */
  readonly indices: readonly number[];
  /** Of a document: how much each token says of it (BM25 without IDF); of a question: 1 each. */
  readonly values: readonly number[];
}
