/** Owns what the store wants of whoever makes dense vectors. */

export interface DenseShape {
  /** Vectors of another model mean something else. */
  readonly model: string;
  readonly dimension: number;
}

export interface DenseEncoder extends DenseShape {
  /**
   * One for each text, in order. Missing: it could not be made, or not in time; a point is stored without it and
   * completed later. Rejects with the signal's reason alone.
   */
  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly (readonly number[] | undefined)[]>;
}
