import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB_A, JOB_B, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA } from '../layout.ts';
import { readWeave } from './weave.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

describe('the last head of the alpha bus', () => {
  const last = () => readWeave(bus.busDir, 'own').alpha_head;

  it('is that of its last whole line, by whomever', () => {
    expect(last()).toBeNull();
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    using second = bus.open();
    tell(second, { entity: JOB_A, type: 'note' });
    expect(last()).toEqual(second.heads().find(({ file }) => file === ALPHA));
    tell(first, { entity: JOB_A, type: 'note', data: { text: 'x'.repeat(60_000) } });
    expect(last()).toEqual(first.heads().find(({ file }) => file === ALPHA));
  });

  it('passes over a torn line, and finds the one that is glued to it', () => {
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    const head = last();
    appendFileSync(bus.path(ALPHA), '{"ts":"2026-11-20T11:27:03.123Z","type":"no');
    expect(last()).toEqual(head);
    using second = bus.open();
    tell(second, { entity: JOB_A, type: 'note' });
    expect(last()?.writer).toBe(second.id);
  });

  it('is that of the last full segment where the file is empty or not there, and none where that is compressed', () => {
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    const head = last();
    const segment = join(bus.busDir, 'alpha_bus.000001.jsonl');
    renameSync(bus.path(ALPHA), segment);
    expect(last()).toEqual(head);
    writeFileSync(bus.path(ALPHA), '');
    expect(last()).toEqual(head);
    renameSync(segment, `${segment}.gz`);
    expect(last()).toBeNull();
  });

  it('G1: is none, and no error, where there is no bus or nothing in it can be read', () => {
    expect(readWeave('/nonexistent/_bus', 'own')).toEqual({ alpha_head: null, seen: [] });
    expect(readWeave(join(bus.path(ALPHA), 'below'), 'own')).toEqual({ alpha_head: null, seen: [] });
    writeFileSync(bus.path(ALPHA), Buffer.alloc(1_000_000));
    expect(last()).toBeNull();
  });
});

describe('the heads that a session has seen', () => {
  const seenBy = (own: string): readonly string[] => readWeave(bus.busDir, own).seen.map(({ writer }) => writer);

  it('are those of each other writer since what a line of this kind tells already, whatever was between', () => {
    const old = bus.session(JOB_A, 1);
    using first = bus.open();
    expect(seenBy(first.id)).toEqual([old.id]);
    bus.begin(first, JOB_B); // tells of `old`
    expect(seenBy('new')).toEqual([first.id]);
    using second = bus.open();
    tell(second, { entity: JOB_A, type: 'note' });
    expect(seenBy('new')).toEqual([second.id, first.id]);
    expect(seenBy(first.id)).toEqual([second.id]);
    expect(readWeave(bus.busDir, 'new').seen[0]).toEqual(second.heads().find(({ file }) => file === ALPHA));
  });

  it('are not taken to be told by a line that was written after they came, and had been read before', () => {
    using slow = bus.open();
    tell(slow, { entity: JOB_A, type: 'note' });
    const weave = bus.weave(slow);
    const between = bus.open();
    tell(between, { entity: JOB_B, type: 'note' });
    tell(slow, { entity: JOB_A, type: 'session_end_summary', data: { ...weave, heads: [] } });
    expect(seenBy('new')).toEqual([slow.id, between.id]);
  });

  it('are found over segments, up to one that is compressed', () => {
    const ids = [1, 2, 3].map((number) => {
      using writer = bus.open();
      tell(writer, { entity: JOB_A, type: 'note' });
      renameSync(bus.path(ALPHA), join(bus.busDir, `alpha_bus.00000${number}.jsonl`));
      return writer.id;
    });
    expect(seenBy('new')).toEqual(ids.toReversed());
    renameSync(join(bus.busDir, 'alpha_bus.000001.jsonl'), join(bus.busDir, 'alpha_bus.000001.jsonl.gz'));
    expect(seenBy('new')).toEqual(ids.slice(1).toReversed());
  });

  it('G1: take some milliseconds on 5 MB without such a line, and never long', () => {
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    const line = bus.read(ALPHA).toString();
    writeFileSync(bus.path(ALPHA), line.replace('"data":{', `"data":{"text":"${'x'.repeat(700)}",`).repeat(5000));
    const atMs = performance.now();
    expect(seenBy('new')).toEqual([first.id]);
    expect(performance.now() - atMs).toBeLessThan(100);
    writeFileSync(bus.path(ALPHA), Buffer.alloc(40_000_000));
    expect(seenBy('new')).toEqual([]);
  });
});
