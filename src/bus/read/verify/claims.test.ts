import { describe, expect, it } from 'vitest';
import { TempBus, tell } from '../../../../test/fixtures/temp-bus.ts';
import { parseEntityId } from '../../../model/id.ts';
import { channelName } from '../../layout.ts';
import { Claims, MAX_OPEN_CLAIMS } from './claims.ts';

const head = (seq: number, h = `h${seq}`) => ({ file: 'alpha_bus.jsonl', writer: 'w', seq, h });
const toldAt = { path: 'x', line: 1 };
const seqs = (claims: readonly { readonly seq: number }[] | undefined): readonly number[] =>
  (claims ?? []).map(({ seq }) => seq).toSorted((a, b) => a - b);

describe('what is told of heads', () => {
  it('is settled line by line, in whatever order it was told', () => {
    const claims = new Claims();
    for (const seq of [5, 2, 9, 2, 7]) if (claims.isNew(head(seq))) claims.add(head(seq), toldAt, 0);
    const list = claims.of('alpha_bus.jsonl', 'w');
    expect(list?.nextSeq).toBe(2);
    expect(list?.settle(2, 'h2')).toEqual([]);
    expect(list?.nextSeq).toBe(5);
    expect(seqs(list?.settle(5, 'another'))).toEqual([5]);
    expect(seqs(list?.settle(9, 'h9'))).toEqual([]);
    expect([list?.nextSeq, seqs(list?.open)]).toEqual([-1, [7]]); // line 7 did not come
  });

  it('may come while the file is read: what is told of lines before stays open', () => {
    const claims = new Claims();
    const list = claims.add(head(3), toldAt, 10);
    claims.add(head(12), toldAt, 10);
    expect(list.nextSeq).toBe(12);
    expect(list.settle(12, 'h12')).toEqual([]);
    expect([...claims.open()].map((open) => seqs(open.claims))).toEqual([[3]]);
  });

  it('is one claim, however often it is told, but two of one line if they differ', () => {
    const claims = new Claims();
    expect([head(1), head(1), head(1, 'other')].map((one) => claims.isNew(one))).toEqual([true, false, true]);
  });
});

describe('G6, G8: very many heads', () => {
  it('are all checked, however many were told: what is settled is not kept', async () => {
    using bus = new TempBus();
    const tasks = Array.from({ length: 198 }, (_, n) => parseEntityId(`TASK-${n}`));
    const sessions = 300;
    for (let n = 0; n < sessions; n += 1) {
      const writer = bus.open();
      const job = parseEntityId(`JOB-${n}`);
      bus.begin(writer, job);
      for (const task of tasks) tell(writer, { entity: task, type: 'tool_call' });
      bus.end(writer, job);
    }
    expect(sessions * tasks.length).toBeGreaterThan(MAX_OPEN_CLAIMS);
    expect(await bus.verify()).toMatchObject({ tampering: 0, warnings: 0, unchecked: 0 });
    const last = channelName(tasks[7] ?? parseEntityId('TASK-7'));
    bus.writeLines(last, bus.lines(last).slice(0, -1));
    expect(await bus.verify()).toMatchObject({ tampering: 1, unchecked: 0, findings: [{ kind: 'removed' }] });
  }, 60_000);

  it('that cannot be settled at once are bounded, and what is beyond is told', () => {
    const claims = new Claims();
    for (let n = 1; n <= MAX_OPEN_CLAIMS + 5; n += 1) claims.add(head(n), toldAt, 0);
    expect([claims.openCount, claims.unchecked]).toEqual([MAX_OPEN_CLAIMS, 5]);
    claims.of('alpha_bus.jsonl', 'w')?.settle(1, 'h1');
    claims.add(head(MAX_OPEN_CLAIMS + 6), toldAt, 0);
    expect([claims.openCount, claims.unchecked]).toEqual([MAX_OPEN_CLAIMS, 5]);
  });

  it('given from elsewhere are all looked up, in rounds', async () => {
    using bus = new TempBus();
    const writer = bus.session(parseEntityId('JOB-a'), 1);
    const heads = writer.heads().map((one) => ({ ...one, seq: one.seq - 1, h: '0'.repeat(64) }));
    const missing = Array.from({ length: MAX_OPEN_CLAIMS + 10 }, (_, n) => ({ ...head(n + 1), h: '0'.repeat(64) }));
    const report = await bus.verify({ against: [...missing, ...heads] });
    expect(report.unchecked).toBe(0);
    expect(report.findings.map(({ kind }) => kind).toSorted()).toContain('rewritten');
  });
});
