import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine } from '../../../test/fixtures/told-bus.ts';
import { ALPHA } from '../layout.ts';
import { mergeLines } from './merge.ts';
import { RecentIds } from './recent-ids.ts';

const T0 = Date.UTC(2026, 9, 1);
const at = (ms: number): string => new Date(T0 + ms).toISOString();

describe('events that were seen', () => {
  it('a message is told once, though its copy on the alpha bus was held back while 60,000 calls were made', async () => {
    using bus = new TempBus();
    using other = bus.open();
    using writer = bus.open();
    tellLine(other, { entity: 'JOB-b', type: 'note', data: {}, at: at(0) });
    tellLine(writer, { entity: 'JOB-a', type: 'note', data: { text: 'late' }, at: at(10) });
    for (let n = 0; n < 60_000; n += 1) tellCall(writer, 'JOB-a', '', { at: at(20 + n) });
    tellLine(other, { entity: 'JOB-b', type: 'note', data: {}, at: at(70_000) });
    const [first = '', late = '', last = ''] = bus.lines(ALPHA);
    writeFileSync(bus.path(ALPHA), `${[first, last, late].join('\n')}\n`); // as an outage of the alpha bus leaves it
    let told = 0;
    let count = 0;
    for await (const lines of mergeLines({ busDirs: [bus.busDir], query: {} })) {
      count += lines.length;
      told += lines.filter(({ text }) => text.includes('"late"')).length;
    }
    expect([told, count]).toEqual([1, 60_003]);
  });

  it('messages are not pushed out by calls, and both are bounded (G6)', () => {
    const ids = new RecentIds({ messagesRemembered: 1000 });
    expect(ids.add('m', 'note')).toBe(true);
    for (let n = 0; n < 200_000; n += 1) ids.add(`call ${n}`, 'tool_call');
    for (let n = 0; n < 900; n += 1) ids.add(`note ${n}`, 'note');
    expect(ids.add('m', 'note')).toBe(false);
    expect(ids.add('call 199999', 'tool_call')).toBe(false);
    for (let n = 0; n < 2000; n += 1) ids.add(`later ${n}`, 'note');
    expect(ids.add('m', 'note')).toBe(true);
    expect(ids.add('call 0', 'tool_call')).toBe(true);
  });
});
