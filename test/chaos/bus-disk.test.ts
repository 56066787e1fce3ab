import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FileOutage } from '../../src/bus/file-outage.ts';

interface Seen {
  readonly full: { readonly held: number; readonly refused: number };
  readonly readOnly: { readonly held: number };
  readonly outages: readonly FileOutage[];
  readonly numbers: readonly number[];
  readonly written: number;
  readonly slowestMs: number;
}

const program = join(import.meta.dirname, '../programs/bus-on-small-disk.ts');

/** A tmpfs of 1 MB in a mount namespace of its own; a user namespace makes that possible without being root. */
const onSmallDisk = (): Seen => {
  const disk = mkdtempSync(join(tmpdir(), 'nika-disk-'));
  try {
    const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1"';
    const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const args = ['--mount', ...userNamespace, 'sh', '-c', script, 'sh', disk, process.execPath, program];
    return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' })) as Seen;
  } finally {
    rmSync(disk, { recursive: true });
  }
};

it('G1, G3: a full and then a read-only disk under _bus/ loses only what is counted, and keeps the order', () => {
  const { full, readOnly, outages, numbers, written, slowestMs } = onSmallDisk();
  expect(full.held).toBe(200);
  expect(full.refused).toBeGreaterThan(0);
  expect(readOnly.held).toBeGreaterThan(0);
  const [first, second] = outages;
  expect(first).toMatchObject({ cause: 'ENOSPC', replayed: 200, dropped: full.refused });
  expect(second).toMatchObject({ cause: 'EROFS', dropped: 0 });
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(written - full.refused);
  expect(numbers).toHaveLength(written - full.refused);
  expect(slowestMs).toBeLessThan(500);
});
