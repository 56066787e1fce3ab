/** Owns the light stemming of English: plurals, -ing, -ed and the mute e. It says how a word ends, and never makes a text. */

/** Cut off so many characters, then put this one on; 0: none. */
export interface Ending {
  readonly cut: number;
  readonly add: number;
}

const [A, D, E, G, H, I, L, N, O, S, U, X, Y, Z] = Array.from('adeghilnosuxyz', (char) => char.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const C = 'c'.charCodeAt(0);

const NOTHING: Ending = { cut: 0, add: 0 };
const endings = new Map<number, Ending>();
for (const cut of [1, 2, 3, 4]) for (const add of [0, Y]) endings.set(cut * 256 + add, { cut, add });
const ending = (cut: number, add = 0): Ending => endings.get(cut * 256 + add) ?? NOTHING;

const isVowel = (char: number): boolean =>
  char === A || char === E || char === I || char === O || char === U || char === Y;

/** Reads a text from its end: the character so many before it, in lower case where it is a letter of ASCII. */
class Tail {
  #text = '';
  #end = 0;

  set(text: string, end: number): void {
    this.#text = text;
    this.#end = end;
  }

  at(back: number): number {
    return this.#text.charCodeAt(this.#end - back) | 32;
  }
}
const tail = new Tail();

/** How many characters are the sign of a plural, or of the third person. */
const pluralOf = (length: number): number => {
  if (length < 4 || tail.at(1) !== S) return 0;
  const before = tail.at(2);
  if (before === S || before === U || before === I) return 0;
  if (before !== E || length < 5) return 1;
  const third = tail.at(3);
  const isHissing =
    third === X ||
    third === Z ||
    (third === S && tail.at(4) === S) ||
    (third === H && (tail.at(4) === C || tail.at(4) === S));
  return isHissing ? 2 : 1;
};

/** Whether there is a vowel in the two characters before: "string" is not "str" with an ending. */
const hasStem = (cut: number, length: number): boolean => {
  const rest = length - cut;
  if (rest < 3) return false;
  for (let back = cut + 1; back <= length && back <= cut + 4; back += 1) if (isVowel(tail.at(back))) return true;
  return false;
};

/** "stopp" is "stop", but "tell" is "tell" and "add" is "add". */
const undoubled = (cut: number, length: number): number => {
  const last = tail.at(cut + 1);
  return length - cut > 3 && last === tail.at(cut + 2) && last !== L && last !== S && last !== Z ? cut + 1 : cut;
};

/** How the word ends that reaches up to `end` and has that many characters. */
export const endingOf = (text: string, end: number, length: number): Ending => {
  tail.set(text, end);
  const plural = pluralOf(length);
  if (plural > 0) {
    if (length > 4 && tail.at(2) === E && tail.at(3) === I) return ending(3, Y);
    tail.set(text, end - plural);
  }
  const rest = length - plural;
  if (rest > 4 && tail.at(1) === D && tail.at(2) === E && tail.at(3) !== E) {
    if (tail.at(3) === I && rest > 4) return ending(plural + 3, Y);
    if (hasStem(2, rest)) return ending(plural + undoubled(2, rest));
  }
  if (rest > 5 && tail.at(1) === G && tail.at(2) === N && tail.at(3) === I && hasStem(3, rest))
    return ending(plural + undoubled(3, rest));
  if (rest > 3 && tail.at(1) === E) return ending(plural + 1);
  return plural === 0 ? NOTHING : ending(plural);
};
