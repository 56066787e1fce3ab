import { describe, expect, it } from 'vitest';
import { Claims } from './claims.ts';

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
