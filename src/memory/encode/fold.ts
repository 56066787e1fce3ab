/** Owns what a character that is not ASCII counts as: case and accents folded away, scripts without spaces told apart. */

export type Folded =
  | { readonly kind: 'separator' }
  /** An accent that stands by itself: as if it were not there. */
  | { readonly kind: 'mark' }
  /** Of a script that puts no spaces between words: found by pairs. */
  | { readonly kind: 'pair'; readonly code: number }
  | { readonly kind: 'letter'; readonly text: string; readonly isUpper: boolean };

/** Also what only joins letters, or says where a word may be broken. */
const MARK = /^(?:(?=\p{Mn})[\p{sc=Inherited}\p{sc=Hebrew}]|[\u00ad\u200c\u200d])$/u;
const MARKS = /[\u0300-\u036f]/g;
const UNSPACED =
  /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\u3099\u309a\u30fc\uff70\uff9e\uff9f]$/u;
const LETTER = /^[\p{L}\p{M}\p{N}]$/u;
/** Letters with a stroke or of two, which Unicode does not take apart. */
const PLAIN: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ħ: 'h',
  ŧ: 't',
};

const SEPARATOR: Folded = { kind: 'separator' };
const AS_NOTHING: Folded = { kind: 'mark' };

const bare = (text: string): string => text.normalize('NFKD').replace(MARKS, '');

const folded = (code: number): Folded => {
  const char = String.fromCodePoint(code);
  if (UNSPACED.test(char)) return { kind: 'pair', code: char.normalize('NFKC').codePointAt(0) ?? code };
  if (MARK.test(char)) return AS_NOTHING;
  if (!LETTER.test(char)) return SEPARATOR;
  const plain = bare(char);
  const lower = bare(plain.toUpperCase().toLowerCase()); // up first: ß is ss, and ς is σ
  const text = lower.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '');
  if (text === '') return AS_NOTHING;
  return { kind: 'letter', text: PLAIN[text] ?? text, isUpper: plain !== plain.toLowerCase() };
};

const CACHED = 20_000;
const cache = new Map<number, Folded>();

export const foldOf = (code: number): Folded => {
  const known = cache.get(code);
  if (known !== undefined) return known;
  if (cache.size >= CACHED) cache.clear();
  const fold = folded(code);
  cache.set(code, fold);
  return fold;
};

const JAMO = /[\u1100-\u11ff]/;

/** Hangul as one writes it, where it comes in pieces, as file names of macOS have it. */
export const composed = (text: string): string => (JAMO.test(text) ? text.normalize('NFC') : text);

/** The letters and digits of a text that is not all ASCII, one by one as they count. */
export const foldedText = (text: string): string =>
  Array.from(text, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (code < 128) return /[a-z0-9]/i.test(char) ? char.toLowerCase() : '';
    const fold = foldOf(code);
    return fold.kind === 'letter' ? fold.text : '';
  }).join('');
