import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Spill } from './spill.ts';

let spill: Spill;
beforeEach(() => {
  spill = new Spill();
});
afterEach(() => spill[Symbol.dispose]());

const texts = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => `line ${from + n} é ${'x'.repeat((from + n) % 40)}`);

describe('lines that were spilled', () => {
  it('come back in order, run by run, whatever their length', () => {
    const runs = [0, 1000, 2000].map((from) => {
      const run = spill.begin();
      for (let at = 0; at < 500; at += 50) spill.append(run, texts(50, from + at));
      return { run, from };
    });
    for (const { run, from } of runs.toReversed()) {
      const back: string[] = [];
      for (let taken = spill.take(run, 64); taken.length > 0; taken = spill.take(run, 64)) back.push(...taken);
      expect(back).toEqual(texts(500, from));
    }
  });

  it('are none where none were put', () => {
    const run = spill.begin();
    spill.append(run, []);
    expect(spill.take(run, 1000)).toEqual([]);
  });

  it('leave no file behind that has a name', () => {
    spill.append(spill.begin(), texts(10));
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('nika-merge-'))).toEqual([]);
  });
});
