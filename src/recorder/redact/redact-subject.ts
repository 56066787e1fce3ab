/** Owns what the searches for secrets share: one text, and the places that were found in it. */

export interface Span {
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
  readonly kind: string;
  /** True: known by its own form. Where spans overlap, such a one gives the kind, not one known by its name. */
  readonly isForm: boolean;
}

export interface Subject {
  readonly text: string;
  /** The text goes on behind its end: what reaches the end may be the first part of a longer secret. */
  readonly isCut: boolean;
  spans: Span[] | undefined;
  /** Names before this index are part of a value that was read already. */
  resumeAt: number;
  /** Where the next end of a private key stands, once looked for; -1 before. */
  keyEndAt: number;
}

export const createSubject = (text: string, isCut: boolean): Subject => ({
  text,
  isCut,
  spans: undefined,
  resumeAt: 0,
  keyEndAt: -1,
});

export const addSpan = (subject: Subject, span: Span): void => {
  if (subject.spans === undefined) subject.spans = [span];
  else subject.spans.push(span);
};

/** In order, without overlaps: spans that touch each other's inside become one. */
export const mergeSpans = (spans: readonly Span[]): readonly Span[] => {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) {
      merged.push(span);
      continue;
    }
    const named = span.isForm && !last.isForm ? span : last;
    merged[merged.length - 1] = { ...named, start: last.start, end: Math.max(last.end, span.end) };
  }
  return merged;
};
