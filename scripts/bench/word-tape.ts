/** Owns plausible words for generated texts: plain ones, identifiers and paths, drawn by Zipf's law. */

const VOCABULARY = 60_000;
const TAPE_WORDS = 2_000_000;
const PATHS = 20_000;
/** The most frequent ones are plain words. */
const PLAIN_WORDS = 3_000;
const SYLLABLES =
  'ba con de er fi gra ho in ja ken lo mi nor op pre qua res sto ter un ver wi ex ya zo ing tion al'.split(' ');
const FREQUENT =
  'the to and of a in is it that for on with as test file fix error this be not when run from add by build pod bus'.split(
    ' ',
  );
const KNOWN =
  'websocket flaky timeout retry token parser lease heartbeat deadlock segment cursor migration snapshot redis'.split(
    ' ',
  );

export interface Tape {
  text(words: number): string;
  path(): string;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** By rank: the lower, the more often. */
const createVocabulary = (random: () => number): readonly string[] => {
  const below = (count: number): number => Math.floor(random() * count);
  const plain = (): string =>
    Array.from({ length: 2 + below(3) }, () => SYLLABLES[below(SYLLABLES.length)] ?? '').join('');
  const words = [...FREQUENT, ...KNOWN];
  const known = (): string => words[below(PLAIN_WORDS)] ?? '';
  while (words.length < VOCABULARY) {
    const chance = words.length < PLAIN_WORDS ? 0 : random();
    if (chance < 0.55) words.push(plain());
    else if (chance < 0.75) words.push(known() + capital(known()));
    else if (chance < 0.88) words.push(`${known()}_${known()}`);
    else if (chance < 0.96) words.push(`src/${known()}/${known()}-${known()}.ts`);
    else words.push(`E${known().toUpperCase()}${below(1000)}`);
  }
  return words;
};

/** Ranks by Zipf's law with exponent 1: the inverse of its sum, which grows as the logarithm does. */
const rankOf = (random: () => number): number => Math.min(VOCABULARY - 1, Math.floor(VOCABULARY ** random()) - 1);

/** A text is a piece of it: one `slice`, however long. */
export const createTape = (random: () => number): Tape => {
  const vocabulary = createVocabulary(random);
  const starts = new Uint32Array(TAPE_WORDS + 1);
  const pieces: string[] = [];
  let length = 0;
  for (let nth = 0; nth < TAPE_WORDS; nth += 1) {
    const word = vocabulary[rankOf(random)] ?? '';
    starts[nth] = length;
    pieces.push(word);
    length += word.length + 1;
  }
  starts[TAPE_WORDS] = length;
  const tape = pieces.join(' ');
  const pathWords = vocabulary.slice(40, PLAIN_WORDS);
  const name = (): string => pathWords[Math.floor(random() ** 2 * pathWords.length)] ?? '';
  const paths = Array.from({ length: PATHS }, () => `src/${name()}/${name()}-${name()}.ts`);
  return {
    text: (words) => {
      const from = Math.floor(random() * (TAPE_WORDS - words));
      return tape.slice(starts[from], (starts[from + words] ?? 0) - 1);
    },
    path: () => paths[Math.floor(random() ** 2 * PATHS)] ?? '',
  };
};
