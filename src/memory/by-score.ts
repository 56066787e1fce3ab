/** Owns the order of hits, whoever found them: the higher score first; ties by id. Pure. */

export interface Ranked {
  readonly id: string;
  readonly score: number;
}

export const byScore = (a: Ranked, b: Ranked): number => b.score - a.score || (a.id < b.id ? -1 : 1);
