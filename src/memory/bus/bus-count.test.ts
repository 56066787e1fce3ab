import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFilter, randomGroup } from '../../../test/fixtures/memory-questions.ts';
import { createRandom, createRememberedBus } from '../../../test/fixtures/remembered-bus.ts';
import type { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tryParseLine } from '../../bus/line.ts';
import { segmentFile } from '../../bus/layout.ts';
import { FIELD_OF, createPointFilter, valuesIn } from '../filter.ts';
import type { CountAnswer, CountQuestion } from '../memory-source.ts';
import type { MemoryPayload } from '../point.ts';
import { readRemembered } from '../sync/remembered-lines.ts';
import { StandingFold } from '../sync/standing-fold.ts';
import { countOnBus } from './bus-count.ts';

let bus: TempBus;
let standing: readonly MemoryPayload[];
const { signal } = new AbortController();

/** All of it in memory, and nothing passed over. */
const readAll = async (): Promise<readonly MemoryPayload[]> => {
  const fold = new StandingFold();
  const byId = new Map<string, MemoryPayload>();
  for await (const piece of readRemembered({ busDir: bus.busDir, signal })) {
    if (piece === 'lost') throw new Error('lost');
    for (const one of piece.points) {
      const { point, cleared } = fold.add(one);
      if (point.payload.standing) byId.set(point.id, point.payload);
      if (cleared !== undefined) byId.delete(cleared);
    }
  }
  return [...byId.values()];
};

const expected = ({ filter, by }: CountQuestion): CountAnswer => {
  const matches = createPointFilter({ ...filter, kind: filter.kind ?? ['job'] });
  const found = standing.filter(matches);
  if (by === undefined) return { count: found.length };
  const counts = new Map<string, number>();
  for (const payload of found)
    for (const value of valuesIn(payload, FIELD_OF[by])) counts.set(value, (counts.get(value) ?? 0) + 1);
  const groups = [...counts].map(([value, count]) => ({ value, count }));
  return {
    count: found.length,
    groups: groups.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)),
  };
};

beforeAll(async () => {
  bus = await createRememberedBus({ seed: 7, jobs: 120, segments: 6 });
  standing = await readAll();
});
afterAll(() => bus[Symbol.dispose]());

describe('countOnBus', () => {
  it('gives the same whether all is read, or segments that have nothing of the time are passed over', async () => {
    const random = createRandom(1);
    for (let nth = 0; nth < 200; nth += 1) {
      const by = randomGroup(random);
      const question = { filter: randomFilter(random), ...(by === undefined ? {} : { by }) };
      const answer = await countOnBus({ busDir: bus.busDir, runDir: bus.runDir }, question, signal);
      expect({ question, answer }).toEqual({ question, answer: expected(question) });
    }
    expect(standing.length).toBeGreaterThan(250);
  });

  it('takes times with parts of a millisecond, and beyond the years of four digits', async () => {
    const [some] = standing.filter(({ kind }) => kind === 'job');
    const atMs = Date.parse(some?.ts ?? '');
    for (const filter of [
      { fromMs: atMs, untilMs: atMs + 0.5 },
      { fromMs: atMs + 0.5 },
      { untilMs: 8.64e15 },
      { fromMs: -8.64e15 },
    ]) {
      const answer = await countOnBus({ busDir: bus.busDir, runDir: bus.runDir }, { filter }, signal);
      expect({ filter, answer }).toEqual({ filter, answer: expected({ filter }) });
    }
  });

  it('does not open a segment that has nothing of the time, once each was read', async () => {
    using other = await createRememberedBus({ seed: 8, jobs: 60, segments: 2 });
    const places = { busDir: other.busDir, runDir: other.runDir };
    const all = await countOnBus(places, { filter: {} }, signal);
    const oldest = join(other.busDir, segmentFile(1));
    const lines = readFileSync(oldest, 'utf8').split('\n');
    const last = tryParseLine(lines.at(-2) ?? '')?.ts ?? '';
    const filter = { fromMs: Date.parse(last) + 1, status: ['failed', 'completed', 'cancelled'] };
    const late = await countOnBus(places, { filter }, signal);
    const blanked = lines.map((line, nth) => (nth === 0 ? line : line.replace(/./g, ' '))).join('\n');
    expect(Buffer.byteLength(blanked)).toBeLessThanOrEqual(Buffer.byteLength(lines.join('\n')));
    writeFileSync(oldest, blanked.padEnd(Buffer.byteLength(lines.join('\n')), ' ')); // as long as before, and empty
    expect(await countOnBus(places, { filter }, signal)).toEqual(late);
    expect(late.count).toBeGreaterThan(0);
    expect((await countOnBus(places, { filter: {} }, signal)).count).toBeLessThan(all.count);
  });
});
