import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SeenIds } from './seen-ids.ts';

class Folder implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'nika-seen-'));
  readonly file = join(this.dir, 'feed/worker.seen');

  [Symbol.dispose](): void {
    chmodSync(this.dir, 0o700);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const has = (file: string, ...ids: readonly string[]): readonly boolean[] => {
  using seen = new SeenIds(file);
  return ids.map((id) => seen.has(id));
};

describe('SeenIds', () => {
  it('remembers over a restart what was flushed, also ids that are no UUIDs', () => {
    using folder = new Folder();
    const [a, b] = [randomUUID(), 'made-up-by-another-program'];
    const seen = new SeenIds(folder.file); // and is killed
    seen.add(a);
    seen.add(b);
    seen.flush();
    seen.add('lost');
    expect(has(folder.file, a, b, 'lost', randomUUID())).toEqual([true, true, false, false]);
  });

  it('passes over a torn end, and writes on behind it', () => {
    using folder = new Folder();
    const [a, b, torn] = [randomUUID(), randomUUID(), randomUUID()];
    {
      using seen = new SeenIds(folder.file);
      seen.add(a);
    }
    appendFileSync(folder.file, torn.slice(0, 20));
    {
      using seen = new SeenIds(folder.file);
      seen.add(b);
    }
    expect(has(folder.file, a, b, torn)).toEqual([true, true, false]);
  });

  it('hears of what others of its group handled meanwhile', () => {
    using folder = new Folder();
    using one = new SeenIds(folder.file);
    using other = new SeenIds(folder.file);
    const id = randomUUID();
    one.add(id);
    one.flush();
    expect(other.has(id)).toBe(false);
    other.refresh();
    expect(other.has(id)).toBe(true);
  });

  it('G6: forgets the older generation at once, on the disk too, and others that share the file go on', () => {
    using folder = new Folder();
    const ids = Array.from({ length: 25 }, () => randomUUID());
    using other = new SeenIds(folder.file, 1_000);
    {
      using seen = new SeenIds(folder.file, 10);
      for (const id of ids) {
        seen.add(id);
        seen.flush();
      }
      expect(ids.filter((id) => seen.has(id))).toEqual(ids.slice(10));
    }
    expect(readFileSync(folder.file, 'utf8').trim().split('\n')).toEqual(ids.slice(20));
    other.refresh();
    expect(other.has(ids[24] ?? '')).toBe(true);
    expect(has(folder.file, ids[9] ?? '', ids[10] ?? '', ids[24] ?? '')).toEqual([false, true, true]);
  });

  it('G1: remembers in memory alone where the disk takes nothing', () => {
    using folder = new Folder();
    appendFileSync(join(folder.dir, 'file'), '');
    using seen = new SeenIds(join(folder.dir, 'file', 'worker.seen')); // a file where its folder should be
    seen.add('x');
    seen.flush();
    expect(seen.has('x')).toBe(true);
  });
});
