import { describe, expect, it } from 'vitest';
import { SamplePicker } from './sample-picker.ts';

const filled = (count: number): SamplePicker => {
  const picker = new SamplePicker();
  for (let nth = 0; nth < count; nth += 1) picker.add(`id-${nth}`);
  return picker;
};

describe('SamplePicker', () => {
  it('G6: has the newest, and few of the older ones, however many came', () => {
    const { ids } = filled(1_000_000);
    expect(ids.slice(-4)).toEqual(['id-999996', 'id-999997', 'id-999998', 'id-999999']);
    expect(ids.length).toBeLessThan(40);
    expect(ids).toContain('id-0');
    const older = ids.slice(0, -4).map((id) => Number(id.slice(3)));
    expect(older.filter((nth) => nth > 250_000).length).toBeGreaterThan(0); // also of the last while
  });

  it('goes on from what another one had, and forgets what is not there any more', () => {
    const { ids } = filled(100);
    const next = new SamplePicker();
    next.restore(ids);
    expect(next.ids).toEqual(ids);
    next.add('new');
    expect(next.ids.at(-1)).toBe('new');
    next.keep((id) => id === 'new');
    expect(next.ids).toEqual(['new']);
  });
});
