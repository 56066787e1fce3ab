import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noticeFixture } from '../../test/fixtures/notice.ts';
import {
  countDropped,
  createSpooled,
  listSpool,
  MAX_SPOOLED,
  prepareSpool,
  readDropped,
  readSpooled,
  removeTorn,
  spoolDir,
  trimDropped,
  trySpool,
} from './spool.ts';

let dir = '';
beforeEach(() => {
  dir = spoolDir(mkdtempSync(join(tmpdir(), 'nika-spool-')));
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

const { signal } = new AbortController();
const spooled = (id: string) => createSpooled(noticeFixture(), id, { key: 'abc', name: 'desktop' });

describe('the spool', () => {
  it('holds each notification once, whoever tells of it and how often, for its owner alone', async () => {
    prepareSpool(dir);
    for (const id of ['msg_1', 'msg_1', 'msg_2'])
      expect((await trySpool(dir, spooled(id), signal)).kind).toBe('spooled');
    expect(listSpool(dir)).toEqual(['msg_1.abc.json', 'msg_2.abc.json']);
    expect(readSpooled(dir, 'msg_1.abc.json')).toMatchObject({ id: 'msg_1', tries: 0, notice: noticeFixture() });
    expect([statSync(dir).mode & 0o777, statSync(join(dir, 'msg_1.abc.json')).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it('G6: is bounded, and says that it is full', async () => {
    prepareSpool(dir);
    for (let at = 0; at < MAX_SPOOLED; at += 1) writeFileSync(join(dir, `msg_${at}.abc.json`), '');
    expect(await trySpool(dir, spooled('msg_x'), signal)).toEqual({
      kind: 'dropped',
      why: '1000 notifications wait already',
    });
    expect(listSpool(dir)).not.toContain('msg_x.abc.json');
  });

  it('drops what cannot be written, and leaves nothing half written', async () => {
    prepareSpool(dir);
    mkdirSync(join(dir, 'msg_1.abc.json')); // nothing can be renamed onto a folder
    expect(await trySpool(dir, spooled('msg_1'), signal)).toMatchObject({ kind: 'dropped', why: 'EISDIR' });
    expect(readdirSync(dir)).toEqual(['dropped', 'msg_1.abc.json']);
    rmSync(dir, { recursive: true });
    expect(await trySpool(dir, spooled('msg_1'), signal)).toMatchObject({ kind: 'dropped', why: 'ENOENT' });
  });

  it('G3: counts what was dropped, and forgets the older half of many', () => {
    prepareSpool(dir);
    expect(readDropped(dir)).toEqual([]);
    for (let at = 0; at < 1_000; at += 1) countDropped(dir, `failed:JOB-${at}`, 'no space\nleft');
    expect(readDropped(dir)[0]).toMatchObject({ what: 'failed:JOB-0', why: 'no space left' });
    trimDropped(dir);
    expect(readDropped(dir)[0]?.what).toBe('failed:JOB-500');
    expect(readDropped(dir).at(-1)?.what).toBe('failed:JOB-999');
  });

  it('takes away what a writer that was killed left half written, and not what is being written', () => {
    prepareSpool(dir);
    for (const name of ['msg_old.abc.json.tmp', 'msg_new.abc.json.tmp']) writeFileSync(join(dir, name), '{');
    const hourAgo = new Date(Date.now() - 3600_000);
    utimesSync(join(dir, 'msg_old.abc.json.tmp'), hourAgo, hourAgo);
    removeTorn(dir);
    expect(readdirSync(dir)).toEqual(['dropped', 'msg_new.abc.json.tmp']);
  });
});
