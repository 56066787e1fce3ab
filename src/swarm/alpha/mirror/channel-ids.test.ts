import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChannelIds } from './channel-ids.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-ids-'));
  path = join(dir, 'JOB-a.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lineOf = (id: string, type = 'condition', text = ''): string =>
  `{"ts":"2026-11-20T12:00:00.000Z","type":"${type}","entity":"JOB-a","writer":"w","seq":1,"id":"${id}","data":{"x":"${text}"}}\n`;

describe('the events of a channel', () => {
  it('are known as they come, also where a line is long, torn, glued to another, or not yet whole', async () => {
    const ids = new ChannelIds();
    const has = async (id: string): Promise<boolean> => {
      await ids.readOn(path);
      return ids.has(path, id);
    };
    writeFileSync(path, lineOf('first', 'condition', 'ä漢'.repeat(200_000)));
    expect([await has('first'), await has('second')]).toEqual([true, false]);
    const second = lineOf('second');
    appendFileSync(path, `${lineOf('call', 'tool_call')}${second.slice(0, 100)}`);
    expect([await has('call'), await has('second')]).toEqual([false, false]);
    appendFileSync(path, second.slice(100));
    expect(await has('second')).toBe(true);
    appendFileSync(path, `{"ts":"2026-11-20T12:0${lineOf('glued')}`);
    expect(await has('glued')).toBe(true);
    ids.add(path, 'told');
    expect(await has('told')).toBe(true);
  });

  it('are read anew where the channel was cut or replaced', async () => {
    const ids = new ChannelIds();
    writeFileSync(path, `${lineOf('first')}${lineOf('second')}`);
    await ids.readOn(path);
    truncateSync(path, lineOf('first').length);
    await ids.readOn(path);
    expect([ids.has(path, 'first'), ids.has(path, 'second')]).toEqual([true, false]);
    writeFileSync(`${path}.new`, `${lineOf('third')}${lineOf('fourth')}${lineOf('fifth')}`);
    renameSync(`${path}.new`, path);
    await ids.readOn(path);
    expect([ids.has(path, 'first'), ids.has(path, 'third')]).toEqual([false, true]);
    rmSync(path);
    await expect(ids.readOn(path)).rejects.toThrow('ENOENT');
  });
});
