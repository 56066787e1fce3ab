import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../model/id.ts';
import { resolveSocketPath, SOCKET_PATH_MAX_BYTES } from './socket-path.ts';

const session = sessionIdSchema.parse('0f5e8a1c-2b3d-4e5f-8a9b-0c1d2e3f4a5b');
const NAME = '0f5e8a1c2b3d.sock';
/** A user that has no /run/user of its own, whoever runs the tests; so folders of ours are foreign to it. */
const uid = process.getuid?.() ?? 0;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-sock-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const inRuntime = (more: Partial<Parameters<typeof resolveSocketPath>[1]> = {}): string =>
  resolveSocketPath(session, { env: { XDG_RUNTIME_DIR: dir }, uid, tmpDir: join(dir, 'tmp'), ...more });

describe('the path of a socket', () => {
  it('lies in $XDG_RUNTIME_DIR/nika, which is made for us alone', () => {
    expect(inRuntime()).toBe(join(dir, 'nika', NAME));
    expect(lstatSync(join(dir, 'nika')).mode & 0o777).toBe(0o700);
    expect(inRuntime()).toBe(join(dir, 'nika', NAME));
  });

  it.each([
    ['is a symbolic link', (nika: string) => symlinkSync(dir, nika)],
    ['is a file', (nika: string) => writeFileSync(nika, '')],
    [
      'is open to others',
      (nika: string) => {
        mkdirSync(nika);
        chmodSync(nika, 0o755);
      },
    ],
  ])('lies elsewhere where that folder %s', (_, make) => {
    make(join(dir, 'nika'));
    mkdirSync(join(dir, 'tmp'));
    const path = inRuntime();
    expect(path).not.toContain(join(dir, 'nika/'));
    expect(path.endsWith(NAME)).toBe(true);
  });

  it('lies elsewhere where $XDG_RUNTIME_DIR is relative, missing, or writable for others', () => {
    mkdirSync(join(dir, 'tmp'));
    for (const runtime of ['run', join(dir, 'nowhere')])
      expect(inRuntime({ env: { XDG_RUNTIME_DIR: runtime } })).not.toContain(runtime);
    chmodSync(dir, 0o777);
    expect(inRuntime()).not.toBe(join(dir, 'nika', NAME));
  });

  it("is never longer than a system takes, whatever $XDG_RUNTIME_DIR and the system's folder for temporary files are", () => {
    const long = join(dir, 'l'.repeat(100));
    mkdirSync(long);
    const path = inRuntime({ env: { XDG_RUNTIME_DIR: long }, tmpDir: long });
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(SOCKET_PATH_MAX_BYTES);
    expect(lstatSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  it('is refused with what is wrong with each folder where none will do', () => {
    const foreign = uid + 54_321;
    mkdirSync(join(dir, 'tmp'));
    const blocked = join('/tmp', `nika-${foreign}`);
    writeFileSync(blocked, '');
    try {
      writeFileSync(join(dir, 'tmp', `nika-${foreign}`), '');
      expect(() => inRuntime({ uid: foreign })).toThrow(/belongs to another user.*is not a folder/);
    } finally {
      rmSync(blocked);
    }
  });
});
