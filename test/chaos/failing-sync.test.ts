import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface Seen {
  readonly failures: readonly (readonly [file: string, why: string])[];
  readonly count: number;
  readonly held: number;
}

const program = join(import.meta.dirname, '../programs/bus-on-failing-sync.ts');

/** A file system in a file on a tmpfs that is full: the page cache takes what is written, and the sync fails. */
const SCRIPT = `set -e
mount -t tmpfs -o size=12m tmpfs "$1"
truncate -s 64m "$1/disk"
mkfs.ext4 -q -O ^has_journal "$1/disk"
mkdir "$1/mnt"
mount -o loop "$1/disk" "$1/mnt"
head -c 64m /dev/zero > "$1/ballast" 2> "$1/mnt/full" || true
"$2" "$3" "$1/mnt"
umount "$1/mnt"`;

/** A loop device wants root; without, "a file that the system will not sync" of the writer's own tests stands alone. */
const mayMount = process.getuid?.() === 0 && existsSync('/dev/loop-control') && existsSync('/usr/sbin/mkfs.ext4');

it.runIf(mayMount)('G1, G3: a disk that takes writes and cannot keep them is told by name, and holds nobody', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nika-disk-'));
  try {
    const args = ['--mount', 'sh', '-c', SCRIPT, 'sh', dir, process.execPath, program];
    const { failures, count, held } = JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' })) as Seen;
    expect(held).toBe(0); // every write was taken
    expect(count).toBe(failures.length);
    const files = failures.map(([file]) => file.replace(/^blobs\/.*/, 'blobs'));
    expect(files).toContain('channels/JOB-failing-sync.jsonl');
    expect(files).toContain('blobs');
    for (const [, why] of failures) expect(['ENOSPC', 'EIO']).toContain(why);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
