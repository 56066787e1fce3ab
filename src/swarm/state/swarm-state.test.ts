import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { type SwarmParts, SwarmState } from './swarm-state.ts';

const TYPES = {
  entity_created: { from: null, to: 'created', rev: 1 },
  entity_started: { from: 'created', to: 'in_progress', rev: 2 },
  job_completed: { from: 'in_progress', to: 'completed', rev: 3, result: 'r' },
  job_failed: { from: 'in_progress', to: 'failed', rev: 3, error: 'e' },
  session_start: { kind: 'pod', version: '0', cwd: '/' },
  session_end_summary: { outcome: 'completed', calls: 1, errors: 0 },
  attempt_failed: { error: 'again', attempts_left: 1 },
} as const;

const typeOfLine = fc.constantFrom(...(Object.keys(TYPES) as (keyof typeof TYPES)[]));
const story = fc.array(fc.record({ id: fc.integer({ min: 0, max: 5 }), type: typeOfLine, isOfSub: fc.boolean() }), {
  maxLength: 80,
});

const lineText = (
  n: number,
  { id, type, isOfSub }: { id: number; type: keyof typeof TYPES; isOfSub: boolean },
): string => {
  const ts = new Date(Date.UTC(2026, 10, 20) + n * 60_000).toISOString();
  const entity = `JOB-${id}`;
  const meta = { session_id: 's', entity_id: isOfSub ? `SUB-${id}` : entity, job: 'told', attempt: 1 };
  const eventId = `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const line = { ts, type, entity, writer: 'w', seq: n, id: eventId, meta, data: TYPES[type], h: 'a'.repeat(64) };
  return JSON.stringify(line);
};

const sorted = ({ open, ended, counts }: SwarmParts): object => ({
  open: open.filter(({ view }) => view.state !== undefined).toSorted((a, b) => (a.view.id < b.view.id ? -1 : 1)),
  ended: ended.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  counts,
});

describe('the state of the swarm', () => {
  it('is the same whether lines of what ended long ago are parsed or thrown away', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const ended = new Set<string>(); // one end each: a later one of what is forgotten begins anew
        const texts = steps
          .map((step, n) => lineText(n, step))
          .filter((text) => {
            const line = tryParseLine(text) as BusLine;
            const isOver = ended.has(line.entity);
            if (line.type.startsWith('job_') && line.meta['entity_id'] === line.entity) ended.add(line.entity);
            return !isOver || line.type === 'session_end_summary';
          });
        const keepTs = new Date(Date.UTC(2026, 10, 20) + 20 * 60_000).toISOString();
        const [whole, quick] = [new SwarmState(), new SwarmState()];
        for (const text of texts) whole.take(tryParseLine(text) as BusLine);
        for (const text of texts) quick.takeText(text, keepTs);
        quick.settle();
        for (const state of [whole, quick]) state.forgetBefore(keepTs);
        expect(sorted(quick.toParts())).toEqual(sorted(whole.toParts()));
      }),
      { numRuns: 300 },
    );
  });
});
