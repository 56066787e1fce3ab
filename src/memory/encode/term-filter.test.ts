import { describe, expect, it } from 'vitest';
import { createRandom, pick } from '../../../test/fixtures/remembered-bus.ts';
import { encodeDocument, encodeQuestion } from './sparse.ts';
import { createTermFilter } from './term-filter.ts';

const STEMS = (
  'websocket try fly stop tell add cache box agree use type string run fix class address bus status match push carry ' +
  'happy key token test file need seed die tie queue analysis data size pass miss buzz quiz plan refer'
).split(' ');
const ENDINGS = ['', 's', 'es', 'ies', 'ed', 'd', 'ied', 'ing', 'ning', 'ping', 'ned', 'e', 'y', 'er', 'ings', 'eds'];
const QUESTIONS = 4_000;
const DOCUMENTS = 5;

describe('whether a text may have a word', () => {
  const random = createRandom(5);
  const word = (): string => {
    const stem = pick(random, STEMS);
    return (random() < 0.3 ? stem.slice(0, -1) : stem) + pick(random, ENDINGS);
  };
  const cased = (text: string): string =>
    pick(random, [text, text, text.toUpperCase(), text.charAt(0).toUpperCase() + text.slice(1)]);
  /** As it may stand in a text: alone, in pieces, or with others. */
  const written = (text: string): string => {
    const at = 1 + Math.floor(random() * (text.length - 1));
    const [head, rest] = [text.slice(0, at), text.slice(at)];
    const whole = cased(text);
    return pick(random, [
      whole,
      `${head}_${rest}`,
      `${head}-${rest}`,
      head + rest.charAt(0).toUpperCase() + rest.slice(1),
      `${head}'${rest}`,
      `${head}’${rest}`,
      `${head}\u00ad${rest}`,
      `src/${whole}/${word()}.ts`,
      `${whole}${cased(word())}`,
      `${word()}_${whole}`,
      `${whole}'s`,
      text.replace('e', 'é'),
      `${whole}2`,
    ]);
  };

  it('never says no where it has one', () => {
    const lost: object[] = [];
    let [hits, passed] = [0, 0];
    for (let nth = 0; nth < QUESTIONS; nth += 1) {
      const words = cased(word());
      const { indices } = encodeQuestion(words);
      const mayHave = createTermFilter(words);
      if (mayHave === undefined) continue;
      for (let other = 0; other < DOCUMENTS; other += 1) {
        const text = `${written(random() < 0.5 ? word() : words.toLowerCase())} and ${written(word())}`;
        const has = encodeDocument(text).indices.some((hash) => indices.includes(hash));
        if (has) hits += 1;
        if (has && !mayHave(text)) lost.push({ words, text });
        if (!mayHave(text)) passed += 1;
      }
    }
    expect(lost).toEqual([]);
    expect(Math.min(hits, passed)).toBeGreaterThan(QUESTIONS / 2);
  });

  it('says nothing of questions of which it is not sure', () => {
    for (const words of ['v1.2', 'maxTokens', 'src/a.ts', 'größe', 'x y'])
      expect(createTermFilter(words)).toBeUndefined();
  });
});
