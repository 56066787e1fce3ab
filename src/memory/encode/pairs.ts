/** Owns the tokens of scripts that put no spaces between words: each two characters that follow one another. */
import { foldOf } from './fold.ts';
import { BASIS, mixed } from './span.ts';
import type { TokenBuffer } from './tokens.ts';

/** One alone is a token itself. Gives where the run ends that begins at `from`. */
export const addPairs = (text: string, from: number, made: TokenBuffer): number => {
  let at = from;
  let before = 0;
  let beforeAt = from;
  let count = 0;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    const fold = code < 128 ? undefined : foldOf(code);
    if (fold?.kind !== 'pair') break;
    const next = at + (code > 0xff_ff ? 2 : 1);
    if (before !== 0) {
      made.add(mixed(mixed(BASIS, before), fold.code), beforeAt, next);
      count += 1;
    }
    before = fold.code;
    beforeAt = at;
    at = next;
  }
  if (count === 0) made.add(mixed(BASIS, before), from, at);
  return at;
};
