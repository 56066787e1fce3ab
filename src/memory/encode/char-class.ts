/** Owns what each character of ASCII is to a word. */

export const SEPARATOR = 0;
export const LOWER = 1;
export const UPPER = 2;
export const DIGIT = 3;
export const JOINER = 4;
export const DOT = 5;
export const SLASH = 6;
export const QUOTE = 7;
export const COMMA = 8;

/** By the code of the character, below 128. */
export const CLASS = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  const char = String.fromCharCode(code);
  if (/[a-z]/.test(char)) CLASS[code] = LOWER;
  if (/[A-Z]/.test(char)) CLASS[code] = UPPER;
  if (/[0-9]/.test(char)) CLASS[code] = DIGIT;
}
const classify = (chars: string, as: number): void => {
  for (const char of chars) CLASS[char.charCodeAt(0)] = as;
};
classify('_-', JOINER);
classify('.', DOT);
classify('/\\', SLASH);
classify("'", QUOTE);
classify(',', COMMA);

export const isWord = (kind: number): boolean => kind === LOWER || kind === UPPER || kind === DIGIT;
